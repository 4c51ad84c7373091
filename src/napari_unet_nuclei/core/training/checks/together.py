"""Problems of an image with its labels: of another size, swapped, of another image."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from napari_unet_nuclei.core.training.checks.problems import InputProblem, ProblemKind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

_FLAT, _ROUGH = 0.9, 0.5  # of the pixels that equal their neighbour
_SAME = 0.1  # of the spread of the image
_MANY_PIXELS = 100_000
_FEWEST_PIXELS = 50  # inside and outside; fewer say little


def find_misfit(
    name: str, image: NDArray[np.generic], labels: NDArray[np.generic]
) -> InputProblem | None:
    """Return a problem where height or width differ, else ``None``."""
    if image.shape[:2] == labels.shape[:2]:
        return None
    sizes = ["x".join(map(str, each.shape[:2])) for each in (image, labels)]
    return InputProblem(
        kind=ProblemKind.SHAPES_DIFFER,
        pair=name,
        sentence=f"The image is {sizes[0]} px, its labels are {sizes[1]} px.",
        advice="Choose the labels that were drawn on this image.",
    )


def check_swapped(
    name: str, image: NDArray[np.generic], labels: NDArray[np.generic]
) -> Iterator[InputProblem]:
    """Yield a problem where the image is flat as labels, and these rough as an image.

    Parameters
    ----------
    name : str
        Name of the pair.
    image, labels : (Y, X) ndarray
        Of one shape.
    """
    if image.ndim != 2 or labels.ndim != 2 or image.dtype.kind not in "bui":
        return
    if _flatness(image) > _FLAT and _flatness(labels) < _ROUGH and (image == 0).any():
        yield InputProblem(
            kind=ProblemKind.SWAPPED,
            pair=name,
            sentence="The image looks like labels, and the labels look like an image.",
            advice="Swap them.",
        )


def check_related(
    name: str, image: NDArray[np.generic], labels: NDArray[np.integer]
) -> Iterator[InputProblem]:
    """Yield a warning where nuclei are as bright and as varied as what lies outside.

    Parameters
    ----------
    name : str
        Name of the pair.
    image : (Y, X) or (Y, X, channels) ndarray
        The image.
    labels : (Y, X) ndarray of int
        0 is background, -1 is ignored.
    """
    # Of a large image, every second or third pixel says as much.
    step = max(1, round((labels.size / _MANY_PIXELS) ** 0.5))
    image, labels = image[::step, ::step], labels[::step, ::step]
    grey = image[..., :3].mean(axis=2) if image.ndim == 3 else image.astype(float)
    finite = np.isfinite(grey)
    inside, outside = grey[(labels > 0) & finite], grey[(labels == 0) & finite]
    if min(inside.size, outside.size) < _FEWEST_PIXELS:
        return
    spread = float(np.std(grey[finite]))
    is_as_bright = abs(inside.mean() - outside.mean()) < _SAME * spread
    # Rings and grains are as bright as their background, but vary more or less.
    is_as_varied = abs(inside.std() - outside.std()) < _SAME * spread
    if spread > 0 and is_as_bright and is_as_varied:
        yield InputProblem(
            kind=ProblemKind.UNRELATED,
            pair=name,
            sentence="Labelled nuclei are as bright as what lies outside of them.",
            advice="Check that the labels belong to this image and are not shifted.",
            is_warning=True,
        )


def _flatness(array: NDArray[np.generic]) -> float:
    """Return the part of the pixels that equal their neighbour to the right."""
    return float((array[:, 1:] == array[:, :-1]).mean()) if array.shape[1] > 1 else 1.0
