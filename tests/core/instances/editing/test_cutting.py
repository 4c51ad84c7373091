"""Nuclei that are split by a stroke, and between two points."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from napari_unet_nuclei.core.instances.editing.cutting import (
    split_along,
    split_between,
)
from napari_unet_nuclei.core.instances.editing.edit import EditError
from napari_unet_nuclei.core.instances.maps import Maps

if TYPE_CHECKING:
    from collections.abc import Callable

    from hypothesis.strategies import SearchStrategy
    from numpy.typing import NDArray

    Draw = Callable[..., NDArray[np.int32]]
    Check = Callable[..., NDArray[np.integer]]
    Nuclei = SearchStrategy[NDArray[np.int32]]


def pair(draw: Draw) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Return two nuclei that touch, as one and as two."""
    apart = draw((24, 20, 9), (24, 36, 9))
    return np.minimum(apart, 1), apart


def maps_of(apart: NDArray[np.int32]) -> Maps:
    """Return perfect maps of nuclei that touch."""
    distance = np.zeros((48, 60), np.float32)
    for number in (1, 2):
        inside = ndimage.distance_transform_edt(apart == number)
        distance += (inside / inside.max()).astype(np.float32)
    near = ndimage.binary_dilation(apart == 1) & ndimage.binary_dilation(apart == 2)
    return Maps((apart > 0).astype(np.float32), near.astype(np.float32), distance)


def agreement(labels: NDArray[np.integer], apart: NDArray[np.int32]) -> float:
    """Return how many pixels are on the right side."""
    inside = apart > 0
    found = labels == labels[24, 20]
    return float(((apart == 1) == found)[inside].mean())


def test_a_stroke_splits_where_it_runs(check: Check, draw: Draw) -> None:
    together, _ = pair(draw)
    edit = split_along(together, [(10, 33), (40, 33)], 57)
    corrected = check(together, edit, {1})
    assert edit.numbers == (1, 57)
    assert (corrected[24, 20], corrected[24, 40]) == (1, 57)  # the larger part keeps 1
    assert (corrected[:, :33][together[:, :33] > 0] == 1).all()
    assert (corrected[:, 34:][together[:, 34:] > 0] == 57).all()


def test_a_slanting_stroke_nearby_follows_the_boundary_of_the_maps(
    check: Check, draw: Draw
) -> None:
    together, apart = pair(draw)
    path = [(10, 26), (40, 30)]
    plain = agreement(split_along(together, path, 2).applied_to(together), apart)
    edit = split_along(together, path, 2, maps_of(apart))
    assert agreement(check(together, edit, {1}), apart) > max(plain, 0.995)


def test_a_stroke_far_from_the_boundary_is_obeyed(check: Check, draw: Draw) -> None:
    together, apart = pair(draw)
    edit = split_along(together, [(10, 16), (40, 16)], 2, maps_of(apart))
    corrected = check(together, edit, {1})
    assert corrected[24, 12] == 2
    assert corrected[24, 22] == 1


def test_what_a_stroke_cuts_off_beside_a_boundary_is_no_crumb(
    check: Check, draw: Draw
) -> None:
    together = np.minimum(draw((24, 25, 9), (24, 36, 5)), 1)
    boundary = np.zeros(together.shape, np.float32)
    boundary[:, 38] = 1  # a line of dirt in the nucleus to cut off
    depth = ndimage.distance_transform_edt(together).astype(np.float32) / 9
    maps = Maps(together.astype(np.float32), boundary, depth)
    stroke = [(10, 36), (40, 36)]
    drawn = check(together, split_along(together, stroke, 5), {1}) == 5
    followed = check(together, split_along(together, stroke, 5, maps), {1}) == 5
    assert np.count_nonzero(followed & drawn) > 0.6 * np.count_nonzero(followed | drawn)


def test_a_stroke_that_ends_inside_is_drawn_on(check: Check, draw: Draw) -> None:
    together, _ = pair(draw)
    corrected = check(together, split_along(together, [(22, 28), (26, 28)], 2), {1})
    assert np.unique(corrected).tolist() == [0, 1, 2]


def test_the_nucleus_with_most_of_the_stroke_is_split(draw: Draw, check: Check) -> None:
    labels = draw((24, 20, 9), (24, 42, 9))
    corrected = check(labels, split_along(labels, [(24, 28), (24, 60)], 3), {2})
    assert set(np.unique(corrected).tolist()) == {0, 1, 2, 3}


def test_strokes_that_split_nothing_say_why(draw: Draw) -> None:
    together, _ = pair(draw)
    with pytest.raises(EditError, match="crosses no nucleus"):
        split_along(together, [(1, 1), (1, 9)], 2)
    with pytest.raises(EditError, match="cuts nothing off nucleus 1"):
        split_along(np.ones((1, 1), np.int32), [(0, 0)], 2)


def test_two_points_split_at_the_waist_and_at_the_boundary_of_maps(
    check: Check, draw: Draw
) -> None:
    together, apart = pair(draw)
    points = (26, 17), (20, 42)
    edit = split_between(together, *points, 9)
    assert agreement(check(together, edit, {1}), apart) > 0.95
    edit = split_between(together, *points, 9, maps_of(apart))
    assert agreement(check(together, edit, {1}), apart) > 0.99
    foreground = Maps(maps_of(apart).foreground)
    edit = split_between(together, *points, 9, foreground)
    assert agreement(check(together, edit, {1}), apart) > 0.95


def test_two_points_in_a_round_nucleus_split_it_midway(
    draw: Draw, check: Check
) -> None:
    labels = draw((24, 30, 12))
    corrected = check(labels, split_between(labels, (24, 29), (24, 35), 2), {1})
    assert 0.3 < (corrected[corrected > 0] == 2).mean() <= 0.5
    assert corrected[24, 29] != corrected[24, 35]


def test_two_points_must_lie_in_one_nucleus(draw: Draw) -> None:
    labels = draw((24, 20, 9), (24, 42, 9))
    for points in (((24, 20), (24, 42)), ((24, 20), (0, 0)), ((24, 20), (24, 20))):
        with pytest.raises(EditError, match="Both points must lie in the nucleus"):
            split_between(labels, *points, 3)
    with pytest.raises(EditError, match="Both points"):
        split_between(labels, (24, 20), (99, 99), 3)


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_halves_are_connected_and_all_of_the_nucleus(
    check: Check, nuclei: Nuclei, data: st.DataObject
) -> None:
    labels = data.draw(nuclei)
    pixels = np.argwhere(labels > 0)
    if not len(pixels):
        return
    at = st.integers(0, len(pixels) - 1)
    path = [pixels[data.draw(at)] + 0.3 for _ in range(data.draw(st.integers(1, 5)))]
    for split in (
        lambda: split_along(labels, path, 500),
        lambda: split_between(labels, path[0], path[-1], 500),
    ):
        try:
            edit = split()
        except EditError:
            continue
        number = edit.numbers[0]
        corrected = check(labels, edit, {number})
        assert (corrected == 500).any()
        together = (corrected == number) | (corrected == 500)
        np.testing.assert_array_equal(together, labels == number)
        n_large = np.count_nonzero(corrected == number)
        assert n_large >= np.count_nonzero(corrected == 500)
