"""Connected components of a mask as runs: lines of foreground in a row.

There are tens of times fewer runs than pixels, so that whatever can be said of a
whole run (where it lies, how long it is, what it belongs to) is cheap.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from napari_unet_nuclei.core.cancellation import check_cancelled
from napari_unet_nuclei.core.hardware import check_room

if TYPE_CHECKING:
    from numpy.typing import NDArray

_BYTES_PER_RUN = 200  # while components are found
BLOCK_AREA = 2**20
"""Pixels that are searched at once: few enough to stay in the cache."""


class Runs(NamedTuple):
    """Numbered runs of an image, in raster order.

    Parameters
    ----------
    starts : (n,) ndarray of int
        First pixel of each, as an index into the flattened image.
    lengths : (n,) ndarray of int, in px
        Length of each; none goes on in the next row.
    numbers : (n,) ndarray of int32
        Connected component that each belongs to, from 1.
    """

    starts: NDArray[np.intp]
    lengths: NDArray[np.intp]
    numbers: NDArray[np.int32]

    def chosen(self, which: NDArray[np.bool_]) -> Runs:
        """Only some of the runs."""
        return Runs(self.starts[which], self.lengths[which], self.numbers[which])

    def around(self, pixels: NDArray[np.intp]) -> NDArray[np.intp]:
        """Index of the run that each pixel lies in, given that it lies in one."""
        return np.asarray(np.searchsorted(self.starts, pixels, "right") - 1)


def label_runs(mask: NDArray[np.bool_]) -> Runs:
    """Find the runs of a mask and number its connected components.

    Parameters
    ----------
    mask : (Y, X) ndarray of bool
        True on the foreground.

    Returns
    -------
    Runs
        Numbers are in the raster order of the first pixels of the components, as
        those of :func:`scipy.ndimage.label`.  Pixels are neighbours when they share
        a side.

    Raises
    ------
    ImageError
        If there are more runs than the memory has room for.
    """
    height, width = mask.shape
    n_rows = max(1, BLOCK_AREA // width)
    parts = [
        _changes(mask[y : y + n_rows]) + y * width for y in range(0, height, n_rows)
    ]
    n_runs = sum(part.size for part in parts) // 2
    check_room(n_runs * _BYTES_PER_RUN, "so scattered a foreground")
    changes = np.concatenate(parts)
    starts, stops = np.ascontiguousarray(changes.reshape(-1, 2).T)
    return Runs(starts, stops - starts, connect_runs(starts, stops, width))


def _changes(mask: NDArray[np.bool_]) -> NDArray[np.intp]:
    """Where runs start and stop, in turns, as indices into the flattened mask."""
    check_cancelled()
    height, width = mask.shape
    # One pixel of background after each row, so that its last run ends there.
    flat = np.zeros(height * (width + 1) + 1, np.bool_)
    flat[1:].reshape(height, width + 1)[:, :-1] = mask
    changes = np.flatnonzero(flat[1:] != flat[:-1])
    return np.asarray(changes - changes // (width + 1))


def connect_runs(
    starts: NDArray[np.intp], stops: NDArray[np.intp], width: int
) -> NDArray[np.int32]:
    """Find the components of the graph of runs that touch one another.

    Parameters
    ----------
    starts, stops : (n,) ndarray of int
        First pixel of each run and the one after its last, in raster order.
    width : int, in px
        Width of the image.

    Returns
    -------
    (n,) ndarray of int32
        Number of the component of each run, from 1.
    """
    from scipy.sparse import csgraph, csr_array  # loads much

    # In the next row, those touch that end after the start and start before the end.
    first = np.searchsorted(stops, starts + width, "right")
    n_below = np.searchsorted(starts, stops + width, "left") - first
    below = expand(first, n_below)
    links = np.ones(below.size, np.bool_), below, np.append(0, np.cumsum(n_below))
    graph = csr_array(links, shape=(starts.size, starts.size))
    _, numbers = csgraph.connected_components(graph, directed=False)
    return np.asarray(numbers + 1, np.int32)


def paint(
    runs: Runs, values: NDArray[np.int32], shape: tuple[int, int]
) -> NDArray[np.int32]:
    """Fill each run with a value.

    Parameters
    ----------
    runs : Runs
        Runs of a mask.
    values : (n,) ndarray of int32
        Value of each.
    shape : tuple of int
        Height and width of the mask.

    Returns
    -------
    (Y, X) ndarray of int32
        0 outside the runs.
    """
    # Gaps and runs take turns: before the first run, the first run, and so on.
    ends = np.zeros(2 * runs.starts.size + 2, np.intp)
    ends[1:-1:2] = runs.starts
    ends[2::2] = runs.starts + runs.lengths
    ends[-1] = shape[0] * shape[1]
    alternating = np.zeros(ends.size - 1, np.int32)
    alternating[1::2] = values
    painted = np.empty(shape, np.int32)
    flat = painted.ravel()
    # Repeating lets no other thread of Python run, not that of a window either.
    for start in range(0, flat.size, BLOCK_AREA):
        check_cancelled()
        stop = min(start + BLOCK_AREA, flat.size)
        first = np.searchsorted(ends, start, "right") - 1
        last = np.searchsorted(ends, stop)
        within = np.clip(ends[first : last + 1], start, stop)
        lengths = within[1:] - within[:-1]
        flat[start:stop] = np.repeat(alternating[first:last], lengths)
    return painted


def expand(starts: NDArray[np.intp], lengths: NDArray[np.intp]) -> NDArray[np.intp]:
    """Count on from each start: 5, 9 and lengths 2, 3 become 5, 6, 9, 10, 11.

    Parameters
    ----------
    starts, lengths : (n,) ndarray of int
        First value and length, 0 or more, of each range.

    Returns
    -------
    (sum of the lengths,) ndarray of int
        The ranges, one after the other.
    """
    stops = np.cumsum(lengths)
    offsets = starts - (stops - lengths)
    return np.asarray(np.arange(lengths.sum()) + np.repeat(offsets, lengths))
