"""How many pixels the convex hulls of nuclei hold, of all nuclei at once.

The hull of a nucleus is that of the middles of the sides of its pixels, and a pixel
whose centre lies in it or on its edge counts, as in ``convex_hull_image`` of
scikit-image: the numbers are the same.  One nucleus after the other, thousands take
seconds; here, the left sides of all hulls are found together, then the right sides.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_TOLERANCE = 1e-9  # px; a centre this near to the edge of a hull lies on it


def convex_areas(
    rows: NDArray[np.intp], columns: NDArray[np.intp], positions: NDArray[np.intp]
) -> NDArray[np.int64]:
    """Count the pixels in the convex hull of each nucleus.

    Parameters
    ----------
    rows, columns : (K,) ndarray of int
        Pixels of all nuclei, row by row from left to right, as ``np.nonzero`` lists
        them.
    positions : (K,) ndarray of int
        Which nucleus each pixel belongs to, from 0; each has at least one pixel.

    Returns
    -------
    (N,) ndarray of int, in px²
        At least the area of the nucleus.

    References
    ----------
    The vertices of the hulls are found by comparing slopes, as in A. M. Andrew (1979),
    doi:10.1016/0020-0190(79)90072-3.

    Examples
    --------
    >>> rows, columns = np.nonzero([[1, 0, 0], [1, 0, 0], [1, 1, 1]])
    >>> convex_areas(rows, columns, np.zeros(5, int)).tolist()
    [6]
    """
    n_nuclei = int(positions.max(initial=-1)) + 1
    if n_nuclei == 0:
        return np.zeros(0, np.int64)
    top, bottom = np.empty((2, n_nuclei), np.intp)
    top[positions[::-1]] = rows[::-1]  # of many assignments, the last one holds
    bottom[positions] = rows
    heights = bottom - top + 1
    order = np.argsort(-heights, kind="stable")  # the highest first, see `_slopes`
    starts = np.empty(n_nuclei, np.intp)
    starts[order] = np.cumsum(heights[order]) - heights[order]
    lines = starts[positions] + rows - top[positions]
    left, right = np.full((2, int(heights.sum())), np.inf)
    left[lines[::-1]] = columns[::-1]
    right[lines] = -columns  # mirrored, so that it is a left side as well
    ends = np.cumsum(heights[order])
    sides = [_hull_side(side, heights[order]) for side in (left, right)]
    widths = -np.ceil(sides[0] - _TOLERANCE) - np.ceil(sides[1] - _TOLERANCE) + 1
    sums = np.add.reduceat(widths, ends - heights[order])
    areas = np.empty(n_nuclei, np.int64)
    areas[order] = np.rint(sums)
    return areas


def _hull_side(first: NDArray[np.float64], heights: NDArray[np.intp]) -> Any:
    """Return how far left the hulls reach in each row.

    Corners lie in rows and half rows: half a pixel to the left of the first pixel of a
    row, and half a pixel above and below it.
    """
    sizes = 2 * heights + 1
    ends = np.cumsum(sizes)
    starts = ends - sizes
    nuclei = np.repeat(np.arange(heights.size), heights)
    inside = np.arange(first.size) - (np.cumsum(heights) - heights)[nuclei]
    middle = starts[nuclei] + 2 * inside + 1
    x = np.full(int(ends[-1]), np.inf)
    x[middle] = first - 0.5
    x[middle - 1] = first
    x[middle + 1] = np.minimum(x[middle + 1], first)  # where the next row has written
    before, after = _slopes(x, sizes)
    is_vertex = np.isfinite(x) & (before <= after)
    at = np.flatnonzero(is_vertex)
    place = np.arange(x.size)
    after_place = at[np.minimum(np.searchsorted(at, place[middle]), at.size - 1)]
    before_place = at[np.searchsorted(at, place[middle], side="right") - 1]
    gap = np.maximum(after_place - before_place, 1)
    share = (place[middle] - before_place) / gap
    return x[before_place] * (1 - share) + x[after_place] * share


def _slopes(
    x: NDArray[np.float64], sizes: NDArray[np.intp]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the largest slope from a corner above, the smallest to one below.

    A corner is one of the hull if the former is not larger.  Nuclei are sorted by
    height, so those that are high enough for a distance stand in front.
    """
    before, after = np.full(x.size, -np.inf), np.full(x.size, np.inf)
    ends = np.cumsum(sizes)
    last = np.repeat(ends, sizes) - 1
    place = np.arange(x.size)
    n_high = np.searchsorted(-sizes, -np.arange(1, int(sizes.max())), side="left")
    for distance, n in enumerate(n_high, start=1):
        upper = place[: ends[n - 1] - distance] if n else place[:0]
        upper = upper[last[upper] - upper >= distance]
        lower = upper + distance
        with np.errstate(invalid="ignore"):
            slope = (x[lower] - x[upper]) / distance
        slope[np.isnan(slope)] = np.inf
        after[upper] = np.minimum(after[upper], slope)
        is_real = np.isfinite(x[upper])
        before[lower[is_real]] = np.maximum(before[lower[is_real]], slope[is_real])
    return before, after
