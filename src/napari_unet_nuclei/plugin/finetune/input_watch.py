"""Looking at what would be trained on, in the background, whenever it has changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari.layers import Labels

from napari_unet_nuclei.plugin.finetune.input_check import iter_input_check
from napari_unet_nuclei.plugin.finetune.seen_nuclei import SeenNuclei
from napari_unet_nuclei.plugin.shared.layer_events import LayerEvents
from napari_unet_nuclei.plugin.shared.task_callbacks import TaskCallbacks
from napari_unet_nuclei.plugin.shared.timers import make_quiet_timer
from napari_unet_nuclei.plugin.shared.workers import BackgroundTask

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari.layers import Layer
    from qtpy.QtWidgets import QWidget

    from napari_unet_nuclei.plugin.finetune.findings import InputReport
    from napari_unet_nuclei.plugin.finetune.input_check import TrainingInput

_QUIET_MS = 700  # a person who paints makes longer breaks when a nucleus is done
_PAINTED = ("data", "paint", "labels_update")  # of strokes of a brush, and of undo


class InputWatch:
    """Checks the input of a training after it has changed, and not while it changes.

    Parameters
    ----------
    owner : QWidget
        Nothing is called once this is gone.
    collect : callable
        Returns what would be trained on now; ``None`` where there is nothing, or too
        much to copy it just for a check.
    layers : callable
        Returns the layers whose pixels matter.
    on_report : callable
        Gets what was found; ``None`` where there is nothing to look at.
    """

    def __init__(
        self,
        owner: QWidget,
        *,
        collect: Callable[[], TrainingInput | None],
        layers: Callable[[], list[Layer]],
        on_report: Callable[[InputReport | None], object],
    ) -> None:
        self._owner = owner
        self._collect, self._layers, self._on_report = collect, layers, on_report
        self._task: BackgroundTask[None, InputReport] | None = None
        self._is_held = False
        self._seen: SeenNuclei | None = None
        self._painted = LayerEvents(_PAINTED, self.note)
        self._drawn = LayerEvents(("data",), self.note)
        self._timer = make_quiet_timer(owner, _QUIET_MS, self._check)
        owner.destroyed.connect(self._stop)
        self.note()

    def note(self, *_: Any) -> None:
        """Check soon, because something has changed."""
        self._watch(self._layers())
        if not self._is_held:
            self._timer.start()

    def hold(self) -> None:
        """Check nothing until `release`, as while a training needs the processors."""
        self._is_held = True
        self._timer.stop()
        self._cancel()

    def release(self) -> None:
        """Check again, and soon."""
        self._is_held = False
        self.note()

    @property
    def is_busy(self) -> bool:
        """Whether a check is under way, or will be soon."""
        return self._task is not None or self._timer.isActive()

    def _stop(self) -> None:
        self._watch([])

    def _watch(self, layers: list[Layer]) -> None:
        self._painted.watch(*(each for each in layers if isinstance(each, Labels)))
        self._drawn.watch(*(each for each in layers if not isinstance(each, Labels)))

    def _check(self) -> None:
        self._cancel()
        given = self._collect()
        if given is None:
            self._on_report(None)
            return
        if given.start is None:
            self._seen = None
        elif self._seen is None or self._seen.start != given.start:
            self._seen = SeenNuclei(given.start)
        if self._seen is not None:
            self._seen.begin()
        task: BackgroundTask[None, InputReport] = BackgroundTask(
            iter_input_check(given, self._seen),
            "Checking images and labels",
            self._owner,
            TaskCallbacks(
                on_result=self._on_report,
                on_error=lambda _: self._on_report(None),
                on_end=self._forget,
            ),
            is_listed=False,
        )
        self._task = task

    def _cancel(self) -> None:
        if self._task is not None:
            self._task.leave()

    def _forget(self) -> None:
        self._task = None
