"""A labels layer whose table follows every edit.

Listens to the layer's events and leaves comparing and measuring to ``edited_labels``:
at once where that takes a moment, in a worker where it takes longer.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_unet_nuclei.plugin.segment import followers
from napari_unet_nuclei.plugin.segment.edited_labels import (
    EditedLabels,
    positions_only,
    whole_box,
)
from napari_unet_nuclei.plugin.segment.messages import describe_corrections
from napari_unet_nuclei.plugin.segment.provenance import (
    corrected_metadata,
    join_corrections,
)
from napari_unet_nuclei.plugin.segment.strokes import Strokes, painted_boxes
from napari_unet_nuclei.plugin.segment.window_share import WindowShare
from napari_unet_nuclei.plugin.shared import locked_nuclei
from napari_unet_nuclei.plugin.shared.layers import foreign_columns, set_features
from napari_unet_nuclei.plugin.shared.task_callbacks import TaskCallbacks
from napari_unet_nuclei.plugin.shared.timers import make_quiet_timer
from napari_unet_nuclei.plugin.shared.workers import BackgroundTask

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari.layers import Labels
    from qtpy.QtCore import QObject

    from napari_unet_nuclei.core.instances.corrections import Corrections
    from napari_unet_nuclei.core.instances.editing.changes import Locked
    from napari_unet_nuclei.plugin.segment.edited_labels import Box, PixelValues

_QUIET_MS = 100  # without another redraw, after which a large layer is compared
_MOST_COMPARED = 1 << 22  # pixels of a layer that is compared at every redraw
WINDOW_SHARE = WindowShare()


class LiveTable:
    """Keeps the table, the count and the provenance of a labels layer up to date.

    Parameters
    ----------
    layer : napari.layers.Labels
        The layer, with its table.
    edited : EditedLabels
        Its labels and measurements as they are.
    owner : QObject
        Nothing is done once this is gone.
    on_change : callable
        Gets this table each time it has changed.
    is_slow : bool
        Whether the image is not in memory, so that its pixels are read in a worker.
    earlier : str
        What was corrected before the layer was followed, if anything was.
    """

    def __init__(
        self,
        layer: Labels,
        edited: EditedLabels,
        owner: QObject,
        on_change: Callable[[LiveTable], object],
        *,
        is_slow: bool = False,
        earlier: str = "",
    ) -> None:
        self.layer = layer
        self._edited = edited
        self._owner = owner
        self._on_change = on_change
        self._is_slow = is_slow
        self._earlier = earlier
        self._is_reshaped = False
        self._spent = 0.0
        self._dirty: list[Box] = []
        self._waiting: Callable[[], object] | None = None
        self._task: BackgroundTask[int, None] | None = None
        self._soon = make_quiet_timer(owner, 0, self._follow_soon)
        self._later = make_quiet_timer(owner, _QUIET_MS, self._follow_all)
        self._strokes = Strokes(layer, self._note_paint, self._note_release)
        self._connected = [
            (layer.events.labels_update, self._follow_painted),
            (layer.events.data, self._follow_data),
            (layer.events.set_data, self._note_redraw),
            (locked_nuclei.unlocked, self._note_unlocked),
            (locked_nuclei.accepted, self._note_accepted),
        ]
        for event, callback in self._connected:
            event.connect(callback)
        followers.claim(layer)

    @property
    def is_edited(self) -> bool:
        """Whether the layer holds anything that a new result must not replace."""
        return (
            self._is_reshaped
            or self._edited.is_edited
            or bool(self._edited.locked)
            or bool(foreign_columns(self.layer, self._edited.features))
        )

    @property
    def may_be_replaced(self) -> bool:
        """Whether a result may take the place of all but what is locked."""
        return not (
            self._is_reshaped or foreign_columns(self.layer, self._edited.features)
        )

    @property
    def locked(self) -> Locked:
        """What was corrected by hand, and stays as it is."""
        return self._edited.locked

    @property
    def told(self) -> str:
        """What was corrected, before and since the layer is followed, in words."""
        is_edited = self._is_reshaped or self._edited.is_edited
        now = describe_corrections(self.corrections) if is_edited else ""
        return join_corrections(self._earlier, now)

    @property
    def n_nuclei(self) -> int:
        """Number of nuclei now."""
        return len(self._edited.features["label"])

    @property
    def corrections(self) -> Corrections:
        """How many nuclei differ from those that were found."""
        return self._edited.corrections

    def stop(self) -> None:
        """Stop following the layer."""
        for timer in (self._soon, self._later):
            timer.stop()
            timer.deleteLater()
        self._dirty, self._waiting = [], None
        for event, callback in self._connected:
            event.disconnect(callback)
        self._connected = []
        self._strokes.stop()
        followers.give_up(self.layer)
        if self._task is not None:
            self._task.cancel()

    @property
    def waiting(self) -> Callable[[], object] | None:
        """What waits for all edits to be known; see `when_settled`."""
        return self._waiting

    @property
    def pixel_values(self) -> PixelValues:
        """What measures pixels of the layer."""
        return self._edited.pixel_values

    def forget_pixels(self) -> None:
        """Forget the image, once that is gone."""
        self._edited.forget_pixels()

    def when_settled(self, callback: Callable[[], object]) -> None:
        """Call back once all edits are known, even those that no event announced.

        Parameters
        ----------
        callback : callable
            Called now or later, never while the mouse is held down on the layer; a
            newer one replaces it.
        """
        self._waiting = callback
        self._follow_all()

    # Events of the layer: that of paint comes before the pixels are written.

    def _note_paint(self, atoms: Any) -> None:
        self._dirty += painted_boxes(atoms, self._edited.shape)
        self._soon.start()

    def _note_release(self) -> None:
        if self._connected:
            self._soon.start()

    def _follow_painted(self) -> None:
        if self._dirty and self._spent < WINDOW_SHARE.seconds_per_turn:
            start = time.perf_counter()
            self._follow()
            self._spent += time.perf_counter() - start

    def _follow_soon(self) -> None:
        """Follow many edits in a row together."""
        self._spent = 0.0
        self._follow()

    def _follow_data(self) -> None:
        if self.layer.multiscale:
            self._begin_anew()
        self._follow_all()

    def _note_redraw(self) -> None:
        """Compare after undo, redo and ``refresh``, and after much else."""
        if self.layer.data.size <= _MOST_COMPARED:
            self._follow_all()
        else:
            self._later.start()

    def _note_unlocked(self, event: Any) -> None:
        if event.value.unique_id == self.layer.unique_id:
            self._edited.unlock()

    def _note_accepted(self, event: Any) -> None:
        if event.value.unique_id == self.layer.unique_id:
            self._edited.accept(event.number, is_accepted=event.is_accepted)

    # Following.

    def _begin_anew(self) -> None:
        """Measure labels of another shape, which belong to no known image."""
        shape = tuple(self.layer.data.shape)
        features = {name: values[:0] for name, values in self._edited.features.items()}
        nothing = np.zeros(shape, self.layer.data.dtype)
        self._edited = EditedLabels(nothing, features, positions_only)
        self._is_reshaped = True
        self._write(None)  # also if the new labels are empty

    def _follow_all(self) -> None:
        if tuple(self.layer.data.shape) != self._edited.shape:
            self._begin_anew()  # a redraw may come before the event of the data
        self._dirty = [whole_box(self._edited.shape)]
        self._follow()

    def _follow(self) -> None:
        if self._task is not None:
            return  # whose end comes here again
        boxes, self._dirty = self._dirty, []
        if not boxes:
            self._settle()
            return
        before = self._edited.features
        steps = self._edited.iter_follow(self.layer.data, boxes)
        is_slow = self._is_slow or not isinstance(self.layer.data, np.ndarray)
        if is_slow or not WINDOW_SHARE.allows(steps):
            self._task = BackgroundTask(
                steps,
                f"Measuring {self.layer.name}",
                self._owner,
                TaskCallbacks(
                    on_result=lambda _: self._write(before), on_end=self._end
                ),
                is_listed=False,
            )
            return
        self._write(before)
        self._settle()

    def _end(self) -> None:
        self._task = None
        if self._connected:
            self._follow()

    def _settle(self) -> None:
        if self._dirty or self._strokes.is_under_way or self._waiting is None:
            return
        callback, self._waiting = self._waiting, None
        callback()

    def _write(self, before: object) -> None:
        features = self._edited.features
        if features is before or not self._connected:
            return
        if set(features) - {"label"} <= set(self.layer.features):
            set_features(self.layer, features)
        metadata = corrected_metadata(self.layer.metadata, self.told)
        locked = self.locked
        self.layer.metadata = locked_nuclei.locking_metadata(metadata, locked.numbers)
        locked_nuclei.note_erased(self.layer, locked.erased)
        self._on_change(self)
        followers.edited(value=self)
