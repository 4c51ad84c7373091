"""Polygons → the pixels whose centres lie in them; the way back from ``contours``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Box = tuple[slice, slice]

_MOST_CORNERS = 4_000  # of a ring that is checked; it takes time by the square of it
_CHUNK = 500


def fill_rings(
    rings: Sequence[NDArray[Any]], shape: tuple[int, int]
) -> tuple[Box, NDArray[np.bool_]]:
    """Return the pixels whose centres lie in an odd number of rings.

    Parameters
    ----------
    rings : sequence of (N, 2) ndarray
        Corners (y, x) in px from the upper left corner of the image, in either
        direction; the last one is joined to the first.
    shape : (int, int)
        Height and width of the image in px; what lies outside is left out.

    Returns
    -------
    box : (slice, slice)
        Rows and columns around the pixels.
    mask : (Y, X) ndarray of bool
        True in the rings, of the size of the box.  A centre on a line belongs to the
        polygon to the right of it or below it, so polygons that share a side share no
        pixel.

    Examples
    --------
    >>> box, mask = fill_rings([np.array([(0, 1), (0, 3), (2, 3), (2, 1)])], (5, 5))
    >>> box, mask.tolist()
    ((slice(0, 2, None), slice(1, 3, None)), [[True, True], [True, True]])
    """
    starts = np.concatenate([np.asarray(ring, np.float64) for ring in rings])
    ends = np.concatenate([np.roll(ring, -1, axis=0) for ring in rings])
    first, after = (
        np.clip(np.ceil(bound - 0.5), 0, shape).astype(np.intp)
        for bound in (starts.min(axis=0), starts.max(axis=0))
    )
    height, width = np.maximum(after - first, 0)
    box = (
        slice(int(first[0]), int(first[0] + height)),
        slice(int(first[1]), int(first[1] + width)),
    )
    # From one column to the next, a pixel is in where the one before is out, or the
    # other way round, if an odd number of sides is crossed between their centres.
    flips = np.zeros((int(height), int(width) + 1), np.uint8)
    rows, columns = _crossings(starts, ends, first[0], after[0])
    columns = np.clip(columns - first[1], 0, width).astype(np.intp)
    np.bitwise_xor.at(flips, (rows - first[0], columns), 1)
    return box, np.bitwise_xor.accumulate(flips, axis=1)[:, :-1].astype(bool)


def _crossings(
    starts: NDArray[Any], ends: NDArray[Any], top: int, bottom: int
) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """Return each row that a side crosses, and the first column to the right of it."""
    is_downward = (starts[:, 0] <= ends[:, 0])[:, None]
    # From above, whichever way the ring goes round, so that neighbours agree.
    (y0, x0), (y1, x1) = (
        np.where(is_downward, starts, ends).T,
        np.where(is_downward, ends, starts).T,
    )
    first, after = (
        np.clip(np.ceil(y - 0.5), top, max(top, bottom)).astype(np.intp)
        for y in (y0, y1)
    )
    n_rows = after - first
    side = np.repeat(np.arange(n_rows.size), n_rows)
    before = np.cumsum(n_rows) - n_rows
    rows = first[side] + np.arange(side.size) - before[side]
    part = (rows + 0.5 - y0[side]) / (y1 - y0)[side]
    return rows, np.ceil(x0[side] + part * (x1 - x0)[side] - 0.5)


def crosses_itself(ring: NDArray[Any]) -> bool:
    """Return whether two sides of a ring cross between their ends.

    Parameters
    ----------
    ring : (N, 2) ndarray
        Corners as in `fill_rings`.

    Returns
    -------
    bool
        False where sides only touch, and for more than 4,000 corners, which would take
        too long to check.
    """
    n_sides = len(ring)
    if not 3 < n_sides <= _MOST_CORNERS:
        return False
    starts = np.asarray(ring, np.float64)
    ends = np.roll(starts, -1, axis=0)
    for first in range(0, n_sides, _CHUNK):
        some = slice(first, first + _CHUNK)
        # Ends of each of these sides on both sides of all others, and the reverse.
        there = _turn(starts, ends, starts[some]) * _turn(starts, ends, ends[some])
        here = _turn(starts[some], ends[some], starts) * _turn(
            starts[some], ends[some], ends
        )
        if ((there < 0) & (here < 0).T).any():
            return True
    return False


def _turn(
    starts: NDArray[Any], ends: NDArray[Any], points: NDArray[Any]
) -> NDArray[np.float64]:
    """Return on which side of each line each point lies, as -1, 0 or 1."""
    along = ends - starts
    beside = points[:, None] - starts
    return np.asarray(
        np.sign(along[:, 0] * beside[..., 1] - along[:, 1] * beside[..., 0])
    )
