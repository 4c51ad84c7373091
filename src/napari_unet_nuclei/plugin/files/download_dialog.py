"""A download while napari waits: a dialog shows progress and can cancel it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari.qt import get_current_stylesheet
from qtpy.compat import isalive
from qtpy.QtCore import QEventLoop, Qt, QTimer
from qtpy.QtWidgets import QApplication, QMainWindow, QProgressBar, QProgressDialog

from napari_unet_nuclei.core.datasets.downloads import fetch
from napari_unet_nuclei.core.datasets.online_sets import DATA_SETS
from napari_unet_nuclei.core.datasets.transfer import (
    DownloadCancelledError,
    format_size,
)
from napari_unet_nuclei.core.errors import UNetNucleiError
from napari_unet_nuclei.plugin.shared.task_callbacks import TaskCallbacks
from napari_unet_nuclei.plugin.shared.workers import BackgroundTask

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

_MS_BEFORE_DIALOG = 500  # for a data set that is on this computer already
_MS_BETWEEN_UPDATES = 100


def fetch_with_dialog(name: str) -> Path:
    """Return where a data set is on this computer; download it if it is not there.

    napari adds the layers that a sample command returns, so the command has to
    wait for them.  It waits in an event loop, in which windows are drawn and the
    dialog can be cancelled at any time; the download is in a thread.

    Parameters
    ----------
    name : str
        One of ``core.datasets.downloads.DATA_SETS``.

    Returns
    -------
    Path
        What `napari_unet_nuclei.core.datasets.downloads.fetch` returns.

    Raises
    ------
    DownloadCancelledError
        If the user has cancelled it, or napari is being closed.
    DownloadError, OutputError
        If the data set cannot be downloaded or written.
    """
    download = _Download(name)
    dialog = _DownloadDialog(download)
    loop = QEventLoop()
    dialog.canceled.connect(loop.quit)
    dialog.destroyed.connect(loop.quit)  # with the window
    BackgroundTask(
        download.steps(),
        f"Downloading {name}",
        dialog,
        TaskCallbacks(on_error=download.fail, on_end=loop.quit),
        is_listed=False,  # the dialog shows it
    )
    loop.exec()
    download.is_wanted = False
    if isalive(dialog):  # type: ignore[no-untyped-call]
        dialog.dispose()
    return download.result()


class _DownloadDialog(QProgressDialog):
    """Shows how far a download is, unless it ends within half a second."""

    def __init__(self, download: _Download) -> None:
        window = QApplication.activeWindow()
        # Another dialog may be destroyed before this one, and its children with it.
        super().__init__(window if isinstance(window, QMainWindow) else None)
        self._download = download
        self._bar = QProgressBar()
        self._timer = QTimer(self)
        self.setWindowTitle("U-Net nuclei")
        self.setWindowModality(Qt.WindowModality.ApplicationModal)
        if self.parent() is None:  # else it has the theme of its window
            self.setStyleSheet(get_current_stylesheet())
        self.setBar(self._bar)
        self._show_progress()
        self.setMinimumDuration(_MS_BEFORE_DIALOG)  # Qt wants the bar to be at 0
        self._timer.timeout.connect(self._show_progress)
        self._timer.start(_MS_BETWEEN_UPDATES)

    def dispose(self) -> None:
        """Close the dialog and destroy it, which also ends the task."""
        self._timer.stop()
        self.hide()
        self.deleteLater()

    def _show_progress(self) -> None:
        size = self._download.size
        self.setLabelText(self._download.description)
        # The dialog's own setValue would handle events, in the middle of another one.
        self._bar.setRange(0, 100 if size else 0)
        self._bar.setValue(round(100 * self._download.n_bytes / (size or 1)))


class _Download:
    """A download: it runs in a thread and is shown by a dialog in the main thread."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._outcome: Path | Exception | None = None
        self.n_bytes = 0
        self.size: int | None = None
        self.is_wanted = True

    @property
    def description(self) -> str:
        """How far it is, in two lines."""
        amount = format_size(self.n_bytes) if self.n_bytes else "Connecting …"
        if self.size is not None:
            amount = f"{format_size(self.n_bytes)} of {format_size(self.size)}"
        host = DATA_SETS[self._name].host
        return f"Downloading {self._name} from {host}\n{amount}"

    def steps(self) -> Generator[None, None, None]:
        """Download in a single step; napari itself shows an error of this package."""
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
            raise DownloadCancelledError("The window was closed.")
        self.n_bytes, self.size = n_bytes, size
