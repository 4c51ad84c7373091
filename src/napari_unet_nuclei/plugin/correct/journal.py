"""A journal of corrections that are not saved, written while the user pauses."""

from __future__ import annotations

import os
import time
import uuid
import zlib
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Image, Labels

from napari_unet_nuclei.core.files.correction_journal import (
    JournalNote,
    journal_path,
    read_labels,
    read_note,
    remove_journal,
    write_journal,
)
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
    from numpy.typing import NDArray
    from qtpy.QtCore import QObject

SESSION = uuid.uuid4().hex
"""Tells the corrections of this process from those of earlier ones."""

_QUIET_MS = 1000
_MOST_PIXELS = 1 << 26  # of labels that are kept; more would take many seconds
_MOST_SUMMED = 1 << 22  # bytes of an image that tell it from others


class Journal:
    """Writes the labels of a layer to the user's folder after each correction.

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
        self._counts: dict[Any, int] = {}
        self._layer: Labels | None = None
        self._path: Path | None = None
        self._task: BackgroundTask[None, None] | None = None
        self._timer = make_quiet_timer(owner, _QUIET_MS, self._write)
        self._painted = LayerEvents(("paint",), self._note_paint)
        self._replaced = LayerEvents(("data",), self._note_data)
        self.offered: JournalNote | None = None
        saved.connect(self._note_saved)
        owner.destroyed.connect(self._stop)

    def watch(self, layer: Labels | None) -> None:
        """Keep the corrections of a layer from now on, instead of another's."""
        if self._timer.isActive():
            self._timer.stop()
            self._write()
        self._layer = layer
        for events in (self._painted, self._replaced):
            events.watch(layer)
        self._look()

    def restore(self) -> bool:
        """Bring back the corrections that were offered, as one step of the history.

        Returns
        -------
        bool
            Whether they could be read, and fit.
        """
        layer, path, note = self._layer, self._path, self.offered
        if layer is None or path is None or note is None:
            return False
        labels = read_labels(path)
        if labels is None or labels.shape != layer.data.shape:
            self.discard()
            return False
        places = np.nonzero(layer.data != labels)
        self.offered = None
        self._counts[layer.unique_id] = note.n_corrections - 1
        layer.data_setitem(places, labels[places].astype(layer.data.dtype))
        self._on_change()
        return True

    def discard(self) -> None:
        """Forget the corrections that were offered."""
        self.offered = None
        if self._path is not None:
            remove_journal(self._path)
        self._on_change()

    def _look(self) -> None:
        """Look whether there are corrections that an earlier session did not save."""
        layer = self._layer
        self._path = None if layer is None else self._find_path(layer)
        self.offered = None
        if self._path is not None and self._path.exists():
            note = read_note(self._path)
            if note is not None and note.session != SESSION:
                self.offered = note
        self._on_change()

    def _find_path(self, layer: Labels) -> Path | None:
        if not isinstance(layer.data, np.ndarray) or layer.data.size > _MOST_PIXELS:
            return None
        images = [each for each in self._viewer.layers if isinstance(each, Image)]
        identity = _identify(layer, images)
        if identity is None:
            return None
        return journal_path(f"{identity} {tuple(layer.data.shape)}")

    def _note_paint(self, _: Any) -> None:
        layer = self._layer
        if layer is None or self._path is None:
            return
        self._counts[layer.unique_id] = self._counts.get(layer.unique_id, 0) + 1
        self._timer.start()

    def _note_data(self, _: Any) -> None:
        """Keep what a slider has changed around corrections, too."""
        if self._layer is not None and self._counts.get(self._layer.unique_id):
            self._timer.start()

    def _note_saved(self, event: Any) -> None:
        layer = event.value
        self._counts.pop(layer.unique_id, None)
        path = self._find_path(layer)
        if path is not None:
            remove_journal(path)
        if self._layer is not None and layer.unique_id == self._layer.unique_id:
            self._timer.stop()
            self._look()

    def _write(self) -> None:
        layer, path = self._layer, self._path
        if layer is None or path is None or not self._counts.get(layer.unique_id):
            return
        if self._task is not None:
            self._timer.start()
            return
        if self.offered is not None:  # the user has gone on without them
            self.offered = None
            self._on_change()
        note = JournalNote(
            n_corrections=self._counts[layer.unique_id],
            seconds=time.time(),
            session=SESSION,
        )
        self._task = BackgroundTask(
            _iter_write(path, layer.data, note),
            f"Keeping the corrections of {layer.name}",
            self._owner,
            TaskCallbacks(on_end=self._end),
            is_listed=False,
        )

    def _end(self) -> None:
        self._task = None

    def _stop(self) -> None:
        saved.disconnect(self._note_saved)
        for events in (self._painted, self._replaced):
            events.watch(None)


def _iter_write(
    path: Path, labels: NDArray[np.integer], note: JournalNote
) -> Generator[None, None, None]:
    write_journal(path, labels, note)
    yield


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
