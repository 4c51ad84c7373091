"""Chains of outlines, plane after plane: made of links, cut at waists, numbered."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse
from scipy.sparse import csgraph

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_unet_nuclei.core.linking.overlaps import Overlaps


@dataclass(eq=False)
class Chains:
    """Outlines in the order of their chains, and within a chain of their planes.

    Parameters
    ----------
    outlines : (N,) ndarray of int64
        Outlines one chain after the other.
    areas : (N,) ndarray of int64
        Their areas, in px².
    shared : (N,) ndarray of int64
        What each shares with the one before it in its chain, in px².
    is_start : (N,) ndarray of bool
        Where a chain begins.
    """

    outlines: NDArray[np.int64]
    areas: NDArray[np.int64]
    shared: NDArray[np.int64]
    is_start: NDArray[np.bool_]

    @classmethod
    def of(cls, links: Overlaps, areas: NDArray[np.int64]) -> Chains:
        """Join outlines that are linked.

        Parameters
        ----------
        links : Overlaps
            From an outline to one of a later plane with a higher number; no outline has
            two of either kind.
        areas : (N,) ndarray of int64
            By outline; those without an area are none.
        """
        n_outlines = areas.size
        ones = np.ones(links.lower.size)
        graph = sparse.coo_array(
            (ones, (links.lower, links.upper)), (n_outlines, n_outlines)
        )
        chain = csgraph.connected_components(graph, directed=False)[1]
        outlines = np.argsort(chain, kind="stable")
        outlines = outlines[areas[outlines] > 0]
        shared = np.zeros(n_outlines, np.int64)
        shared[links.upper] = links.shared
        return cls(
            outlines=outlines,
            areas=areas[outlines],
            shared=shared[outlines],
            is_start=np.diff(chain[outlines], prepend=-1) != 0,
        )

    @property
    def numbers(self) -> NDArray[np.int64]:
        """Number of the chain of each outline, from 0."""
        return np.cumsum(self.is_start) - 1

    def typical_length(self, waist: float, spacing: float | None = None) -> float:
        """Return in how many planes a nucleus stands, as most outlines see it.

        Parameters
        ----------
        waist : float in [0, 1)
            Where nuclei on top of each other are cut, as in `cut_waists`.  A plane that
            was found wrong looks like that, too, so it only limits the length.
        spacing : float, optional
            Distance between planes, in pixels.  Where it is known, nuclei are not taken
            to be deeper than wide: many may stand on top of each other.

        Returns
        -------
        float
            Mean length of the chains that outlines are in, and of what is left of them
            after cuts at most twice that; 1 without outlines.
        """
        cut = replace(self, is_start=self.is_start.copy())
        cut.cut_waists(waist)
        if not cut.outlines.size:
            return 1.0
        typical = min(self._mean_length(), 2 * cut._mean_length())
        if spacing is None:
            return typical
        widest = np.maximum.reduceat(cut.areas, np.flatnonzero(cut.is_start))
        diameter = float(np.sqrt(4 / np.pi * np.median(widest)))
        return min(typical, max(diameter / spacing, 1.0))

    def _mean_length(self) -> float:
        """Return how long the chain of an outline is, in the mean of all outlines."""
        lengths = np.bincount(self.numbers).astype(np.float64)
        return float((lengths**2).sum() / lengths.sum())

    def cut_waists(self, waist: float, n_ignored: int = 0) -> None:
        """Cut chains where they are narrow between wide planes.

        How wide a link is lies between the area that its outlines share and the larger
        of both: two nuclei above each other meet in small outlines or little overlap.

        Parameters
        ----------
        waist : float in [0, 1)
            Part of the widest planes on either side under which a link is cut.
        n_ignored : int
            Links in a row that may be narrower, or planes wider, by mistake.
        """
        if waist == 0:
            return
        width = np.zeros(self.areas.size)
        width[1:] = np.sqrt(
            self.shared[1:] * np.maximum(self.areas[1:], self.areas[:-1])
        )
        while self._cut_once(width, waist, n_ignored):
            pass

    def _cut_once(
        self, width: NDArray[np.float64], waist: float, n_ignored: int
    ) -> bool:
        """Cut each chain at its waists; what is left may have others."""
        links = np.flatnonzero(~self.is_start)
        if not links.size:
            return False
        chain = self.numbers[links]
        closed = -_open(-width[links], chain, n_ignored)
        narrowness = closed / self._narrower_side(n_ignored)[links]
        is_narrow = narrowness < waist
        links, chain = links[is_narrow], chain[is_narrow]
        # Links that follow each other are one waist.
        is_next = (np.diff(links, prepend=-2) == 1) & (np.diff(chain, prepend=-1) == 0)
        run = np.cumsum(~is_next)
        # Of links that are as narrow as each other, the narrowest before closing.
        order = np.lexsort((width[links], narrowness[is_narrow], run))
        narrowest = order[np.diff(run[order], prepend=0) != 0]
        self.is_start[links[narrowest]] = True
        return bool(narrowest.size)

    def _narrower_side(self, n_ignored: int) -> NDArray[np.float64]:
        """Return the widest area before each link or from it on, what is smaller."""
        chain = self.numbers
        areas = _open(self.areas.astype(np.float64), chain, n_ignored)
        step = float(areas.max()) + 1
        offset = chain * step
        before = np.maximum.accumulate(offset + areas) - offset
        back = (offset[-1] - offset + areas)[::-1]
        after = np.maximum.accumulate(back)[::-1] - (offset[-1] - offset)
        return np.asarray(np.minimum(np.append(1, before[:-1]), after))

    def drop_short(self, min_planes: int, is_kept: NDArray[np.bool_]) -> None:
        """Drop chains of few planes.

        Parameters
        ----------
        min_planes : int
            Chains of fewer outlines are dropped.
        is_kept : (N,) ndarray of bool
            By outline, whether its chain stays anyway.
        """
        chain = self.numbers
        is_long = np.bincount(chain) >= min_planes
        is_long[chain[is_kept[self.outlines]]] = True
        self._keep(is_long[chain])

    def drop(self, outlines: NDArray[np.int64]) -> None:
        """Drop the chains that some outlines are in."""
        chain = self.numbers
        is_dropped = np.isin(chain, chain[np.isin(self.outlines, outlines)])
        self._keep(~is_dropped)

    def _keep(self, stays: NDArray[np.bool_]) -> None:
        """Keep some chains, whole ones."""
        self.outlines, self.areas = self.outlines[stays], self.areas[stays]
        self.shared, self.is_start = self.shared[stays], self.is_start[stays]

    def number(self, n_outlines: int) -> NDArray[np.int32]:
        """Return numbers of chains, from 1 in the order of their first outlines.

        Parameters
        ----------
        n_outlines : int
            Outlines there were.

        Returns
        -------
        (n_outlines,) ndarray of int32
            Number of the nucleus by outline; 0 for those that are in none.
        """
        numbers = np.zeros(n_outlines, np.int32)
        firsts = self.outlines[self.is_start]
        rank = np.empty(firsts.size, np.int32)
        rank[np.argsort(firsts)] = np.arange(1, firsts.size + 1)
        numbers[self.outlines] = rank[self.numbers]
        return numbers


def _open(
    values: NDArray[np.float64], chain: NDArray[np.int64], n_ignored: int
) -> NDArray[np.float64]:
    """Level peaks of few values inside each chain: a morphological opening.

    Windows that the end of a chain cuts are shorter, so that its ends stay.
    """
    return np.maximum(
        _open_to_the_end(values, chain, n_ignored),
        _open_to_the_end(values[::-1], chain[::-1], n_ignored)[::-1],
    )


def _open_to_the_end(
    values: NDArray[np.float64], chain: NDArray[np.int64], n_ignored: int
) -> NDArray[np.float64]:
    """Level peaks, with windows that begin in a chain."""
    lowest = _extend(values, chain, n_ignored, np.minimum)
    return _extend(lowest[::-1], chain[::-1], n_ignored, np.maximum)[::-1]


def _extend(
    values: NDArray[np.float64], chain: NDArray[np.int64], n: int, extreme: np.ufunc
) -> NDArray[np.float64]:
    """Return the extreme of each value and the next ones of its chain."""
    found = values.copy()
    for shift in range(1, n + 1):
        is_same = chain[shift:] == chain[:-shift]
        nearer = found[:-shift]
        extreme(nearer, values[shift:], out=nearer, where=is_same)
    return found
