"""What the network made of an image, as layers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from napari_unet_nuclei.plugin.segment.region_choice import RegionKind

if TYPE_CHECKING:
    from napari.layers import Image
    from numpy.typing import NDArray

    from plugin.segment.conftest import Scene

NAMES = [f"cells {name}" for name in ("foreground", "boundary", "distance")]


def maps_in(scene: Scene) -> list[Any]:
    return [each for each in scene.viewer.layers if each.name in NAMES]


def test_maps_lie_on_the_image_below_the_nuclei(
    scene: Scene, cells: Image, image: NDArray[np.uint8]
) -> None:
    labels = scene.segment()
    scene.viewer.layers.selection.active = labels
    scene.widget.maps_button.native.click()
    assert {each.name for each in maps_in(scene)} == set(NAMES)
    assert scene.viewer.layers[0] is cells
    assert scene.viewer.layers[-1] is labels
    assert scene.viewer.layers.selection.active is labels
    assert scene.widget.image.layer is cells
    foreground = scene.viewer.layers[NAMES[0]]
    np.testing.assert_allclose(foreground.data, image / 255, atol=1e-6)
    for layer in maps_in(scene):
        np.testing.assert_array_equal(layer.scale, cells.scale)
        np.testing.assert_array_equal(layer.translate, cells.translate)
        assert layer.units == cells.units
        assert layer.contrast_limits == [0, 1]


def test_a_new_run_updates_the_maps_that_are_shown(scene: Scene, cells: Image) -> None:
    scene.segment()
    scene.widget.show_maps()
    before = maps_in(scene)
    cells.data = np.roll(cells.data, 5, axis=1)
    scene.segment()
    assert maps_in(scene) == before
    foreground = scene.viewer.layers[NAMES[0]].data
    np.testing.assert_allclose(foreground, cells.data / 255, atol=1e-6)
    for layer in before[1:]:
        scene.viewer.layers.remove(layer)
    scene.widget.show_maps()
    assert len(maps_in(scene)) == 3


def test_maps_of_a_stack_are_read_plane_by_plane(
    scene: Scene, image: NDArray[np.uint8]
) -> None:
    planes = [np.roll(image, step, axis=1) for step in (0, 5, 9)]
    scene.viewer.add_image(np.stack(planes), name="cells", scale=(4, 1, 1))
    scene.segment()
    scene.widget.show_maps()
    layer = scene.viewer.layers[NAMES[0]]
    assert layer.data.shape == (3, *image.shape)
    assert not isinstance(layer.data, np.ndarray)
    for plane, pixels in zip(layer.data, planes, strict=True):
        np.testing.assert_allclose(np.asarray(plane), pixels / 255, atol=1e-6)


def test_maps_of_a_region_lie_in_their_window(
    scene: Scene, cells: Image, image: NDArray[np.uint8]
) -> None:
    corners = np.array([[0, 80], [0, 127], [63, 127], [63, 80]])
    scene.viewer.add_shapes([corners], scale=cells.scale, translate=cells.translate)
    scene.widget.region.value = RegionKind.SHAPE
    scene.segment()
    scene.widget.show_maps()
    found = scene.viewer.layers[NAMES[0]].data
    assert found.shape == image.shape
    np.testing.assert_allclose(found, image / 255, atol=1e-6)


def test_no_list_of_images_offers_maps(scene: Scene, cells: Image) -> None:
    labels = scene.segment()
    said = scene.status
    triangle = np.array([[0, 0], [0, 5], [5, 5]])
    shapes = scene.viewer.add_shapes([triangle], shape_type="polygon")
    assert scene.viewer.layers.selection.active is shapes
    scene.widget.show_maps()
    assert scene.widget.image.layer is cells
    assert list(scene.widget.image.choices) == [cells.unique_id]
    assert scene.status == said
    scene.viewer.layers.selection.active = scene.viewer.layers[NAMES[0]]
    assert scene.widget.image.layer is cells
    assert scene.move_slider(0.2) is labels
    assert scene.n_nuclei == 3


def test_before_the_first_run_it_is_said_what_to_do(scene: Scene, cells: Image) -> None:
    scene.widget.maps_button.native.click()
    assert scene.status == "There are no maps of this image yet: press Segment first."
    assert len(scene.viewer.layers) == 1
