"""Label images become the maps a network learns to predict."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

from napari_unet_nuclei.core.instances.labels import find_nuclei

if TYPE_CHECKING:
    from numpy.typing import NDArray

_TOUCHING_WINDOW = 5  # px


def normalised_distance(labels: NDArray[np.integer]) -> NDArray[np.float32]:
    """Measure how deep inside its own nucleus each pixel lies.

    Parameters
    ----------
    labels : (Y, X) ndarray of int
        Nuclei, 0 = background.

    Returns
    -------
    (Y, X) ndarray of float32, values in [0, 1]
        Euclidean distance to the nearest pixel that is not of the same nucleus,
        divided by its maximum over the nucleus.  Beyond the image a nucleus is
        taken to go on.
    """
    distance = np.zeros(labels.shape, np.float32)
    for label, box in find_nuclei(labels):
        window = tuple(
            slice(max(side.start - 1, 0), min(side.stop + 1, length))
            for side, length in zip(box, labels.shape, strict=True)
        )
        mask = labels[window] == label
        inside = (
            np.ones(mask.shape) if mask.all() else ndimage.distance_transform_edt(mask)
        )
        np.copyto(distance[window], inside / inside.max(), where=mask, casting="unsafe")
    return distance


def touching_boundaries(labels: NDArray[np.integer]) -> NDArray[np.bool_]:
    """Find where nuclei touch or nearly touch.

    Parameters
    ----------
    labels : (Y, X) ndarray of int
        Nuclei, 0 = background.

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
    numbers = labels.astype(np.int32)
    highest = ndimage.maximum_filter(numbers, _TOUCHING_WINDOW)
    numbers[numbers == 0] = none
    lowest = ndimage.minimum_filter(numbers, _TOUCHING_WINDOW)
    touching: NDArray[np.bool_] = (lowest != none) & (highest != lowest)
    return touching


def make_targets(
    labels: NDArray[np.integer], distance: NDArray[np.float32] | None = None
) -> NDArray[np.float32]:
    """Stack the maps of a label image.

    Parameters
    ----------
    labels : (Y, X) ndarray of int
        Nuclei, 0 = background.
    distance : (Y, X) ndarray of float32, optional
        Output of :func:`normalised_distance` when it is known already: a crop's
        own would be wrong for nuclei that the crop cuts.

    Returns
    -------
    (Y, X, 3) ndarray of float32, values in [0, 1]
        Foreground, boundary, distance.
    """
    if distance is None:
        distance = normalised_distance(labels)
    return np.stack(
        [labels > 0, touching_boundaries(labels), distance],
        axis=-1,
        dtype=np.float32,
        casting="unsafe",
    )
