from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from qtpy.QtCore import QEvent, Qt
from qtpy.QtGui import QKeyEvent
from qtpy.QtWidgets import QApplication, QPushButton, QVBoxLayout, QWidget

from napari_unet_nuclei.plugin.shared.primary_button import PrimaryButton
from napari_unet_nuclei.plugin.shared.theme import style_sheet, theme_colours

if TYPE_CHECKING:
    from pytestqt.qtbot import QtBot


class Scene:
    """A window with the button and another one after it."""

    def __init__(self, qtbot: QtBot) -> None:
        self.window = QWidget()
        qtbot.addWidget(self.window)
        self.button = PrimaryButton(text="Segment", tooltip="Find nuclei")
        self.other = QPushButton("Cancel")
        layout = QVBoxLayout(self.window)
        layout.addWidget(self.button.native)
        layout.addWidget(self.other)
        self.window.show()
        self.window.activateWindow()
        self.n_runs = 0
        self.button.changed.connect(self._run)
        self.button.native.setFocus()
        qtbot.waitUntil(self.button.native.hasFocus)

    def _run(self) -> None:
        self.n_runs += 1


@pytest.fixture
def scene(qtbot: QtBot) -> Scene:
    return Scene(qtbot)


@pytest.mark.parametrize("key", [Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space])
def test_a_key_presses_once(scene: Scene, qtbot: QtBot, key: Qt.Key) -> None:
    qtbot.keyClick(scene.button.native, key)
    assert scene.n_runs == 1
    held = QKeyEvent(
        QEvent.Type.KeyPress, key, Qt.KeyboardModifier.NoModifier, "", True
    )
    for _ in range(5):
        QApplication.sendEvent(scene.button.native, held)
    assert scene.n_runs == 1


def test_a_second_press_does_not_cancel(scene: Scene, qtbot: QtBot) -> None:
    """Qt moves the focus of a disabled button on to the next one."""
    scene.button.enabled = False
    assert not scene.other.hasFocus()
    scene.button.enabled = True
    assert scene.button.native.hasFocus()


def test_the_focus_a_user_has_moved_stays_there(scene: Scene, qtbot: QtBot) -> None:
    scene.button.enabled = False
    scene.other.setFocus()
    scene.button.enabled = True
    assert scene.other.hasFocus()


def test_a_pending_button_looks_so_and_says_why(scene: Scene) -> None:
    scene.window.setStyleSheet(style_sheet(theme_colours("dark")))
    scene.other.setFocus()
    before = scene.button.native.grab().toImage()
    scene.button.mark_pending("The model was changed")
    assert scene.button.tooltip == "The model was changed"
    assert scene.button.native.grab().toImage() != before
    scene.button.mark_pending(None)
    assert scene.button.tooltip == "Find nuclei"
    assert scene.button.native.grab().toImage() == before
