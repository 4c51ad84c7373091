"""The widget in napari's window: menu, table, clicks, and a result that it measures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from qtpy.QtWidgets import QTableView

from napari_unet_nuclei.plugin.shared.nuclei_table import nuclei_table

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray
    from pytestqt.qtbot import QtBot


def press_measure(widget: Any, qtbot: QtBot) -> None:
    widget.panel.run_button.native.click()
    qtbot.waitUntil(lambda: widget.is_idle, timeout=30_000)


def entries_below(viewer: Any, *titles: str) -> list[str]:
    """Return the entries of a menu of the window."""
    menu = viewer.window._qt_window.menuBar()
    for title in titles:
        (action,) = [
            each for each in menu.actions() if each.text().replace("&", "") == title
        ]
        menu = action.menu()
        menu.aboutToShow.emit()  # napari fills its menus late
    return [each.text().replace("&", "") for each in menu.actions()]


def test_table_and_canvas(
    make_napari_viewer: Callable[..., Any],
    open_widget: Callable[[Any, str], Any],
    qtbot: QtBot,
    nuclei: Any,
) -> None:
    viewer = make_napari_viewer()
    viewer.add_image(nuclei[0], name="cells")
    layer = viewer.add_labels(nuclei[1], name="nuclei")
    assert "Measure nuclei (U-Net nuclei)" in entries_below(viewer, "Layers", "Measure")
    widget = open_widget(viewer, "Measure nuclei")
    press_measure(widget, qtbot)
    widget.table_button.native.click()
    (table,) = viewer.window._qt_window.findChildren(QTableView)
    assert table.model().columnCount() == 1 + len(layer.features.columns)
    widget._select(np.array([2, 3]))
    assert widget.plots.plot.marked.tolist() == [2, 3]
    # A click on the canvas without a tool.
    y, x = np.argwhere(layer.data == 5)[0]
    event = _Click((float(y), float(x)))
    for callback in layer.mouse_drag_callbacks:
        steps = callback(layer, event)
        if steps is not None:  # napari's own do not wait for more
            next(steps)
            event.type = "mouse_release"
            assert next(steps, None) is None
    assert widget.plots.plot.marked.tolist() == [5]


class _Click:
    type = "mouse_press"
    view_direction = None
    dims_displayed = (0, 1)

    def __init__(self, position: tuple[float, float]) -> None:
        self.position = position


def test_a_result_keeps_its_measurements_through_slider_and_edits(
    make_napari_viewer: Callable[..., Any],
    open_widget: Callable[[Any, str], Any],
    qtbot: QtBot,
    image: NDArray[np.uint8],
    make_model: Callable[..., Path],
    engine: Any,
) -> None:
    make_model("tiny", threshold=0.2)
    viewer = make_napari_viewer()
    viewer.add_image(image, name="cells")
    segment = open_widget(viewer, "Segment nuclei")
    segment.panel.run_button.native.click()
    qtbot.waitUntil(lambda: not segment.panel.is_running, timeout=30_000)
    measure = open_widget(viewer, "Measure nuclei")
    layer = viewer.layers["cells nuclei"]
    viewer.layers.selection.active = layer
    press_measure(measure, qtbot)
    table = nuclei_table(layer)
    assert table is not None
    assert np.isfinite(table["probability"]).all()
    assert np.isfinite(table["solidity"]).all()
    # A slider shows other nuclei in the same layer.
    segment.threshold.value = 0.5
    qtbot.waitUntil(lambda: segment._splitting.is_idle, timeout=30_000)
    qtbot.wait(300)
    qtbot.waitUntil(lambda: measure.is_idle, timeout=30_000)
    assert [each.name for each in viewer.layers] == ["cells", "cells nuclei"]
    table = nuclei_table(layer)
    assert table is not None
    assert table["label"].size == layer.data.max()
    for name in ("probability", "solidity", "intensity_std"):
        assert np.isfinite(table[name]).all(), name
    # An edit.
    layer.fill(tuple(np.argwhere(layer.data == 1)[0]), 9)
    qtbot.wait(300)
    qtbot.waitUntil(lambda: measure.is_idle, timeout=30_000)
    table = nuclei_table(layer)
    assert table is not None
    assert 9 in table["label"]
    assert np.isfinite(table["solidity"]).all()
    assert np.isfinite(table["probability"]).all()
