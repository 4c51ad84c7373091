"""Nuclei of stained tissue are darker than their surroundings; others are dropped.

Cheap enough for each move of a slider: a nucleus is summed up from its runs, and what
surrounds it is seen only at a few pixels outside of its edge.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from napari_unet_nuclei.core.cancellation import check_cancelled
from napari_unet_nuclei.core.instances.runs import BLOCK_AREA, Runs, paint

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

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
    if not darkness or not labels.any():
        return labels
    n_nuclei = int(labels.max())
    runs = _find_runs(labels)
    is_nucleus = runs.numbers > 0
    nuclei = runs.chosen(is_nucleus)
    ring = _find_ring(labels, nuclei, scale)
    areas = np.bincount(nuclei.numbers, nuclei.lengths, minlength=n_nuclei + 1)
    n_around = np.bincount(ring.numbers, minlength=n_nuclei + 1)
    is_kept = n_around == 0
    for each in darkness:
        values = each.ravel()
        sums = np.add.reduceat(values, runs.starts, dtype=np.float64)[is_nucleus]
        inside = np.bincount(nuclei.numbers, sums, minlength=n_nuclei + 1)
        around = np.bincount(ring.numbers, values[ring.places], minlength=n_nuclei + 1)
        is_kept |= inside / np.maximum(areas, 1) > around / np.maximum(n_around, 1)
    is_kept[0] = False
    if is_kept[1:].all():
        return labels
    numbers = np.where(is_kept, np.cumsum(is_kept), 0).astype(np.int32)
    return paint(nuclei, numbers[nuclei.numbers], labels.shape)


def _find_runs(labels: NDArray[np.int32]) -> Runs:
    """Find the runs of one number, those of the background too."""
    parts = []
    for first, block in _iter_blocks(labels):
        numbers = block.ravel()
        changes = np.flatnonzero(numbers[1:] != numbers[:-1])
        parts.append(np.append(0, changes + 1) + first)
    flat, starts = labels.ravel(), np.concatenate(parts)
    return Runs(starts, np.diff(starts, append=flat.size), flat[starts])


def _find_ring(labels: NDArray[np.int32], nuclei: Runs, scale: float) -> _Ring:
    """Go straight out of the edges of nuclei, and keep what lies in no nucleus."""
    height, width = labels.shape
    flat = labels.ravel()
    left, right = nuclei.starts, nuclei.starts + nuclei.lengths - 1
    bottom = _find_edges_below(labels)
    top = bottom + width
    parts = []
    for edge, stride, n_beyond in (
        (left, -1, left % width),
        (right, 1, width - 1 - right % width),
        (top, -width, top // width),
        (bottom, width, height - 1 - bottom // width),
    ):
        for reach in _REACHES:
            step = max(1, round(reach / scale))
            inner = edge[n_beyond >= step]
            outer = inner + step * stride
            numbers = flat[inner]
            is_ring = (numbers > 0) & (flat[outer] == 0)
            parts.append(_Ring(outer[is_ring], numbers[is_ring]))
    return _Ring(*(np.concatenate(part) for part in zip(*parts, strict=True)))


def _find_edges_below(labels: NDArray[np.int32]) -> NDArray[np.intp]:
    """Find the pixels with another number below, as indices into the flat image."""
    return np.concatenate(
        [
            np.flatnonzero(block[1:] != block[:-1]) + first
            for first, block in _iter_blocks(labels, n_more=1)
        ]
    )


def _iter_blocks(
    labels: NDArray[np.int32], n_more: int = 0
) -> Iterator[tuple[int, NDArray[np.int32]]]:
    """Yield blocks of rows and their first pixels, so that little memory is taken."""
    height, width = labels.shape
    n_rows = max(1, BLOCK_AREA // width)
    for top in range(0, height, n_rows):
        check_cancelled()
        yield top * width, labels[top : top + n_rows + n_more]
