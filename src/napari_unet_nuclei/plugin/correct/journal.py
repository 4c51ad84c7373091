"""A journal of corrections that are not saved, written while the user pauses."""

from __future__ import annotations

import os
import time
import uuid
import zlib
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Image, Labels

from napari_unet_nuclei.core.errors import UNetNucleiError
from napari_unet_nuclei.core.files.correction_journal import (
    JournalNote,
    find_journals,
    journal_path,
    read_labels,
    read_note,
    remove_journal,
    write_journal,
)
from napari_unet_nuclei.core.instances.editing.edit import EditError
from napari_unet_nuclei.plugin.correct.correction_count import CorrectionCount
from napari_unet_nuclei.plugin.correct.shown_plane import check_editable, check_number
from napari_unet_nuclei.plugin.shared.layer_events import LayerEvents
from napari_unet_nuclei.plugin.shared.pairing import image_of
from napari_unet_nuclei.plugin.shared.result_maps import maps_of, unwrapped
from napari_unet_nuclei.plugin.shared.saved_labels import saved
from napari_unet_nuclei.plugin.shared.task_callbacks import TaskCallbacks
from napari_unet_nuclei.plugin.shared.timers import make_quiet_timer
from napari_unet_nuclei.plugin.shared.workers import BackgroundTask

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable
    from pathlib import Path

    import napari.viewer
    from qtpy.QtCore import QObject

SESSION = uuid.uuid4().hex
"""Tells the corrections of this process from those of earlier ones."""

_QUIET_MS = 1000
_PATIENCE_SECONDS = 10  # for a file that is being written while the window closes
_MOST_PIXELS = 1 << 26  # of labels that are kept; more would take many seconds
_MOST_SUMMED = 1 << 22  # bytes of an image that tell it from others


class Journal:
    """Writes the labels of a layer to the user's folder after each correction.

    Each layer of each session has a file of its own, so that none takes the place of
    corrections that are still offered.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
        Whose images tell where labels belong.
    owner : QObject
        Everything ends with it.
    on_change : callable
        Called when corrections of an earlier session are there, or no longer.
    """

    def __init__(
        self,
        viewer: napari.viewer.Viewer,
        owner: QObject,
        on_change: Callable[[], object],
    ) -> None:
        self._viewer = viewer
        self._owner = owner
        self._on_change = on_change
        self._counts: dict[Any, CorrectionCount] = {}
        self._paths: dict[Any, Path] = {}
        self._restored: dict[Any, Path] = {}
        self._unwritten: dict[Any, Labels] = {}
        self._is_failing = False
        self._layer: Labels | None = None
        self._task: BackgroundTask[None, None] | None = None
        self._timer = make_quiet_timer(owner, _QUIET_MS, self._write)
        self._painted = LayerEvents(("paint",), self._note_paint)
        self._replaced = LayerEvents(("data", "set_data"), self._note_data)
        self._offered_path: Path | None = None
        self.offered: JournalNote | None = None
        saved.connect(self._note_saved)
        owner.destroyed.connect(self._stop)

    @property
    def is_offer_of_other_layer(self) -> bool:
        """Whether a layer of another name was corrected."""
        named = "" if self.offered is None else self.offered.layer
        return bool(named) and self._layer is not None and self._layer.name != named

    def watch(self, layer: Labels | None) -> None:
        """Keep the corrections of a layer from now on, instead of another's."""
        if self._timer.isActive():
            self._timer.stop()
            self._write()
        self._layer = layer
        for events in (self._painted, self._replaced):
            events.watch(layer)
        self._look()

    def restore(self) -> None:
        """Bring back the corrections that were offered, as one step of the history.

        Raises
        ------
        EditError
            If they cannot be read, or the layer cannot hold them.
        """
        layer, path, note = self._layer, self._offered_path, self.offered
        if layer is None or path is None or note is None:
            return
        check_editable(layer)
        labels = read_labels(path)
        if labels is None or labels.shape != layer.data.shape:
            raise EditError("These corrections cannot be read.")
        check_number(layer, int(labels.max(initial=0)))
        places = np.nonzero(layer.data != labels)
        self._offer(None, None)
        if not places[0].size:  # as they are already
            remove_journal(path)
            return
        self._restored[layer.unique_id] = path
        count = self._counts.setdefault(layer.unique_id, CorrectionCount(layer))
        count.n = note.n_corrections - 1
        layer.data_setitem(places, labels[places].astype(layer.data.dtype))

    def discard(self) -> None:
        """Forget the corrections that were offered; older ones may be offered next."""
        if self._offered_path is not None:
            remove_journal(self._offered_path)
        self._look()

    # What is offered.

    def _look(self) -> None:
        """Look whether there are corrections that an earlier session did not save."""
        layer = self._layer
        identity = None if layer is None else self._identity_of(layer)
        if layer is None or identity is None:
            self._offer(None, None)
            return
        variant = f"{SESSION} {layer.unique_id}"
        self._paths.setdefault(layer.unique_id, journal_path(identity, variant))
        found: list[tuple[Path, JournalNote]] = []
        for path in find_journals(identity):
            note = read_note(path)
            is_own = note is not None and note.session == SESSION
            if note is not None and not is_own and path not in self._restored.values():
                found.append((path, note))
        of_layer = [each for each in found if each[1].layer == layer.name]
        self._offer(*next(iter(of_layer or found), (None, None)))

    def _offer(self, path: Path | None, note: JournalNote | None) -> None:
        self._offered_path, self.offered = path, note
        self._on_change()

    def _identity_of(self, layer: Labels) -> str | None:
        if not isinstance(layer.data, np.ndarray) or layer.data.size > _MOST_PIXELS:
            return None
        images = [each for each in self._viewer.layers if isinstance(each, Image)]
        identity = _identify(layer, images)
        return None if identity is None else f"{identity} {tuple(layer.data.shape)}"

    # What is kept.

    def _note_paint(self, _: Any) -> None:
        layer = self._layer
        if layer is not None and layer.unique_id in self._paths:
            count = self._counts.setdefault(layer.unique_id, CorrectionCount(layer))
            count.note_correction(layer)
            self._note_unwritten(layer)

    def _note_data(self, event: Any) -> None:
        """Keep what a slider has changed around corrections, and undo and redo."""
        layer = self._layer
        count = None if layer is None else self._counts.get(layer.unique_id)
        if layer is None or count is None:
            return
        if count.note_redraw(layer) or (event.type == "data" and count.n):
            self._note_unwritten(layer)

    def _note_unwritten(self, layer: Labels) -> None:
        self._unwritten[layer.unique_id] = layer
        self._timer.start()

    def _note_saved(self, event: Any) -> None:
        layer = event.value
        self._counts.pop(layer.unique_id, None)
        self._unwritten.pop(layer.unique_id, None)
        for paths in (self._paths, self._restored):
            if (path := paths.get(layer.unique_id)) is not None:
                remove_journal(path)
        self._restored.pop(layer.unique_id, None)
        if self._layer is not None and layer.unique_id == self._layer.unique_id:
            self._look()

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
        except UNetNucleiError:
            if not self._is_failing:  # or each correction would say so again
                raise
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
        elif (earlier := self._restored.pop(key, None)) is not None:
            remove_journal(earlier)

    def _note_failure(self, _: Exception) -> None:
        self._is_failing = True

    def _end(self) -> None:
        self._task = None
        if not self._timer.isActive():
            self._write()

    def _stop(self) -> None:
        """Write what is not written yet: the window is being closed."""
        saved.disconnect(self._note_saved)
        for events in (self._painted, self._replaced):
            events.watch(None)
        for key, layer in self._unwritten.items():
            with suppress(UNetNucleiError):
                self._write_now(key, layer)
        if self._task is not None:  # or the end of Python would cut it short
            self._task.has_stopped.wait(_PATIENCE_SECONDS)


def _identify(layer: Labels, images: Iterable[Image]) -> str | None:
    """Tell to which image, or else to which file, labels belong."""
    known = maps_of(layer)
    image = None if known is None else known.image
    image = image or image_of(layer, images)
    source = layer if image is None else image
    path = source.source.path
    if path:
        try:
            status = os.stat(path)
        except (OSError, ValueError):
            return None
        return f"{os.path.abspath(path)} {status.st_size} {status.st_mtime_ns}"
    pixels = unwrapped(source).data
    if image is None or not isinstance(pixels, np.ndarray):
        return None
    shape = pixels.shape
    if pixels.nbytes > _MOST_SUMMED and pixels.ndim > 1:
        pixels = pixels[..., :: max(pixels.nbytes // _MOST_SUMMED, 1), :]
    return f"{zlib.crc32(np.ascontiguousarray(pixels).data)} {shape} {pixels.dtype}"
