from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from scipy import ndimage

from napari_unet_nuclei.core.datasets.synthetic import draw_nuclei
from napari_unet_nuclei.core.instances.contours import (
    Polygon,
    signed_area,
    trace_contours,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray


def fill(polygon: Polygon, shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """Count, for the centre of each pixel, the sides to its left."""
    crossings = np.zeros((shape[0], shape[1] + 1), int)
    for ring in (polygon.outer, *polygon.holes):
        for (y0, x0), (y1, _) in zip(ring, np.roll(ring, -1, axis=0), strict=True):
            crossings[min(y0, y1) : max(y0, y1), x0] += 1
    return np.asarray(np.cumsum(crossings, axis=1)[:, :-1] % 2 == 1)


def assert_same_pixels(labels: NDArray[np.int32]) -> None:
    contours = trace_contours(labels)
    assert list(contours) == np.unique(labels[labels > 0]).tolist()
    filled = np.zeros_like(labels)
    for label, polygons in contours.items():
        for polygon in polygons:
            pixels = fill(polygon, labels.shape)
            assert not filled[pixels].any()
            filled[pixels] = label
            _, n_pieces = ndimage.label(pixels)
            assert n_pieces == 1
            for ring in (polygon.outer, *polygon.holes):
                assert len({*map(tuple, ring.tolist())}) == len(ring)
            assert signed_area(polygon.outer) > 0
            assert all(signed_area(hole) < 0 for hole in polygon.holes)
    np.testing.assert_array_equal(filled, np.maximum(labels, 0))


@pytest.mark.parametrize("seed", range(3))
def test_nuclei_filled_again_are_the_same(seed: int) -> None:
    assert_same_pixels(np.asarray(draw_nuclei(seed, (96, 120), 20)[1], np.int32))


@pytest.mark.parametrize("seed", range(8))
def test_pieces_holes_and_corners_that_touch_are_the_same(seed: int) -> None:
    rng = np.random.default_rng(seed)
    assert_same_pixels(rng.integers(-1, 3, (24, 31)).astype(np.int32))
    assert_same_pixels((rng.random((24, 31)) < 0.7).astype(np.int32) * 5)


def test_a_hole_that_is_open_at_a_corner_is_a_hole() -> None:
    labels = np.ones((4, 4), np.int32)
    labels[1:3, 1:3] = 0
    labels[0, 0] = 0
    (polygon,) = trace_contours(labels)[1]
    assert [hole.tolist() for hole in polygon.holes]
    assert_same_pixels(labels)


def test_a_nucleus_in_a_hole_of_its_own_label_is_a_piece() -> None:
    labels = np.full((9, 9), 4, np.int32)
    labels[1:8, 1:8] = 0
    labels[2:7, 2:7] = 4
    labels[4, 4] = 0
    assert [len(each.holes) for each in trace_contours(labels)[4]] == [1, 1]
    assert_same_pixels(labels)


def test_no_nuclei_have_no_contours() -> None:
    assert trace_contours(np.zeros((3, 4), np.int32)) == {}


def test_huge_labels_cost_no_memory() -> None:
    labels = np.array([[2**31 - 1, 0, 7], [2**31 - 1, 7, 7]], np.int32)
    assert list(trace_contours(labels)) == [7, 2**31 - 1]
    assert_same_pixels(labels)
    assert_same_pixels(labels[:, 2:])
