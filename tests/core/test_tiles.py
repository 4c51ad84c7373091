from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_unet_nuclei.core.errors import SettingsError
from napari_unet_nuclei.core.tiles import Tile, pad_to_shape, plan_tiles


class Plan(NamedTuple):
    shape: tuple[int, int]
    tile_size: int
    margin: int
    multiple: int

    def tiles(self) -> list[Tile]:
        return plan_tiles(
            self.shape,
            tile_size=self.tile_size,
            margin=self.margin,
            multiple=self.multiple,
        )


def round_up(value: int, multiple: int) -> int:
    return -(-value // multiple) * multiple


@st.composite
def plans(draw: st.DrawFn, min_margin: int = 0) -> Plan:
    multiple = draw(st.sampled_from([1, 2, 4, 8, 16, 32]))
    margin = draw(st.integers(min_margin, 40))
    smallest = 2 * round_up(margin, multiple) + 1
    return Plan(
        shape=(draw(st.integers(1, 200)), draw(st.integers(1, 200))),
        tile_size=draw(st.integers(smallest, smallest + 150)),
        margin=margin,
        multiple=multiple,
    )


@given(plan=plans())
@settings(max_examples=100, deadline=None)
def test_kept_boxes_partition_the_image(plan):
    n_kept = np.zeros(plan.shape, int)
    for tile in plan.tiles():
        n_kept[tile.keep] += 1
    assert (n_kept == 1).all()


@given(plan=plans())
@settings(max_examples=100, deadline=None)
def test_tiles_fit_the_network_and_the_memory(plan):
    tiles = plan.tiles()
    assert len({tile.shape for tile in tiles}) == 1
    for tile in tiles:
        for side, read, length in zip(tile.shape, tile.read, plan.shape, strict=True):
            assert read.start % plan.multiple == 0
            assert side % plan.multiple == 0
            assert side <= round_up(plan.tile_size, plan.multiple)
            # Only what lies beyond the image is missing from a tile.
            assert read.stop == min(read.start + side, length)
            assert read.start + side <= round_up(length, plan.multiple)


@given(plan=plans())
@settings(max_examples=100, deadline=None)
def test_kept_pixels_see_what_they_would_see_in_the_whole_image(plan):
    for tile in plan.tiles():
        for side, read, keep, length in zip(
            tile.shape, tile.read, tile.keep, plan.shape, strict=True
        ):
            assert read.start <= keep.start < keep.stop <= read.stop
            if read.start > 0:
                assert keep.start - read.start >= plan.margin
            if read.start + side < round_up(length, plan.multiple):
                assert read.start + side - keep.stop >= plan.margin


# A network that sees one pixel cannot tell how a tile was padded.
@given(plan=plans(min_margin=1))
@settings(max_examples=50, deadline=None)
def test_padded_tiles_are_cut_from_the_padded_image(plan):
    image = np.random.default_rng(0).random((*plan.shape, 1), np.float32)
    padded_shape = tuple(round_up(length, plan.multiple) for length in plan.shape)
    whole = pad_to_shape(image, padded_shape)
    for tile in plan.tiles():
        pixels = pad_to_shape(image[tile.read], tile.shape)
        box = tuple(
            slice(read.start, read.start + side)
            for read, side in zip(tile.read, tile.shape, strict=True)
        )
        np.testing.assert_array_equal(pixels, whole[box])
        np.testing.assert_array_equal(pixels[tile.keep_in_tile], image[tile.keep])


def test_an_image_that_fits_is_one_tile():
    (tile,) = plan_tiles((100, 64), tile_size=128, margin=60, multiple=16)
    assert tile.shape == (112, 64)
    assert tile.read == tile.keep == np.s_[0:100, 0:64]


def test_tiles_come_row_by_row():
    corners = [
        (tile.keep[0].start, tile.keep[1].start)
        for tile in plan_tiles((200, 300), tile_size=100, margin=10, multiple=10)
    ]
    assert corners == sorted(corners)
    assert len(corners) > 6


def test_a_tile_must_hold_more_than_margins():
    with pytest.raises(SettingsError, match=r"margin of 48 px.*tile_size=96"):
        plan_tiles((500, 500), tile_size=96, margin=33, multiple=16)


def test_full_tiles_are_not_copied():
    pixels = np.zeros((4, 5, 3), np.float32)
    assert pad_to_shape(pixels, (4, 5)) is pixels


def test_pixels_are_mirrored_at_the_bottom_and_on_the_right():
    pixels = np.arange(6, dtype=np.float32).reshape(2, 3, 1)
    padded = pad_to_shape(pixels, (4, 4))
    expected = [[0, 1, 2, 1], [3, 4, 5, 4], [0, 1, 2, 1], [3, 4, 5, 4]]
    np.testing.assert_array_equal(padded[..., 0], expected)


def test_a_single_pixel_can_be_padded():
    padded = pad_to_shape(np.full((1, 1, 3), 7, np.float32), (16, 16))
    assert padded.shape == (16, 16, 3)
    assert (padded == 7).all()
