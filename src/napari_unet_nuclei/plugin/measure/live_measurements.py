"""A labels layer whose measurements follow every edit, in a worker."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from napari_unet_nuclei.core.instances.measurements import (
    USUAL_COLUMNS,
    is_measurement,
)
from napari_unet_nuclei.plugin.measure.layer_planes import labels_data
from napari_unet_nuclei.plugin.shared.layers import found_features, set_features
from napari_unet_nuclei.plugin.shared.task_callbacks import TaskCallbacks
from napari_unet_nuclei.plugin.shared.timers import make_quiet_timer
from napari_unet_nuclei.plugin.shared.workers import BackgroundTask

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari.layers import Labels
    from qtpy.QtCore import QObject

    from napari_unet_nuclei.core.instances.measurements import Features
    from napari_unet_nuclei.core.progress import PlaneMeasured
    from napari_unet_nuclei.plugin.measure.measuring import MeasuredLabels

_QUIET_MS = 150  # without another edit, after which nuclei are measured again
_MOST_COMPARED = 1 << 26  # pixels of a layer that is compared at every redraw


class LiveMeasurements:
    """Keeps the measurements of a labels layer up to date.

    Parameters
    ----------
    layer : napari.layers.Labels
        The layer.
    measured : MeasuredLabels
        Its measurements as they are.
    owner : QObject
        Nothing is done once this is gone.
    on_change : callable
        Called after the table has changed.
    on_end : callable
        Called when the layer gets another shape, which ends this.
    """

    def __init__(
        self,
        layer: Labels,
        measured: MeasuredLabels,
        owner: QObject,
        on_change: Callable[[], object],
        on_end: Callable[[], object],
    ) -> None:
        self.layer = layer
        self._measured = measured
        self._owner = owner
        self._on_change, self._on_end = on_change, on_end
        self._task: BackgroundTask[PlaneMeasured, bool] | None = None
        self._has_more = False
        self._is_unwritten = False
        self._timer = make_quiet_timer(owner, _QUIET_MS, self._follow)
        self._connected = [
            (layer.events.labels_update, self._note),
            (layer.events.data, self._note),
            (layer.events.set_data, self._note_redraw),
        ]
        for event, callback in self._connected:
            event.connect(callback)

    @property
    def is_idle(self) -> bool:
        """Whether all edits that are known have been measured."""
        return self._task is None and not self._timer.isActive()

    def check(self) -> None:
        """Compare soon, as after an edit."""
        self._timer.start()

    def stop(self) -> None:
        """Stop following the layer."""
        for event, callback in self._connected:
            event.disconnect(callback)
        self._connected = []
        self._timer.stop()
        self._timer.deleteLater()
        if self._task is not None:
            self._task.cancel()

    def _note(self, *_: Any) -> None:
        self._timer.start()

    def _note_redraw(self, *_: Any) -> None:
        """Compare after undo and redo, and after much else."""
        if labels_data(self.layer).size <= _MOST_COMPARED:
            self._timer.start()

    def _follow(self) -> None:
        if not self._connected:
            return
        if self._task is not None:
            self._has_more = True
            return
        data = labels_data(self.layer)
        if tuple(data.shape) != self._measured.planes.shape:
            self.stop()
            self._on_end()
            return
        self._task = BackgroundTask(
            self._measured.iter_follow(data),
            f"Measuring {self.layer.name}",
            self._owner,
            TaskCallbacks(on_result=self._take_result, on_end=self._end),
            is_listed=False,
        )

    def _take_result(self, has_changed: bool) -> None:
        self._is_unwritten |= has_changed
        # Labels that have changed meanwhile are measured first.
        if self._is_unwritten and self._connected and not self._timer.isActive():
            self._is_unwritten = False
            write_measurements(self.layer, self._measured.features)
            self._on_change()

    def _end(self) -> None:
        self._task = None
        if self._has_more and self._connected:
            self._has_more = False
            self._follow()


def write_measurements(
    layer: Labels, features: Features, *, is_anew: bool = False
) -> None:
    """Write measurements into the table of a labels layer.

    Parameters
    ----------
    layer : napari.layers.Labels
        The layer; columns of other plugins are kept, and so is a probability that was
        measured before.
    features : dict of str to (N,) ndarray
        The measurements, by ascending ``label``.
    is_anew : bool
        Whether measurements that are not among these are dropped.
    """
    features = {**features, **_kept_columns(found_features(layer), features)}
    if is_anew:
        others = [name for name in layer.features if _is_dropped(name, features)]
        with layer.events.features.blocker():
            layer.features = layer.features.drop(columns=others)
    set_features(layer, features)


def _kept_columns(before: Features | None, features: Features) -> Features:
    """Return usual columns that were measured before, of nuclei that are the same."""
    names = set() if before is None else set(before) & set(USUAL_COLUMNS)
    names -= {*features, "z", "t"}
    if before is None or not names:
        return {}
    _, new, old = np.intersect1d(
        features["label"], before["label"], return_indices=True
    )
    is_same = np.all(
        [
            np.isclose(features[name][new], before[name][old], rtol=0, atol=1e-3)
            for name in ("area", "centroid_y", "centroid_x")
        ],
        axis=0,
    )
    columns = {}
    for name in sorted(names):
        columns[name] = np.full(features["label"].size, np.nan)
        columns[name][new[is_same]] = before[name][old[is_same]]
    return columns


def _is_dropped(name: str, features: Features) -> bool:
    is_ours = is_measurement(name) and name not in USUAL_COLUMNS
    return is_ours and name not in features
