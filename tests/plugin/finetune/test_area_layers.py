"""Which pixels of labels lie in an area that was drawn or painted."""

from __future__ import annotations

import numpy as np
import pytest
from napari.layers import Image, Labels, Shapes

from napari_unet_nuclei.core.errors import LabelsError
from napari_unet_nuclei.plugin.finetune.area_layers import pixels_of_area

BOX = np.array([[10, 20], [10, 39], [29, 39], [29, 20]])


@pytest.fixture
def image() -> Image:
    return Image(np.zeros((60, 80), np.uint8), name="cells")


@pytest.fixture
def stack() -> Image:
    return Image(np.zeros((3, 60, 80), np.uint8), name="stack")


def labels_of(image: Image, **kwargs: object) -> Labels:
    return Labels(np.ones(image.data.shape, np.uint8), name="painted", **kwargs)


def box_of(area: np.ndarray) -> tuple[int, ...]:
    rows, columns = np.nonzero(area)
    return tuple(map(int, (rows.min(), rows.max(), columns.min(), columns.max())))


def test_a_rectangle_covers_its_pixels(image: Image) -> None:
    area = pixels_of_area(Shapes([BOX]), image, labels_of(image), None)
    assert area.shape == (60, 80)
    assert area.sum() == 20 * 20
    assert box_of(area) == (10, 29, 20, 39)


def test_an_ellipse_and_lines(image: Image) -> None:
    shapes = Shapes()
    shapes.add(BOX, shape_type="ellipse")
    shapes.add(np.array([[0, 0], [50, 70]]), shape_type="line")
    area = pixels_of_area(shapes, image, labels_of(image), None)
    assert area.sum() == pytest.approx(np.pi * 9.5**2, rel=0.06)


def test_the_placement_of_both_layers_counts(image: Image) -> None:
    place = {"scale": (0.5, 0.5), "translate": (3, 4)}
    image = Image(image.data, **place)
    in_world = BOX * 0.5 + (3, 4)
    area = pixels_of_area(Shapes([in_world]), image, labels_of(image, **place), None)
    assert box_of(area) == (10, 29, 20, 39)


def test_painted_labels_are_an_area(image: Image) -> None:
    painted = np.zeros((60, 80), np.uint8)
    painted[5:10, 6:8] = 7
    area = pixels_of_area(Labels(painted), image, labels_of(image), None)
    np.testing.assert_array_equal(area, painted > 0)


def test_a_flat_area_counts_in_all_planes_and_a_deep_one_in_its_own(
    stack: Image,
) -> None:
    labels = labels_of(stack)
    flat = pixels_of_area(Shapes([BOX]), stack, labels, None)
    assert flat.any(axis=(1, 2)).tolist() == [True, True, True]
    deep = Shapes([np.insert(BOX, 0, 1, axis=1)])
    area = pixels_of_area(deep, stack, labels, None)
    assert area.any(axis=(1, 2)).tolist() == [False, True, False]
    assert box_of(area[1]) == (10, 29, 20, 39)


def test_labels_of_one_plane_take_that_plane_of_the_area(stack: Image) -> None:
    labels = Labels(np.ones((1, 60, 80), np.uint8), translate=(2, 0, 0))
    whole = np.zeros((3, 60, 80), np.uint8)
    whole[1, 3:5, 3:5] = whole[2, 7:9, 7:9] = 1
    area = pixels_of_area(Labels(whole), stack, labels, None)
    assert area.shape == (1, 60, 80)
    assert box_of(area[0]) == (7, 8, 7, 8)
    deep = Shapes([np.insert(BOX, 0, 2, axis=1)])
    assert box_of(pixels_of_area(deep, stack, labels, None)[0]) == (10, 29, 20, 39)


@pytest.mark.parametrize(
    "area",
    [
        Shapes(name="there"),
        Shapes([BOX + 500], name="there"),
        Labels(np.zeros((60, 80), np.uint8), name="there"),
        Labels(np.ones((20, 20), np.uint8), name="there"),
    ],
)
def test_an_area_elsewhere_is_refused(image: Image, area: Shapes | Labels) -> None:
    with pytest.raises(LabelsError, match="'there' holds no pixel of 'painted'"):
        pixels_of_area(area, image, labels_of(image), None)
