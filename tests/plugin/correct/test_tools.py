"""Keys, buttons and napari's own tools: one tool at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from napari.utils.key_bindings import coerce_keybinding
from napari.utils.shortcuts import default_shortcuts
from qtpy.QtCore import QEvent, Qt
from qtpy.QtGui import QKeyEvent
from qtpy.QtWidgets import QApplication

from napari_unet_nuclei.plugin.correct.stroke_overlay import StrokeOverlay
from napari_unet_nuclei.plugin.correct.tools import TOOLS, Tool, Trace
from napari_unet_nuclei.plugin.correct.widget import NO_LAYER

if TYPE_CHECKING:
    from collections.abc import Callable

    from plugin.correct.conftest import Table


def press(table: Table, key: str) -> None:
    """Do what napari does with a key on the canvas."""
    layer = table.viewer.layers.selection.active
    layer.keymap[coerce_keybinding(key)](layer)


@pytest.mark.parametrize("tool", list(Tool))
def test_a_key_takes_a_tool_and_puts_it_away(table: Table, tool: Tool) -> None:
    press(table, TOOLS[tool].key)
    assert table.widget.mode.tool is tool
    assert table.widget.tools.buttons[tool].isChecked()
    assert TOOLS[tool].hint in table.status
    assert TOOLS[tool].key in table.widget.tools.buttons[tool].toolTip()
    press(table, TOOLS[tool].key)
    assert table.widget.mode.tool is None
    assert table.layer.mode == "pan_zoom"


def test_no_key_is_one_of_napari() -> None:
    keys = {text.key for text in TOOLS.values()}
    assert len(keys) == len(TOOLS)
    for action, shortcuts in default_shortcuts.items():
        if "labels" in action or not any(
            kind in action
            for kind in ("points", "shape", "select", "add_", "plane", "direct")
        ):
            taken = {str(shortcut) for shortcut in shortcuts}
            assert not keys & taken, action


def test_escape_ends_a_tool_and_gives_the_key_back(table: Table) -> None:
    table.take(Tool.SPLIT)
    press(table, "Escape")
    assert table.widget.mode.tool is None
    assert not any(button.isChecked() for button in table.widget.tools.buttons.values())
    assert "Escape" not in {str(key) for key in table.layer.keymap}
    assert table.draw((20, 12)) != "Deleted 1."


def test_one_tool_at_a_time(table: Table) -> None:
    table.take(Tool.SPLIT)
    table.take(Tool.DELETE)
    buttons = table.widget.tools.buttons
    assert [tool for tool, each in buttons.items() if each.isChecked()] == [Tool.DELETE]
    assert table.draw((20, 12)) == "Deleted 1."
    n_callbacks = len(table.layer.mouse_drag_callbacks)
    table.take(Tool.ADD)
    assert len(table.layer.mouse_drag_callbacks) == n_callbacks


@pytest.mark.parametrize("mode", ["paint", "erase", "fill", "polygon", "transform"])
def test_a_tool_of_napari_ends_ours(table: Table, mode: str) -> None:
    table.take(Tool.DELETE)
    table.layer.mode = mode
    assert table.widget.mode.tool is None
    assert table.layer.mode == mode
    table.take(Tool.DELETE)
    assert table.layer.mode == "pick"


def test_the_space_bar_moves_the_view_and_keeps_the_tool(table: Table) -> None:
    table.take(Tool.DELETE)
    target = table.widget.native
    modifier = Qt.KeyboardModifier.NoModifier
    for kind, mode in (
        (QEvent.Type.KeyPress, "pan_zoom"),
        (QEvent.Type.KeyRelease, ""),
    ):
        QApplication.sendEvent(target, QKeyEvent(kind, Qt.Key.Key_Space, modifier))
        table.layer.mode = mode or "pick"
        assert table.widget.mode.tool is Tool.DELETE
    table.layer.mode = "pan_zoom"  # without the space bar, it is the user's choice
    assert table.widget.mode.tool is None


def test_another_layer_ends_a_tool_and_has_the_keys(table: Table) -> None:
    table.take(Tool.DELETE)
    other = table.viewer.add_labels(np.zeros((9, 9), int), name="other")
    assert table.widget.mode.tool is None
    assert not table.layer.keymap
    keys = {str(key) for key in other.keymap}
    assert {text.key for text in TOOLS.values()} <= keys
    assert "other" in table.status
    table.viewer.layers.remove(other)
    table.viewer.layers.selection.active = table.layer
    assert "nuclei" in table.status


def test_a_button_finds_the_labels_where_an_image_is_active(table: Table) -> None:
    table.viewer.add_image(np.zeros((64, 96)))
    assert table.status == NO_LAYER
    table.take(Tool.DELETE)
    assert table.viewer.layers.selection.active is table.layer


def test_without_labels_the_widget_says_what_it_needs(
    make_napari_viewer: Callable[[], Any], open_widget: Callable[[Any, str], Any]
) -> None:
    widget = open_widget(make_napari_viewer(), "Correct nuclei")
    widget.tools.buttons[Tool.ADD].click()
    assert widget.status.value == NO_LAYER
    assert not widget.tools.buttons[Tool.ADD].isChecked()


def test_a_stroke_is_seen_while_it_is_drawn(table: Table) -> None:
    table.take(Tool.DELETE)
    seen: list[tuple[bool, Trace]] = []
    draw = StrokeOverlay.draw

    def watch(self: StrokeOverlay, points: Any, trace: Trace) -> None:
        draw(self, points, trace)
        seen.append((not self.isHidden(), trace))

    StrokeOverlay.draw = watch  # type: ignore[method-assign]
    try:
        table.draw((5, 2), (30, 40), (58, 40))
    finally:
        StrokeOverlay.draw = draw  # type: ignore[method-assign]
    assert seen == [(True, Trace.BOX)] * 2
    overlay = table.widget.mode._pointer._overlay
    assert overlay is not None
    assert overlay.isHidden()


def test_a_closed_widget_leaves_the_layer_as_it_was(table: Table) -> None:
    table.take(Tool.DELETE)
    follow = table.widget.mode._pointer.follow
    assert follow in table.layer.mouse_drag_callbacks
    table.viewer.window.remove_dock_widget(table.widget.native)
    table.widget.native.deleteLater()
    QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    assert not table.layer.keymap
    assert table.layer.mode == "pan_zoom"
    assert follow not in table.layer.mouse_drag_callbacks
