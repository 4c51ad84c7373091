"""The widget in napari's window, where rows come and go."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_unet_nuclei.plugin.shared.theme import theme_colours

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytestqt.qtbot import QtBot

    from conftest import NapariWindow

SEGMENT, FINE_TUNE = "Segment nuclei", "Fine-tune on labels"


def test_the_plot_has_its_place_when_training_begins(
    window: NapariWindow,
    qtbot: QtBot,
    fake_training: Callable[..., Callable[..., list[str]]],
) -> None:
    window.open(SEGMENT)
    widget = window.open(FINE_TUNE)
    widget.make_command = fake_training('{"event": "status", "message": "Go"}', "WAIT")
    widget.panel.run_button.native.click()
    qtbot.waitUntil(lambda: "Go" in widget.panel.status.value, timeout=30_000)
    qtbot.waitUntil(lambda: window.is_reachable(widget._plot))
    window.settle()
    assert window.is_reachable(widget._plot)
    assert window.is_reachable(widget.panel.cancel_button.native)
    window.viewer.theme = "light"
    window.settle()
    light = theme_colours("light").background
    assert widget._plot.grab().toImage().pixelColor(0, 0) == light
    widget.panel.cancel_button.native.click()
    qtbot.waitUntil(lambda: not widget.panel.is_running, timeout=30_000)


def test_what_is_wrong_with_a_name_is_seen_in_a_low_dock(
    window: NapariWindow, qtbot: QtBot
) -> None:
    widget = window.open(FINE_TUNE)
    window.float(widget, 320, 220)
    widget.model_name.native.setText("a/b")
    qtbot.waitUntil(lambda: window.is_reachable(widget.name_problem.native))
