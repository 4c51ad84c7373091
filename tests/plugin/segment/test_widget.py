"""The widget on a viewer without a window: what it shows, and where."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

import numpy as np
import pytest
from qtpy.QtWidgets import QApplication

from napari_unet_nuclei import __version__
from napari_unet_nuclei.plugin.shared.result_maps import maps_of

if TYPE_CHECKING:
    from napari.layers import Image
    from numpy.typing import NDArray

    from plugin.segment.conftest import Scene


def test_nuclei_lie_on_the_image(scene: Scene, cells: Image) -> None:
    scene.segment()
    assert scene.n_nuclei == 2
    assert scene.labels.data.dtype == np.int32
    np.testing.assert_array_equal(scene.labels.scale, cells.scale)
    np.testing.assert_array_equal(scene.labels.translate, cells.translate)
    assert scene.labels.units == cells.units
    assert scene.labels.axis_labels == cells.axis_labels
    assert scene.status.startswith("2 nuclei in ")
    assert scene.status.endswith(" · OpenVINO bf16")
    scene.assert_idle()


def test_each_nucleus_has_its_measurements(scene: Scene, cells: Image) -> None:
    scene.segment()
    features = scene.labels.features
    assert len(features) == 3
    assert list(features["mean_intensity"])[1:] == [160, 255]
    assert features["probability"][2] == pytest.approx(1)


def test_the_labels_say_where_they_come_from(scene: Scene, cells: Image) -> None:
    scene.segment()
    metadata = scene.labels.metadata
    assert metadata["model"] == "tiny"
    assert metadata["settings"]["threshold"] == 0.45
    assert metadata["settings"]["min_area"] is None  # automatic
    assert metadata["package"] == f"napari-unet-nuclei {__version__}"
    assert shlex.split(metadata["command"])[:3] == [
        *("napari-unet-nuclei", "segment", "cells.tif")
    ]


def test_the_slider_begins_at_the_models_own_threshold(
    scene: Scene, cells: Image
) -> None:
    scene.segment()
    assert scene.widget.threshold.value == pytest.approx(0.45, abs=1e-5)
    assert "own is 0.45" in scene.widget.threshold.tooltip


def test_the_shown_plane_of_a_stack_can_be_segmented_alone(
    scene: Scene, image: NDArray[np.uint8]
) -> None:
    scene.widget.native.show()
    assert not scene.widget.only_plane.visible
    planes = [np.zeros_like(image), image, np.zeros_like(image)]
    stack = scene.viewer.add_image(np.stack(planes), name="cells", scale=(4, 1, 1))
    assert scene.widget.only_plane.visible
    scene.viewer.dims.set_point(0, 4)
    scene.widget.only_plane.value = True
    scene.segment()
    assert scene.engine.n_calls == 1
    layer = scene.viewer.layers["cells nuclei, plane 1"]
    assert layer.data.shape == (1, *image.shape)
    assert layer.data.max() == 2
    assert layer.data_to_world((0, 0, 0)) == stack.data_to_world((1, 0, 0))
    assert list(layer.features["z"][1:]) == [1, 1]
    assert scene.status.startswith("2 nuclei in this plane in")
    assert "command" not in layer.metadata
    scene.widget.copy_button.native.click()
    assert scene.status.startswith("Copied the command. It segments all planes.")
    scene.widget.threshold.value = 0.2
    scene.wait()
    assert layer.data.max() == 3
    scene.widget.only_plane.value = False
    scene.segment()
    assert layer.data.max() == 3
    n_calls = scene.engine.n_calls
    scene.widget.threshold.value = 0.45
    scene.wait()
    assert scene.n_nuclei == 2
    assert layer.data.max() == 3
    scene.widget.only_plane.value = True
    scene.widget.threshold.value = 0.44
    scene.wait()
    assert layer.data.max() == 2
    assert scene.engine.n_calls == n_calls
    assert scene.labels.data.shape == stack.data.shape
    assert [each.name for each in scene.viewer.layers] == [
        *("cells", "cells nuclei, plane 1", "cells nuclei")
    ]


@pytest.mark.parametrize("is_only_plane", [False, True])
def test_nuclei_lie_where_they_were_seen_whatever_is_between_the_axes(
    scene: Scene, image: NDArray[np.uint8], is_only_plane: bool
) -> None:
    empty = np.zeros_like(image)
    planes = [[empty, empty], [empty, image], [empty, empty]]
    stack = scene.viewer.add_image(
        np.array(planes), name="cells", axis_labels=("z", "c", "y", "x")
    )
    scene.viewer.dims.point = (1, 1, 0, 0)
    scene.widget.only_plane.value = is_only_plane
    scene.segment()
    (labels,) = (each for each in scene.viewer.layers if each is not stack)
    assert scene.viewer.dims.nsteps[:2] == (3, 2)
    place = np.argwhere(labels.data)[0]
    in_image = stack.world_to_data(labels.data_to_world(place))
    np.testing.assert_array_equal(in_image[:2], (1, 1))
    assert stack.data[tuple(in_image.astype(int))] > 0


def test_a_second_run_updates_the_same_layer(scene: Scene, cells: Image) -> None:
    scene.segment()
    labels = scene.labels
    cells.scale = (1, 1)
    scene.segment()
    assert list(scene.viewer.layers) == [cells, labels]
    np.testing.assert_array_equal(labels.scale, (1, 1))
    assert scene.engine.n_calls == 2


def test_a_deleted_layer_comes_back(scene: Scene, cells: Image) -> None:
    scene.segment()
    scene.viewer.layers.remove(scene.labels)
    scene.widget.threshold.value = 0.2
    scene.wait()
    assert scene.n_nuclei == 3


def test_painted_labels_are_never_overwritten(scene: Scene, cells: Image) -> None:
    scene.segment()
    painted = scene.labels
    painted.data[0, 0] = 9
    scene.widget.threshold.value = 0.2
    scene.wait()
    assert painted.data[0, 0] == 9
    assert [layer.name for layer in scene.viewer.layers] == ["cells", "cells nuclei"]


def test_the_maps_of_a_removed_image_are_freed(scene: Scene, cells: Image) -> None:
    scene.segment()
    assert len(scene.widget._runs) == 1
    scene.viewer.layers.remove(cells)
    assert len(scene.widget._runs) == 0


def test_a_stack_gets_a_stack_of_labels(scene: Scene, image: NDArray[np.uint8]) -> None:
    scene.viewer.add_image(np.stack([image] * 3), name="cells", scale=(4, 1, 1))
    scene.segment()
    assert scene.labels.data.shape == (3, 64, 128)
    assert scene.n_nuclei == 6
    np.testing.assert_array_equal(scene.labels.scale, (4, 1, 1))


def test_the_channel_on_show_is_segmented(
    scene: Scene, image: NDArray[np.uint8]
) -> None:
    scene.viewer.add_image(
        np.stack([np.zeros_like(image), image]),
        name="cells",
        axis_labels=("c", "y", "x"),
    )
    scene.viewer.dims.set_point(0, 1)
    scene.segment()
    assert scene.labels.data.shape == image.shape
    assert scene.n_nuclei == 2
    assert scene.labels.metadata["command"].endswith("--axes CYX --channel 1")


def test_the_command_goes_to_the_clipboard(scene: Scene, cells: Image) -> None:
    scene.widget.diameter.value = 30
    scene.widget.min_area.value = 2  # µm², of which a pixel has 0.125
    scene.widget.copy_button.native.click()
    clipboard = QApplication.clipboard()
    assert clipboard is not None
    assert clipboard.text() == (
        "napari-unet-nuclei segment cells.tif -o nuclei --model tiny --min-area 16 "
        "--diameter 30"
    )
    assert scene.status == "Copied the command. Save the image as cells.tif too."


def test_there_is_no_command_without_an_image(
    scene: Scene, notifications: list[str]
) -> None:
    scene.widget.copy_button.native.click()
    assert len(notifications) == 1


def test_other_widgets_find_the_maps_behind_a_result(
    scene: Scene, cells: Image, image: NDArray[np.uint8]
) -> None:
    scene.segment()
    known = maps_of(scene.labels)
    assert known is not None
    assert known.image is cells
    assert known.settings.threshold == 0.45
    maps = known.at((30, 100))
    assert maps is not None
    np.testing.assert_allclose(maps.foreground, image / 255, atol=1e-6)
    scene.move_slider(0.2)
    moved = maps_of(scene.labels)
    assert moved is not None
    assert moved.settings.threshold == 0.2
    assert moved.at((30, 100)) is maps


def test_the_maps_of_a_single_plane_are_found_too(
    scene: Scene, image: NDArray[np.uint8]
) -> None:
    scene.viewer.add_image(np.stack([image, image]), name="cells")
    scene.viewer.dims.set_point(0, 1)
    scene.widget.only_plane.value = True
    (layer,) = [scene.segment()]
    known = maps_of(layer)
    assert known is not None
    assert known.leading_shape == (1,)
    assert known.at((0, 30, 100)) is not None
