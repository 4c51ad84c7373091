"""From tile to tile on a viewer without a window."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from napari.components import ViewerModel
from napari.layers import Labels, Shapes

from napari_unet_nuclei.core.settings.choices import Annotated
from napari_unet_nuclei.plugin.finetune.annotate_next import describe_checked
from napari_unet_nuclei.plugin.finetune.tile_layers import merge_found
from napari_unet_nuclei.plugin.finetune.widget import FineTuneWidget

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray
    from pytestqt.qtbot import QtBot

    from conftest import BrightnessEngine


def draw(height: int = 600, width: int = 900) -> NDArray[np.uint8]:
    """Draw bright discs on the left and dim ones, of which nobody is sure, right."""
    y, x = np.mgrid[:height, :width]
    is_disc = np.hypot(y % 50 - 25, x % 50 - 25) < 10
    return np.where(is_disc, np.where(x < width // 2, 255, 160), 0).astype(np.uint8)


class Scene:
    """A viewer with an image, the widget, and what a user does."""

    def __init__(
        self, qtbot: QtBot, image: NDArray[np.uint8], labels: Any = None
    ) -> None:
        self.viewer = ViewerModel()
        self.viewer.add_image(image, name="cells")
        if labels is not None:
            self.viewer.add_labels(labels, name="painted")
        self.widget = FineTuneWidget(self.viewer)
        qtbot.addWidget(self.widget.native)
        self.section = self.widget.annotate_next
        self._qtbot = qtbot

    def press(self) -> None:
        self.section.next_button.native.click()
        self.wait()

    def skip(self) -> None:
        self.section.skip_button.native.click()
        self.wait()

    def wait(self) -> None:
        panel = self.widget.panel
        self._qtbot.waitUntil(lambda: not panel.is_running, timeout=60_000)

    @property
    def labels(self) -> Labels:
        layer = self.widget.annotations.layer
        assert isinstance(layer, Labels)
        return layer

    @property
    def frame(self) -> Shapes:
        return self.viewer.layers["annotate here"]

    @property
    def box(self) -> tuple[slice, slice]:
        corners = self.frame.data[0][:, -2:]
        low, high = corners.min(axis=0), corners.max(axis=0)
        return tuple(slice(int(a), int(b) + 1) for a, b in zip(low, high, strict=True))

    @property
    def status(self) -> str:
        return str(self.widget.panel.status.value)


@pytest.fixture
def scene(
    qtbot: QtBot, engine: BrightnessEngine, make_model: Callable[..., Path]
) -> Scene:
    make_model()
    return Scene(qtbot, draw(), np.zeros((600, 900), np.int32))


def test_a_press_goes_to_a_tile_and_fills_in_what_the_model_finds(
    scene: Scene,
) -> None:
    scene.press()
    assert scene.box[1].start >= 300, "where discs are dim"
    filled = scene.labels.data[scene.box]
    outside = scene.labels.data.copy()
    outside[scene.box] = 0
    assert filled.max() > 10
    assert not outside.any()
    assert scene.viewer.layers.selection.active is scene.labels
    assert scene.section.next_button.text == "Checked, next tile"
    assert not scene.section.skip_button.native.isHidden()
    assert "Correct what is in the yellow frame" in scene.status
    low, high = scene.frame.extent.world
    np.testing.assert_allclose(
        scene.viewer.scene.camera.center[-2:], (low + high) / 2, atol=1
    )


def test_one_undo_takes_the_prediction_back(scene: Scene) -> None:
    scene.press()
    scene.labels.undo()
    assert not scene.labels.data.any()


def test_what_is_painted_stays(scene: Scene) -> None:
    scene.press()
    top, left = scene.box[0].start, scene.box[1].start
    scene.labels.undo()
    scene.viewer.layers.remove(scene.frame)
    painted = scene.labels.data.copy()
    painted[:] = 3  # as if a model had labelled all, so that all tiles are alike
    painted[top : top + 256, left : left + 256] = 0
    painted[top : top + 20, left : left + 256] = 7
    scene.labels.data = painted
    scene.press()
    assert (scene.labels.data[painted > 0] == painted[painted > 0]).all()
    assert (scene.labels.data[scene.box] > 7).any()


def test_a_checked_tile_is_the_area_and_is_counted(scene: Scene) -> None:
    scene.press()
    first, filled = scene.box, scene.labels.data.copy()
    scene.press()
    assert scene.widget.annotation.annotated is Annotated.AREA
    area = scene.widget.annotation.area.layer
    assert area is scene.viewer.layers["cells checked tiles"]
    assert len(area.data) == 1
    n_nuclei = np.unique(filled[first]).size - 1
    assert scene.section.words.value == f"1 tile, {n_nuclei} nuclei checked"
    assert scene.box != first
    overlap = np.zeros(filled.shape, int)
    for box in (first, scene.box):
        overlap[box] += 1
    assert overlap.max() == 1
    scene.press()
    assert len(area.data) == 2
    assert scene.section.words.value.startswith("2 tiles, ")


def test_a_training_sees_checked_tiles_only(scene: Scene) -> None:
    scene.press()
    first = scene.box
    scene.press()
    pair = scene.widget._form.chosen_pair().copy(scene.viewer.dims)
    expected = np.zeros(scene.labels.data.shape, bool)
    expected[first] = True
    np.testing.assert_array_equal(pair.area, expected)


def test_a_skipped_tile_is_as_before_and_does_not_come_back(scene: Scene) -> None:
    scene.press()
    first = scene.box
    row, column = first[0].start + 3, first[1].start + 3
    scene.labels.data_setitem((np.array([row]), np.array([column])), 999)
    scene.skip()
    assert scene.labels.data[row, column] == 999, "painted by hand"
    scene.labels.data[row, column] = 0
    assert not scene.labels.data[first].any() or scene.box != first
    assert scene.section.words.value == ""
    assert "cells checked tiles" not in scene.viewer.layers


def test_the_second_tile_needs_no_network(
    scene: Scene, engine: BrightnessEngine
) -> None:
    scene.press()
    n_calls = engine.n_calls
    scene.press()
    assert engine.n_calls == n_calls


def test_a_frame_that_is_deleted_closes_the_tile(scene: Scene) -> None:
    scene.press()
    scene.viewer.layers.remove(scene.frame)
    assert scene.section.next_button.text == "Annotate here next"
    assert scene.section.skip_button.native.isHidden()


def test_in_the_end_nothing_is_left(
    qtbot: QtBot, engine: BrightnessEngine, make_model: Callable[..., Path]
) -> None:
    make_model()
    scene = Scene(qtbot, draw(200, 200), np.zeros((200, 200), np.int32))
    scene.press()
    assert scene.box == (slice(0, 200), slice(0, 200))
    scene.press()
    assert scene.status == "No tile is left in this plane: all of it is annotated."
    assert scene.section.words.value.startswith("1 tile, ")
    assert scene.section.next_button.text == "Annotate here next"


def test_the_result_of_a_model_everywhere_does_not_end_it(
    qtbot: QtBot, engine: BrightnessEngine, make_model: Callable[..., Path]
) -> None:
    make_model()
    labels = (draw() > 0).astype(np.int32)
    scene = Scene(qtbot, draw(), labels.copy())
    scene.press()
    np.testing.assert_array_equal(scene.labels.data, labels)
    assert scene.box


def test_without_labels_there_are_new_ones(
    qtbot: QtBot, engine: BrightnessEngine, make_model: Callable[..., Path]
) -> None:
    make_model()
    scene = Scene(qtbot, draw())
    scene.press()
    assert scene.labels.name == "cells annotations"
    assert scene.labels.data[scene.box].max() > 10
    button = scene.widget.panel.run_button
    qtbot.waitUntil(lambda: bool(button.enabled), timeout=60_000)  # nuclei were seen


@pytest.mark.parametrize("has_labels", [True, False])
def test_only_the_plane_that_is_shown_is_filled(
    qtbot: QtBot,
    engine: BrightnessEngine,
    make_model: Callable[..., Path],
    has_labels: bool,
) -> None:
    make_model()
    stack = np.stack([np.zeros((300, 400), np.uint8), draw(300, 400)] * 2)
    labels = np.zeros(stack.shape, np.int32) if has_labels else None
    scene = Scene(qtbot, stack, labels)
    scene.viewer.dims.set_point(0, 3)
    scene.press()
    filled = scene.labels.data
    assert filled.max() > 3
    if has_labels:
        assert not filled[:3].any()
    else:
        assert filled.shape == (1, 300, 400)
    first = scene.box
    scene.press()
    pair = scene.widget._form.chosen_pair().copy(scene.viewer.dims)
    assert pair.area is not None
    assert pair.area.shape == filled.shape
    expected = np.zeros(filled.shape, bool)
    expected[(3 if has_labels else 0, *first)] = True
    np.testing.assert_array_equal(pair.area, expected)


def test_labels_without_room_say_so(
    qtbot: QtBot, engine: BrightnessEngine, make_model: Callable[..., Path]
) -> None:
    make_model()
    labels = np.zeros((600, 900), np.uint8)
    labels[0, 0] = 250
    scene = Scene(qtbot, draw(), labels)
    scene.press()
    assert "no numbers left for more nuclei. Received: uint8" in scene.status
    assert scene.labels.data.max() == 250


def test_an_error_of_the_engine_is_a_sentence(
    scene: Scene, engine: BrightnessEngine, notifications: list[str]
) -> None:
    from napari_unet_nuclei.core.errors import EngineError

    engine.error = EngineError("The engine gave up: choose another.")
    scene.press()
    assert "The engine gave up: choose another." in scene.status
    assert scene.section.next_button.text == "Annotate here next"
    engine.error = None
    scene.press()
    assert scene.box


def test_a_search_can_be_cancelled(scene: Scene, engine: BrightnessEngine) -> None:
    engine.may_go_on.clear()
    scene.section.next_button.native.click()
    scene._qtbot.waitUntil(lambda: engine.n_calls > 0)
    scene.section.next_button.native.click()
    assert "Wait for what is running" in scene.section.words.value
    scene.widget.panel.cancel_button.native.click()
    scene.wait()
    engine.may_go_on.set()
    assert scene.status == "Cancelled."
    assert "annotate here" not in scene.viewer.layers


def test_without_an_image_the_sentence_says_what_to_do(
    qtbot: QtBot, make_model: Callable[..., Path]
) -> None:
    make_model()
    viewer = ViewerModel()
    widget = FineTuneWidget(viewer)
    qtbot.addWidget(widget.native)
    widget.annotate_next.next_button.native.click()
    assert "Received: no image layer; open one." in widget.panel.status.value


def test_a_nucleus_that_is_painted_already_is_not_filled_in() -> None:
    painted = np.zeros((4, 8), np.int64)
    painted[:, :3], painted[0, 7] = 5, -1
    found = np.zeros((4, 8), np.int32)
    found[:, 1:4], found[:, 5:8] = 3, 9
    merged = merge_found(painted, found, 6)
    assert merged[1].tolist() == [5, 5, 5, 0, 0, 6, 6, 6]
    assert merged[0].tolist() == [5, 5, 5, 0, 0, 6, 6, 6]


def test_counts_are_written_as_people_say_them() -> None:
    assert describe_checked([1]) == "1 tile, 1 nucleus checked"
    assert describe_checked([20, 30, 7]) == "3 tiles, 57 nuclei checked"
