"""What becomes of corrections, tools and the active layer when a result arrives."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from qtpy.QtCore import QEvent, QTimer
from qtpy.QtWidgets import QApplication

if TYPE_CHECKING:
    from napari.layers import Image
    from pytestqt.qtbot import QtBot

    from plugin.segment.conftest import Scene


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
