"""Corrections by hand: the table follows them, however they are made."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from qtpy.QtWidgets import QApplication

from napari_unet_nuclei.core.instances.measurements import measure_nuclei
from napari_unet_nuclei.plugin.segment import live_table

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from napari.layers import Image, Labels
    from numpy.typing import NDArray
    from pytestqt.qtbot import QtBot

    from plugin.segment.conftest import Scene


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
    monkeypatch: pytest.MonkeyPatch,
    edit: Callable[[Labels], None],
    is_slow: bool,
) -> None:
    if is_slow:
        share = replace(live_table.WINDOW_SHARE, n_pixels=-1)
        monkeypatch.setattr(live_table, "WINDOW_SHARE", share)
    layer = scene.segment()
    edit(layer)
    table = scene.wait_for_table(layer)
    scene.assert_follows(layer, cells.data)
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
    assert scene.wait_for_table(layer).n_nuclei == np.unique(layer.data).size - 1


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
    scene: Scene, image: NDArray[np.uint8], kind: str
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
    scene.wait_for_table(layer)
    pixels = np.where(np.isnan(grey), 0, grey)
    expected = measure_nuclei(layer.data, pixels)
    found = layer.features[layer.features["area"].notna()]
    np.testing.assert_allclose(found["area"], expected["area"])
    np.testing.assert_allclose(found["mean_intensity"], expected["mean_intensity"])


def test_columns_of_others_stay_beside_ours(scene: Scene, cells: Image) -> None:
    layer = scene.segment()
    layer.features = layer.features.assign(kind=["", "normal", "mitotic"])
    paint(layer)
    scene.assert_follows(layer, cells.data)
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
    qtbot: QtBot,
    image: NDArray[np.uint8],
    make_model: Callable[..., Path],
    open_scene: Callable[..., Scene],
) -> None:
    make_model("tiny")
    scene = open_scene(is_closed=False)
    scene.viewer.add_image(image, name="cells")
    layer = scene.segment()
    with qtbot.waitSignal(scene.widget.native.destroyed):
        scene.widget.native.deleteLater()
    assert not layer.mouse_drag_callbacks
    paint(layer)
    layer.undo()


def test_many_edits_in_a_row_are_followed_together(
    scene: Scene,
    cells: Image,
    image: NDArray[np.uint8],
    qtbot: QtBot,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    layer = scene.segment()
    qtbot.wait(10)
    share = replace(live_table.WINDOW_SHARE, seconds_per_turn=0)
    monkeypatch.setattr(live_table, "WINDOW_SHARE", share)
    tables: list[Any] = []
    layer.events.features.connect(tables.append)
    for column in range(20, 60, 2):
        layer.paint((55, column), 77)
    assert not tables
    qtbot.waitUntil(lambda: bool(tables))
    scene.assert_follows(layer, image)
    n_tables = len(tables)
    qtbot.wait(50)
    assert len(tables) == n_tables
