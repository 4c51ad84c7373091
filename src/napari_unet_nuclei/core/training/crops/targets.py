"""Label images become the maps a network learns to predict.

A map is :data:`IGNORED` where it is not known: all of them where nothing is annotated,
and at the edge of that, boundary and distance where they depend on what lies beyond.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

from napari_unet_nuclei.core.instances.labels import IGNORED, find_nuclei, hide_ignored

if TYPE_CHECKING:
    from numpy.typing import NDArray

_TOUCHING_WINDOW = 5  # px


def normalised_distance(labels: NDArray[np.integer]) -> NDArray[np.float32]:
    """Measure how deep inside its own nucleus each pixel lies.

    Parameters
    ----------
    labels : (Y, X) ndarray of int
        Nuclei, 0 = background, -1 = not annotated.

    Returns
    -------
    (Y, X) ndarray of float32, values in [0, 1]
        Euclidean distance to the nearest pixel that is not of the same nucleus,
        divided by its maximum over the nucleus.  Beyond the image, and where nothing
        is annotated, a nucleus is taken to go on: :func:`find_unknown_distances` says
        where that matters.
    """
    distance = np.zeros(labels.shape, np.float32)
    for label, box in find_nuclei(labels):
        window = tuple(
            slice(max(side.start - 1, 0), min(side.stop + 1, length))
            for side, length in zip(box, labels.shape, strict=True)
        )
        mask = labels[window] == label
        inside = _depth(mask | (labels[window] == IGNORED))
        deepest = inside.max(where=mask, initial=0)
        np.copyto(distance[window], inside / deepest, where=mask, casting="unsafe")
    return distance


def _depth(mask: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Distance of each pixel of a mask to what is around it; 1 where nothing is."""
    if mask.all():
        return np.ones(mask.shape)
    return np.asarray(ndimage.distance_transform_edt(mask), np.float64)


def find_unknown_distances(labels: NDArray[np.integer]) -> NDArray[np.bool_] | None:
    """Find where the distance depends on what is not annotated.

    Parameters
    ----------
    labels : (Y, X) ndarray of int
        Nuclei, 0 = background, -1 = not annotated.

    Returns
    -------
    (Y, X) ndarray of bool, optional
        Pixels that are not annotated; pixels of a nucleus beside them that may go on
        there to be deeper inside; and all of a nucleus that is deepest at the edge of
        what is not annotated, as it may be deeper still beyond.  ``None`` where
        everything is annotated.
    """
    unknown: NDArray[np.bool_] = labels == IGNORED
    if not unknown.any():
        return None
    found = unknown.copy()
    for label, box in find_nuclei(labels):
        window = tuple(slice(max(side.start - 1, 0), side.stop + 1) for side in box)
        if not unknown[window].any():
            continue
        mask = labels[window] == label
        least, most = _depth(mask), _depth(mask | unknown[window])
        depends = least != most
        at_edge = mask & ndimage.maximum_filter(unknown[window], 3)
        if most.max(where=at_edge, initial=0) == most.max(where=mask, initial=0):
            depends[:] = True
        found[window] |= mask & depends
    return found


def touching_boundaries(labels: NDArray[np.integer]) -> NDArray[np.bool_]:
    """Find where nuclei touch or nearly touch.

    Parameters
    ----------
    labels : (Y, X) ndarray of int
        Nuclei, 0 = background; what is not annotated is taken for it.

    Returns
    -------
    (Y, X) ndarray of bool
        Pixels with at least two nuclei within 2 px in y and x, background between
        them included.  Contours that face nothing but background are left out:
        they cost a network capacity and separate nothing.

    References
    ----------
    Caicedo et al.: Nucleus segmentation across imaging experiments: the 2018 Data
    Science Bowl, Nature Methods 2019, doi:10.1038/s41592-019-0612-7 (the winning
    entries learned the borders between nuclei)
    """
    none = np.iinfo(np.int32).max
    numbers = hide_ignored(labels.astype(np.int32))
    highest = ndimage.maximum_filter(numbers, _TOUCHING_WINDOW)
    numbers[numbers == 0] = none
    lowest = ndimage.minimum_filter(numbers, _TOUCHING_WINDOW)
    touching: NDArray[np.bool_] = (lowest != none) & (highest != lowest)
    return touching


def make_targets(
    labels: NDArray[np.integer],
    distance: NDArray[np.float32] | None = None,
    unknown_distance: NDArray[np.bool_] | None = None,
) -> NDArray[np.float32]:
    """Stack the maps of a label image.

    Parameters
    ----------
    labels : (Y, X) ndarray of int
        Nuclei, 0 = background, -1 = not annotated.
    distance : (Y, X) ndarray of float32, optional
        Output of :func:`normalised_distance` when it is known already: a crop's
        own would be wrong for nuclei that the crop cuts.
    unknown_distance : (Y, X) ndarray of bool, optional
        Output of :func:`find_unknown_distances` that goes with it.

    Returns
    -------
    (Y, X, 3) ndarray of float32, values in [0, 1] or -1
        Foreground, boundary, distance; -1 where each is not known.  The boundary is
        not known within 2 px of what is not annotated, unless two nuclei are near.
    """
    if distance is None:
        distance = normalised_distance(labels)
        unknown_distance = find_unknown_distances(labels)
    touching = touching_boundaries(labels)
    targets = np.stack(
        [labels > 0, touching, distance], axis=-1, dtype=np.float32, casting="unsafe"
    )
    ignored = labels == IGNORED
    if ignored.any():
        near = ndimage.maximum_filter(ignored, _TOUCHING_WINDOW) & ~touching
        targets[near, 1] = IGNORED
        targets[ignored] = IGNORED
    if unknown_distance is not None:
        targets[unknown_distance, 2] = IGNORED
    return targets
