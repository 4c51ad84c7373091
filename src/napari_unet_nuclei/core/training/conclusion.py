"""What a training run has come to, at its end or where it was stopped.

Weights and thresholds are settled, and the model says what they are worth.  Files are
written in :mod:`~napari_unet_nuclei.core.training.run`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from napari_unet_nuclei.core.training.provenance import with_results
from napari_unet_nuclei.core.training.steps import TrainingReport

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from napari_unet_nuclei.core.engines.engine import Engine
    from napari_unet_nuclei.core.models.weights import Weights
    from napari_unet_nuclei.core.settings.training import TrainingSettings
    from napari_unet_nuclei.core.training.best_model import BestModel
    from napari_unet_nuclei.core.training.held_out import HeldOutSamples

_SECONDS_TO_MEASURE = 1.0  # of a validation: a run that is stopped must end soon


@dataclass(frozen=True, kw_only=True)
class RunEnd:
    """Where a run ended.

    Parameters
    ----------
    output : Path
        Model it writes.
    start_name : str, optional
        Name of the model it began with.
    n_steps, n_epochs : int
        Length of the run.
    seconds : float
        Time it took.
    note : str, optional
        What went wrong on the way, in a sentence.
    is_stopped : bool
        Whether it was stopped before its end.
    """

    output: Path
    start_name: str | None
    n_steps: int
    n_epochs: int
    seconds: float
    note: str | None
    is_stopped: bool


def conclude(
    best: BestModel,
    held_out: HeldOutSamples,
    engine_with: Callable[[Weights], Engine],
    settings: TrainingSettings,
    end: RunEnd,
) -> TrainingReport:
    """Settle for weights and thresholds, and let the model say what they reach.

    A run that was stopped keeps the thresholds it has, and is measured with intervals
    only where that takes no time, or where mixing the start in has changed the weights.

    Parameters
    ----------
    best : BestModel
        The best weights so far; changed by this.
    held_out : HeldOutSamples
        What to measure on.
    engine_with : callable
        From weights to a runtime that holds them.
    settings : TrainingSettings
        Recipe.
    end : RunEnd
        Where the run ended.

    Returns
    -------
    TrainingReport
        With ``is_written`` false where only a better model was wanted and there is
        none.
    """
    best.mix_start(settings.start_weight)
    is_quick = held_out.seconds < _SECONDS_TO_MEASURE or settings.start_weight > 0
    if end.is_stopped and best.scores is not None and not is_quick:
        scores, comparison = best.scores, None
    else:
        scores, comparison = best.tune(
            held_out,
            engine_with,
            start_name=end.start_name,
            n_steps=end.n_steps,
            is_hurried=end.is_stopped,
        )
    report = TrainingReport(
        output=end.output,
        scores=scores,
        start_scores=best.start_scores,
        comparison=comparison,
        n_steps=end.n_steps,
        n_epochs=end.n_epochs,
        seconds=end.seconds,
        monitor=settings.monitor,
        note=end.note,
        keeps_start=not best.is_better_than_start,
    )
    if settings.only_better and not report.is_better_than_start:
        return replace(report, is_written=False)
    best.config = with_results(best.config, report, is_stopped=end.is_stopped)
    return report
