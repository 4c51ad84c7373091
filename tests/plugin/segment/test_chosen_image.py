"""Which image the segment widget takes, and what it takes its axes for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from qtpy.QtWidgets import QApplication

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from pytestqt.qtbot import QtBot

    from plugin.segment.conftest import Scene


def chosen(scene: Scene) -> str:
    return str(scene.widget.image.current_choice)


def type_axes(scene: Scene, qtbot: QtBot, text: str) -> None:
    field = scene.widget.axes.field.native
    field.clear()
    qtbot.keyClicks(field, text)


@pytest.fixture
def two(scene: Scene, image: NDArray[np.uint8]) -> Scene:
    scene.viewer.add_image(image, name="first")
    scene.viewer.add_image(image[:, ::-1], name="second")
    return scene


def test_the_active_image_is_segmented(two: Scene) -> None:
    assert chosen(two) == "second"
    two.activate("first")
    assert chosen(two) == "first"
    two.activate("second")
    two.segment()
    assert [each.name for each in two.results] == ["second nuclei"]


def test_active_labels_stand_for_their_image(two: Scene) -> None:
    two.activate("first")
    two.segment()
    two.activate("second")
    two.segment()
    two.activate("first nuclei")
    assert chosen(two) == "first"
    two.viewer.layers["first"].name = "renamed"
    two.activate("second nuclei")
    assert chosen(two) == "second"


def test_the_users_own_choice_outlives_the_result(two: Scene) -> None:
    two.widget.image.choose(two.viewer.layers["first"])
    two.segment()
    assert two.viewer.layers.selection.active.name == "first nuclei"
    two.activate("second")
    two.widget.image.choose(two.viewer.layers["first"])
    two.segment()
    assert chosen(two) == "first"


@pytest.mark.parametrize("is_second_run", [False, True])
def test_the_list_holds_still_during_a_run(two: Scene, is_second_run: bool) -> None:
    two.activate("first")
    if is_second_run:
        two.segment()
    two.engine.may_go_on.clear()
    two.start()
    two.activate("second")
    assert chosen(two) == "first"
    two.engine.may_go_on.set()
    two.wait()
    active = two.viewer.layers.selection.active.name
    assert chosen(two) == active.removesuffix(" nuclei")


def test_an_image_whose_channels_come_last_is_one_image(
    scene: Scene, image: NDArray[np.uint8]
) -> None:
    layer = scene.viewer.add_image(np.stack([image] * 3, -1), rgb=False, name="cells")
    scene.segment()
    assert scene.engine.n_calls == 1
    assert scene.status.startswith("2 nuclei in ")
    (labels,) = scene.results
    assert labels.data.shape == (64, 128, 1)
    # The canvas shows Y and X, and the nuclei in each of the channels.
    assert scene.viewer.dims.displayed == (0, 1)
    for channel in range(3):
        scene.viewer.dims.set_point(2, channel)
        place = labels.world_to_data(layer.data_to_world((30, 100, channel)))
        np.testing.assert_allclose(place[:2], (30, 100))
        assert round(place[2]) == 0


def test_axes_that_do_not_fit_start_no_run(
    scene: Scene, qtbot: QtBot, image: NDArray[np.uint8], notifications: list[str]
) -> None:
    scene.viewer.add_image(np.stack([image] * 3), name="cells")
    type_axes(scene, qtbot, "yx")
    for button in (scene.widget.panel.run_button, scene.widget.copy_button):
        button.native.click()
        assert not scene.widget.panel.is_running
        assert scene.status == (
            "Expected a letter for each of the 3 axes (3 × 64 × 128). Received: 2, YX."
        )
    assert scene.engine.n_calls == 0
    assert len(notifications) == 2
    type_axes(scene, qtbot, "zyx")
    scene.segment()
    assert scene.status.startswith("6 nuclei")


def test_typed_axes_and_channel_are_segmented_and_written_out(
    scene: Scene, qtbot: QtBot, image: NDArray[np.uint8]
) -> None:
    empty = np.zeros_like(image)
    scene.viewer.add_image(np.stack([empty, empty, image]), name="cells")
    type_axes(scene, qtbot, "cyx")
    scene.widget.axes.channel.value = 2
    scene.segment()
    assert scene.status.startswith("2 nuclei")
    (labels,) = scene.results
    assert labels.data.shape == image.shape
    assert labels.metadata["command"].endswith("--axes CYX --channel 2")
    scene.widget.copy_button.native.click()
    clipboard = QApplication.clipboard()
    assert clipboard is not None
    assert clipboard.text().endswith("--axes CYX --channel 2")


def test_the_command_names_axes_that_a_file_would_not_tell(scene: Scene) -> None:
    pixels: NDArray[Any] = np.zeros((64, 128, 5), np.uint8)
    scene.viewer.add_image(pixels, name="cells")
    scene.widget.copy_button.native.click()
    clipboard = QApplication.clipboard()
    assert clipboard is not None
    assert "--axes YXC --channel 2" in clipboard.text()


def test_only_a_stack_offers_its_planes(
    scene: Scene, qtbot: QtBot, image: NDArray[np.uint8]
) -> None:
    scene.widget.native.show()
    scene.viewer.add_image(np.stack([image] * 3), name="cells")
    assert scene.widget.only_plane.visible
    type_axes(scene, qtbot, "cyx")
    assert not scene.widget.only_plane.visible
    type_axes(scene, qtbot, "tyx")
    assert scene.widget.only_plane.visible
