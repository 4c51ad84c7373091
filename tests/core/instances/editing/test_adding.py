"""Missed nuclei that are grown from the maps, or drawn."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from napari_unet_nuclei.core.instances.editing.adding import (
    draw_nucleus,
    grow_nucleus,
)
from napari_unet_nuclei.core.instances.editing.edit import EditError

if TYPE_CHECKING:
    from collections.abc import Callable

    from hypothesis.strategies import SearchStrategy
    from numpy.typing import NDArray

    Draw = Callable[..., NDArray[np.int32]]
    Check = Callable[..., NDArray[np.integer]]

AREA = 250.0  # of a disc with a radius of 9


def test_a_dim_nucleus_is_grown_at_its_own_threshold(draw: Draw, check: Check) -> None:
    found, both = draw((24, 15, 9)), draw((24, 15, 9), (24, 42, 9))
    foreground = np.where(both == 1, 0.95, 0.0) + np.where(both == 2, 0.2, 0.0)
    foreground = ndimage.gaussian_filter(foreground, 1).astype(np.float32)
    edit = grow_nucleus(found, foreground, (26, 44), 5, AREA)
    corrected = check(found, edit, set())
    missed = both == 2
    overlap = np.count_nonzero((corrected == 5) & missed)
    assert overlap / np.count_nonzero((corrected == 5) | missed) > 0.9


def test_growth_stops_before_a_bridge_to_haze(draw: Draw, check: Check) -> None:
    truth = draw((24, 30, 8))
    foreground = np.where(truth > 0, 0.8, 0.0)
    foreground[20:28, 36:60] = 0.45  # above half of the peak
    foreground[:, 50:60] = 0.45
    labels = np.zeros_like(truth)
    edit = grow_nucleus(labels, foreground.astype(np.float32), (24, 30), 1, AREA)
    grown = check(labels, edit, set()) == 1
    assert np.count_nonzero(grown & (truth == 0)) < 20
    assert np.count_nonzero(grown) > 0.9 * np.count_nonzero(truth)


def test_a_neighbour_is_not_touched(draw: Draw, check: Check) -> None:
    both = draw((24, 20, 9), (24, 36, 9))
    found = np.where(both == 1, 1, 0).astype(np.int32)
    foreground = (both > 0).astype(np.float32)
    corrected = check(found, grow_nucleus(found, foreground, (24, 40), 2, AREA), set())
    assert np.count_nonzero((corrected == 2) != (both == 2)) < 12


def test_where_nothing_can_grow_it_says_why(draw: Draw) -> None:
    labels = draw((24, 20, 9))
    empty = np.zeros(labels.shape, np.float32)
    with pytest.raises(EditError, match="nucleus 1 already"):
        grow_nucleus(labels, empty, (24, 20), 2, AREA)
    with pytest.raises(EditError, match="inside the image"):
        grow_nucleus(labels, empty, (24, 99), 2, AREA)
    with pytest.raises(EditError, match="has seen nothing there"):
        grow_nucleus(labels, empty, (24, 50), 2, AREA)
    with pytest.raises(EditError, match="No compact nucleus"):
        grow_nucleus(labels, empty + 0.3, (24, 45), 2, 20.0)


def test_a_drawn_nucleus_takes_background_alone(draw: Draw, check: Check) -> None:
    labels = draw((24, 20, 9))
    outline = [(10, 20), (10, 50), (38, 50), (38, 20)]
    corrected = check(labels, edit := draw_nucleus(labels, outline, 8), set())
    assert edit.numbers == (8,)
    assert corrected[24, 45] == 8
    with pytest.raises(EditError, match="outside of the image"):
        draw_nucleus(labels, [(90, 90), (90, 95), (95, 95)], 8)


def test_a_nucleus_that_is_drawn_over_others_takes_their_pixels(
    draw: Draw, check: Check
) -> None:
    labels = draw((24, 20, 9), (24, 38, 5))
    outline = [(18, 24), (18, 42), (30, 42), (30, 24)]  # a part of 1, most of 2
    corrected = check(labels, edit := draw_nucleus(labels, outline, 8), {1, 2})
    assert edit.numbers == (8, 1, 2)
    assert (corrected[18:31, 24:43] == 8).all()
    assert 2 not in corrected  # no crumb beside what was drawn
    np.testing.assert_array_equal(corrected[:, :24], labels[:, :24])


def test_a_straight_line_across_is_a_round_nucleus(draw: Draw, check: Check) -> None:
    truth = draw((24, 40, 8))
    line = np.linspace((24, 32), (24, 48), 9)
    line[1:-1, 0] += 0.4  # by a hand that shakes
    edit = draw_nucleus(np.zeros_like(truth), line, 1)
    corrected = check(np.zeros_like(truth), edit, set())
    assert np.count_nonzero(corrected != truth) < 0.15 * np.count_nonzero(truth)
    at_the_edge = draw_nucleus(np.zeros_like(truth), [(0, -5), (0, 5)], 1)
    check(np.zeros_like(truth), at_the_edge, set())


def test_a_thin_outline_that_falls_apart_is_drawn_where_most_of_it_lies() -> None:
    labels = np.zeros((8, 12), np.int32)
    labels[2:, :3] = 1
    outline = [(0, 7), (0, 8), (3, 0)]
    drawn = draw_nucleus(np.zeros_like(labels), outline, 9)
    edit = draw_nucleus(labels, outline, 9)
    assert edit.numbers == drawn.numbers == (9,)
    free = labels == 0
    drawn_alone = drawn.applied_to(np.zeros_like(labels))
    assert (edit.applied_to(labels)[free] == drawn_alone[free]).all()


@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_whatever_is_drawn_over_leaves_whole_nuclei(
    nuclei: SearchStrategy[NDArray[np.int32]], check: Check, data: st.DataObject
) -> None:
    labels = data.draw(nuclei)
    corner = st.tuples(st.integers(0, 47), st.integers(0, 59))
    outline = data.draw(st.lists(corner, min_size=1, max_size=6))
    edit = draw_nucleus(labels, outline, 999)
    corrected = check(labels, edit, set(edit.numbers))
    assert 999 in corrected


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 1000), row=st.integers(0, 47), column=st.integers(0, 59))
def test_what_is_grown_is_one_part_wherever_it_is_asked_for(
    draw: Draw, check: Check, seed: int, row: int, column: int
) -> None:
    rng = np.random.default_rng(seed)
    noise = ndimage.gaussian_filter(rng.normal(size=(48, 60)), 4)
    foreground = ((noise - noise.min()) / np.ptp(noise)).astype(np.float32)
    labels = draw((20, 15, 8), (30, 40, 8))
    try:
        edit = grow_nucleus(labels, foreground, (row, column), 9, AREA)
    except EditError:
        return
    corrected = check(labels, edit, set())
    assert 6 <= np.count_nonzero(corrected == 9) <= 4.5 * AREA
