"""Maps of a volume become nuclei: seeds and a watershed in three dimensions.

Of single planes, ``splitting`` does this; where the maps come from belongs in
:mod:`~napari_unet_nuclei.core.segmentation.volume_maps`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage
from skimage.segmentation import watershed

from napari_unet_nuclei.core.instances.labels import labels_at_border

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from napari_unet_nuclei.core.instances.maps import Maps, SplittingParameters
    from napari_unet_nuclei.core.settings.segmentation import SegmentationSettings

SEED_DEPTH = 0.55
"""Depth of seeds by default, chosen on drawn volumes: see ``benchmarks/linking.py``."""

_BOUNDARY_WEIGHT = np.float32(2)  # only it tells touching nuclei apart
_SMALLEST_SEED = 15  # px³


def split_volume(
    maps: Sequence[Maps],
    parameters: SplittingParameters,
    settings: SegmentationSettings,
    spacing: float,
) -> NDArray[np.int32]:
    """Split the maps of a volume into nuclei.

    Parameters
    ----------
    maps : sequence of Maps
        One for each plane, averaged over views from three sides.
    parameters : SplittingParameters
        Threshold and smallest confidence of the model.
    settings : SegmentationSettings
        Threshold, separation, areas, border and fewest planes.  Areas are those of the
        widest plane of a nucleus.
    spacing : float
        Distance between planes, in pixels.

    Returns
    -------
    (Z, Y, X) ndarray of int32
        Nuclei numbered from 1, 0 = background.

    References
    ----------
    Meyer: Topographic distance and watershed lines, Signal Processing 1994,
    doi:10.1016/0165-1684(94)90060-4
    """
    threshold = settings.threshold or parameters.threshold
    foreground = np.stack([plane.foreground for plane in maps])
    depth = np.stack([_depth(plane) for plane in maps])
    mask = foreground > threshold
    seeds, n_seeds = ndimage.label(mask & (depth > (settings.separation or SEED_DEPTH)))
    sizes = np.bincount(seeds.ravel(), minlength=1)
    is_seed = sizes >= max(_SMALLEST_SEED / spacing, 1)
    if n_seeds:
        highest = ndimage.maximum(foreground, seeds, np.arange(n_seeds + 1))
        is_seed &= np.asarray(highest) >= parameters.confident_from(threshold)
    is_seed[0] = False
    seeds = np.where(is_seed, np.arange(n_seeds + 1), 0).astype(np.int32)[seeds]
    labels = watershed(-depth, seeds, mask=mask).astype(np.int32)
    is_kept = _choose(labels, settings, settings.smallest_area(maps[0].scale))
    numbers = np.where(is_kept, np.cumsum(is_kept), 0).astype(np.int32)
    return np.asarray(numbers[labels])


def _depth(maps: Maps) -> NDArray[np.float32]:
    """Return how deep inside a nucleus pixels lie, less where nuclei touch."""
    if maps.boundary is None:
        return maps.foreground
    return maps.foreground - _BOUNDARY_WEIGHT * maps.boundary


def _choose(
    labels: NDArray[np.int32], settings: SegmentationSettings, min_area: int
) -> NDArray[np.bool_]:
    """Say by number which nuclei stay."""
    n_numbers = int(labels.max(initial=0)) + 1
    areas = np.stack([np.bincount(p.ravel(), minlength=n_numbers) for p in labels])
    widest = areas.max(axis=0)
    is_kept = widest >= max(min_area, 1)
    if settings.max_area is not None:
        is_kept &= widest <= settings.max_area
    n_planes = np.count_nonzero(areas, axis=0)
    is_at_end = (areas[0] > 0) | (areas[-1] > 0)
    is_kept &= (n_planes >= (settings.min_planes or 2)) | is_at_end
    if settings.drop_border:
        for plane in labels:
            is_kept[labels_at_border(plane)] = False
    is_kept[0] = False
    return np.asarray(is_kept)
