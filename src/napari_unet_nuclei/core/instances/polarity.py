"""Nuclei of stained tissue are darker than their surroundings; others are dropped.

Cheap enough for each move of a slider: what surrounds a nucleus is seen only at a few
pixels outside of its edge.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from napari_unet_nuclei.core.cancellation import check_cancelled
from napari_unet_nuclei.core.instances.runs import BLOCK_AREA

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

_REACHES = (2, 4)  # px outside of an edge, of what the network saw


class _Ring(NamedTuple):
    """Background around nuclei: places in the flattened image, and whose it is."""

    places: NDArray[np.intp]
    numbers: NDArray[np.int32]


def drop_pale(
    labels: NDArray[np.int32],
    darkness: Sequence[NDArray[np.generic]],
    scale: float = 1.0,
) -> NDArray[np.int32]:
    """Drop nuclei that are not darker than the background around them.

    Parameters
    ----------
    labels : (Y, X) ndarray of int32
        Nuclei numbered from 1 without gaps, 0 = background.
    darkness : sequence of (Y, X) ndarray of uint8
        What nuclei have more of than their surroundings, such as darkness or the
        density of a dye; more of one of these is enough.  Without any, all stay.
    scale : float
        How much larger the network saw the image than it is: the background is seen 2
        and 4 px of that away from a nucleus.

    Returns
    -------
    (Y, X) ndarray of int32
        The nuclei that are left, numbered from 1 without gaps; so are those that have
        no background beside them.

    Examples
    --------
    >>> labels = np.zeros((20, 40), np.int32)
    >>> labels[5:15, 5:15], labels[5:15, 25:35] = 1, 2
    >>> darkness = np.full(labels.shape, 100, np.uint8)
    >>> darkness[labels == 1], darkness[labels == 2] = 40, 160
    >>> np.unique(drop_pale(labels, [darkness])[labels > 0]).tolist()
    [0, 1]
    """
    n_nuclei = int(labels.max(initial=0))
    if n_nuclei == 0 or not darkness:
        return labels
    ring = _find_ring(labels, scale)
    is_kept = np.bincount(ring.numbers, minlength=n_nuclei + 1) == 0
    for each in darkness:
        around = _mean(ring.numbers, each.ravel()[ring.places], n_nuclei)
        is_kept |= _mean_inside(labels, each, n_nuclei) > around
    is_kept[0] = False
    if is_kept[1:].all():
        return labels
    numbers = np.where(is_kept, np.cumsum(is_kept), 0).astype(np.int32)
    return np.asarray(numbers[labels])


def _find_ring(labels: NDArray[np.int32], scale: float) -> _Ring:
    """Go straight out of the edges of nuclei, and keep what lies in no nucleus."""
    width = labels.shape[1]
    parts = []
    for turned, strides in ((labels, (width, 1)), (labels.T, (1, width))):
        above, columns = np.nonzero(turned[1:] != turned[:-1])
        for reach in _REACHES:
            step = max(1, round(reach / scale))
            for edge, outside in (
                (above, above + step),
                (above + 1, above + 1 - step),
            ):
                is_inside = (outside >= 0) & (outside < turned.shape[0])
                row, column = outside[is_inside], columns[is_inside]
                numbers = turned[edge[is_inside], column]
                is_ring = (numbers > 0) & (turned[row, column] == 0)
                places = row * strides[0] + column * strides[1]
                parts.append(_Ring(places[is_ring], numbers[is_ring]))
    return _Ring(*(np.concatenate(part) for part in zip(*parts, strict=True)))


def _mean_inside(
    labels: NDArray[np.int32], values: NDArray[np.generic], n_nuclei: int
) -> NDArray[np.float64]:
    """Mean value in each nucleus, block by block, so that little memory is taken."""
    sums, counts = np.zeros((2, n_nuclei + 1))
    n_rows = max(1, BLOCK_AREA // labels.shape[1])
    for top in range(0, labels.shape[0], n_rows):
        check_cancelled()
        numbers = labels[top : top + n_rows].ravel()
        block = values[top : top + n_rows].ravel()
        sums += np.bincount(numbers, block, minlength=n_nuclei + 1)
        counts += np.bincount(numbers, minlength=n_nuclei + 1)
    return np.asarray(sums / np.maximum(counts, 1))


def _mean(
    numbers: NDArray[np.int32], values: NDArray[np.generic], n_nuclei: int
) -> NDArray[np.float64]:
    counts = np.bincount(numbers, minlength=n_nuclei + 1)
    sums = np.bincount(numbers, values, minlength=n_nuclei + 1)
    return np.asarray(sums / np.maximum(counts, 1))
