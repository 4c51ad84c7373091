"""napari's own features table, status bar and csv, in its window."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QFileDialog, QTableView

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray
    from pytestqt.qtbot import QtBot


class Window(NamedTuple):
    """A viewer and napari's table in it."""

    viewer: Any
    table: Any

    @property
    def layer(self) -> Any:
        return self.viewer.layers["cells nuclei"]


@pytest.fixture
def window(
    make_napari_viewer: Callable[..., Any],
    open_widget: Callable[[Any, str], Any],
    qtbot: QtBot,
    image: NDArray[np.uint8],
    make_model: Callable[..., Path],
    engine: Any,
) -> Window:
    """Return a viewer with a result and napari's table of it."""
    make_model("tiny", threshold=0.2)
    viewer = make_napari_viewer()
    viewer.add_image(image, name="cells")
    widget = open_widget(viewer, "Segment nuclei")
    widget.panel.run_button.native.click()
    qtbot.waitUntil(lambda: not widget.panel.is_running)
    viewer.layers.selection.active = viewer.layers["cells nuclei"]
    _, table = viewer.window.add_plugin_dock_widget("napari", "Features table widget")
    return Window(viewer, table)


def rows_of(table: Any) -> list[list[str]]:
    model = table.findChild(QTableView).model()
    return [
        [str(model.index(row, column).data()) for column in range(model.columnCount())]
        for row in range(model.rowCount())
    ]


def header_of(table: Any) -> list[str]:
    model = table.findChild(QTableView).model()
    return [
        str(model.headerData(column, Qt.Orientation.Horizontal))
        for column in range(model.columnCount())
    ]


def click(qtbot: QtBot, table: Any, row: int) -> None:
    view = table.findChild(QTableView)
    cell = view.visualRect(view.model().index(row, 1)).center()
    qtbot.mouseClick(view.viewport(), Qt.MouseButton.LeftButton, pos=cell)


def test_the_table_has_one_column_of_labels_and_selects_the_label_clicked(
    window: Window, qtbot: QtBot
) -> None:
    layer = window.layer
    assert header_of(window.table) == [
        *("label", "area", "centroid_y", "centroid_x", "mean_intensity"),
        *("probability", "diameter"),
    ]
    rows = rows_of(window.table)
    assert [row[0] for row in rows] == ["0", "1", "2", "3"]
    for label in (1, 2, 3):
        assert float(rows[label][1]) == (layer.data == label).sum()
        click(qtbot, window.table, label)
        assert layer.selected_label == label


def test_the_table_follows_corrections(
    window: Window, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    layer = window.layer
    layer.fill((30, 60), 0)
    layer.brush_size = 4
    layer.paint((5, 60), 4)
    rows = rows_of(window.table)
    assert [row[1] for row in rows][2] == "nan"
    assert float(rows[4][1]) == (layer.data == 4).sum()
    click(qtbot, window.table, 4)
    assert layer.selected_label == 4
    path = tmp_path / "features.csv"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_, **__: (path, ""))
    window.table._on_save_clicked()
    with path.open() as file:
        saved = {row["label"]: row for row in csv.DictReader(file)}
    assert saved["2"]["area"] == ""
    assert float(saved["4"]["area"]) == (layer.data == 4).sum()


def test_the_status_bar_tells_what_is_under_the_pointer(window: Window) -> None:
    layer = window.layer
    layer.fill((30, 60), 7)
    area = (layer.data == 7).sum()
    status = layer.get_status((30, 60), world=True)["value"]
    assert status.startswith("7; area: ")
    assert str(area) in status
    assert "No Properties" not in layer.get_status((0, 0), world=True)["value"]
    assert "area" not in layer.get_status((0, 0), world=True)["value"]
