"""Nuclei that were corrected stay, whatever is found around them.

And what was deleted stays deleted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

from napari_unet_nuclei.core.instances.distinct import distinct
from napari_unet_nuclei.core.instances.editing.edit import disc, largest_component
from napari_unet_nuclei.core.instances.editing.locating import places_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from napari_unet_nuclei.core.instances.measurements import Features

_LEAST_REST = 0.5  # of a nucleus: what is left of it beside corrected ones
_NEARLY_ALL = 0.9  # of a nucleus: what is left of it cannot be a rim
_RIM = 2  # px: half the width of a rim around a corrected nucleus that is none


def keep_nuclei(
    fresh: NDArray[np.int32],
    current: NDArray[np.integer],
    locked: Iterable[int],
    erased: NDArray[np.bool_] | None = None,
    *,
    fresh_features: Features | None = None,
    current_features: Features | None = None,
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
    fresh_features, current_features : dict of str to (N,) ndarray, optional
        Measurements of both, with which nuclei are found sooner; see `places_of`.

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
    keep_in_place(
        kept,
        current,
        locked,
        np.zeros(0, np.intp) if erased is None else np.flatnonzero(erased),
        fresh_features=fresh_features,
        current_features=current_features,
    )
    return kept


def keep_in_place(
    labels: NDArray[np.int32],
    current: NDArray[np.integer],
    locked: Iterable[int],
    erased: NDArray[np.intp],
    *,
    fresh_features: Features | None = None,
    current_features: Features | None = None,
) -> tuple[NDArray[np.intp], NDArray[np.int32]]:
    """Do what `keep_nuclei` does without a copy, and without a look at all pixels.

    Parameters
    ----------
    labels : (Y, X) ndarray of int32, C-contiguous
        What was found anew; changed in place.
    current, locked, fresh_features, current_features
        As for `keep_nuclei`.
    erased : (K,) ndarray of int
        Pixels that stay background, as indices into the flattened labels.

    Returns
    -------
    places : (M,) ndarray of int
        Pixels that may have changed, ascending, as indices into the flattened labels.
    before : (M,) ndarray of int32
        What they were.
    """
    flat = labels.reshape(-1)
    fixed = places_of(current, locked, current_features)
    given = np.append(fixed, erased)
    touched = distinct(flat[given])
    touched = touched[touched > 0]
    whole = places_of(labels, touched.tolist(), fresh_features)
    places = distinct(given, whole)
    before = flat[places]
    numbers = flat[whole]
    flat[erased] = 0
    flat[fixed] = current.reshape(-1)[fixed]
    if touched.size:
        _trim(labels, whole, numbers, touched)
    return places, before


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


def renumber(
    labels: NDArray[np.int32],
    numbers: dict[int, int],
    features: Features | None = None,
) -> NDArray[np.intp]:
    """Give some nuclei of a plane other numbers, in place.

    Parameters
    ----------
    labels : (Y, X) ndarray of int32
        Numbered nuclei, 0 = background.
    numbers : dict of int to int
        Old and new numbers, as `free_numbers` returns them.
    features : dict of str to (N,) ndarray, optional
        Measurements under the old numbers; see `places_of`.

    Returns
    -------
    (K,) ndarray of int
        Pixels that have changed, as indices into the flattened labels.
    """
    places = places_of(labels, numbers, features)
    if places.size:
        old, new = np.array(sorted(numbers.items()), np.int32).T
        flat = labels.reshape(-1)
        flat[places] = new[np.searchsorted(old, flat[places])]
    return places


def _trim(
    kept: NDArray[np.int32],
    places: NDArray[np.intp],
    numbers: NDArray[np.int32],
    touched: NDArray[np.int32],
) -> None:
    """Leave of each touched nucleus one part that is a nucleus, or nothing.

    Where each was before is told by places and numbers.
    """
    order = np.lexsort((places, numbers))
    firsts = np.searchsorted(numbers[order], touched)
    areas = np.diff(firsts, append=places.size)
    rows, columns = np.divmod(places[order], kept.shape[1])
    tops, bottoms = rows[firsts], rows[firsts + areas - 1] + 1
    lefts = np.minimum.reduceat(columns, firsts)
    rights = np.maximum.reduceat(columns, firsts) + 1
    for number, area, top, bottom, left, right in zip(
        touched.tolist(), areas.tolist(), tops, bottoms, lefts, rights, strict=True
    ):
        part = kept[top:bottom, left:right]
        rest = part == number
        n_left = np.count_nonzero(rest)
        part[rest] = 0
        if n_left < _LEAST_REST * area:
            continue  # it is the corrected one, found anew
        whole = rest
        if n_left < _NEARLY_ALL * area:  # else nothing around a locked one is left
            opened = ndimage.binary_opening(np.pad(rest, _RIM), disc(_RIM))
            whole = opened[_RIM:-_RIM, _RIM:-_RIM]
        whole = largest_component(whole)
        if np.count_nonzero(whole) >= _LEAST_REST * area:
            part[whole] = number
