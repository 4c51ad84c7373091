"""What becomes of corrections, tools and the active layer when a result arrives."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from qtpy.QtCore import QEvent, QTimer
from qtpy.QtWidgets import QApplication

from napari_unet_nuclei.core.instances.labels import label_areas
from napari_unet_nuclei.plugin.shared.locked_nuclei import locked_ids, unlock

if TYPE_CHECKING:
    from napari.layers import Image, Labels
    from numpy.typing import NDArray
    from pytestqt.qtbot import QtBot

    from plugin.segment.conftest import Scene


def add_a_column(layer: Labels) -> None:
    """Do what makes a layer one that no result may take the place of."""
    layer.features = layer.features.assign(mine=7.0)


def test_a_slider_leaves_corrected_nuclei_and_finds_the_others_anew(
    scene: Scene, cells: Image
) -> None:
    layer = scene.segment()
    layer.mode, layer.brush_size = "paint", 6
    layer.paint((5, 60), 9)
    painted = layer.data == 9
    assert scene.move_slider(0.2) is layer
    assert scene.results == [layer]
    np.testing.assert_array_equal(layer.data == 9, painted)
    assert np.unique(layer.data).size == 5  # with the dim nucleus, and background
    assert locked_ids(layer.metadata) == {9}
    assert (layer.mode, layer.selected_label) == ("paint", 1)
    scene.assert_follows(layer, cells.data)
    assert "corrected_by_hand" in layer.metadata
    assert scene.move_slider(0.9) is layer
    np.testing.assert_array_equal(layer.data == 9, painted)
    assert locked_ids(layer.metadata) == {9}
    scene.assert_follows(layer, cells.data)


def test_a_nucleus_that_was_changed_keeps_its_number_and_pixels(
    scene: Scene, cells: Image
) -> None:
    layer = scene.segment()
    layer.brush_size = 6
    layer.paint((30, 60), 0)
    number = layer.data[30, 66]
    changed = layer.data == number
    scene.move_slider(0.2)
    np.testing.assert_array_equal(layer.data == number, changed)
    assert layer.data[30, 60] == 0  # what was erased stays erased
    scene.assert_follows(layer, cells.data)


def test_a_deleted_nucleus_does_not_come_back(scene: Scene, cells: Image) -> None:
    layer = scene.segment()
    layer.fill((30, 60), 0)
    for threshold in (0.2, 0.5, 0.3):
        scene.move_slider(threshold)
        assert layer.data[30, 60] == 0
        assert layer.data[30, 100] > 0
    scene.assert_follows(layer, cells.data)


def test_segmenting_again_keeps_corrections_too(scene: Scene, cells: Image) -> None:
    layer = scene.segment()
    layer.fill((30, 60), 0)
    assert scene.segment() is layer
    assert (layer.data.max(), np.unique(layer.data).size) == (2, 2)


def test_the_status_counts_corrected_nuclei_too(scene: Scene, cells: Image) -> None:
    layer = scene.segment()
    layer.brush_size = 6
    layer.paint((5, 60), 9)
    layer.fill((30, 60), 0)
    for _ in range(2):
        scene.move_slider(0.2)
        n_shown = np.unique(layer.data).size - 1
        assert scene.status.startswith(f"{n_shown} nuclei in ")
        scene.segment()
        n_shown = np.unique(layer.data).size - 1
        assert scene.status.startswith(f"{n_shown} nuclei in ")
        layer.paint((5, 20), 10)


def test_unlocked_nuclei_are_found_anew(scene: Scene, cells: Image) -> None:
    layer = scene.segment()
    layer.paint((5, 60), 9)
    layer.fill((30, 60), 0)
    scene.move_slider(0.5)
    assert layer.data[30, 60] == 0
    unlock(layer)
    assert scene.move_slider(0.3) is layer
    assert not (layer.data == 9).any()
    assert layer.data[30, 60] > 0
    assert locked_ids(layer.metadata) == set()
    assert "corrected_by_hand" not in layer.metadata


def test_locked_nuclei_of_a_stack_stay_in_their_plane(
    scene: Scene, image: NDArray[np.uint8]
) -> None:
    scene.viewer.add_image(np.stack([image, image[::-1]]), name="stack")
    layer = scene.segment()
    number = layer.data[1, 33, 60]
    layer.data_setitem((np.array([1, 1]), np.array([33, 33]), np.array([59, 60])), 0)
    kept = layer.data == number
    scene.move_slider(0.2)
    np.testing.assert_array_equal(layer.data == number, kept)
    assert layer.data[1, 33, 60] == 0
    assert layer.data[0, 30, 20] > 0
    numbers = [set(np.unique(plane[plane > 0])) for plane in layer.data]
    assert not numbers[0] & numbers[1]


@pytest.mark.parametrize("axes", ["ZYX", "YXZ", "TCYX", "YX with colours"])
def test_a_slider_finds_nuclei_around_corrected_ones_of_every_kind_of_image(
    scene: Scene, image: NDArray[np.uint8], axes: str
) -> None:
    if axes == "YX with colours":
        scene.viewer.add_image(np.stack([image] * 3, axis=-1), name="cells")
    else:
        pixels = np.stack([image, image[::-1]])
        pixels = {
            "ZYX": lambda: pixels,
            "YXZ": lambda: np.moveaxis(pixels, 0, -1),
            "TCYX": lambda: np.stack([pixels, pixels[::-1]], axis=1),
        }[axes]()
        scene.viewer.add_image(
            pixels, name="cells", rgb=False, axis_labels=tuple(axes.lower())
        )
    layer = scene.segment()
    found = layer.data.copy()
    number = int(found.max())
    where = np.argwhere(found == 1)
    layer.data[found == 1] = 0
    layer.data[tuple(np.argwhere(found == number)[::2].T)] = number + 5
    layer.refresh()
    kept = layer.data.copy()
    assert scene.move_slider(0.2) is layer
    assert not layer.data[tuple(where.T)].any()
    for locked in (number, number + 5):
        np.testing.assert_array_equal(layer.data == locked, kept == locked)
    expected = {
        int(each): int(n) for each, n in zip(*label_areas(layer.data), strict=True)
    }
    table = layer.features[layer.features["area"].notna()]
    areas = {
        int(each): int(n) for each, n in zip(table.index, table["area"], strict=True)
    }
    assert areas == expected
    # What is edited next is compared with a copy that holds the same.
    layer.refresh()
    scene.wait_for_table(layer)
    assert locked_ids(layer.metadata) == {number, number + 5}


def test_corrections_that_no_event_told_of_are_kept(scene: Scene, cells: Image) -> None:
    layer = scene.segment()
    layer.data[0, 0] = 9  # and no refresh
    assert scene.move_slider(0.2) is layer
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
    assert scene.results == [layer]
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
    add_a_column(layer)
    scene.move_slider(0.2)
    assert [each.name for each in scene.results] == ["mine", "cells nuclei"]
    assert "stay in “mine”" in scene.status


def test_a_layer_with_columns_of_others_is_left_and_the_new_one_has_its_tool(
    scene: Scene, cells: Image
) -> None:
    layer = scene.segment()
    layer.contour, layer.opacity, layer.brush_size = 4, 0.4, 17
    layer.selected_label, layer.mode = 9, "paint"
    add_a_column(layer)
    pixels = layer.data.copy()
    new = scene.move_slider(0.2)
    assert [each.name for each in scene.results] == [
        *("cells nuclei (corrected)", "cells nuclei")
    ]
    np.testing.assert_array_equal(layer.data, pixels)
    assert (new.contour, new.opacity, new.brush_size) == (4, 0.4, 17)
    assert (new.mode, new.selected_label) == ("paint", 9)
    assert scene.viewer.layers.selection.active is new
    assert (layer.visible, new.visible) == (False, True)
    assert "which is hidden; this is a new layer" in scene.status
    add_a_column(new)
    scene.move_slider(0.3)
    assert [each.name for each in scene.results] == [
        "cells nuclei (corrected)",
        "cells nuclei (corrected) [1]",
        "cells nuclei",
    ]


def test_a_hidden_layer_stays_hidden(scene: Scene, cells: Image) -> None:
    layer = scene.segment()
    layer.visible = False
    assert scene.move_slider(0.2) is layer
    assert not layer.visible
    layer.fill((30, 60), 0)
    assert scene.move_slider(0.3) is layer
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
