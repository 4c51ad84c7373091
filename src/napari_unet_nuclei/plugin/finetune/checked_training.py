"""Training that starts only when nothing is wrong with what it would learn from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_unet_nuclei.core.errors import TrainingError
from napari_unet_nuclei.plugin.finetune.input_check import (
    TrainingInput,
    iter_input_check,
)
from napari_unet_nuclei.plugin.finetune.training_events import StatusEvent
from napari_unet_nuclei.plugin.finetune.training_process import iter_fine_tuning

if TYPE_CHECKING:
    from collections.abc import Generator

    from napari_unet_nuclei.plugin.finetune.findings import InputReport
    from napari_unet_nuclei.plugin.finetune.training_events import TrainingEvent
    from napari_unet_nuclei.plugin.finetune.training_process import (
        FineTuned,
        FineTuneRequest,
        StillRunning,
    )

_CHECKING = StatusEvent(message="Checking images and labels")


def iter_checked_fine_tuning(
    request: FineTuneRequest,
) -> Generator[TrainingEvent | StillRunning, None, FineTuned]:
    """Fine-tune a model, unless something is wrong with what it would learn from.

    Parameters
    ----------
    request : FineTuneRequest
        As in `iter_fine_tuning`.

    Yields
    ------
    TrainingEvent or StillRunning
        As in `iter_fine_tuning`.

    Returns
    -------
    FineTuned
        How it ended.

    Raises
    ------
    TrainingError
        If something is wrong with the input; and as in `iter_fine_tuning`.
    """
    report = yield from _iter_check(request)
    if report.error is not None:
        raise TrainingError(report.error)
    return (yield from iter_fine_tuning(request))


def _iter_check(
    request: FineTuneRequest,
) -> Generator[TrainingEvent, None, InputReport]:
    """Look at the input between events, at which a worker can be cancelled."""
    steps = iter_input_check(
        TrainingInput(
            pairs=dict(enumerate(request.pairs)),
            folders={folder: folder for folder in request.folders},
            start=request.start,
            minutes=request.minutes,
        )
    )
    while True:
        yield _CHECKING
        try:
            next(steps)
        except StopIteration as stop:
            report: InputReport = stop.value
            return report
