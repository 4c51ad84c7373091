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
    kept = fresh.copy()
    flat, found = kept.reshape(-1), fresh.reshape(-1)
    fixed = _places_of(current, locked)
    lost = found[fixed]
    if erased is not None:
        places = np.flatnonzero(erased)
        lost = np.append(lost, found[places])
        flat[places] = 0
    flat[fixed] = current.reshape(-1)[fixed]
    touched = np.unique(lost)
    if touched.any():
        _trim(kept, fresh, touched[touched > 0])
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


def _places_of(labels: NDArray[np.integer], numbers: Iterable[int]) -> NDArray[np.intp]:
    """Return the pixels of some nuclei as indices into the flattened labels."""
    wanted = np.array([each for each in numbers if each > 0], np.intp)
    if not wanted.size:
        return np.zeros(0, np.intp)
    table = np.zeros(wanted.max() + 2, np.bool_)  # the last is for all higher numbers
    table[wanted] = True
    return np.flatnonzero(table.take(labels, mode="clip"))


def _trim(
    kept: NDArray[np.int32], fresh: NDArray[np.int32], touched: NDArray[np.int32]
) -> None:
    """Leave of each touched nucleus one part that is a nucleus, or nothing."""
    places = _places_of(fresh, touched.tolist())
    numbers = fresh.reshape(-1)[places]
    order = np.argsort(numbers, kind="stable")
    firsts = np.searchsorted(numbers[order], touched)
    rows, columns = np.divmod(places[order], fresh.shape[1])
    tops, bottoms = rows[firsts], rows[np.append(firsts[1:], rows.size) - 1] + 1
    lefts = np.minimum.reduceat(columns, firsts)
    rights = np.maximum.reduceat(columns, firsts) + 1
    for number, top, bottom, left, right in zip(
        touched.tolist(), tops, bottoms, lefts, rights, strict=True
    ):
        box = slice(top, bottom), slice(left, right)
        part = kept[box]
        rest = part == number
        least = _LEAST_REST * np.count_nonzero(fresh[box] == number)
        part[rest] = 0
        if np.count_nonzero(rest) >= least:  # else it is the corrected one, found anew
            opened = ndimage.binary_opening(np.pad(rest, _RIM), disc(_RIM))
            whole = largest_component(opened[_RIM:-_RIM, _RIM:-_RIM])
            if np.count_nonzero(whole) >= least:
                part[whole] = number
