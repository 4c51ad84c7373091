from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_unet_nuclei.core.blocks.grid import (
    BlockGrid,
    alignment,
    nearest_scale,
    overlap,
    within,
)

SCALES = [Fraction(1), Fraction(3, 4), Fraction(5, 8), Fraction(1, 4), Fraction(7, 4)]


@st.composite
def grids(draw: st.DrawFn) -> BlockGrid:
    return BlockGrid(
        shape=(draw(st.integers(1, 900)), draw(st.integers(1, 900))),
        side=draw(st.integers(64, 700)),
        reach=draw(st.integers(1, 60)),
        margin=draw(st.integers(0, 90)),
        scale=draw(st.sampled_from(SCALES)),
        stride=draw(st.sampled_from([1, 8, 16, 48])),
    )


@given(grids())
def test_cores_are_the_image_and_windows_hold_what_views_need(grid: BlockGrid) -> None:
    times = np.zeros(grid.shape, int)
    whole = ((0, grid.shape[0]), (0, grid.shape[1]))
    for block in grid:
        times[within(block.core, whole)] += 1
        for axis, length in enumerate(grid.shape):
            (start, stop), (first, last) = block.view[axis], block.window[axis]
            assert first <= max(0, start - grid.margin)
            assert last >= min(length, stop + grid.margin)
            assert 0 <= first < last <= length
            # Where the network begins, it would have a place of its own in any case.
            assert first * grid.scale % grid.stride == 0
            assert last == length or (last * grid.scale).denominator == 1
    assert (times == 1).all()


@given(grids(), st.data())
def test_neighbours_know_each_other(grid: BlockGrid, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, len(grid) - 1))
    block = grid.block(index)
    for other in grid.neighbours(index):
        assert index in grid.neighbours(other)
        assert overlap(block.view, grid.block(other).view) is not None
    assert overlap(((0, 5), (0, 5)), ((5, 9), (0, 5))) is None


@given(st.floats(1 / 16, 4))
def test_a_scale_is_replaced_by_one_near(scale: float) -> None:
    near = nearest_scale(scale)
    assert 0.88 < float(near) / scale < 1.13
    assert alignment(near, 64) <= 64 * 64


@pytest.mark.parametrize("scale", [1 / 4, 0.5, 1.0, 2.0])
def test_powers_of_two_stay(scale: float) -> None:
    assert float(nearest_scale(scale)) == scale
