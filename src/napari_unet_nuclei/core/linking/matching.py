"""Which outlines of neighbouring planes belong together: each to one other at most."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse
from scipy.optimize import linear_sum_assignment
from scipy.sparse import csgraph

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_unet_nuclei.core.linking.overlaps import Overlaps


def match_outlines(
    overlaps: Overlaps, areas: NDArray[np.int64], min_overlap: float
) -> Overlaps:
    """Choose the pairs that are one nucleus.

    Pairs that are the best for both sides are taken first.  What is left free falls
    into small groups that compete, in each of which the best assignment is found.

    Parameters
    ----------
    overlaps : Overlaps
        Pairs that share pixels, of any number of planes.
    areas : (N,) ndarray of int64
        Area of each outline, by its number, in px².
    min_overlap : float in (0, 1]
        Part of the smaller outline that a pair must share.

    Returns
    -------
    Overlaps
        No outline occurs twice in ``lower``, nor in ``upper``.
    """
    lower, upper, shared = overlaps
    smaller = np.minimum(areas[lower], areas[upper])
    pairs = overlaps.only(shared >= min_overlap * smaller)
    score = pairs.shared / (areas[pairs.lower] + areas[pairs.upper] - pairs.shared)
    chosen = _is_best(pairs.lower, score) & _is_best(pairs.upper, score)
    is_free = ~np.isin(pairs.lower, pairs.lower[chosen])
    is_free &= ~np.isin(pairs.upper, pairs.upper[chosen])
    free = np.flatnonzero(is_free)
    chosen[free[_assign(pairs.only(is_free), score[is_free])]] = True
    return pairs.only(chosen)


def _is_best(
    outlines: NDArray[np.int64], score: NDArray[np.float64]
) -> NDArray[np.bool_]:
    """Whether each pair has the highest score of all that its outline is in."""
    order = np.lexsort((score, outlines))
    is_last = np.ones(order.size, bool)
    is_last[:-1] = np.diff(outlines[order]) != 0
    is_best = np.zeros(order.size, bool)
    is_best[order[is_last]] = True
    return is_best


def _assign(pairs: Overlaps, score: NDArray[np.float64]) -> NDArray[np.intp]:
    """Return the positions of the pairs with the highest sum in each group."""
    if not score.size:
        return np.zeros(0, np.intp)
    below, rows = np.unique(pairs.lower, return_inverse=True)
    above, columns = np.unique(pairs.upper, return_inverse=True)
    n_outlines = below.size + above.size
    graph = sparse.coo_array(
        (np.ones(score.size), (rows, below.size + columns)), (n_outlines, n_outlines)
    )
    group = csgraph.connected_components(graph, directed=False)[1][rows]
    order = np.argsort(group, kind="stable")
    starts = np.flatnonzero(np.diff(group[order], prepend=-1))
    chosen = [
        _assign_group(rows, columns, score, positions)
        for positions in np.split(order, starts[1:])
    ]
    return np.concatenate(chosen)


def _assign_group(
    rows: NDArray[np.intp],
    columns: NDArray[np.intp],
    score: NDArray[np.float64],
    positions: NDArray[np.intp],
) -> NDArray[np.intp]:
    """Return the positions of the best pairs among some that compete."""
    if positions.size == 1:
        return positions
    below, own_rows = np.unique(rows[positions], return_inverse=True)
    above, own_columns = np.unique(columns[positions], return_inverse=True)
    gain = np.zeros((below.size, above.size))
    gain[own_rows, own_columns] = score[positions]
    place = np.full(gain.shape, -1)
    place[own_rows, own_columns] = positions
    chosen: NDArray[np.intp] = place[linear_sum_assignment(gain, maximize=True)]
    return chosen[chosen >= 0]
