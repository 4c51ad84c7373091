"""Polygons filled again are the pixels that were traced."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from napari_unet_nuclei.core.instances.contours import trace_contours
from napari_unet_nuclei.core.instances.filling import crosses_itself, fill_rings

BOWTIE = [(0, 0), (4, 4), (4, 0), (0, 4)]
SQUARE = [(0, 0), (0, 4), (4, 4), (4, 0)]


def filled(rings: list[Any], shape: tuple[int, int]) -> np.ndarray:
    mask = np.zeros(shape, bool)
    box, part = fill_rings([np.array(ring, float) for ring in rings], shape)
    mask[box] = part
    return mask


@given(
    arrays(np.int32, st.tuples(*[st.integers(1, 9)] * 2), elements=st.integers(0, 2))
)
def test_traced_and_filled_is_the_same(labels: np.ndarray) -> None:
    for number, polygons in trace_contours(labels).items():
        mask = np.zeros(labels.shape, bool)
        for polygon in polygons:
            mask |= filled([polygon.outer, *polygon.holes], labels.shape)
        np.testing.assert_array_equal(mask, labels == number)


def test_a_pixel_counts_if_its_centre_is_inside() -> None:
    triangle = [(0.4, 0.4), (0.4, 3.6), (3.6, 0.4)]
    y, x = np.mgrid[:4, :4] + 0.5
    inside = (y > 0.4) & (x > 0.4) & (y + x < 4)
    np.testing.assert_array_equal(filled([triangle], (4, 4)), inside)


@given(st.lists(st.integers(0, 20), min_size=4, max_size=4))
def test_neighbours_share_no_pixel_and_leave_no_gap(corners: list[int]) -> None:
    """A line that cuts a square, through whichever centres of pixels it goes."""
    top, bottom = corners[0] / 2, corners[1] / 2
    left = [(0, 0), (0, top), (10, bottom), (10, 0)]
    right = [(10, bottom), (0, top), (0, 10), (10, 10)]
    both = filled([left], (10, 10)).astype(int) + filled([right], (10, 10))
    assert (both == 1).all()


@pytest.mark.parametrize("shift", [(-3, 0), (0, -3), (8, 0), (0, 8), (-90, 0), (3, 90)])
def test_what_lies_outside_is_left_out(shift: tuple[int, int]) -> None:
    large = np.zeros((120, 120), bool)
    ring = np.array(SQUARE) + shift
    box, part = fill_rings([ring + 100], (300, 300))
    whole = np.zeros((300, 300), bool)
    whole[box] = part
    large = whole[100:110, 100:110]
    np.testing.assert_array_equal(filled([ring], (10, 10)), large)


def test_far_corners_take_no_memory() -> None:
    far = [(-1e12, -1e12), (-1e12, 1e12), (1e12, 1e12), (1e12, -1e12)]
    assert filled([far], (3, 4)).all()


@pytest.mark.parametrize(
    ("ring", "expected"),
    [(BOWTIE, True), (SQUARE, False), (SQUARE[:3], False), (SQUARE * 1200, False)],
)
def test_crossing(ring: list[Any], expected: bool) -> None:
    assert crosses_itself(np.array(ring)) is expected


def test_a_line_that_only_touches_does_not_cross() -> None:
    touching = [(0, 0), (2, 2), (0, 4), (4, 4), (2, 2), (4, 0)]
    assert not crosses_itself(np.array(touching))
