"""What the keyboard and the wheel do in both widgets, in napari's window."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from qtpy.QtCore import QPoint, QPointF, Qt
from qtpy.QtGui import QWheelEvent
from qtpy.QtWidgets import QApplication, QSlider, QWidget

if TYPE_CHECKING:
    from pytestqt.qtbot import QtBot

    from conftest import NapariWindow

SEGMENT, FINE_TUNE = "Segment nuclei", "Fine-tune on labels"
both = pytest.mark.parametrize("title", [SEGMENT, FINE_TUNE])


@both
def test_the_tab_key_goes_down_the_widget(
    window: NapariWindow, title: str, qtbot: QtBot
) -> None:
    widget = window.open(title)
    window.native.activateWindow()
    widget.image.native.setFocus()
    qtbot.waitUntil(widget.image.native.hasFocus)
    heights, seen = [], []
    while not seen or seen[-1] is not widget.panel.run_button.native:
        focused = QApplication.focusWidget()
        assert focused is not None
        assert focused not in seen
        assert widget.native.isAncestorOf(focused)
        seen.append(focused)
        heights.append(focused.mapTo(widget.native, QPoint(0, 0)).y())
        qtbot.keyClick(focused, Qt.Key.Key_Tab)
    assert heights == sorted(heights)
    assert len(seen) >= 6


@both
def test_the_focus_is_seen(window: NapariWindow, title: str, qtbot: QtBot) -> None:
    widget = window.open(title)
    window.native.activateWindow()
    widget.image.native.setFocus()
    qtbot.waitUntil(widget.image.native.hasFocus)
    for control in window.controls_of(widget):
        if not control.focusPolicy() & Qt.FocusPolicy.TabFocus:
            continue
        if not control.isEnabled():
            continue
        control.clearFocus()
        before = control.grab().toImage()
        control.setFocus()
        assert control.grab().toImage() != before, control


def test_the_wheel_scrolls_and_changes_nothing_it_passes_over(
    window: NapariWindow,
) -> None:
    widget = window.open(SEGMENT)
    window.float(widget, 320, 300)
    area = window.area_of(widget)
    assert area.can_scroll

    def turn(control: QWidget) -> None:
        place = QPointF(control.rect().center())
        event = QWheelEvent(
            place,
            QPointF(control.mapToGlobal(place.toPoint())),
            QPoint(0, -120),
            QPoint(0, -120),
            Qt.MouseButton.NoButton,
            Qt.KeyboardModifier.NoModifier,
            Qt.ScrollPhase.NoScrollPhase,
            False,
        )
        QApplication.sendEvent(control, event)

    before = widget.settings
    slider = widget.threshold.native.findChild(QSlider)
    for control in (slider, widget.min_area.native, widget.model.native):
        control.clearFocus()
        area.verticalScrollBar().setValue(0)
        turn(control)
        assert area.verticalScrollBar().value() > 0
    assert widget.settings == before


def test_the_keyboard_moves_the_threshold(window: NapariWindow, qtbot: QtBot) -> None:
    widget = window.open(SEGMENT)
    slider = widget.threshold.native.findChild(QSlider)
    for key, value in (
        (Qt.Key.Key_Right, 0.51),
        (Qt.Key.Key_PageUp, 0.61),
        (Qt.Key.Key_Left, 0.6),
    ):
        qtbot.keyClick(slider, key)
        assert widget.threshold.value == pytest.approx(value, abs=1e-4)
