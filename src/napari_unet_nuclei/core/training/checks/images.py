"""Problems of an image by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from napari_unet_nuclei.core.training.checks.problems import InputProblem, ProblemKind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

_CHANNELS = (1, 3, 4)


def check_image(
    name: str, image: NDArray[np.generic], crop_size: int
) -> Iterator[InputProblem]:
    """Yield what is wrong with an image; nothing follows what makes it none.

    Parameters
    ----------
    name : str
        Name of the pair.
    image : ndarray
        The image, whatever it is.
    crop_size : int, in px
        Side of the crops it is trained in.

    Yields
    ------
    InputProblem
        One for each kind.
    """
    if image.ndim not in (2, 3) or not image.size or image.dtype.kind not in "buif":
        yield InputProblem(
            kind=ProblemKind.NOT_AN_IMAGE,
            pair=name,
            sentence=f"This is no image of real numbers: shape {image.shape}, "
            f"{image.dtype}.",
            advice="Choose one plane of a stack, as grey or colour image.",
        )
        return
    if image.ndim == 3 and image.shape[2] not in _CHANNELS:
        yield InputProblem(
            kind=ProblemKind.UNKNOWN_CHANNELS,
            pair=name,
            sentence=f"The image has {image.shape[2]} channels, where 1, 3 or 4 are "
            "known.",
            advice="Choose the channel that shows the nuclei.",
        )
        return
    yield from _check_pixels(name, image)
    if min(image.shape[:2]) < crop_size:
        size = "x".join(map(str, image.shape[:2]))
        yield InputProblem(
            kind=ProblemKind.SMALL,
            pair=name,
            sentence=f"The image ({size} px) is smaller than a crop of {crop_size} px.",
            advice="It is filled up at its border; annotate a larger image if you can.",
            is_warning=True,
        )


def _check_pixels(name: str, image: NDArray[np.generic]) -> Iterator[InputProblem]:
    """Yield a problem where pixels are no finite numbers, or all are the same."""
    finite = np.isfinite(image)
    if not finite.all():
        n = int(finite.size - np.count_nonzero(finite))
        yield InputProblem(
            kind=ProblemKind.NOT_FINITE,
            pair=name,
            sentence=f"{n:,} of {finite.size:,} pixel values are NaN or infinite.",
            advice="They count as the darkest pixel; mark these places as ignored "
            "(label -1) or repair the image.",
            is_warning=bool(finite.any()),
        )
    values = image[finite]
    if values.size and values.min() == values.max():
        yield InputProblem(
            kind=ProblemKind.CONSTANT,
            pair=name,
            sentence=f"All pixels of the image are {values.flat[0]}.",
            advice="Choose another image or another channel.",
        )
