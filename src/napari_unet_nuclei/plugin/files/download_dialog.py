"""A download while napari waits: a dialog that says how far it is and can end it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari.qt import get_current_stylesheet
from qtpy.compat import isalive
from qtpy.QtCore import QEventLoop, Qt, QTimer
from qtpy.QtWidgets import QApplication, QMainWindow, QProgressBar, QProgressDialog

from napari_unet_nuclei.core.datasets.downloads import (
    DATA_SETS,
    DownloadCancelledError,
    fetch,
    format_size,
)
from napari_unet_nuclei.core.errors import UNetNucleiError
from napari_unet_nuclei.plugin.shared.task_callbacks import TaskCallbacks
from napari_unet_nuclei.plugin.shared.workers import BackgroundTask

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

_MS_BEFORE_DIALOG = 500  # what is there already needs none
_MS_BETWEEN_LOOKS = 100


def fetch_with_dialog(name: str) -> Path:
    """Return where a data set is on this computer, downloading it if need be.

    napari adds the layers that a sample command returns, so the command has to
    wait for them.  It waits in an event loop, in which windows are drawn and the
    dialog can be cancelled at any time; the download is in a thread.

    Parameters
    ----------
    name : str
        One of ``core.downloads.DATA_SETS``.

    Returns
    -------
    Path
        What `napari_unet_nuclei.core.datasets.downloads.fetch` returns.

    Raises
    ------
    DownloadCancelledError
        If the user has cancelled it, or napari is being closed.
    DownloadError, OutputError
        If the data set cannot be had, or not be kept.
    """
    download = _Download(name)
    bar = QProgressBar()
    window = QApplication.activeWindow()
    # Another dialog may be gone before this one, and take it along.
    dialog = QProgressDialog(window if isinstance(window, QMainWindow) else None)
    dialog.setWindowTitle("U-Net nuclei")
    dialog.setWindowModality(Qt.WindowModality.ApplicationModal)
    if dialog.parent() is None:  # else it has the theme of its window
        dialog.setStyleSheet(get_current_stylesheet())
    dialog.setBar(bar)

    def look() -> None:
        dialog.setLabelText(download.sentence)
        # The dialog's own setValue would handle events here, in the midst of one.
        bar.setRange(0, 100 if download.size else 0)
        bar.setValue(round(100 * download.n_bytes / (download.size or 1)))

    look()
    dialog.setMinimumDuration(_MS_BEFORE_DIALOG)  # heard only if the bar is at 0
    loop = QEventLoop()
    dialog.canceled.connect(loop.quit)
    dialog.destroyed.connect(loop.quit)  # with the window
    timer = QTimer()
    timer.timeout.connect(look)
    dialog.destroyed.connect(timer.stop)
    BackgroundTask(
        download.steps(),
        f"Downloading {name}",
        dialog,
        TaskCallbacks(on_error=download.fail, on_end=loop.quit),
        is_listed=False,  # the dialog shows it
    )
    timer.start(_MS_BETWEEN_LOOKS)
    loop.exec()
    timer.stop()
    download.is_wanted = False
    if isalive(dialog):  # type: ignore[no-untyped-call]
        dialog.hide()
        dialog.deleteLater()  # and with it what the task had to tell
    return download.result()


class _Download:
    """What a download in a thread and the dialog in the main thread share."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._outcome: Path | Exception | None = None
        self.n_bytes = 0
        self.size: int | None = None
        self.is_wanted = True

    @property
    def sentence(self) -> str:
        """How far it is, in two lines."""
        amount = format_size(self.n_bytes) if self.n_bytes else "Connecting …"
        if self.size is not None:
            amount = f"{format_size(self.n_bytes)} of {format_size(self.size)}"
        host = DATA_SETS[self._name].host
        return f"Downloading {self._name} from {host}\n{amount}"

    def steps(self) -> Generator[None, None, None]:
        """Download in one go; napari itself will tell of an error of ours."""
        yield
        try:
            self._outcome = fetch(self._name, progress=self._take)
        except UNetNucleiError as error:
            self.fail(error)

    def fail(self, error: Exception) -> None:
        """Remember what went wrong."""
        self._outcome = error

    def result(self) -> Path:
        """Return where the data set is, or raise what went wrong."""
        if self._outcome is None:
            raise DownloadCancelledError(
                f"The download of {self._name} was cancelled: nothing was kept. Open "
                "the sample again to download it."
            )
        if isinstance(self._outcome, Exception):
            raise self._outcome
        return self._outcome

    def _take(self, n_bytes: int, size: int | None) -> None:
        if not self.is_wanted:
            raise DownloadCancelledError("nobody waits for it any more")
        self.n_bytes, self.size = n_bytes, size
