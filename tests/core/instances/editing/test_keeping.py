"""Corrected nuclei stay whatever is found around them."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_unet_nuclei.core.instances.editing.changes import (
    NOTHING_LOCKED,
    ChangedPixels,
)
from napari_unet_nuclei.core.instances.editing.keeping import (
    free_numbers,
    keep_in_place,
    keep_nuclei,
    renumber,
)
from napari_unet_nuclei.core.instances.editing.locating import places_of
from napari_unet_nuclei.core.instances.measurements import measure_nuclei

if TYPE_CHECKING:
    from collections.abc import Callable

    from hypothesis.strategies import SearchStrategy
    from numpy.typing import NDArray

    Draw = Callable[..., NDArray[np.int32]]
    Nuclei = SearchStrategy[NDArray[np.int32]]
    Parts = Callable[..., int]


def test_locked_nuclei_win_and_others_are_found_anew(draw: Draw) -> None:
    current = draw((24, 15, 8), (24, 45, 8))
    fresh = np.where(draw((24, 15, 10), (24, 45, 6)) > 0, 0, 0).astype(np.int32)
    fresh[draw((24, 15, 10)) > 0] = 11
    fresh[draw((24, 45, 6)) > 0] = 12
    kept = keep_nuclei(fresh, current, {1})
    np.testing.assert_array_equal(kept == 1, current == 1)
    np.testing.assert_array_equal(kept == 12, fresh == 12)
    assert np.unique(kept).tolist() == [0, 1, 12]  # no rim of 11 is left


def test_halves_of_a_split_nucleus_are_not_joined_again(draw: Draw) -> None:
    current = draw((24, 20, 9), (24, 36, 9))
    fresh = np.where(draw((24, 20, 10), (24, 36, 10)) > 0, 7, 0).astype(np.int32)
    kept = keep_nuclei(fresh, current, {1, 2})
    np.testing.assert_array_equal(kept, current)


def test_what_was_deleted_stays_deleted_also_where_it_grows(draw: Draw) -> None:
    erased = draw((24, 20, 8)) > 0
    nothing = np.zeros(erased.shape, np.int32)
    fresh = np.where(draw((24, 20, 10)) > 0, 4, 0).astype(np.int32)
    assert not keep_nuclei(fresh, nothing, (), erased).any()
    fresh = np.where(draw((24, 20, 6)) > 0, 4, 0).astype(np.int32)
    assert not keep_nuclei(fresh, nothing, (), erased).any()


def test_a_large_nucleus_keeps_what_is_left_of_it(draw: Draw) -> None:
    fresh = draw((24, 30, 18))
    current = np.where(draw((24, 10, 8)) > 0, 5, 0).astype(np.int32)
    kept = keep_nuclei(fresh, current, {5})
    assert np.count_nonzero(kept == 1) > 0.8 * np.count_nonzero(fresh)
    np.testing.assert_array_equal(kept == 5, current == 5)


def test_fresh_nuclei_get_numbers_that_are_free(draw: Draw) -> None:
    fresh = draw((24, 15, 8), (24, 45, 8))
    numbers = free_numbers(np.array([1, 2]), {2, 9})
    assert numbers == {2: 10}
    for features in (None, measure_nuclei(fresh)):
        changed = fresh.copy()
        renumber(changed, numbers, features)
        np.testing.assert_array_equal(changed, np.where(fresh == 2, 10, fresh))
        renumber(changed, {}, features)
        assert np.unique(changed).tolist() == [0, 1, 10]
    assert free_numbers(np.zeros(0, int), set()) == {}


@settings(max_examples=50, deadline=None)
@given(data=st.data())
def test_locked_pixels_stay_and_every_nucleus_is_connected(
    nuclei: Nuclei, n_parts: Parts, data: st.DataObject
) -> None:
    fresh = data.draw(nuclei)
    current = data.draw(nuclei)
    numbers = np.unique(current[current > 0]).tolist()
    locked = set(data.draw(st.lists(st.sampled_from(numbers)))) if numbers else set()
    erased = np.zeros(fresh.shape, bool)
    erased[5:20, 5:25] = data.draw(st.booleans())
    fresh = np.where(fresh > 0, fresh + 1000, 0).astype(np.int32)
    kept = keep_nuclei(fresh, current, locked, erased)
    located = keep_nuclei(
        *(fresh, current, locked, erased),
        fresh_features=measure_nuclei(fresh),
        current_features=measure_nuclei(current),
    )
    np.testing.assert_array_equal(located, kept)
    changed = fresh.copy()
    places, before = keep_in_place(changed, current, locked, np.flatnonzero(erased))
    np.testing.assert_array_equal(changed, kept)
    np.testing.assert_array_equal(fresh.ravel()[places], before)
    assert np.isin(np.flatnonzero(fresh != kept), places).all()
    for number in locked:
        np.testing.assert_array_equal(kept == number, current == number)
    assert not kept[erased & ~np.isin(current, list(locked))].any()
    others = set(np.unique(kept[kept > 0]).tolist()) - locked
    assert others <= set(np.unique(fresh).tolist())
    for number in others:
        assert n_parts(kept, number) == 1
        inside = kept == number
        assert (fresh[inside] == number).all()


def note(
    changes: ChangedPixels, old: NDArray[np.int32], new: NDArray[np.int32]
) -> None:
    places = np.flatnonzero(old != new)
    changes.note(places, old.ravel()[places], new.ravel()[places])


def test_changed_pixels_lock_whom_they_were_taken_from_and_given_to(draw: Draw) -> None:
    labels = draw((24, 15, 8), (24, 28, 8), (24, 50, 6))
    changes = ChangedPixels()
    assert not changes.locked
    painted = labels.copy()
    painted[24, 20:24] = 2
    note(changes, labels, painted)
    assert changes.locked.numbers == {1, 2}
    erased = painted.copy()
    erased[erased == 3] = 0
    note(changes, painted, erased)
    assert changes.locked.numbers == {1, 2, 3}
    np.testing.assert_array_equal(changes.locked.erased, np.flatnonzero(labels == 3))
    note(changes, erased, painted)
    note(changes, painted, labels)
    assert len(changes) == 0
    assert not changes.locked
    assert not NOTHING_LOCKED


@settings(max_examples=30, deadline=None)
@given(data=st.data())
def test_changes_are_those_from_the_first_to_the_last(
    nuclei: Nuclei, data: st.DataObject
) -> None:
    states = data.draw(st.lists(nuclei, min_size=2, max_size=5))
    changes = ChangedPixels()
    for old, new in pairwise(states):
        note(changes, old, new)
    is_changed = states[0] != states[-1]
    assert len(changes) == np.count_nonzero(is_changed)
    involved = {*states[0][is_changed].tolist(), *states[-1][is_changed].tolist()}
    assert changes.locked.numbers == involved - {0}
    np.testing.assert_array_equal(
        changes.locked.erased, np.flatnonzero(is_changed & (states[-1] == 0))
    )


@settings(max_examples=30, deadline=None)
@given(data=st.data())
def test_nuclei_are_found_by_measurements_as_they_are_without(
    nuclei: Nuclei, data: st.DataObject
) -> None:
    labels = data.draw(nuclei)
    features = measure_nuclei(labels)
    numbers = data.draw(st.lists(st.integers(-1, 40)))
    expected = np.flatnonzero(np.isin(labels, [n for n in numbers if n > 0]))
    for known in (None, features, {"label": features["label"]}):
        found = np.sort(places_of(labels, numbers, known))
        np.testing.assert_array_equal(found, expected)
    wrong = {**features, "area": features["area"] + 1}
    np.testing.assert_array_equal(np.sort(places_of(labels, numbers, wrong)), expected)
