"""Image arrays become planes: what every network here is fed.

Shapes, channels and intensities are dealt with here and nowhere else.  Files
belong in :mod:`~napari_unet_nuclei.core.files.images`, layers in the plugin.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from napari_unet_nuclei.core.errors import ImageError

if TYPE_CHECKING:
    from numpy.typing import NDArray

Limits = tuple[float, float]
Pixel = TypeVar("Pixel", bound=np.generic)

LIMIT_PERCENTILES = (0.1, 99.8)
"""Of the intensities that become 0 and 1."""

_MAX_SAMPLE = 300_000  # pixels
_MODERATE = 1e30
_DETAIL_REACH = 3  # px


class Staining(StrEnum):
    """What an image looks like, told from its pixels alone."""

    GRAYSCALE_DARK = "grayscale-dark"
    GRAYSCALE_BRIGHT = "grayscale-bright"
    STAINED_DARK = "stained-dark"
    STAINED_BRIGHT = "stained-bright"


def to_planes(image: NDArray[np.generic]) -> NDArray[np.generic]:
    """Bring an image to three channels, last.

    Parameters
    ----------
    image : (Y, X), (Y, X, 1), (Y, X, 3) or (Y, X, 4) ndarray of bool, int or float
        Grey, RGB or RGBA image.  An alpha channel is dropped.

    Returns
    -------
    (Y, X, 3) ndarray of the same dtype (uint8 for bool)
        Grey is repeated in every channel, as a read-only view where it can be.
        NaN and infinities are replaced by the smallest finite value.

    Raises
    ------
    ImageError
        If the shape or dtype is none of these, or the image has no pixels.
    """
    image = np.asarray(image)
    is_grey = image.ndim == 2 or (image.ndim == 3 and image.shape[-1] == 1)
    if not is_grey and not (image.ndim == 3 and image.shape[-1] in (3, 4)):
        raise ImageError(
            "Expected an image of shape (Y, X), (Y, X, 3) or (Y, X, 4). Received: "
            f"shape {image.shape}; name the axes of a stack, as in {{axes}}.",
            axes="ZYX",
        )
    if image.size == 0:
        raise ImageError(
            "Expected an image with at least one pixel. "
            f"Received: shape {image.shape}; choose another image."
        )
    if image.dtype == np.bool_:
        image = image.astype(np.uint8)
    if image.dtype.kind not in "uif":
        raise ImageError(
            "Expected an image of integers or real numbers. "
            f"Received: dtype {image.dtype}; convert it first."
        )
    if image.dtype.kind == "f":
        image = _replace_non_finite(image)
    if is_grey:
        grey = image.reshape(image.shape[:2])
        return np.broadcast_to(grey[..., np.newaxis], (*grey.shape, 3))
    return image[..., :3]


def _replace_non_finite(image: NDArray[np.generic]) -> NDArray[np.generic]:
    # Beyond single precision counts as infinite; comparing with NaN is false.
    finite = np.abs(image) <= np.finfo(np.float32).max
    if finite.all():
        return image
    smallest = image[finite].min() if finite.any() else image.dtype.type(0)
    return np.where(finite, image, smallest)


def distinct_planes(planes: NDArray[Pixel]) -> NDArray[Pixel]:
    """Look at planes that are all the same once.

    Parameters
    ----------
    planes : (..., channels) ndarray
        Output of :func:`to_planes`, or what was made of it.

    Returns
    -------
    (..., 1) or (..., channels) ndarray
        A view of the one plane of a grey image, else the planes.
    """
    return planes[..., :1] if planes.strides[-1] == 0 else planes


def sample_pixels(planes: NDArray[Pixel]) -> NDArray[Pixel]:
    """Take a fixed, regular sample of at most 300,000 pixels.

    Parameters
    ----------
    planes : (Y, X, channels) ndarray
        Output of :func:`to_planes`.

    Returns
    -------
    (y, x, channels) ndarray
        A view of every n-th row and column.
    """
    step = _sampling_step(planes)
    return planes[::step, ::step]


def _sampling_step(planes: NDArray[np.generic]) -> int:
    return max(1, int(np.ceil(np.sqrt(planes[..., 0].size / _MAX_SAMPLE))))


def intensity_limits(planes: NDArray[np.generic]) -> Limits:
    """Find the intensities that become 0 and 1.

    They come once per image, from a fixed, regular sample of at most 300,000
    pixels, so that tiles, sliders and repeated runs share them.

    Parameters
    ----------
    planes : (Y, X, 3) ndarray
        Output of :func:`to_planes`.

    Returns
    -------
    tuple of float
        The 0.1 and 99.8 percentiles over all channels.
    """
    sample = distinct_planes(sample_pixels(planes))
    values: NDArray[np.floating] = sample.astype(np.float32)
    if np.abs(values).max() > _MODERATE:  # differences need a larger range
        values = values.astype(np.float64)
    low, high = np.percentile(values, LIMIT_PERCENTILES)
    return float(low), float(high)


def normalise(planes: NDArray[np.generic], limits: Limits) -> NDArray[np.float32]:
    """Stretch the limits to 0 and 1 and clip what lies beyond.

    Parameters
    ----------
    planes : (Y, X, 3) ndarray
        Output of :func:`to_planes`, or a tile of it.
    limits : tuple of float
        Output of :func:`intensity_limits` for the whole image.

    Returns
    -------
    (Y, X, 3) ndarray of float32, values in [0, 1]
        All zero when both limits are equal.  Grey stays one plane that is seen in
        every channel, a read-only view.
    """
    return np.broadcast_to(_stretch(distinct_planes(planes), limits), planes.shape)


def _stretch(planes: NDArray[np.generic], limits: Limits) -> NDArray[np.float32]:
    low, high = limits
    if not high > low:
        return np.zeros(planes.shape, np.float32)
    if not 1 / _MODERATE < high - low < _MODERATE:  # beyond the range of float32
        wide = np.clip(planes.astype(np.float64), low, high)
        return ((wide - low) / (high - low)).astype(np.float32)
    scaled = planes.astype(np.float32)
    with np.errstate(over="ignore"):  # of single pixels, which are clipped
        scaled -= np.float32(low)
        scaled /= np.float32(high - low)
    return np.clip(scaled, 0, 1, out=scaled)


def fine_detail(planes: NDArray[np.generic], limits: Limits) -> float:
    """Measure how much of what an image shows is finer than a few pixels.

    Parameters
    ----------
    planes : (Y, X, 3) ndarray
        Output of :func:`to_planes`.
    limits : tuple of float
        Output of :func:`intensity_limits`.

    Returns
    -------
    float
        Root mean square of the difference between a pixel and the mean of the four
        3 px away from it, over the standard deviation; 0 for an even or tiny image.
        Some .1 to .4 in sharp images, under .15 in those enlarged three times.
    """
    reach = _DETAIL_REACH
    step = _sampling_step(planes)
    height, width = planes.shape[:2]
    if min(height, width) <= 2 * reach:
        return 0.0

    def moved(dy: int, dx: int) -> NDArray[np.float32]:
        rows = slice(reach + dy, height - reach + dy, step)
        columns = slice(reach + dx, width - reach + dx, step)
        return _stretch(distinct_planes(planes[rows, columns]), limits)

    centre = moved(0, 0)
    spread = float(centre.std())
    if spread == 0:
        return 0.0
    around = moved(-reach, 0) + moved(reach, 0) + moved(0, -reach) + moved(0, reach)
    return float(np.sqrt(np.mean((centre - around / 4) ** 2))) / spread


def staining(image: NDArray[np.generic]) -> Staining:
    """Tell stained from greyscale and dark from bright.

    Parameters
    ----------
    image : (Y, X), (Y, X, 3) or (Y, X, 4) ndarray
        An image on the 8-bit scale, 0 to 255; a 16-bit or float one is brought
        there by its largest value.

    Returns
    -------
    Staining
        *Stained* when the mean over pixels of max - min over R, G, B exceeds 3
        of 255; *dark* when the mean is below 100 of 255.
    """
    planes = to_planes(image).astype(np.float32)
    if np.asarray(image).dtype not in (np.uint8, np.bool_):
        brightest = planes.max()
        if brightest > 0:
            planes /= brightest
            planes *= 255
    channels = np.moveaxis(planes, -1, 0)
    spread = np.maximum.reduce(channels) - np.minimum.reduce(channels)
    is_stained = bool(spread.mean() > 3)
    is_dark = bool(planes.mean() < 100)
    match is_stained, is_dark:
        case False, True:
            return Staining.GRAYSCALE_DARK
        case False, False:
            return Staining.GRAYSCALE_BRIGHT
        case True, True:
            return Staining.STAINED_DARK
        case _:
            return Staining.STAINED_BRIGHT
