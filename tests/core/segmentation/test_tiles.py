from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_unet_nuclei.core.errors import SettingsError
from napari_unet_nuclei.core.segmentation.tiles import Tile, pad_to_shape, plan_tiles


class Plan(NamedTuple):
    shape: tuple[int, int]
    max_area: int
    margin: int
    stride: int
    side_multiple: int

    @property
    def multiple(self) -> int:
        return math.lcm(self.stride, self.side_multiple)

    def tiles(self) -> list[Tile]:
        return plan_tiles(
            self.shape,
            max_area=self.max_area,
            margin=self.margin,
            stride=self.stride,
            side_multiple=self.side_multiple,
        )


def round_up(value: int, multiple: int) -> int:
    return -(-value // multiple) * multiple


@st.composite
def plans(draw: st.DrawFn, min_margin: int = 0) -> Plan:
    stride = draw(st.sampled_from([1, 2, 4, 8, 16, 32]))
    side_multiple = draw(st.sampled_from([1, 16, 24, 64]))
    margin = draw(st.integers(min_margin, 40))
    multiple = math.lcm(stride, side_multiple)
    smallest = round_up(2 * round_up(margin, stride) + 1, multiple) ** 2
    return Plan(
        shape=(draw(st.integers(1, 200)), draw(st.integers(1, 200))),
        max_area=draw(st.integers(smallest, smallest + 20_000)),
        margin=margin,
        stride=stride,
        side_multiple=side_multiple,
    )


@given(plan=plans())
@settings(max_examples=100, deadline=None)
def test_kept_boxes_partition_the_image(plan: Plan) -> None:
    n_kept = np.zeros(plan.shape, int)
    for tile in plan.tiles():
        n_kept[tile.keep] += 1
    assert (n_kept == 1).all()


@given(plan=plans())
@settings(max_examples=100, deadline=None)
def test_tiles_fit_the_network_and_the_memory(plan: Plan) -> None:
    tiles = plan.tiles()
    assert len({tile.shape for tile in tiles}) == 1
    assert np.prod(tiles[0].shape) <= plan.max_area
    for tile in tiles:
        for side, read, length in zip(tile.shape, tile.read, plan.shape, strict=True):
            assert read.start % plan.stride == 0
            assert side % plan.multiple == 0
            # Only what lies beyond the image is missing from a tile.
            assert read.stop == min(read.start + side, length)
            assert read.start + side <= round_up(length, plan.multiple)


@given(plan=plans())
@settings(max_examples=100, deadline=None)
def test_kept_pixels_see_what_they_would_see_in_the_whole_image(plan: Plan) -> None:
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
def test_padded_tiles_are_cut_from_the_padded_image(plan: Plan) -> None:
    image = np.random.default_rng(0).random((*plan.shape, 1), np.float32)
    padded_shape = tuple(round_up(length, plan.multiple) for length in plan.shape)
    whole = pad_to_shape(image, padded_shape)
    for tile in plan.tiles():
        pixels = pad_to_shape(image[tile.read], tile.shape)
        # Within reach of what is kept; what lies further off is never seen.
        seen = [
            slice(
                max(keep.start - plan.margin, read.start),
                min(keep.stop + plan.margin, read.start + side),
            )
            for read, keep, side in zip(tile.read, tile.keep, tile.shape, strict=True)
        ]
        in_tile = tuple(
            slice(part.start - read.start, part.stop - read.start)
            for part, read in zip(seen, tile.read, strict=True)
        )
        np.testing.assert_array_equal(pixels[in_tile], whole[tuple(seen)])
        np.testing.assert_array_equal(pixels[tile.keep_in_tile], image[tile.keep])


def test_an_image_that_fits_is_one_tile() -> None:
    (tile,) = plan_tiles((100, 64), max_area=128**2, margin=60, stride=16)
    assert tile.shape == (112, 64)
    assert tile.read == tile.keep == np.s_[0:100, 0:64]


def test_tiles_come_row_by_row() -> None:
    corners = [
        (tile.keep[0].start, tile.keep[1].start)
        for tile in plan_tiles((200, 300), max_area=10_000, margin=10, stride=10)
    ]
    assert corners == sorted(corners)
    assert len(corners) > 6


def test_a_tile_must_hold_more_than_margins() -> None:
    with pytest.raises(SettingsError, match=r"12544 px².*margin of 48.*tile_area=9216"):
        plan_tiles((500, 500), max_area=96**2, margin=33, stride=16)


@given(plan=plans())
@settings(max_examples=50, deadline=None)
def test_no_other_grid_of_allowed_tiles_computes_less(plan: Plan) -> None:
    margin = round_up(plan.margin, plan.stride)
    padded = [round_up(length, plan.multiple) for length in plan.shape]

    def n_tiles(length: int, size: int) -> int:
        if size >= length:
            return 1
        return -(-(length - 2 * margin) // (size - 2 * margin))

    totals = []
    for height in range(plan.multiple, padded[0] + 1, plan.multiple):
        for width in range(plan.multiple, padded[1] + 1, plan.multiple):
            holds_margins = all(
                size >= length or size > 2 * margin
                for size, length in zip((height, width), padded, strict=True)
            )
            if holds_margins and height * width <= plan.max_area:
                n = n_tiles(padded[0], height) * n_tiles(padded[1], width)
                totals.append(n * height * width)
    tiles = plan.tiles()
    assert len(tiles) * np.prod(tiles[0].shape) <= min(totals)


def test_full_tiles_are_not_copied() -> None:
    pixels = np.zeros((4, 5, 3), np.float32)
    assert pad_to_shape(pixels, (4, 5)) is pixels


def test_pixels_are_mirrored_at_the_bottom_and_on_the_right() -> None:
    pixels = np.arange(6, dtype=np.float32).reshape(2, 3, 1)
    padded = pad_to_shape(pixels, (4, 4))
    expected = [[0, 1, 2, 1], [3, 4, 5, 4], [0, 1, 2, 1], [3, 4, 5, 4]]
    np.testing.assert_array_equal(padded[..., 0], expected)


def test_a_single_pixel_can_be_padded() -> None:
    padded = pad_to_shape(np.full((1, 1, 3), 7, np.float32), (16, 16))
    assert padded.shape == (16, 16, 3)
    assert (padded == 7).all()


def test_padded_grey_stays_one_plane() -> None:
    grey = np.broadcast_to(np.ones((2, 3, 1), np.float32), (2, 3, 3))
    padded = pad_to_shape(grey, (4, 4))
    assert padded.shape == (4, 4, 3)
    assert padded.strides[-1] == 0
