"""Nuclei on the lines between blocks: which of two blocks' are one and the same.

Neighbours predict the strip along their line both, from the same pixels.  So a nucleus
on the line is found twice, and recognised by its pixels; that two nuclei touch at the
line says nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_unet_nuclei.core.blocks.grid import Box

MIN_IOU = 0.5
"""Intersection over union, within the shared strip, from which two are the same."""


class BorderNuclei(NamedTuple):
    """Nuclei of a block that lie in its core and beyond it.

    Parameters
    ----------
    rows, columns : (n,) ndarray of int32
        Their pixels in the image, row by row.
    numbers : (n,) ndarray of int32
        Number in the block of the nucleus that each pixel belongs to.
    """

    rows: NDArray[np.int32]
    columns: NDArray[np.int32]
    numbers: NDArray[np.int32]

    def inside(self, box: Box) -> BorderNuclei:
        """Keep the pixels in a box."""
        (top, bottom), (left, right) = box
        first, last = np.searchsorted(self.rows, (top, bottom))
        columns = self.columns[first:last]
        is_inside = (columns >= left) & (columns < right)
        return BorderNuclei(
            self.rows[first:last][is_inside],
            columns[is_inside],
            self.numbers[first:last][is_inside],
        )

    def of(self, number: int) -> BorderNuclei:
        """Keep the pixels of one nucleus."""
        is_of = self.numbers == number
        return BorderNuclei(self.rows[is_of], self.columns[is_of], self.numbers[is_of])


class Match(NamedTuple):
    """A nucleus that two blocks predict.

    Parameters
    ----------
    number, other : int
        What it is called in either.
    is_equal : bool
        Whether they agree on each of its pixels.
    """

    number: int
    other: int
    is_equal: bool


def find_border_nuclei(
    labels: NDArray[np.int32], core: tuple[slice, slice], origin: tuple[int, int]
) -> BorderNuclei:
    """Find the nuclei of a view that lie in its core and beyond it.

    Parameters
    ----------
    labels : (Y, X) ndarray of int32
        Nuclei in the view of a block, 0 = background.
    core : tuple of slice
        Where its core lies in it.
    origin : tuple of int, in px
        Row and column of the image at which the view begins.

    Returns
    -------
    BorderNuclei
        All their pixels.
    """
    total = int(labels.max(initial=0)) + 1
    is_outside = np.zeros(total, np.bool_)
    rows, columns = core
    for part in (
        labels[: rows.start],
        labels[rows.stop :],
        labels[rows, : columns.start],
        labels[rows, columns.stop :],
    ):
        is_outside[part] = True
    is_inside = np.zeros(total, np.bool_)
    # Who lies on both sides of a line is beside it.
    inner = labels[core]
    for part in (inner[:1], inner[-1:], inner[:, :1], inner[:, -1:]):
        is_inside[part] = True
    is_border = is_outside & is_inside
    is_border[0] = False
    found_rows, found_columns = np.nonzero(is_border[labels])
    return BorderNuclei(
        (found_rows + origin[0]).astype(np.int32),
        (found_columns + origin[1]).astype(np.int32),
        labels[found_rows, found_columns],
    )


def match_nuclei(one: BorderNuclei, other: BorderNuclei, shared: Box) -> list[Match]:
    """Find the nuclei that two blocks predict both.

    Parameters
    ----------
    one, other : BorderNuclei
        Those of two neighbours.
    shared : Box
        What both of their views show.

    Returns
    -------
    list of Match
        Those where each is the best match of the other and the intersection is half
        of the union or more, within the shared box.
    """
    one, other = one.inside(shared), other.inside(shared)
    if not (one.numbers.size and other.numbers.size):
        return []
    width = shared[1][1] - shared[1][0]
    place, other_place = (
        (each.rows - shared[0][0]).astype(np.int64) * width
        + (each.columns - shared[1][0])
        for each in (one, other)
    )
    _, first, second = np.intersect1d(
        place, other_place, assume_unique=True, return_indices=True
    )
    pairs, intersections = np.unique(
        np.stack([one.numbers[first], other.numbers[second]]),
        axis=1,
        return_counts=True,
    )
    areas, other_areas = (np.bincount(each.numbers) for each in (one, other))
    unions = areas[pairs[0]] + other_areas[pairs[1]] - intersections
    ious = intersections / unions
    best = _is_best(pairs[0], ious) & _is_best(pairs[1], ious) & (ious >= MIN_IOU)
    return [
        Match(int(a), int(b), bool(iou == 1))
        for (a, b), iou in zip(pairs[:, best].T, ious[best], strict=True)
    ]


def _is_best(
    numbers: NDArray[np.int32], ious: NDArray[np.float64]
) -> NDArray[np.bool_]:
    """Whether each pair has the highest IoU of all with that number; the first, if."""
    order = np.lexsort((np.arange(ious.size), -ious, numbers))
    ordered = numbers[order]
    is_first = np.ones(ordered.size, np.bool_)
    is_first[1:] = ordered[1:] != ordered[:-1]
    is_best = np.zeros(ordered.size, np.bool_)
    is_best[order[is_first]] = True
    return is_best
