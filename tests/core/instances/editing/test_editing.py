"""Nuclei that are deleted, merged and smoothed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_unet_nuclei.core.instances.editing.deleting import (
    delete_nuclei,
    nuclei_inside,
)
from napari_unet_nuclei.core.instances.editing.edit import EditError
from napari_unet_nuclei.core.instances.editing.merging import merge_nuclei
from napari_unet_nuclei.core.instances.editing.paths import (
    nuclei_along,
    pixels_inside,
    pixels_on,
)
from napari_unet_nuclei.core.instances.editing.smoothing import smooth_nuclei

if TYPE_CHECKING:
    from collections.abc import Callable

    from hypothesis.strategies import SearchStrategy
    from numpy.typing import NDArray

    Draw = Callable[..., NDArray[np.int32]]
    Check = Callable[..., NDArray[np.integer]]
    Nuclei = SearchStrategy[NDArray[np.int32]]

BOX = [(5, 5), (5, 32), (35, 32), (35, 5)]


def test_one_nucleus_or_several_are_deleted_and_the_others_stay(
    draw: Draw, check: Check
) -> None:
    labels = draw((20, 15, 8), (20, 40, 8), (40, 20, 5))
    corrected = check(labels, delete_nuclei(labels, [2]), {2})
    assert np.unique(corrected).tolist() == [0, 1, 3]
    corrected = check(labels, edit := delete_nuclei(labels, [3, 1]), {1, 3})
    assert np.unique(corrected).tolist() == [0, 2]
    assert edit.numbers == (3, 1)
    with pytest.raises(EditError, match="no nucleus 7"):
        delete_nuclei(labels, [7])
    with pytest.raises(EditError, match="no nucleus there"):
        delete_nuclei(labels, [])


def test_many_are_deleted_as_a_few_are(check: Check) -> None:
    labels = np.zeros((48, 60), np.int32)
    labels[2:26:2, 5:40:2] = 3 + np.arange(12 * 18).reshape(12, 18)
    numbers = [3 + n for n in range(0, 200, 2)]
    corrected = check(labels, delete_nuclei(labels, numbers), set(numbers))
    np.testing.assert_array_equal(corrected, labels * ~np.isin(labels, numbers))
    few, many = (delete_nuclei(labels, numbers[:n]) for n in (2, 18))
    assert (few.box[0], many.box[0]) == (slice(2, 3), slice(2, 5))
    with pytest.raises(EditError, match="no nucleus 900"):
        delete_nuclei(labels, [*numbers, 900])
    with pytest.raises(EditError, match="no nucleus 0"):
        delete_nuclei(labels, [*numbers, 0])


def test_an_outline_holds_nuclei_that_lie_in_it_for_the_greater_part(
    draw: Draw,
) -> None:
    labels = draw((20, 15, 8), (20, 33, 8), (40, 20, 5))
    assert nuclei_inside(labels, BOX) == [1]
    assert nuclei_inside(labels, np.add(BOX, (0, 3))) == [1, 2]
    assert nuclei_inside(labels, np.add(BOX, 100)) == []
    everything = [(-9, -9), (-9, 99), (99, 99), (99, -9)]
    assert nuclei_inside(labels, everything) == [1, 2, 3]


def test_merged_nuclei_have_the_number_of_the_first(draw: Draw, check: Check) -> None:
    labels = draw((20, 15, 8), (20, 27, 8), (40, 50, 5))
    corrected = check(labels, edit := merge_nuclei(labels, [2, 1, 2]), {1, 2})
    assert edit.numbers == (2,)
    np.testing.assert_array_equal((corrected == 2) >= (labels > 0) & (labels < 3), True)
    assert not (corrected == 1).any()


@pytest.mark.parametrize("gap", [1, 3])
def test_a_narrow_gap_is_bridged_without_what_lies_beside(
    draw: Draw, check: Check, gap: int
) -> None:
    labels = draw((20, 15, 8), (20, 32 + gap, 8))
    corrected = check(labels, merge_nuclei(labels, [1, 2]), {1, 2})
    grown = np.count_nonzero(corrected == 1) - np.count_nonzero(labels)
    assert gap <= grown < 60


def test_nuclei_at_the_edge_of_the_image_are_merged(draw: Draw, check: Check) -> None:
    labels = draw((0, 0, 8), (0, 18, 8))
    assert np.unique(check(labels, merge_nuclei(labels, [1, 2]), {1, 2})).size == 2


def test_nuclei_that_lie_apart_and_single_ones_are_not_merged(draw: Draw) -> None:
    labels = draw((20, 12, 8), (20, 45, 8))
    with pytest.raises(EditError, match="Nuclei 1 and 2 do not touch"):
        merge_nuclei(labels, [1, 2])
    with pytest.raises(EditError, match="Two nuclei are needed"):
        merge_nuclei(labels, [1, 1])


def test_a_third_nucleus_in_the_gap_is_not_taken(draw: Draw) -> None:
    labels = draw((20, 15, 8), (20, 33, 8), (20, 24, 1))
    corrected = merge_nuclei(labels, [1, 2]).applied_to(labels)
    np.testing.assert_array_equal(corrected == 3, labels == 3)


def test_smoothing_fills_holes_and_takes_spikes_off(draw: Draw, check: Check) -> None:
    labels = draw((24, 30, 12), (24, 50, 8))
    ragged = labels.copy()
    ragged[24, 28:31] = 0
    ragged[24, 5:18] = 1
    corrected = check(ragged, smooth_nuclei(ragged, [1]), {1})
    assert corrected[24, 30] == 1
    assert not corrected[24, 5:16].any()
    changed = np.count_nonzero((corrected == 1) != (labels == 1))
    assert changed < 30


def test_smoothing_a_speck_leaves_it() -> None:
    labels = np.zeros((9, 9), np.int32)
    labels[4, 4] = 5
    assert smooth_nuclei(labels, [5]).applied_to(labels)[4, 4] == 5


@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_corrections_leave_connected_nuclei_and_all_others(
    check: Check, nuclei: Nuclei, data: st.DataObject
) -> None:
    labels = data.draw(nuclei)
    numbers = np.unique(labels[labels > 0]).tolist()
    if not numbers:
        return
    chosen = data.draw(st.lists(st.sampled_from(numbers), min_size=1, max_size=3))
    corrected = check(labels, smooth_nuclei(labels, chosen), set(chosen))
    assert np.unique(corrected).tolist() == np.unique(labels).tolist()
    check(labels, delete_nuclei(labels, chosen), set(chosen))
    try:
        edit = merge_nuclei(labels, chosen)
    except EditError:
        return
    corrected = check(labels, edit, set(chosen))
    assert ((corrected == chosen[0]) >= np.isin(labels, chosen)).all()


def test_a_line_has_no_gaps_and_keeps_its_direction() -> None:
    pixels = pixels_on([(0, 0), (3, 9), (3, 9), (0, 9)])
    assert pixels[0].tolist() == [0, 0]
    assert pixels[-1].tolist() == [0, 9]
    assert np.abs(np.diff(pixels, axis=0)).max() == 1
    assert pixels_on([(2.4, 2.6)]).tolist() == [[2, 3]]


def test_a_stroke_tells_what_it_crosses_in_its_order(draw: Draw) -> None:
    labels = draw((20, 15, 8), (20, 40, 8))
    assert list(nuclei_along(labels, [(20, 55), (20, -4)])) == [2, 1]
    assert nuclei_along(labels, [(90, 90), (95, 95)]) == {}


def test_an_outline_holds_its_border_and_may_leave_the_image() -> None:
    found = pixels_inside([(1, 1), (1, 3), (3, 3), (3, 1)], (9, 9))
    assert found is not None
    assert found[0] == (slice(1, 4), slice(1, 4))
    assert found[1].all()
    found = pixels_inside([(-5, -5), (-5, 2), (2, 2), (2, -5)], (9, 9))
    assert found is not None
    assert found[1].shape == (3, 3)
    assert found[1].all()
