"""Nuclei that a user does not want are dropped: too large ones, and cut ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from napari_unet_nuclei.core.instances.labels import labels_at_border

if TYPE_CHECKING:
    from numpy.typing import NDArray


def drop_nuclei(
    labels: NDArray[np.int32],
    *,
    max_area: int | None = None,
    drop_border: bool = False,
) -> NDArray[np.int32]:
    """Drop nuclei that are too large, or that the border of the image cuts.

    Parameters
    ----------
    labels : (Y, X) ndarray of int32
        Nuclei numbered from 1 without gaps, 0 = background.
    max_area : int, in px², optional
        Larger nuclei are dropped.
    drop_border : bool
        Whether nuclei with a pixel in the first or last row or column are dropped.

    Returns
    -------
    (Y, X) ndarray of int32
        The nuclei that are left, numbered from 1 without gaps; ``labels`` themselves
        where all are left.

    Examples
    --------
    >>> labels = np.array([[1, 0, 0, 0], [0, 2, 2, 0], [0, 0, 0, 0]], np.int32)
    >>> drop_nuclei(labels, drop_border=True).tolist()
    [[0, 0, 0, 0], [0, 1, 1, 0], [0, 0, 0, 0]]
    >>> drop_nuclei(labels, max_area=1).tolist()
    [[1, 0, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0]]
    """
    is_kept = np.ones(int(labels.max(initial=0)) + 1, np.bool_)
    if max_area is not None:
        is_kept &= np.bincount(labels.ravel(), minlength=1) <= max_area
    if drop_border:
        is_kept[labels_at_border(labels)] = False
    is_kept[0] = False
    if is_kept[1:].all():
        return labels
    return np.where(is_kept, np.cumsum(is_kept), 0).astype(np.int32)[labels]
