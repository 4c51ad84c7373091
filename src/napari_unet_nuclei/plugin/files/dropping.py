"""Samples and labels dropped on napari's canvas open at once, without a question.

napari would ask which reader to use, or open labels as an image.  Everything else, and
what is dropped with Shift or Alt, is left to napari.
"""

from __future__ import annotations

import os
from itertools import islice
from typing import TYPE_CHECKING, Any, cast

from napari.plugins.utils import get_preferred_reader
from qtpy.QtCore import QEvent, QObject
from qtpy.QtGui import QDragLeaveEvent, QGuiApplication
from qtpy.QtWidgets import QApplication, QSplitter, QWidget

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_N_FILES_TO_CHECK = 200


def watch_drops() -> Callable[[], None]:
    """Begin to handle drops before napari does; a second call changes nothing.

    Returns
    -------
    callable
        Stops it.
    """
    app = cast("QApplication", QApplication.instance())
    watch: _DropWatch | None = app.findChild(_DropWatch)
    if watch is None:
        watch = _DropWatch(app)
        app.focusWindowChanged.connect(watch.find_canvases)  # more windows may come
    watch.find_canvases()
    return watch.deleteLater


def is_ours(paths: Sequence[str]) -> bool:
    """Return whether all paths, by their content, are for this plugin.

    Parameters
    ----------
    paths : sequence of str
        What was dropped.

    Returns
    -------
    bool
        True for DSB2018 samples and data sets, zips of them, labels that were written
        here and folders of such.  False for a folder with images of others beside
        them, which napari can open, and where the user has set a default reader.
    """
    from napari_unet_nuclei.plugin.files.reader import is_ours_by_content

    return bool(paths) and all(
        get_preferred_reader(path) is None
        and is_ours_by_content(path)
        and not (os.path.isdir(path) and _holds_images_of_others(path))
        for path in paths
    )


def _holds_images_of_others(folder: str) -> bool:
    from napari_unet_nuclei.core.files.images import FOREIGN_SUFFIXES, IMAGE_SUFFIXES
    from napari_unet_nuclei.core.writing.own_files import is_own_file

    suffixes = IMAGE_SUFFIXES | FOREIGN_SUFFIXES
    with os.scandir(folder) as entries:
        return any(
            os.path.splitext(entry.name)[1].lower() in suffixes
            and entry.is_file()
            and not is_own_file(entry.path)
            for entry in islice(entries, _N_FILES_TO_CHECK)
        )


class _DropWatch(QObject):
    """Opens samples and labels that are dropped on a canvas."""

    def find_canvases(self, *_: object) -> None:
        """Watch the canvases of all windows; one that is watched stays so."""
        for window in QApplication.topLevelWidgets():
            for canvas in window.findChildren(QSplitter):
                if hasattr(canvas, "viewer"):
                    for widget in (canvas, *canvas.findChildren(QWidget)):
                        if widget.acceptDrops():  # the welcome screen does, too
                            widget.installEventFilter(self)

    def eventFilter(self, receiver: Any, event: Any) -> bool:
        """Open samples and labels; Qt passes on what this returns False for."""
        if event.type() != QEvent.Type.Drop or QGuiApplication.keyboardModifiers():
            return False
        paths = [url.toLocalFile() for url in event.mimeData().urls()]
        paths = [os.path.normpath(path) if path else "" for path in paths]
        if not all(paths) or not is_ours(paths):
            return False
        event.acceptProposedAction()
        # The welcome screen is lit until the mouse leaves it.
        QApplication.sendEvent(receiver, QDragLeaveEvent())
        from napari_unet_nuclei.plugin.files.opening import show_paths

        while not hasattr(receiver, "viewer"):
            receiver = receiver.parentWidget()
        show_paths(receiver.viewer, paths)
        return True
