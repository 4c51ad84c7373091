"""How unsure a model is in each tile, and what the tile looks like to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

from napari_unet_nuclei.core.images.channels import distinct_channels, to_channels
from napari_unet_nuclei.core.images.intensity import intensity_limits, normalise
from napari_unet_nuclei.core.proposals.candidates import window_means

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_unet_nuclei.core.instances.maps import Maps
    from napari_unet_nuclei.core.proposals.candidates import Candidates

_POSSIBLE = 0.1  # foreground probability from which a pixel may belong to a nucleus
_SPECKS = 0.01  # part of a tile; less than this, unsure or not, teaches little
_TINY = 1e-6
_DETAIL_REACH = 3  # px


def measure_uncertainty(
    foreground: NDArray[np.float32], tiles: Candidates
) -> NDArray[np.float64]:
    """Measure how unsure a model is of what may be nuclei.

    Parameters
    ----------
    foreground : (Y, X) ndarray of float32, values in [0, 1]
        Its probability of a nucleus.
    tiles : Candidates
        The tiles.

    Returns
    -------
    (N,) ndarray of float64, values in [0, 1]
        Mean entropy, in bits, of the pixels that may belong to a nucleus; less where
        these are but specks.  A mean over all pixels would be highest where there are
        most nuclei, and not where the model is least sure of them.

    References
    ----------
    Settles: Active Learning Literature Survey, University of Wisconsin-Madison,
    Computer Sciences Technical Report 1648, 2009
    """
    is_possible = foreground > _POSSIBLE
    entropy = np.where(is_possible, _entropy(foreground), np.float32(0))
    return window_means(entropy, tiles) / (window_means(is_possible, tiles) + _SPECKS)


def _entropy(probability: NDArray[np.float32]) -> NDArray[np.float32]:
    """Entropy in bits of yes or no."""
    yes = np.clip(probability, _TINY, 1 - _TINY)
    return np.asarray(-yes * np.log2(yes) - (1 - yes) * np.log2(1 - yes), np.float32)


def measure_looks(
    maps: Maps, tiles: Candidates, uncertainty: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Describe each tile by a few numbers, so that similar tiles are close.

    Parameters
    ----------
    maps : Maps
        What a model makes of the pixels that are seen.
    tiles : Candidates
        The tiles and these pixels.
    uncertainty : (N,) ndarray of float64
        Output of :func:`measure_uncertainty`.

    Returns
    -------
    (N, features) ndarray of float64
        Brightness of each channel, contrast, fine detail, how much a model sees of
        nuclei and of boundaries, and how unsure it is; each with mean 0 and standard
        deviation 1 over the tiles, divided by the root of their number.
    """
    channels = to_channels(tiles.pixels)
    light = distinct_channels(normalise(channels, intensity_limits(channels)))
    grey = light.mean(axis=-1)
    mean = window_means(grey, tiles)
    spread = np.sqrt(np.maximum(window_means(grey**2, tiles) - mean**2, 0))
    detail = np.abs(grey - ndimage.uniform_filter(grey, _DETAIL_REACH))
    looks = [
        *(
            np.sqrt(window_means(channel, tiles))
            for channel in np.moveaxis(light, -1, 0)
        ),
        np.sqrt(spread),
        window_means(detail, tiles) / (spread + _SPECKS),
        *(np.sqrt(window_means(each, tiles)) for each in maps.arrays[:2]),
        uncertainty,
    ]
    features = np.stack(looks, axis=1)
    features -= features.mean(axis=0)
    features /= features.std(axis=0) + _TINY
    return np.asarray(features / np.sqrt(features.shape[1]))
