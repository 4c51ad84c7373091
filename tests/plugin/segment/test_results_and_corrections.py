"""Corrections by hand: the table follows them, and no result replaces them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from napari.components import ViewerModel
from napari.layers import Labels
from qtpy.QtCore import QEvent, QTimer
from qtpy.QtWidgets import QApplication

from napari_unet_nuclei.core.instances.measurements import measure_nuclei
from napari_unet_nuclei.plugin.segment import live_table, result_look
from napari_unet_nuclei.plugin.segment.widget import SegmentWidget

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from napari.layers import Image
    from numpy.typing import NDArray
    from pytestqt.qtbot import QtBot

    from conftest import BrightnessEngine


class Scene:
    """A viewer with the widget, and what a user does with them."""

    def __init__(
        self, qtbot: QtBot, viewer: Any = None, *, is_closed: bool = True
    ) -> None:
        self.viewer = ViewerModel() if viewer is None else viewer
        self.widget = SegmentWidget(self.viewer)
        self._qtbot = qtbot
        if is_closed:
            qtbot.addWidget(self.widget.native)

    def segment(self) -> Labels:
        self.widget.panel.run_button.native.click()
        self.wait()
        return self.results[-1]

    def move_slider(self, threshold: float) -> Labels:
        self.widget.threshold.value = threshold
        self.wait()
        return self.results[-1]

    def wait(self) -> None:
        widget = self.widget
        self._qtbot.waitUntil(
            lambda: not widget.panel.is_running and widget._splitting.is_idle
        )

    @property
    def results(self) -> list[Labels]:
        return [layer for layer in self.viewer.layers if isinstance(layer, Labels)]

    @property
    def status(self) -> str:
        return str(self.widget.panel.status.value)


@pytest.fixture(autouse=True)
def _no_hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Measure at once what a slow machine would leave to a worker."""
    monkeypatch.setattr(live_table, "_AT_ONCE_S", 60)
    monkeypatch.setattr(live_table, "_PER_TURN_S", 60)


@pytest.fixture
def scene(
    qtbot: QtBot, engine: BrightnessEngine, make_model: Callable[..., Path]
) -> Scene:
    make_model("tiny", threshold=0.45)
    return Scene(qtbot)


@pytest.fixture
def cells(scene: Scene, image: NDArray[np.uint8]) -> Image:
    return scene.viewer.add_image(image, name="cells")


def assert_follows(layer: Labels, image: NDArray[Any]) -> None:
    """Compare the table with a measurement of the layer as it is."""
    expected = measure_nuclei(layer.data, image, image / 255)
    table = layer.features[layer.features["area"].notna()]
    labels = table.get("index", table.index)
    assert labels.tolist() == expected["label"].tolist()
    for name, column in expected.items():
        if name != "label":
            np.testing.assert_allclose(table[name], column, err_msg=name)


def paint(layer: Labels) -> None:
    layer.brush_size = 6
    layer.paint((5, 60), 9)


def erase(layer: Labels) -> None:
    layer.brush_size = 8
    layer.paint((30, 60), 0)


def fill(layer: Labels) -> None:
    layer.fill((30, 60), 0)


def draw_polygon(layer: Labels) -> None:
    layer.paint_polygon([[40, 2], [40, 12], [50, 12], [50, 2]], 4)


def set_items(layer: Labels) -> None:
    layer.data_setitem((np.array([3, 3]), np.array([4, 5])), 6)


def undo(layer: Labels) -> None:
    fill(layer)
    layer.undo()


def redo(layer: Labels) -> None:
    undo(layer)
    layer.redo()


def replace_data(layer: Labels) -> None:
    layer.data = np.where(layer.data == 2, 0, layer.data)


def replace_with_other_type(layer: Labels) -> None:
    layer.data = np.where(layer.data == 2, 200, 0).astype(np.uint8)


def edit_in_place(layer: Labels) -> None:
    layer.data[2:9, 2:9] = 7
    layer.refresh()


def draw_a_stroke(layer: Labels) -> None:
    with layer.block_history():
        for x in range(10, 40, 5):
            layer.paint((50, x), 3, refresh=False)


EDITS = [
    *(paint, erase, fill, draw_polygon, set_items, undo, redo, replace_data),
    *(replace_with_other_type, edit_in_place, draw_a_stroke),
]


@pytest.mark.parametrize("edit", EDITS)
@pytest.mark.parametrize("is_slow", [False, True], ids=["at once", "in a worker"])
def test_the_table_follows_every_edit(
    scene: Scene,
    cells: Image,
    qtbot: QtBot,
    monkeypatch: pytest.MonkeyPatch,
    edit: Callable[[Labels], None],
    is_slow: bool,
) -> None:
    if is_slow:
        monkeypatch.setattr(live_table, "_MOST_AT_ONCE", -1)
    layer = scene.segment()
    edit(layer)
    table = scene.widget._layers.table((cells.unique_id, None))
    qtbot.waitUntil(lambda: table._task is None and not table._dirty)
    assert_follows(layer, cells.data)
    n_nuclei = np.unique(layer.data).size - 1
    assert table.n_nuclei == n_nuclei
    if edit is not undo:
        assert scene.status.startswith(f"{n_nuclei} nucle")
        assert " · corrected: " in scene.status


def test_labels_may_be_replaced_by_some_of_other_axes(
    scene: Scene, cells: Image
) -> None:
    layer = scene.segment()
    layer.paint((5, 60), 9)
    layer.data = np.zeros((5, 40, 50), int)
    assert layer.features["area"].notna().sum() == 0
    layer.data[2, 3:6, 3:6] = 4
    layer.refresh()
    assert layer.features["area"].dropna().to_dict() == {4: 9}
    assert scene.move_slider(0.9) is not layer
    assert layer.data.max() == 4


def test_the_table_holds_labels_below_zero(scene: Scene, cells: Image) -> None:
    layer = scene.segment()
    layer.fill((30, 60), -1)
    layer.fill((30, 100), -1000)
    table = layer.features
    assert table["index"].tolist() == [-1000, -1]
    assert table["area"].tolist() == [(layer.data == n).sum() for n in (-1000, -1)]
    assert scene.status.startswith("2 nuclei")


def test_labels_say_that_they_were_edited(scene: Scene, cells: Image) -> None:
    layer = scene.segment()
    command = layer.metadata["command"]
    layer.fill((30, 60), 0)
    layer.fill((2, 60), 3)
    assert layer.metadata["corrected_by_hand"] == "1 added, 1 removed"
    assert "command" not in layer.metadata
    assert layer.metadata["command_before_corrections"] == command
    assert scene.status == "2 nuclei in cells nuclei · corrected: 1 added, 1 removed"
    layer.undo()
    layer.undo()
    assert layer.metadata["command"] == command
    assert "corrected_by_hand" not in layer.metadata
    assert "command_before_corrections" not in layer.metadata
    assert scene.status == "2 nuclei in cells nuclei"


def test_the_command_admits_that_it_knows_no_corrections(
    scene: Scene, cells: Image
) -> None:
    layer = scene.segment()
    scene.widget.copy_command()
    assert "corrections" not in scene.status
    layer.fill((30, 60), 0)
    scene.widget.copy_command()
    assert scene.status.endswith("It finds the nuclei without your corrections.")
    assert "--model tiny" in QApplication.clipboard().text()


def test_planes_of_a_stack_are_followed_where_they_are(
    scene: Scene, image: NDArray[np.uint8]
) -> None:
    stack = np.stack([image, image // 2, image])
    scene.viewer.add_image(stack, name="cells")
    layer = scene.segment()
    scene.viewer.dims.set_point(0, 1)
    layer.brush_size = 5
    layer.paint((1, 10, 20), 50)
    row = layer.features[layer.features["area"].notna()].iloc[-1]
    inside = np.nonzero(layer.data == 50)
    assert row["area"] == inside[0].size
    assert row["z"] == 1
    assert row["mean_intensity"] == pytest.approx(stack[inside].mean())
    layer.data[2] = 0
    layer.refresh()
    table = scene.widget._layers.table((scene.viewer.layers[0].unique_id, None))
    assert table.n_nuclei == np.unique(layer.data).size - 1


def test_a_single_plane_is_measured_in_its_own(
    scene: Scene, image: NDArray[np.uint8]
) -> None:
    planes = [np.zeros_like(image), image // 2, image]
    scene.viewer.add_image(np.stack(planes), name="cells")
    scene.viewer.dims.set_point(0, 2)
    scene.widget.only_plane.value = True
    layer = scene.segment()
    layer.data[0, 29:31, 59:61] = 8
    layer.refresh()
    row = layer.features[layer.features["area"].notna()].iloc[-1]
    assert (row["z"], row["mean_intensity"]) == (2, 160)


@pytest.mark.parametrize("kind", ["RGB", "CYX", "NaN", "dask"])
def test_corrections_are_measured_in_every_kind_of_image(
    scene: Scene, image: NDArray[np.uint8], qtbot: QtBot, kind: str
) -> None:
    da = pytest.importorskip("dask.array")
    grey = image.astype(np.float32)
    if kind == "RGB":
        scene.viewer.add_image(np.stack([image] * 3, axis=-1), name="cells")
    elif kind == "CYX":
        pixels = np.stack([np.zeros_like(image), image])
        scene.viewer.add_image(pixels, name="cells", axis_labels=("c", "y", "x"))
        scene.viewer.dims.set_point(0, 1)
    elif kind == "NaN":
        grey[5, 60] = np.nan
        scene.viewer.add_image(grey, name="cells", contrast_limits=(0, 255))
    else:
        scene.viewer.add_image(da.from_array(image), name="cells")
    layer = scene.segment()
    paint(layer)
    paint_over = np.argwhere(layer.data == 9)
    assert paint_over.size
    (table,) = scene.widget._layers._tables
    qtbot.waitUntil(lambda: table._task is None and not table._dirty)
    pixels = np.where(np.isnan(grey), 0, grey)
    expected = measure_nuclei(layer.data, pixels)
    found = layer.features[layer.features["area"].notna()]
    np.testing.assert_allclose(found["area"], expected["area"])
    np.testing.assert_allclose(found["mean_intensity"], expected["mean_intensity"])


def test_columns_of_others_stay_beside_ours(scene: Scene, cells: Image) -> None:
    layer = scene.segment()
    layer.features = layer.features.assign(kind=["", "normal", "mitotic"])
    paint(layer)
    assert_follows(layer, cells.data)
    assert layer.features["kind"].tolist()[:3] == ["", "normal", "mitotic"]
    assert len(layer.features) == 10


def test_a_table_of_another_is_left_alone(scene: Scene, cells: Image) -> None:
    layer = scene.segment()
    layer.features = {"index": [1, 2], "kind": ["normal", "mitotic"]}
    paint(layer)
    assert list(layer.features) == ["index", "kind"]
    assert scene.status.startswith("3 nuclei in cells nuclei")


def test_a_result_does_not_replace_a_table_with_columns_of_others(
    scene: Scene, cells: Image
) -> None:
    layer = scene.segment()
    layer.features = layer.features.assign(kind=["", "normal", "mitotic"])
    new = scene.move_slider(0.2)
    assert new is not layer
    assert layer.features["kind"].tolist() == ["", "normal", "mitotic"]


def test_labels_of_another_shape_are_measured_without_the_image(
    scene: Scene, cells: Image
) -> None:
    layer = scene.segment()
    layer.data = np.pad(layer.data, 3)
    table = layer.features
    assert table["area"][1] == (layer.data == 1).sum()
    assert np.isnan(table["mean_intensity"][1])
    assert scene.move_slider(0.2) is not layer


def test_an_edit_after_the_widget_is_gone_does_no_harm(
    qtbot: QtBot, image: NDArray[np.uint8], make_model: Callable[..., Path], engine: Any
) -> None:
    make_model("tiny")
    scene = Scene(qtbot, is_closed=False)
    scene.viewer.add_image(image, name="cells")
    layer = scene.segment()
    with qtbot.waitSignal(scene.widget.native.destroyed):
        scene.widget.native.deleteLater()
    assert not layer.mouse_drag_callbacks
    paint(layer)
    layer.undo()


# What becomes of corrections when a new result arrives.


def test_a_corrected_layer_keeps_its_pixels_and_the_new_one_its_tool(
    scene: Scene, cells: Image
) -> None:
    layer = scene.segment()
    layer.contour, layer.opacity, layer.brush_size = 4, 0.4, 17
    layer.selected_label = 9
    layer.mode = "paint"
    layer.paint((5, 60), 9)
    pixels = layer.data.copy()
    new = scene.move_slider(0.2)
    assert [each.name for each in scene.results] == [
        *("cells nuclei (corrected)", "cells nuclei")
    ]
    np.testing.assert_array_equal(layer.data, pixels)
    assert new.data.max() == 3
    assert (new.contour, new.opacity, new.brush_size) == (4, 0.4, 17)
    assert (new.mode, new.selected_label) == ("paint", 9)
    assert scene.viewer.layers.selection.active is new
    assert (layer.visible, new.visible) == (False, True)
    assert scene.status.endswith(
        "Your corrections stay in “cells nuclei (corrected)”, which is hidden; this "
        "is a new layer."
    )
    assert scene.move_slider(0.3) is new
    assert "corrections" not in scene.status


def test_segmenting_again_keeps_corrections_too(scene: Scene, cells: Image) -> None:
    layer = scene.segment()
    layer.fill((30, 60), 0)
    new = scene.segment()
    assert new is not layer
    assert (layer.data.max(), np.unique(layer.data).size) == (2, 2)
    assert "Your corrections stay in" in scene.status


def test_corrections_that_no_event_told_of_are_kept(scene: Scene, cells: Image) -> None:
    layer = scene.segment()
    layer.data[0, 0] = 9  # and no refresh
    assert scene.move_slider(0.2) is not layer
    assert layer.data[0, 0] == 9


def test_corrections_that_were_undone_are_none(scene: Scene, cells: Image) -> None:
    layer = scene.segment()
    layer.mode = "fill"
    layer.fill((30, 60), 0)
    layer.undo()
    assert scene.move_slider(0.2) is layer
    assert layer.mode == "fill"
    before = layer.data.copy()
    layer.redo()  # of what belonged to other labels
    np.testing.assert_array_equal(layer.data, before)


def test_what_is_painted_while_maps_are_split_is_kept(
    scene: Scene, cells: Image
) -> None:
    layer = scene.segment()
    scene.widget.threshold.value = 0.2
    layer.paint((5, 60), 9)
    scene.wait()
    assert scene.results[-1] is not layer
    assert (layer.data == 9).any()


class Event:
    """A mouse event, as far as it is looked at."""

    type = "mouse_press"


def test_no_result_arrives_in_the_middle_of_a_stroke(
    scene: Scene, cells: Image, qtbot: QtBot
) -> None:
    layer = scene.segment()
    before = layer.data
    event = Event()
    strokes = [callback(layer, event) for callback in layer.mouse_drag_callbacks]
    for stroke in strokes:
        next(stroke)
    scene.move_slider(0.2)
    assert layer.data is before
    assert len(scene.results) == 1
    event.type = "mouse_release"
    for stroke in strokes:
        next(stroke, None)
    qtbot.waitUntil(lambda: layer.data is not before)


def test_a_result_that_waits_for_a_stroke_is_shown_if_the_layer_is_removed(
    scene: Scene, cells: Image, qtbot: QtBot
) -> None:
    layer = scene.segment()
    strokes = [callback(layer, Event()) for callback in layer.mouse_drag_callbacks]
    for stroke in strokes:
        next(stroke)
    layer.fill((30, 60), 0)
    scene.move_slider(0.9)
    scene.viewer.layers.remove(layer)
    qtbot.waitUntil(lambda: len(scene.results) == 1)
    assert scene.results[0].data.max() == 1
    assert scene.status.startswith("1 nucleus")


def test_a_renamed_layer_keeps_its_name(scene: Scene, cells: Image) -> None:
    layer = scene.segment()
    layer.name = "mine"
    layer.fill((30, 60), 0)
    scene.move_slider(0.2)
    assert [each.name for each in scene.results] == ["mine", "cells nuclei"]
    assert "stay in “mine”" in scene.status


def test_corrections_of_a_second_layer_get_a_name_of_their_own(
    scene: Scene, cells: Image
) -> None:
    scene.segment().fill((30, 60), 0)
    scene.move_slider(0.2).fill((30, 60), 0)
    scene.move_slider(0.3)
    assert [each.name for each in scene.results] == [
        "cells nuclei (corrected)",
        "cells nuclei (corrected) [1]",
        "cells nuclei",
    ]


def test_a_hidden_layer_stays_hidden_and_the_new_one_is_seen(
    scene: Scene, cells: Image
) -> None:
    layer = scene.segment()
    layer.visible = False
    assert scene.move_slider(0.2) is layer
    assert not layer.visible
    layer.fill((30, 60), 0)
    new = scene.move_slider(0.3)
    assert new.visible
    assert not layer.visible


def test_a_deleted_layer_is_gone(scene: Scene, cells: Image) -> None:
    layer = scene.segment()
    layer.fill((30, 60), 0)
    scene.viewer.layers.remove(layer)
    new = scene.move_slider(0.2)
    assert scene.results == [new]
    assert "corrections" not in scene.status


def test_another_active_layer_stays_active(scene: Scene, cells: Image) -> None:
    layer = scene.segment()
    layer.fill((30, 60), 0)
    scene.viewer.layers.selection.active = cells
    scene.move_slider(0.2)
    assert scene.viewer.layers.selection.active is cells


def test_a_first_result_does_not_take_the_brush_away(
    scene: Scene, cells: Image
) -> None:
    mine = scene.viewer.add_labels(np.zeros((64, 128), int), name="mine")
    mine.mode = "paint"
    scene.segment()
    assert scene.viewer.layers.selection.active is mine


def test_a_duplicate_follows_its_own_edits(scene: Scene, cells: Image) -> None:
    layer = scene.segment()
    layer.fill((30, 60), 0)
    data, state, kind = layer.as_layer_data_tuple()
    copy = Labels(data.copy(), **(state | {"name": "copy"}))
    assert kind == "labels"
    scene.viewer.add_layer(copy)
    assert copy.features.index.name == "label"
    paint(copy)
    assert_follows(copy, cells.data)
    assert copy.metadata["corrected_by_hand"] == "1 removed; then 1 added"
    assert "command" not in copy.metadata
    assert_follows(layer, cells.data)
    assert layer.metadata["corrected_by_hand"] == "1 removed"


def test_labels_from_an_earlier_session_are_followed(
    qtbot: QtBot, image: NDArray[np.uint8], make_model: Callable[..., Path], engine: Any
) -> None:
    make_model("tiny")
    viewer = ViewerModel()
    viewer.add_image(image, name="cells")
    labels = (image > 100).astype(np.int32)
    features = measure_nuclei(labels, image, image / 255)
    table = live_table.set_features
    layer = viewer.add_labels(labels, metadata={"model": "tiny", "image": "cells"})
    table(layer, features)
    Scene(qtbot, viewer)
    layer.data[2:4, 20:24] = 2
    layer.refresh()
    assert layer.features["area"].tolist()[1:] == [(image > 100).sum(), 8]
    assert layer.features["mean_intensity"][2] == 0
    assert np.isnan(layer.features["probability"][2])


def test_many_moves_leave_nothing_behind(
    scene: Scene, cells: Image, qtbot: QtBot
) -> None:
    def count() -> tuple[int, int, int]:
        QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
        timers = scene.widget.native.findChildren(QTimer)
        callbacks = layer.mouse_drag_callbacks, layer.events.set_data.callbacks
        return len(timers), *map(len, callbacks)

    layer = scene.segment()
    before = count()
    for step in range(8):
        scene.move_slider(0.2 + 0.1 * (step % 2))
    assert count() == before


# How results look.


def test_results_are_outlined_until_the_user_wants_something_else(
    scene: Scene, cells: Image, image: NDArray[np.uint8]
) -> None:
    layer = scene.segment()
    assert layer.contour == result_look.CONTOUR
    layer.contour = 0
    scene.move_slider(0.2)
    assert layer.contour == 0
    other = scene.viewer.add_image(image, name="other")
    scene.widget.image.choose(other)
    assert scene.segment().contour == 0


def test_planes_that_take_long_to_outline_are_not(
    scene: Scene, cells: Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(result_look, "_MOST_OUTLINED", 100)
    assert scene.segment().contour == 0


def test_a_plane_that_took_too_long_to_outline_sets_no_example(
    scene: Scene,
    cells: Image,
    image: NDArray[np.uint8],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(result_look, "_MOST_OUTLINED", image.size - 1)
    scene.segment().opacity = 0.3
    other = scene.viewer.add_image(image[:32], name="other")
    scene.widget.image.choose(other)
    layer = scene.segment()
    assert (layer.contour, layer.opacity) == (result_look.CONTOUR, 0.3)


def test_the_truth_of_a_sample_is_hidden_once(
    scene: Scene, image: NDArray[np.uint8]
) -> None:
    sample = {"sample_id": "s", "data_set": "here"}
    scene.viewer.add_image(image, name="cells", metadata=sample)
    truth = scene.viewer.add_labels(image, name="truth", metadata=sample)
    other = scene.viewer.add_labels(image, name="o", metadata={"sample_id": "s"})
    mine = scene.viewer.add_labels(image, name="mine")
    layer = scene.segment()
    assert [each.visible for each in (truth, other, mine, layer)] == [
        *(False, True, True, True)
    ]
    truth.visible = True
    scene.segment()
    assert truth.visible


def test_many_edits_in_a_row_are_followed_together(
    scene: Scene,
    cells: Image,
    image: NDArray[np.uint8],
    qtbot: QtBot,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    layer = scene.segment()
    qtbot.wait(10)
    monkeypatch.setattr(live_table, "_PER_TURN_S", 0)
    tables: list[Any] = []
    layer.events.features.connect(tables.append)
    for column in range(20, 60, 2):
        layer.paint((55, column), 77)
    assert not tables
    qtbot.waitUntil(lambda: bool(tables))
    assert_follows(layer, image)
    n_tables = len(tables)
    qtbot.wait(50)
    assert len(tables) == n_tables
