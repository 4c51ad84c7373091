"""The way through the doubtful nuclei of a layer, plane by plane.

Knows the layer's events, the viewer's sliders and the worker; how doubtful anything is
belongs in ``doubt_queue``, buttons and words in ``doubt_panel``.
"""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, Any, Protocol
from weakref import WeakKeyDictionary

from napari_unet_nuclei.core.instances.doubts.reasons import DOUBT_COLUMNS
from napari_unet_nuclei.core.instances.editing.edit import EditError
from napari_unet_nuclei.plugin.correct.doubt_queue import (
    DoubtQueue,
    measure_plane,
)
from napari_unet_nuclei.plugin.correct.doubt_table import flag_doubts
from napari_unet_nuclei.plugin.correct.shown_plane import ShownPlane
from napari_unet_nuclei.plugin.shared.layer_events import LayerEvents
from napari_unet_nuclei.plugin.shared.locked_nuclei import is_erased, locked_ids
from napari_unet_nuclei.plugin.shared.result_maps import unwrapped
from napari_unet_nuclei.plugin.shared.task_callbacks import TaskCallbacks
from napari_unet_nuclei.plugin.shared.timers import make_quiet_timer
from napari_unet_nuclei.plugin.shared.workers import BackgroundTask

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    import napari.viewer
    import numpy as np
    from napari.layers import Labels
    from numpy.typing import NDArray
    from qtpy.QtWidgets import QWidget

    from napari_unet_nuclei.core.instances.maps import Maps
    from napari_unet_nuclei.plugin.correct.doubt_queue import (
        Answered,
        PlaneDoubts,
        Proposal,
    )

_QUIET_MS = 150  # after the last change of the labels


class Follower(Protocol):
    """Hears of what was found."""

    def __call__(self, *, is_answer: bool) -> object:
        """Hear that a request was met, or that something else has changed."""


class DoubtTour:
    """Finds what to look at next in a labels layer, and remembers what was answered.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
        Whose sliders choose the plane.
    owner : QWidget
        Nothing is done once this is gone.
    follower : callable
        Called when something was found or has changed.

    Attributes
    ----------
    layer : napari.layers.Labels or None
        The layer.
    found : Proposal or None
        The last answer to `find_next`; ``None`` where nothing is left.
    """

    def __init__(
        self, viewer: napari.viewer.Viewer, owner: QWidget, follower: Follower
    ) -> None:
        self._viewer = viewer
        self._owner = owner
        self._follower = follower
        self._queues: WeakKeyDictionary[Any, DoubtQueue] = WeakKeyDictionary()
        self._task: BackgroundTask[None, PlaneDoubts] | None = None
        self._is_asked = self._is_stale = False
        self.layer: Labels | None = None
        self.found: Proposal | None = None
        self._timer = make_quiet_timer(owner, _QUIET_MS, self._renew)
        self._pixels = LayerEvents(
            ("labels_update", "data", "set_data"), lambda *_: self._timer.start()
        )
        self._locks = LayerEvents(("metadata",), self._tell_change)
        self._dims_event = viewer.dims.events.current_step
        self._dims_event.connect(self._tell_change)

    def move_to(self, layer: Labels | None) -> None:
        """Work on another layer; what was answered in this one stays known."""
        self._is_asked = False
        self.layer = layer
        self._pixels.watch(layer)
        self._locks.watch(layer)

    def stop(self) -> None:
        """Follow nothing any more."""
        self._dims_event.disconnect(self._tell_change)
        self.move_to(None)

    @property
    def queue(self) -> DoubtQueue:
        """What is known of the layer."""
        if self.layer is None:
            return DoubtQueue()
        return self._queues.setdefault(unwrapped(self.layer), DoubtQueue())

    def plane(self) -> ShownPlane:
        """Return the plane on show.

        Raises
        ------
        EditError
            If no labels are active, or they cannot be corrected.
        """
        if self.layer is None:
            raise EditError("Choose the labels layer to correct in napari's list.")
        return ShownPlane.of(self.layer, self._viewer.dims)

    def show_plane(self, key: tuple[int, ...]) -> ShownPlane:
        """Move the sliders to a plane, and return it."""
        plane = self.plane()
        if plane.key == key:
            return plane
        layer = plane.layer
        index, dims = key[: layer.ndim], self._viewer.dims
        world = layer.data_to_world(index)
        n_more = dims.ndim - layer.ndim
        for axis in set(range(layer.ndim)) - set(key[layer.ndim :]):
            dims.set_point(axis + n_more, world[axis])
        return self.plane()

    # Answers.

    def last_answer(self) -> Answered | None:
        """Return what was answered last, if anything was."""
        answers = self.queue.answers
        return answers[-1] if answers else None

    def note_answer(self, answered: Answered) -> None:
        """Remember an answer."""
        self.queue.answers.append(answered)

    def forget_answer(self) -> None:
        """Forget the last answer."""
        self.queue.answers.pop()

    # What is next.

    def find_next(self) -> None:
        """Find what to look at next, in this plane or the next ones.

        Raises
        ------
        EditError
            If there is no plane to look at.
        """
        plane = self.plane()
        self._is_asked = True
        if plane.key not in self.queue.planes or self._is_stale or self._task:
            self._measure(plane)
        else:
            self._answer(plane)

    def is_left(self, proposal: Proposal) -> bool:
        """Whether something is still to be looked at in the plane on show."""
        keys = {each.key for each in self._left()}
        return proposal.key in keys

    def diameter(self, plane: ShownPlane) -> float:
        """Return the diameter of a typical nucleus of a plane in px, 0 if unknown."""
        known = self.queue.planes.get(plane.key)
        return 0.0 if known is None else known.diameter

    def n_left(self) -> int | None:
        """Count what is left in the plane on show; ``None`` before it is measured."""
        try:
            is_known = self.plane().key in self.queue.planes
        except EditError:
            return None
        return len(self._left()) if is_known else None

    def describe(self) -> str:
        """Say how much is left in the plane on show, and how much was done."""
        n_left = self.n_left()
        if n_left is None:
            return ""
        plane = self.plane()
        where = " in this plane" if plane.layer.ndim > 2 else ""
        n_done = self.queue.n_done(plane.key)
        done = f", {n_done:,} done" if n_done else ""
        return f"{n_left:,} left{where}{done}."

    def _left(self) -> list[Proposal]:
        try:
            plane = self.plane()
        except EditError:
            return []
        return self._left_in(plane.key, plane.layer)

    def _left_in(self, key: tuple[int, ...], layer: Labels) -> list[Proposal]:
        """Return what is left in a plane, but no place that the user has emptied."""
        left = self.queue.left(key, locked_ids(layer.metadata))
        index, (y, x) = list(key[:-2]), key[-2:]
        for each in list(left):
            if each.place:
                index[y], index[x] = each.place
                if is_erased(layer, index):
                    left.remove(each)
        return left

    def _answer(self, plane: ShownPlane) -> None:
        left = self._left()
        if not left:
            for key in _other_planes(plane):
                if self._left_in(key, plane.layer):
                    self.show_plane(key)
                    left = self._left()
                    break
                if key not in self.queue.planes:
                    self._measure(self.show_plane(key))
                    return
        self._is_asked = False
        self.found = left[0] if left else None
        self._follower(is_answer=True)

    # Measuring.

    def _tell_change(self, *_: object) -> None:
        self._follower(is_answer=False)

    def _renew(self) -> None:
        """Measure the plane on show again, if it was measured before."""
        try:
            plane = self.plane()
        except EditError:
            return
        if plane.key in self.queue.planes:
            self._measure(plane)

    def _measure(self, plane: ShownPlane) -> None:
        self._is_stale = self._task is not None
        if self._is_stale:
            return  # the end of the task comes here again
        queue, key = self.queue, plane.key
        layer = plane.layer
        steps = _steps(plane.labels, plane.maps, queue.planes.get(key))

        def take(doubts: PlaneDoubts) -> None:
            is_new = queue.planes.get(key) is not doubts
            queue.note(key, doubts)
            if is_new or DOUBT_COLUMNS[0] not in layer.features:
                flag_doubts(layer, queue.nuclei())

        self._task = BackgroundTask(
            steps,
            "Looking for doubtful nuclei",
            self._owner,
            TaskCallbacks(on_result=take, on_end=self._end),
            is_listed=False,
        )

    def _end(self) -> None:
        self._task = None
        try:
            plane = self.plane()
        except EditError:
            self._is_asked = self._is_stale = False
            return
        if self._is_stale:
            self._measure(plane)
        elif self._is_asked and plane.key in self.queue.planes:
            self._answer(plane)
        else:
            self._tell_change()


def _steps(
    labels: NDArray[np.integer], maps: Maps | None, before: PlaneDoubts | None
) -> Generator[None, None, PlaneDoubts]:
    yield
    return measure_plane(labels, maps, before)


def _other_planes(plane: ShownPlane) -> Iterator[tuple[int, ...]]:
    """List the planes of a layer, from the one after this to the one before it."""
    shape = plane.layer.data.shape
    axes = [range(1 if axis in plane.axes else n) for axis, n in enumerate(shape)]
    indices = list(product(*axes))
    here = indices.index(plane.index)
    for index in indices[here + 1 :] + indices[:here]:
        yield (*index, *plane.axes)
