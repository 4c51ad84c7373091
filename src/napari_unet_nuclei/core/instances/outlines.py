"""Outlines without spurs and notches of a pixel."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from napari_unet_nuclei.core.cancellation import check_cancelled
from napari_unet_nuclei.core.instances.padding import repeat_edges

if TYPE_CHECKING:
    from numpy.typing import NDArray

_BLOCK_AREA = 2**17
"""Pixels that are smoothed at once: few enough to stay in the cache."""


def smooth_outlines(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Give each pixel the value that most of it and its four neighbours have.

    Parameters
    ----------
    mask : (Y, X) ndarray of bool
        True on the foreground.

    Returns
    -------
    (Y, X) ndarray of bool
        The median of each pixel and those that share a side with it; beyond the image
        pixels are taken to go on.  What holds another mask before holds it afterwards.

    Examples
    --------
    >>> notched = np.ones((4, 4), bool)
    >>> notched[0, 1] = False
    >>> bool(smooth_outlines(notched).all())
    True
    """
    height, width = mask.shape
    smooth = np.empty(mask.shape, np.bool_)
    n_rows = max(1, _BLOCK_AREA // width)
    for start in range(0, height, n_rows):
        check_cancelled()
        stop = min(start + n_rows, height)
        first, last = max(start - 1, 0), min(stop + 1, height)
        inside = np.s_[first - start + 1 : last - start + 1, 1:-1]
        block = np.empty((stop - start + 2, width + 2), np.bool_)
        block[inside] = mask[first:last]
        repeat_edges(block, inside)
        _take_median(block, smooth[start:stop])
    return smooth


def _take_median(block: NDArray[np.bool_], median: NDArray[np.bool_]) -> None:
    """Decide by three of five votes."""
    above, below = block[:-2, 1:-1], block[2:, 1:-1]
    left, right = block[1:-1, :-2], block[1:-1, 2:]
    one_of_rows, both_rows = above | below, above & below
    one_of_columns, both_columns = left | right, left & right
    np.logical_and(one_of_rows, one_of_columns, out=median)
    median |= both_rows
    median |= both_columns
    median &= block[1:-1, 1:-1]  # two neighbours are enough for a pixel inside
    both_rows &= one_of_columns
    both_columns &= one_of_rows
    median |= both_rows
    median |= both_columns
