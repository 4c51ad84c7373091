"""The dialog of a download in napari's window; ``test_sample_data`` has the rest."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING

from qtpy.QtCore import QTimer
from qtpy.QtWidgets import QApplication

from napari_unet_nuclei.plugin.files import download_dialog
from napari_unet_nuclei.plugin.shared.theme import theme_colours

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest
    from pytestqt.qtbot import QtBot

    from conftest import NapariWindow


def test_the_dialog_of_a_download_has_the_theme_of_its_window(
    window: NapariWindow, monkeypatch: pytest.MonkeyPatch, qtbot: QtBot
) -> None:
    is_seen, colours = threading.Event(), []

    def look() -> None:
        dialog = QApplication.activeModalWidget()
        assert dialog is not None
        colours.append(dialog.grab().toImage().pixelColor(3, 3))
        is_seen.set()

    def fetch(name: str, progress: Callable[[int, int], None]) -> Path:
        assert is_seen.wait(30)
        return Path(name)

    monkeypatch.setattr(download_dialog, "fetch", fetch)
    window.viewer.theme = "light"
    window.native.activateWindow()
    qtbot.waitUntil(lambda: QApplication.activeWindow() is window.native)
    QTimer.singleShot(1500, look)
    assert download_dialog.fetch_with_dialog("stage1_train") == Path("stage1_train")
    assert colours == [theme_colours("light").background]
