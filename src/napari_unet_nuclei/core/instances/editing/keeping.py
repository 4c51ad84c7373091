"""Nuclei that were corrected stay, whatever is found around them.

And what was deleted stays deleted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

from napari_unet_nuclei.core.instances.editing.edit import disc, largest_component

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

_LEAST_REST = 0.5  # of a nucleus: what is left of it beside corrected ones
_RIM = 2  # px: half the width of a rim around a corrected nucleus that is none


def keep_nuclei(
    fresh: NDArray[np.int32],
    current: NDArray[np.integer],
    locked: Iterable[int],
    erased: NDArray[np.bool_] | None = None,
) -> NDArray[np.int32]:
    """Put corrected nuclei into labels that were found anew.

    Locked pixels win.  Of a fresh nucleus that reaches into them, the rest stays if it
    is at least half of it; a rim around a locked nucleus is no rest.

    Parameters
    ----------
    fresh : (Y, X) ndarray of int32
        What was found anew; none has the number of a locked nucleus, see
        `free_numbers`.
    current : (Y, X) ndarray of int
        Labels with the corrections.
    locked : iterable of int
        Numbers of nuclei of ``current`` that stay as they are.
    erased : (Y, X) ndarray of bool, optional
        Pixels that were made background by hand, and stay it.

    Returns
    -------
    (Y, X) ndarray of int32
        A copy; locked nuclei have the pixels and the number they have in ``current``.

    Examples
    --------
    >>> fresh = np.array([[3, 3, 3, 0, 4]], np.int32)
    >>> current = np.array([[1, 1, 0, 0, 2]])
    >>> keep_nuclei(fresh, current, {1}).tolist()
    [[1, 1, 0, 0, 4]]
    """
    is_fixed = _is_any_of(current, locked)
    kept = np.where(is_fixed, current, fresh).astype(np.int32, copy=False)
    if erased is not None:
        erased = erased & ~is_fixed
        kept[erased] = 0
        is_fixed |= erased
    touched = np.unique(fresh[is_fixed])
    touched = touched[touched > 0]
    if touched.size:
        _trim(kept, fresh, touched)
    return kept


def free_numbers(fresh: NDArray[np.int32], locked: Iterable[int]) -> dict[int, int]:
    """Return new numbers for fresh nuclei that have that of a locked one.

    Parameters
    ----------
    fresh : (N,) ndarray of int
        Numbers of all fresh nuclei.
    locked : iterable of int
        Numbers that are taken.

    Returns
    -------
    dict of int to int
        Old and new numbers, of those that change.
    """
    taken = set(locked)
    highest = max(max(taken, default=0), int(fresh.max(initial=0)))
    clashes = sorted(taken.intersection(fresh.tolist()))
    return {old: highest + n for n, old in enumerate(clashes, 1)}


def renumbered(labels: NDArray[np.int32], numbers: dict[int, int]) -> NDArray[np.int32]:
    """Return a copy of labels in which some nuclei have other numbers.

    Parameters
    ----------
    labels : (…, Y, X) ndarray of int32
        Numbered nuclei, 0 = background.
    numbers : dict of int to int
        Old and new numbers, as `free_numbers` returns them.
    """
    if not numbers:
        return labels.copy()
    table = np.arange(int(labels.max(initial=0)) + 1, dtype=np.int32)
    for old, new in numbers.items():
        if old < table.size:
            table[old] = new
    return table[labels]


def _is_any_of(
    labels: NDArray[np.integer], numbers: Iterable[int]
) -> NDArray[np.bool_]:
    table = np.zeros(max(int(labels.max(initial=0)), 0) + 1, np.bool_)
    wanted = np.array([each for each in numbers if 0 < each < table.size], np.intp)
    if not wanted.size:
        return np.zeros(labels.shape, np.bool_)
    table[wanted] = True
    return np.asarray(table[np.maximum(labels, 0)])


def _trim(
    kept: NDArray[np.int32], fresh: NDArray[np.int32], touched: NDArray[np.int32]
) -> None:
    """Leave of each touched nucleus one part that is a nucleus, or nothing."""
    boxes = ndimage.find_objects(np.where(_is_any_of(fresh, touched), fresh, 0))
    for number in touched.tolist():
        box = boxes[number - 1]
        before, part = fresh[box] == number, kept[box]
        rest = part == number
        opened = ndimage.binary_opening(np.pad(rest, _RIM), disc(_RIM))
        whole = largest_component(opened[_RIM:-_RIM, _RIM:-_RIM])
        part[rest] = 0
        if np.count_nonzero(whole) >= _LEAST_REST * np.count_nonzero(before):
            part[whole] = number
