"""Planes are linked one after the other, and their nuclei numbered at the end.

Two planes are kept, and of the others only how their outlines overlap.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

import numpy as np

from napari_unet_nuclei.core.errors import LabelsError
from napari_unet_nuclei.core.instances.labels import compact_labels, labels_at_border
from napari_unet_nuclei.core.linking.chains import Chains
from napari_unet_nuclei.core.linking.divisions import find_divisions
from napari_unet_nuclei.core.linking.matching import match_outlines
from napari_unet_nuclei.core.linking.overlaps import (
    Overlaps,
    count_overlaps,
    join_overlaps,
)
from napari_unet_nuclei.core.linking.rule import CLEAR_WAIST, IGNORED_PART, LinkRule

if TYPE_CHECKING:
    from collections.abc import Hashable

    from numpy.typing import NDArray

_USUAL = LinkRule()


class PlaneLinker:
    """Takes the labels of one plane after the other, and says which are one nucleus.

    An outline is a number of a plane, counted through all planes: those of the first
    plane are 1, 2, 3, …, those of the next go on after the highest.

    Parameters
    ----------
    rule : LinkRule
        What belongs together.
    """

    def __init__(self, rule: LinkRule = _USUAL) -> None:
        self._rule = rule
        self._n_outlines = 0
        self._areas: list[NDArray[np.int64]] = [np.zeros(1, np.int64)]
        self._next: list[Overlaps] = []
        self._next_but_one: list[Overlaps] = []
        self._recent: dict[Hashable, deque[tuple[int, NDArray[np.int32]]]] = {}
        self._ends: dict[Hashable, list[tuple[int, int]]] = {}
        self._at_border: list[NDArray[np.int64]] = []

    def append(self, labels: NDArray[np.int32], row: Hashable = ()) -> None:
        """Take the next plane.

        Parameters
        ----------
        labels : (Y, X) ndarray of int32
            Numbered from 1, with few gaps; not copied, and not to be changed until two
            more planes have been taken.
        row : hashable
            Which planes it follows, such as the time point of a depth: planes of
            different rows are not linked.
        """
        start = self._n_outlines
        areas = np.bincount(labels.ravel(), minlength=1)[1:]
        self._areas.append(areas)
        self._n_outlines += areas.size
        recent = self._recent.setdefault(row, deque(maxlen=2))
        for (earlier, plane), found in zip(
            reversed(recent), (self._next, self._next_but_one), strict=False
        ):
            found.append(count_overlaps(plane, labels).shifted(earlier, start))
        recent.append((start, labels))
        ends = self._ends.setdefault(row, [])
        ends[1:] = [(start, self._n_outlines)]
        if self._rule.drops_border:
            at_border = labels_at_border(labels)
            self._at_border.append(at_border[at_border > 0].astype(np.int64) + start)

    def finish(self) -> NDArray[np.int32]:
        """Say which nucleus each outline belongs to.

        Returns
        -------
        (n_outlines + 1,) ndarray of int32
            By outline, 1, 2, 3, … in the order in which nuclei begin; 0 for those that
            are dropped, and for background, which comes first.
        """
        rule, areas = self._rule, np.concatenate(self._areas)
        pairs = join_overlaps(self._next)
        links = match_outlines(pairs, areas, rule.min_overlap)
        if rule.divides:
            links = links.only(~find_divisions(pairs, links, areas))
        links = join_overlaps([links, self._bridges(links, areas)])
        chains = Chains.of(links, areas)
        n_typical = chains.typical_length(min(rule.waist, CLEAR_WAIST), rule.spacing)
        chains.cut_waists(rule.waist, round(IGNORED_PART * n_typical))
        chains.drop_short(rule.fewest_planes(n_typical), self._at_ends(areas.size))
        if self._at_border:
            chains.drop(np.concatenate(self._at_border))
        return chains.number(areas.size)

    def _bridges(self, links: Overlaps, areas: NDArray[np.int64]) -> Overlaps:
        """Match what has found nothing in the next plane with the plane after it."""
        pairs = join_overlaps(self._next_but_one)
        goes_on, has_begun = np.zeros((2, areas.size), bool)
        goes_on[links.lower] = True
        has_begun[links.upper] = True
        is_free = ~goes_on[pairs.lower] & ~has_begun[pairs.upper]
        return match_outlines(pairs.only(is_free), areas, self._rule.min_overlap)

    def _at_ends(self, n_outlines: int) -> NDArray[np.bool_]:
        """Whether an outline stands in the first or the last plane of its row."""
        is_at_end = np.zeros(n_outlines, bool)
        for ends in self._ends.values():
            for start, stop in ends:
                is_at_end[start + 1 : stop + 1] = True
        return is_at_end


def link_planes(
    labels: NDArray[np.integer], rule: LinkRule = _USUAL
) -> NDArray[np.int32]:
    """Give the outlines of a nucleus in neighbouring planes the same number.

    Parameters
    ----------
    labels : (Z, Y, X) ndarray of int
        Nuclei of each plane, 0 = background; the same number in two planes says
        nothing.
    rule : LinkRule
        What belongs together.

    Returns
    -------
    (Z, Y, X) ndarray of int32
        Nuclei from 1, in the order in which they begin.  A nucleus has one number of
        each of its planes at most; what is dropped becomes background.

    Raises
    ------
    LabelsError
        If there are not three axes.

    Examples
    --------
    >>> planes = np.array([[[1, 1, 0]], [[2, 2, 0]], [[7, 0, 4]]])
    >>> link_planes(planes).tolist()
    [[[1, 1, 0]], [[1, 1, 0]], [[1, 0, 2]]]
    """
    if labels.ndim != 3:
        raise LabelsError(
            "Expected the labels of a stack of planes, (Z, Y, X). Received: shape "
            f"{labels.shape}; link one time point or channel at a time."
        )
    linker = PlaneLinker(rule)
    linked = np.empty(labels.shape, np.int32)
    n_outlines = 0
    for plane, place in zip(labels, linked, strict=True):
        compact, numbers = compact_labels(plane)
        linker.append(compact)
        np.add(compact, n_outlines, out=place)
        place[compact == 0] = 0
        n_outlines += numbers.size
    numbers_of = linker.finish()
    for place in linked:
        np.take(numbers_of, place, out=place)
    return linked
