"""Intensities are stretched to [0, 1], by limits that come once an image.

Tiles, planes and slider share the limits, so that a pixel means the same in all.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import numpy as np

from napari_unet_nuclei.core.images.channels import distinct_channels

if TYPE_CHECKING:
    from numpy.typing import NDArray

Limits = tuple[float, float]
Pixel = TypeVar("Pixel", bound=np.generic)

LIMIT_PERCENTILES = (0.1, 99.8)
"""Of the intensities that become 0 and 1."""

_MAX_SAMPLE = 300_000  # pixels
_MODERATE = 1e30
_DETAIL_REACH = 3  # px


def sample_pixels(channels: NDArray[Pixel]) -> NDArray[Pixel]:
    """Take a fixed, regular sample of at most 300,000 pixels.

    Parameters
    ----------
    channels : (Y, X, channels) ndarray
        Output of :func:`~napari_unet_nuclei.core.images.channels.to_channels`.

    Returns
    -------
    (y, x, channels) ndarray
        A view of every n-th row and column.
    """
    step = sampling_step(channels.shape[:2])
    return channels[::step, ::step]


def sampling_step(shape: tuple[int, ...]) -> int:
    """Return which rows and columns `sample_pixels` takes of an image: each n-th.

    Parameters
    ----------
    shape : tuple of int
        Height and width, in px.
    """
    return max(1, int(np.ceil(np.sqrt(np.prod(shape, dtype=float) / _MAX_SAMPLE))))


def intensity_limits(channels: NDArray[np.generic]) -> Limits:
    """Find the intensities that become 0 and 1.

    They come once per image, from a fixed, regular sample of at most 300,000
    pixels, so that tiles, sliders and repeated runs share them.

    Parameters
    ----------
    channels : (Y, X, 3) ndarray
        Output of :func:`~napari_unet_nuclei.core.images.channels.to_channels`.

    Returns
    -------
    tuple of float
        The 0.1 and 99.8 percentiles over all channels.
    """
    sample = distinct_channels(sample_pixels(channels))
    values: NDArray[np.floating] = sample.astype(np.float32)
    if np.abs(values).max() > _MODERATE:  # differences need a larger range
        values = values.astype(np.float64)
    low, high = np.percentile(values, LIMIT_PERCENTILES)
    return float(low), float(high)


def normalise(channels: NDArray[np.generic], limits: Limits) -> NDArray[np.float32]:
    """Stretch the limits to 0 and 1 and clip what lies beyond.

    Parameters
    ----------
    channels : (Y, X, 3) ndarray
        Output of :func:`~napari_unet_nuclei.core.images.channels.to_channels`, or
        a tile of it.
    limits : tuple of float
        Output of :func:`intensity_limits` for the whole image.

    Returns
    -------
    (Y, X, 3) ndarray of float32, values in [0, 1]
        All zero when both limits are equal.  Grey stays one channel that is seen in
        every channel, a read-only view.
    """
    return np.broadcast_to(
        _stretch(distinct_channels(channels), limits), channels.shape
    )


def _stretch(channels: NDArray[np.generic], limits: Limits) -> NDArray[np.float32]:
    low, high = limits
    if not high > low:
        return np.zeros(channels.shape, np.float32)
    if not 1 / _MODERATE < high - low < _MODERATE:  # beyond the range of float32
        wide = np.clip(channels.astype(np.float64), low, high)
        return ((wide - low) / (high - low)).astype(np.float32)
    scaled = channels.astype(np.float32)
    with np.errstate(over="ignore"):  # of single pixels, which are clipped
        scaled -= np.float32(low)
        scaled /= np.float32(high - low)
    return np.clip(scaled, 0, 1, out=scaled)


def fine_detail(channels: NDArray[np.generic], limits: Limits) -> float:
    """Measure how much of what an image shows is finer than a few pixels.

    Parameters
    ----------
    channels : (Y, X, 3) ndarray
        Output of :func:`~napari_unet_nuclei.core.images.channels.to_channels`.
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
    step = sampling_step(channels.shape[:2])
    height, width = channels.shape[:2]
    if min(height, width) <= 2 * reach:
        return 0.0

    def moved(dy: int, dx: int) -> NDArray[np.float32]:
        rows = slice(reach + dy, height - reach + dy, step)
        columns = slice(reach + dx, width - reach + dx, step)
        return _stretch(distinct_channels(channels[rows, columns]), limits)

    centre = moved(0, 0)
    spread = float(centre.std())
    if spread == 0:
        return 0.0
    around = moved(-reach, 0) + moved(reach, 0) + moved(0, -reach) + moved(0, reach)
    return float(np.sqrt(np.mean((centre - around / 4) ** 2))) / spread
