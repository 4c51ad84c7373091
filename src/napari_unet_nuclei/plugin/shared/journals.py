"""A journal of corrections that are not saved, written while the user pauses.

It is kept for the whole window, whichever widgets are open.  What an earlier session
did not save is offered by *Correct nuclei*.
"""

from __future__ import annotations

import time
import uuid
import weakref
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Image, Labels
from qtpy.QtCore import QObject

from napari_unet_nuclei.core.errors import OutputError, UNetNucleiError
from napari_unet_nuclei.core.files.correction_journal import (
    JournalNote,
    journal_path,
    prune_journals,
    remove_journal,
    write_journal,
)
from napari_unet_nuclei.plugin.shared.layer_events import LayerEvents
from napari_unet_nuclei.plugin.shared.layer_identity import identify
from napari_unet_nuclei.plugin.shared.result_maps import maps_of, unwrapped
from napari_unet_nuclei.plugin.shared.saved_labels import saved
from napari_unet_nuclei.plugin.shared.task_callbacks import TaskCallbacks
from napari_unet_nuclei.plugin.shared.timers import make_quiet_timer
from napari_unet_nuclei.plugin.shared.undo_history import CorrectionCount
from napari_unet_nuclei.plugin.shared.workers import BackgroundTask

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    import napari.viewer

SESSION = uuid.uuid4().hex
"""Tells the corrections of this process from those of earlier ones."""

_QUIET_MS = 1000
_PATIENCE_SECONDS = 10  # for a file that is being written while the window closes
_MOST_PIXELS = 1 << 26  # of labels that are kept; more would take many seconds

_open: list[Journals] = []


def journals_of(viewer: napari.viewer.Viewer, widget: QObject) -> Journals:
    """Return what keeps the corrections in a window; it begins with the first call.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
        Whose labels layers are kept.
    widget : QObject
        Ends it where the viewer has no window.

    Returns
    -------
    Journals
        The one of this viewer.
    """
    viewer = unwrapped(viewer)
    for journals in _open:
        if journals.is_of(viewer):
            return journals
    window = getattr(viewer, "window", None)
    return Journals(viewer, widget if window is None else window._qt_window)


class Journals:
    """Writes labels to the user's folder after each correction, one file a layer.

    Results of runs are kept, and other labels once `keep` has been called.  Each layer
    of each session has a file of its own, so that none takes the place of corrections
    that are still offered.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
        Whose layers are kept, and whose images tell where labels belong.
    owner : QObject
        Everything ends with it.
    """

    def __init__(self, viewer: napari.viewer.Viewer, owner: QObject) -> None:
        # Not the viewer and its window themselves, which would live on with this.
        self._viewer = weakref.ref(viewer)
        self._layers = viewer.layers
        self._owner = QObject(owner)
        self.restored: dict[Any, Path] = {}
        self._kept: set[Any] = set()
        self._counts: dict[Any, CorrectionCount] = {}
        self._paths: dict[Any, Path | None] = {}
        self._unwritten: dict[Any, Labels] = {}
        self._is_failing = False
        self._has_pruned = False
        self._task: BackgroundTask[None, None] | None = None
        self._timer = make_quiet_timer(self._owner, _QUIET_MS, self._write)
        self._painted = LayerEvents(("paint",), self._note_paint)
        self._replaced = LayerEvents(("data", "set_data"), self._note_data)
        self._layers.events.inserted.connect(self._watch)
        self._layers.events.removed.connect(self._watch)
        saved.connect(self._note_saved)
        self._owner.destroyed.connect(self._stop)
        _open.append(self)
        self._watch()

    def is_of(self, viewer: napari.viewer.Viewer) -> bool:
        """Whether these are the journals of a viewer."""
        return self._viewer() is viewer

    def keep(self, layer: Labels) -> None:
        """Keep the corrections of a layer from now on, whatever it comes from."""
        self._kept.add(layer.unique_id)

    def note_restored(self, layer: Labels, path: Path, n_corrections: int) -> None:
        """Count corrections of an earlier session that come back with the next edit.

        Their own file goes once they are kept anew.
        """
        self.restored[layer.unique_id] = path
        count = self._counts.setdefault(layer.unique_id, CorrectionCount(layer))
        count.n = n_corrections - 1

    def identity_of(self, layer: Labels) -> str | None:
        """Return what names the file of a layer; ``None`` for one that is not kept."""
        if not isinstance(layer.data, np.ndarray) or layer.data.size > _MOST_PIXELS:
            return None
        return identify(layer, [x for x in self._layers if isinstance(x, Image)])

    @property
    def is_idle(self) -> bool:
        """Whether everything is written."""
        return self._task is None and not self._unwritten

    # What is noted.

    def _watch(self, _: Any = None) -> None:
        layers = [layer for layer in self._layers if isinstance(layer, Labels)]
        for events in (self._painted, self._replaced):
            events.watch(*layers)

    def _note_paint(self, event: Any) -> None:
        layer, key = event.source, event.source.unique_id
        if key not in self._kept and maps_of(layer) is None:
            return
        if key not in self._paths:  # the image cannot change under a correction
            identity = self.identity_of(layer)
            self._paths[key] = (
                None if identity is None else journal_path(identity, f"{SESSION} {key}")
            )
        if self._paths[key] is not None:
            count = self._counts.setdefault(key, CorrectionCount(layer))
            count.note_correction(layer)
            self._note_unwritten(layer)

    def _note_data(self, event: Any) -> None:
        """Keep what a slider has changed around corrections, and undo and redo."""
        layer = event.source
        count = self._counts.get(layer.unique_id)
        if count is None:
            return
        if count.note_redraw(layer) or (event.type == "data" and count.n):
            self._note_unwritten(layer)

    def _note_unwritten(self, layer: Labels) -> None:
        self._unwritten[layer.unique_id] = layer
        self._timer.start(_QUIET_MS)

    def _note_saved(self, event: Any) -> None:
        key = event.value.unique_id
        self._counts.pop(key, None)
        self._unwritten.pop(key, None)
        for path in (self._paths.get(key), self.restored.pop(key, None)):
            if path is not None:
                remove_journal(path)

    # What is written.

    def _write(self) -> None:
        """Write one layer after the other."""
        if self._task is not None or not self._unwritten:
            return  # the end of the task comes here again
        key, layer = self._unwritten.popitem()
        self._task = BackgroundTask(
            self._iter_write(key, layer),
            f"Keeping the corrections of {layer.name}",
            self._owner,
            TaskCallbacks(on_error=self._note_failure, on_end=self._end),
            is_listed=False,
        )

    def _iter_write(self, key: Any, layer: Labels) -> Generator[None, None, None]:
        try:
            self._write_now(key, layer)
            if not self._has_pruned:
                self._has_pruned = True
                prune_journals()
        except UNetNucleiError as error:
            if not self._is_failing:  # or each correction would say so again
                raise OutputError(
                    "Corrections are not kept in case napari ends before they are "
                    f"saved: {error}"
                ) from error
        yield

    def _write_now(self, key: Any, layer: Labels) -> None:
        path, count = self._paths.get(key), self._counts.get(key)
        if path is None or count is None:  # saved meanwhile
            return
        if not count.n:  # all are undone
            remove_journal(path)
            return
        note = JournalNote(
            n_corrections=count.n,
            seconds=time.time(),
            session=SESSION,
            layer=layer.name,
        )
        write_journal(path, layer.data, note)
        self._is_failing = False
        if key not in self._counts:  # saved while it was written
            remove_journal(path)
        elif (earlier := self.restored.pop(key, None)) is not None:
            remove_journal(earlier)

    def _note_failure(self, _: Exception) -> None:
        self._is_failing = True

    def _end(self) -> None:
        self._task = None
        if not self._timer.isActive():
            self._write()

    def _stop(self) -> None:
        """Write what is not written yet: the window is being closed."""
        _open.remove(self)
        self._layers.events.inserted.disconnect(self._watch)
        self._layers.events.removed.disconnect(self._watch)
        saved.disconnect(self._note_saved)
        for events in (self._painted, self._replaced):
            events.watch()
        for key, layer in self._unwritten.items():
            with suppress(UNetNucleiError):
                self._write_now(key, layer)
        if self._task is not None:  # or the end of Python would cut it short
            self._task.has_stopped.wait(_PATIENCE_SECONDS)
