"""Dialogs in front of the window: a download, and the choice of a file."""

from __future__ import annotations

import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING
from unittest.mock import patch

from qtpy.QtCore import QTimer
from qtpy.QtWidgets import QApplication, QFileDialog

from napari_unet_nuclei.core.errors import UNetNucleiError
from napari_unet_nuclei.plugin.files import download_dialog

if TYPE_CHECKING:
    from collections.abc import Callable

    from screenshots.studio import Studio


def dialogs(studio: Studio) -> None:
    """Show a download and a choice of a file."""
    is_taken = False

    def fetch(name: str, progress: Callable[[int, int], None]) -> Path:
        while not is_taken:
            progress(31_000_000, 83_000_000)
            time.sleep(0.05)  # a server sends pieces now and then, too
        return Path(name)

    def take() -> None:
        nonlocal is_taken
        if QApplication.activeModalWidget() is None:
            QTimer.singleShot(50, take)
            return
        studio.take("download")
        is_taken = True
        QApplication.activeModalWidget().cancel()

    studio.window.activateWindow()
    QTimer.singleShot(0, take)
    with patch.object(download_dialog, "fetch", fetch), suppress(UNetNucleiError):
        download_dialog.fetch_with_dialog("stage1_train")
    files = QFileDialog(studio.window, "Choose a model", "", "Models (*.unetnuclei)")
    files.setOption(QFileDialog.Option.DontUseNativeDialog)
    files.setModal(True)
    files.show()
    studio.take("file-dialog")
    files.close()
