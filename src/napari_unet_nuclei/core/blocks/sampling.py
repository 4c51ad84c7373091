"""What an image looks like as a whole, from a part of its pixels."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_unet_nuclei.core.cancellation import check_cancelled
from napari_unet_nuclei.core.images.intensity import sampling_step

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_unet_nuclei.core.images.big_image import BigImage, Box

_MAX_READ_WHOLE = 2**26  # px² of an image that is read from end to end
_PLACES = 16  # along each axis of a larger one
_PLACE_SIDE = 256  # px
_STEP = 8  # px
_PROBE_SIDE = 768  # px
_MAX_PROBED_WHOLE = 2**22  # px² of an image that the network sees whole
# Which places are probed, from the emptiest to the busiest; the very busiest may be
# dirt.
_PROBED_RANKS = (0.6, 0.75, 0.85, 0.95)


def sample_image(image: BigImage) -> NDArray[Any]:
    """Take a fixed, regular sample of the pixels of an image.

    Parameters
    ----------
    image : BigImage
        Up to 64 Mpx are sampled as those of an image in memory are; of a larger one,
        only 256 places of 256 x 256 px are read.

    Returns
    -------
    (y, x) or (y, x, C) ndarray
        At most 300,000 pixels.
    """
    if math.prod(image.shape) <= _MAX_READ_WHOLE:
        step = sampling_step(image.shape)
        return _finite(np.ascontiguousarray(image.sample(step)))
    rows = []
    for top, bottom in _spans(image.shape[0], _PLACE_SIDE, _PLACES):
        check_cancelled()
        row = [
            image.read(((top, bottom), columns))[::_STEP, ::_STEP]
            for columns in _spans(image.shape[1], _PLACE_SIDE, _PLACES)
        ]
        rows.append(np.concatenate(row, axis=1))
    return _finite(np.concatenate(rows))


def probed_boxes(shape: tuple[int, int], sample: NDArray[Any]) -> list[Box]:
    """Choose the parts of an image that are probed for scale, signal and sizes.

    Parameters
    ----------
    shape : tuple of int
        Height and width of the image, in px.
    sample : (y, x) or (y, x, C) ndarray
        Output of `sample_image`.

    Returns
    -------
    list of Box
        The whole image up to 4 Mpx, else four windows: from places with detail, as
        nuclei have it.
    """
    if math.prod(shape) <= _MAX_PROBED_WHOLE:
        return [((0, shape[0]), (0, shape[1]))]
    grey = sample.astype(np.float32)
    if grey.ndim == 3:
        grey = grey.mean(axis=-1)
    n_rows, n_columns = (min(_PLACES, length) for length in grey.shape)
    details = np.array(
        [
            [part.std() for part in np.array_split(row, n_columns, axis=1)]
            for row in np.array_split(grey, n_rows)
        ]
    )
    order = np.argsort(details, axis=None, kind="stable")
    boxes = []
    for rank in _PROBED_RANKS:
        place = np.unravel_index(order[int(rank * (order.size - 1))], details.shape)
        boxes.append(
            tuple(
                _around((int(number) + 0.5) / n_places * length, length)
                for number, n_places, length in zip(
                    place, details.shape, shape, strict=True
                )
            )
        )
    return sorted(set(boxes))  # type: ignore[arg-type]


def _around(centre: float, length: int) -> tuple[int, int]:
    start = min(max(0, int(centre) - _PROBE_SIDE // 2), max(0, length - _PROBE_SIDE))
    return start, min(start + _PROBE_SIDE, length)


def _spans(length: int, side: int, n_places: int) -> list[tuple[int, int]]:
    """Return places at regular distances along an axis."""
    side = min(side, length)
    starts = np.linspace(0, length - side, n_places).astype(int)
    return [(int(start), int(start) + side) for start in starts]


def _finite(sample: NDArray[Any]) -> NDArray[Any]:
    if sample.dtype.kind != "f":
        return sample
    finite = np.isfinite(sample)
    smallest = sample[finite].min() if finite.any() else 0
    return np.where(finite, sample, smallest).astype(sample.dtype)
