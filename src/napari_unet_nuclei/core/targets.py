"""Label images become the maps a network learns to predict."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage
from skimage.segmentation import find_boundaries

if TYPE_CHECKING:
    from numpy.typing import NDArray


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
    for label, box in enumerate(ndimage.find_objects(labels), start=1):
        if box is None:
            continue
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


def contours(labels: NDArray[np.integer]) -> NDArray[np.bool_]:
    """Find the pixels of nuclei that touch anything else.

    Parameters
    ----------
    labels : (Y, X) ndarray of int
        Nuclei, 0 = background.

    Returns
    -------
    (Y, X) ndarray of bool
        Inner contours, one pixel wide; two touching nuclei contribute one each.
    """
    return np.asarray(find_boundaries(labels, connectivity=2, mode="inner"), np.bool_)


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
        [labels > 0, contours(labels), distance],
        axis=-1,
        dtype=np.float32,
        casting="unsafe",
    )
