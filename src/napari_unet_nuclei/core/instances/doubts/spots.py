"""Places without a nucleus where the maps almost found one."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from napari_unet_nuclei.core.instances.runs import expand, label_runs

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_unet_nuclei.core.instances.maps import Maps

_POSSIBLE = 0.2  # foreground probability; below it are as many spots, hardly one right
_RIM = 2  # px as the network saw them, by which maps reach beyond outlines
_SMALLEST = 0.08  # of the median area of the nuclei; what is smaller is noise
_USUAL_AREA = 300  # px² as the network saw them, where there is no nucleus


class Spots(NamedTuple):
    """Places at which there may be a nucleus.

    Parameters
    ----------
    places : (M, 2) ndarray of int, in px
        Row and column of the pixel of each that has the highest probability.
    peaks : (M,) ndarray of float32, values in [0, 1]
        This probability.
    areas : (M,) ndarray of int, in px²
        How many pixels are likely enough.
    sizes : (M,) ndarray of float64
        Logarithm of the area over that of the median nucleus.
    """

    places: NDArray[np.intp]
    peaks: NDArray[np.float32]
    areas: NDArray[np.intp]
    sizes: NDArray[np.float64]


def find_spots(labels: NDArray[np.int32], maps: Maps, areas: NDArray[np.intp]) -> Spots:
    """Find what the threshold, or the least area or confidence, has left out.

    Parameters
    ----------
    labels : (Y, X) ndarray of int32
        0 = background.
    maps : Maps
        What the labels were made from.
    areas : (N,) ndarray of int, in px²
        Areas of the nuclei.

    Returns
    -------
    Spots
        In raster order; none touches a nucleus.
    """
    usual = float(np.median(areas)) if areas.size else _USUAL_AREA / maps.scale**2
    foreground = np.ascontiguousarray(maps.foreground)
    is_possible = foreground > _POSSIBLE
    is_possible &= ~_widened(labels > 0, max(1, round(_RIM / maps.scale)))
    runs = label_runs(is_possible)
    size = np.bincount(runs.numbers, runs.lengths, minlength=1).astype(np.intp)
    is_spot = size >= _SMALLEST * usual
    is_spot[0] = False
    runs = runs.chosen(is_spot[runs.numbers])
    pixels = expand(runs.starts, runs.lengths)
    numbers = np.repeat(runs.numbers, runs.lengths)
    values = foreground.ravel()[pixels]
    order = np.lexsort((values, numbers))
    last = np.flatnonzero(np.diff(numbers[order], append=-1))  # of each, the highest
    best = pixels[order][last]
    size = size[numbers[order][last]]
    return Spots(
        places=np.stack(np.divmod(best, labels.shape[1]), axis=1),
        peaks=foreground.ravel()[best],
        areas=size,
        sizes=np.log(size / usual),
    )


def _widened(mask: NDArray[np.bool_], n_pixels: int) -> NDArray[np.bool_]:
    """Add all pixels that are at most so many rows and columns away."""
    for _ in range(n_pixels):
        beside = mask.copy()
        beside[:, 1:] |= mask[:, :-1]
        beside[:, :-1] |= mask[:, 1:]
        mask = beside.copy()
        mask[1:] |= beside[:-1]
        mask[:-1] |= beside[1:]
    return mask
