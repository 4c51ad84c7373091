"""Which tiles there are, and that a model sees of each what the image shows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_unet_nuclei.core.errors import ImageError
from napari_unet_nuclei.core.proposals.candidates import find_candidates, window_means

if TYPE_CHECKING:
    from numpy.typing import NDArray


def numbered(*shape: int) -> NDArray[np.int64]:
    """Return an image whose pixels can be told from each other."""
    return np.arange(np.prod(shape)).reshape(shape)


class OnDisk:
    """Image that notes how many pixels are read."""

    dtype = np.dtype(np.int64)

    def __init__(self, *shape: int) -> None:
        self.shape = shape
        self.n_read = 0

    def __getitem__(self, index: Any) -> NDArray[np.int64]:
        rows, columns = index
        part = np.add.outer(
            np.arange(self.shape[0])[rows] * self.shape[1],
            np.arange(self.shape[1])[columns],
        )
        self.n_read += part.size
        return part


@settings(deadline=None, max_examples=50)
@given(
    shape=st.tuples(st.integers(1, 90), st.integers(1, 90)),
    tile_size=st.integers(8, 40),
    max_area=st.sampled_from([100, 9000, 10_000_000]),
)
def test_a_model_sees_of_each_tile_what_the_image_shows(
    shape: tuple[int, int], tile_size: int, max_area: int
) -> None:
    image = numbered(*shape)
    tiles = find_candidates(image, tile_size, max_area)
    assert len(tiles.places) == len({tuple(place) for place in tiles.places}) > 0
    for number in range(len(tiles.places)):
        seen = tiles.pixels[tiles.seen(number)]
        assert seen.shape == tiles.shape
        np.testing.assert_array_equal(seen, image[tiles.place(number)])


def test_tiles_of_a_moderate_image_reach_all_of_its_edges() -> None:
    tiles = find_candidates(numbered(100, 130), 64)
    assert tiles.places.min(axis=0).tolist() == [0, 0]
    assert tiles.places.max(axis=0).tolist() == [36, 66]
    assert tiles.pixels.shape == (100, 130)


def test_an_image_smaller_than_a_tile_is_one() -> None:
    tiles = find_candidates(numbered(40, 30, 3), 64)
    assert tiles.places.tolist() == [[0, 0]]
    assert tiles.shape == (40, 30)


def test_of_a_huge_image_an_even_sample_is_read() -> None:
    image = OnDisk(20_000, 30_000)
    tiles = find_candidates(image, 256)
    assert image.n_read == len(tiles.places) * 320**2
    assert 40 < len(tiles.places) < 100
    assert tiles.pixels.size < 12 * 2**20
    middle = tiles.places.mean(axis=0) + 128
    np.testing.assert_allclose(middle, [10_000, 15_000], rtol=0.15)


def test_what_surrounds_a_sampled_tile_is_its_own_context() -> None:
    image = numbered(400, 500)
    tiles = find_candidates(image, 64, 100_000)
    (top, left), (corner_top, corner_left) = tiles.places[-1], tiles.corners[-1]
    around = tiles.pixels[corner_top - 5 : corner_top, corner_left : corner_left + 9]
    np.testing.assert_array_equal(around, image[top - 5 : top, left : left + 9])


def test_means_over_tiles_are_those_of_numpy() -> None:
    values = np.random.default_rng(0).random((70, 90))
    tiles = find_candidates(values, 32)
    means = [values[tiles.seen(number)].mean() for number in range(len(tiles.places))]
    np.testing.assert_allclose(window_means(values, tiles), means)


def test_tiles_that_share_pixels_overlap() -> None:
    tiles = find_candidates(numbered(64, 160), 64)
    assert tiles.places[:, 1].tolist() == [0, 16, 32, 48, 64, 80, 96]
    assert tiles.overlapping(0).tolist() == [True] * 4 + [False] * 3


@pytest.mark.parametrize("shape", [(9,), (9, 9, 9), (0, 9), (9, 9, 9, 3)])
def test_only_one_plane_has_tiles(shape: tuple[int, ...]) -> None:
    with pytest.raises(ImageError, match="Expected one plane"):
        find_candidates(np.zeros(shape), 64)
