"""Blocks of an image that begin beyond its edges."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

Scalar = TypeVar("Scalar", bound=np.generic)


def repeat_edges(block: NDArray[Scalar], inside: tuple[slice, slice]) -> None:
    """Fill what lies around the inside of a block with its outermost pixels.

    Parameters
    ----------
    block : (Y, X) ndarray
        Is changed where it lies outside.
    inside : (slice, slice)
        Rows and columns that are known; as many columns are missing on both sides.

    Examples
    --------
    >>> block = np.array([[0, 0, 0, 0], [0, 5, 7, 0]])
    >>> repeat_edges(block, np.s_[1:2, 1:-1])
    >>> block.tolist()
    [[5, 5, 7, 7], [5, 5, 7, 7]]
    """
    rows, columns = inside
    block[: rows.start, columns] = block[rows.start, columns]
    block[rows.stop :, columns] = block[rows.stop - 1, columns]
    n_missing = columns.start
    block[:, :n_missing] = block[:, n_missing, np.newaxis]
    block[:, -n_missing:] = block[:, -n_missing - 1, np.newaxis]
