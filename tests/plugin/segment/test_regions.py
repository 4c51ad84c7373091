"""Only a region is segmented: its nuclei join those that were there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from napari_unet_nuclei.plugin.segment.region_choice import RegionKind
from napari_unet_nuclei.plugin.shared.result_maps import maps_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from napari.layers import Image, Shapes
    from numpy.typing import NDArray
    from pytestqt.qtbot import QtBot

    from plugin.segment.conftest import Scene


def draw(scene: Scene, left: float, right: float) -> Shapes:
    """Draw a rectangle over some columns of the image, in its pixels."""
    image = scene.widget.image.layer
    corners = [[0, left], [0, right], [63, right], [63, left]]
    shapes = scene.viewer.add_shapes(
        [np.array(corners)],
        scale=image.scale[-2:],
        translate=image.translate[-2:],
        units=image.units[-2:],
    )
    scene.widget.region.value = RegionKind.SHAPE
    return shapes


def test_only_the_drawn_shape_is_segmented(scene: Scene, cells: Image) -> None:
    draw(scene, 80, 127)
    labels = scene.segment()
    assert labels.data.shape == cells.data.shape
    assert np.unique(labels.data[:, 80:]).tolist() == [0, 1]
    assert not labels.data[:, :80].any()
    assert scene.status.startswith("1 nucleus, 1 of them in the region, in ")
    assert "command" not in labels.metadata
    assert maps_of(labels) is None  # those of a window are no maps of the layer
    scene.assert_follows(labels, cells.data)
    scene.widget.region.value = RegionKind.WHOLE
    assert scene.segment() is labels
    assert scene.n_nuclei == 2
    assert maps_of(labels) is not None


def test_the_others_stay_and_keep_their_numbers(
    scene: Scene, cells: Image, make_model: Callable[..., Path]
) -> None:
    before = scene.segment().data.copy()
    known = maps_of(scene.labels)
    make_model("other", threshold=0.2)
    scene.widget.model.reset_choices()
    scene.widget.model.value = "other"
    draw(scene, 0, 40)
    labels = scene.segment()
    assert np.unique(labels.data).tolist() == [0, 1, 2, 3]
    np.testing.assert_array_equal(np.where(labels.data < 3, labels.data, 0), before)
    assert (labels.data[:, :40] == 3).sum() > 250
    assert scene.status.startswith("3 nuclei, 1 of them in the region, in ")
    assert len(labels.features) == 4
    assert maps_of(labels) is known
    scene.move_slider(0.9)  # acts in the region alone
    np.testing.assert_array_equal(labels.data, before)
    scene.move_slider(0.2)
    assert np.unique(labels.data).tolist() == [0, 1, 2, 3]


def test_nuclei_at_the_edge_are_taken_whole(scene: Scene, cells: Image) -> None:
    whole = scene.segment().data.copy()
    draw(scene, 63, 127)  # through the middle nucleus
    labels = scene.segment()
    np.testing.assert_array_equal(labels.data > 0, whole > 0)
    np.testing.assert_array_equal(labels.data == 1, whole == 1)
    draw(scene, 57, 127)  # and now most of it is inside
    labels = scene.segment()
    np.testing.assert_array_equal(labels.data > 0, whole > 0)
    assert not (labels.data == 1).any()


def test_a_corrected_nucleus_stays_in_the_region_too(
    scene: Scene, cells: Image
) -> None:
    layer = scene.segment()
    layer.data_setitem(np.nonzero(layer.data == 2), 0)
    layer.data_setitem((np.arange(40, 50), np.full(10, 100)), 9)
    scene.wait_for_table(layer)
    draw(scene, 80, 127)
    labels = scene.segment()
    assert labels is layer
    assert (labels.data == 9).sum() == 10
    assert np.unique(labels.data).tolist() == [0, 1, 9]


def test_without_a_shape_it_is_said_what_to_do(
    scene: Scene, cells: Image, notifications: list[str]
) -> None:
    scene.widget.region.value = RegionKind.SHAPE
    scene.widget.panel.run_button.native.click()
    assert scene.status.startswith("No shape is drawn on the image: add a Shapes layer")
    triangle = np.array([[500, 500], [500, 600], [600, 600]])
    scene.viewer.add_shapes([triangle], shape_type="polygon")
    scene.widget.panel.run_button.native.click()
    assert scene.status.startswith("No shape is drawn on the image")
    assert not scene.results
    assert len(notifications) == 2


def test_the_region_of_a_shown_plane_joins_its_own_layer(
    scene: Scene, image: NDArray[np.uint8]
) -> None:
    scene.viewer.add_image(np.stack([image // 2, image]), name="cells")
    scene.viewer.dims.set_point(0, 1)
    scene.widget.only_plane.value = True
    draw(scene, 80, 127)
    labels = scene.segment()
    assert np.unique(labels.data).tolist() == [0, 1]
    table = labels.features[labels.features["area"].notna()]
    assert table["z"].tolist() == [1]
    scene.widget.region.value = RegionKind.WHOLE
    scene.segment()
    draw(scene, 80, 127)
    labels = scene.segment()
    assert int((np.unique(labels.data) > 0).sum()) == 2


def test_the_region_of_a_stack_is_that_of_all_planes(
    scene: Scene, image: NDArray[np.uint8]
) -> None:
    scene.viewer.add_image(np.stack([image, image, image]), name="cells")
    draw(scene, 80, 127)
    labels = scene.segment()
    assert [np.unique(plane).tolist() for plane in labels.data] == [
        [0, number] for number in (1, 2, 3)
    ]


def test_copying_says_that_the_command_segments_everything(
    scene: Scene, cells: Image
) -> None:
    draw(scene, 80, 127)
    scene.widget.copy_button.native.click()
    assert "It segments the whole image." in scene.status


def test_the_view_is_what_the_canvas_shows(
    make_napari_viewer: Callable[..., Any],
    open_scene: Callable[..., Scene],
    make_model: Callable[..., Path],
    image: NDArray[np.uint8],
    qtbot: QtBot,
) -> None:
    make_model("tiny", threshold=0.45)
    viewer = make_napari_viewer(show=True)
    scene = open_scene(viewer, is_closed=False)
    layer = viewer.add_image(image, name="cells")
    scene.widget.region.value = RegionKind.VIEW
    viewer.reset_view()
    qtbot.waitUntil(lambda: layer.corner_pixels[1, 1] >= 126)
    scene.segment()
    assert scene.n_nuclei == 2
    assert "in the region" not in scene.status  # all of it is seen
    viewer.layers.remove("cells nuclei")
    camera = viewer.scene.camera if hasattr(viewer, "scene") else viewer.camera
    camera.center = (0, 30, 104)
    camera.zoom *= 8
    qtbot.waitUntil(lambda: layer.corner_pixels[0, 1] > 76)
    scene.segment()
    assert scene.n_nuclei == 1
    assert scene.labels.data[30, 100] == 1
    assert "1 of them in the region" in scene.status
    scene.widget.native.close()


def test_a_dark_region_is_seen_in_the_light_of_the_whole_image(scene: Scene) -> None:
    y, x = np.ogrid[:64, :600]
    pixels = np.zeros((64, 600), np.uint8)
    for centre, brightness in ((20, 70), (60, 70), (540, 250)):
        pixels[(y - 30) ** 2 + (x - centre) ** 2 < 100] = brightness
    scene.viewer.add_image(pixels, name="cells")
    expected = scene.segment().data.copy()
    assert np.unique(expected).tolist() == [0, 1]  # the bright one
    draw(scene, 0, 100)
    np.testing.assert_array_equal(scene.segment().data, expected)
    # Of an image that is not in memory, no more is read than the region.
    da = pytest.importorskip("dask.array")
    scene.viewer.layers.clear()
    scene.viewer.add_image(da.from_array(pixels), name="cells")
    draw(scene, 0, 100)
    assert np.unique(scene.segment().data).tolist() == [0, 1, 2]
