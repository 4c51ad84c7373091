"""Corrections that an earlier session did not save, to be brought back.

What is kept, and when, is in ``shared.journals``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_unet_nuclei.core.files.correction_journal import (
    JournalNote,
    find_journals,
    read_labels,
    read_note,
    remove_journal,
)
from napari_unet_nuclei.core.instances.editing.edit import EditError
from napari_unet_nuclei.plugin.correct.shown_plane import check_editable, check_number
from napari_unet_nuclei.plugin.shared.journals import SESSION, journals_of
from napari_unet_nuclei.plugin.shared.saved_labels import saved
from napari_unet_nuclei.plugin.shared.task_callbacks import TaskCallbacks
from napari_unet_nuclei.plugin.shared.workers import BackgroundTask

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from pathlib import Path

    import napari.viewer
    from napari.layers import Labels
    from numpy.typing import NDArray
    from qtpy.QtCore import QObject


@dataclass(frozen=True, kw_only=True, eq=False)
class _Difference:
    """Where labels that were kept differ from those of a layer."""

    places: tuple[NDArray[np.intp], ...]
    values: NDArray[Any]
    largest: int


class Journal:
    """Offers the corrections of earlier sessions for the layer that is corrected.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
        Whose images tell where labels belong.
    owner : QObject
        Everything ends with it.
    on_change : callable
        Called when corrections of an earlier session are there, or no longer.
    say : callable
        Gets what has come of restoring them.
    """

    def __init__(
        self,
        viewer: napari.viewer.Viewer,
        owner: QObject,
        on_change: Callable[[], object],
        say: Callable[[str], object],
    ) -> None:
        self._owner = owner
        self._on_change = on_change
        self._say = say
        self._journals = journals_of(viewer, owner)
        self._layer: Labels | None = None
        self._task: BackgroundTask[None, _Difference | None] | None = None
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
        """Keep the corrections of a layer from now on, and offer earlier ones."""
        self._layer = layer
        if layer is not None:
            self._journals.keep(layer)
        self._look()

    def restore(self) -> None:
        """Bring back the corrections that are offered, as one step of the history.

        They are read in the background; what comes of it is said.
        """
        layer, path, note = self._layer, self._offered_path, self.offered
        if layer is None or path is None or note is None or self._task is not None:
            return
        try:
            check_editable(layer)
        except EditError as error:
            self._say(str(error))
            return
        self._say("Restoring …")
        self._task = BackgroundTask(
            _iter_difference(path, layer.data),
            "Reading corrections",
            self._owner,
            TaskCallbacks(
                on_result=lambda found: self._apply(found, layer, path, note),
                on_end=self._end,
            ),
            is_listed=False,
        )

    def discard(self) -> None:
        """Forget the corrections that were offered; older ones may be offered next."""
        if self._offered_path is not None:
            remove_journal(self._offered_path)
        self._look()

    def _apply(
        self, found: _Difference | None, layer: Labels, path: Path, note: JournalNote
    ) -> None:
        try:
            if found is None:
                raise EditError("These corrections cannot be read.")
            check_editable(layer)
            check_number(layer, found.largest)
        except EditError as error:
            self._say(str(error))
            return
        if found.values.size:
            self._journals.note_restored(layer, path, note.n_corrections)
            layer.data_setitem(found.places, found.values.astype(layer.data.dtype))
        else:  # as they are already
            remove_journal(path)
        self._look()
        self._say(f"Restored {note.words}.")

    def _look(self) -> None:
        """Look whether there are corrections that an earlier session did not save."""
        layer = self._layer
        identity = None if layer is None else self._journals.identity_of(layer)
        found: list[tuple[Path, JournalNote]] = []
        for path in [] if identity is None else find_journals(identity):
            note = read_note(path)
            is_own = note is not None and note.session == SESSION
            is_restored = path in self._journals.restored.values()
            if note is not None and not is_own and not is_restored:
                found.append((path, note))
        of_layer = [x for x in found if layer is not None and x[1].layer == layer.name]
        best = next(iter(of_layer or found), (None, None))
        self._offered_path, self.offered = best
        self._on_change()

    def _note_saved(self, event: Any) -> None:
        if self._layer is not None and event.value.unique_id == self._layer.unique_id:
            self._look()

    def _end(self) -> None:
        self._task = None

    def _stop(self) -> None:
        saved.disconnect(self._note_saved)


def _iter_difference(
    path: Path, labels: NDArray[Any]
) -> Generator[None, None, _Difference | None]:
    """Read corrections, and return what they change; ``None`` if they do not fit."""
    yield
    kept = read_labels(path)
    if kept is None or kept.shape != labels.shape:
        return None
    places = np.nonzero(labels != kept)
    return _Difference(
        places=places, values=kept[places], largest=int(kept.max(initial=0))
    )
