"""A single fluorescence shown in a colour becomes grey.

Microscope programs save a channel as blue or green on black; its colour says what
the channel was called, nothing of the nuclei.  Stained tissue keeps its colours.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from napari_unet_nuclei.core.images.channels import distinct_channels
from napari_unet_nuclei.core.images.intensity import LIMIT_PERCENTILES, sample_pixels

if TYPE_CHECKING:
    from numpy.typing import NDArray

_MAX_RESIDUAL = 0.02  # of the range; the lowest of stained images is 0.015 …
_MAX_MEDIAN = 0.25  # … but none of those is dark


def single_colour_as_grey(
    channels: NDArray[np.generic], typical: NDArray[np.generic] | None = None
) -> NDArray[np.generic]:
    """Show the strongest channel in all, where the others only follow it.

    Parameters
    ----------
    channels : (Y, X, 3) ndarray
        Output of :func:`~napari_unet_nuclei.core.images.channels.to_channels`.
    typical : (y, x, 3) ndarray, optional
        Pixels that say so, where ``channels`` are only a part of an image.

    Returns
    -------
    (Y, X, 3) ndarray of the same dtype
        A read-only view of one channel, if the image is dark and every channel is
        a multiple of it, up to an offset; else the channels as they are.
    """
    strongest = _only_colour(channels if typical is None else typical)
    if strongest is None:
        return channels
    return np.broadcast_to(channels[..., strongest, np.newaxis], channels.shape)


def _only_colour(channels: NDArray[np.generic]) -> int | None:
    if distinct_channels(channels).shape[-1] == 1:
        return None
    sample = sample_pixels(channels).reshape(-1, channels.shape[-1]).astype(np.float64)
    low, high = np.percentile(sample, LIMIT_PERCENTILES, axis=0)
    strongest = int(np.argmax(high - low))
    largest = high[strongest] - low[strongest]
    if not 0 < largest < np.inf:
        return None
    light = (sample - low) / largest
    light_of_strongest = light[:, strongest]
    if np.median(light_of_strongest) > _MAX_MEDIAN:
        return None
    slopes = light_of_strongest @ light / (light_of_strongest @ light_of_strongest)
    residuals = light - light_of_strongest[:, np.newaxis] * slopes
    if np.sqrt((residuals**2).mean(axis=0)).max() > _MAX_RESIDUAL:
        return None
    return strongest
