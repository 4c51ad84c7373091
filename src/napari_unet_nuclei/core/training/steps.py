"""What a training run reports, on the way and at the end."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from napari_unet_nuclei.core.settings.choices import Monitor

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from napari_unet_nuclei.core.evaluation.scores import Scores
    from napari_unet_nuclei.core.training.verdict import HeldOutComparison

SCORE_NAMES: Mapping[Monitor, str] = MappingProxyType(
    {Monitor.DSB2018: "DSB2018 score", Monitor.AP50: "AP50", Monitor.DICE: "Dice"}
)
"""What scores on held-out samples are called where people read them."""


@dataclass(frozen=True, kw_only=True)
class TrainingStep:
    """What happened up to now.

    Parameters
    ----------
    step, epoch : int
        Batches and epochs done.
    progress : float in [0, 1]
        Part of the run that is done.
    seconds : float
        Time since the start, earlier parts of a resumed run included.
    loss, dice, iou, accuracy : float, optional
        Means over the steps since the last report, or of the epoch at its end; what
        they mean is said in
        :mod:`~napari_unet_nuclei.core.training.metrics`.  ``None`` before the first.
    learning_rate : float
        Learning rate of the last step.
    scores : Scores, optional
        Scores on the held-out samples, at the end of an epoch.
    is_best : bool
        These scores are the best so far, and the weights have been saved.
    note : str, optional
        What has gone wrong since the last report, in a sentence.
    """

    step: int
    epoch: int
    progress: float
    seconds: float
    loss: float | None
    dice: float | None
    iou: float | None
    accuracy: float | None
    learning_rate: float
    scores: Scores | None = None
    is_best: bool = False
    note: str | None = None


@dataclass(frozen=True, kw_only=True)
class TrainingReport:
    """How a run ended.

    Parameters
    ----------
    output : Path
        The model.
    scores : Scores
        Its scores on the held-out samples.
    start_scores : Scores, optional
        Those of the model that training started from, with thresholds that were tuned
        in the same way.
    n_steps, n_epochs : int
        Length of the run.
    seconds : float
        Time it took.
    monitor : Monitor
        Score that says what is better.
    warning : str, optional
        What is missing in the model, in one sentence.
    is_written : bool
        Whether there is a model: not where only a better one was wanted.
    note : str, optional
        What went wrong on the way, in a sentence.
    keeps_start : bool
        Whether no weights were better than those of the start.
    comparison : HeldOutComparison, optional
        Scores with what chance could make of them, for
        :func:`~napari_unet_nuclei.core.training.verdict.make_verdict`.
    """

    output: Path
    scores: Scores
    start_scores: Scores | None
    n_steps: int
    n_epochs: int
    seconds: float
    monitor: Monitor = Monitor.DSB2018
    warning: str | None = None
    is_written: bool = True
    note: str | None = None
    keeps_start: bool = False
    comparison: HeldOutComparison | None = None

    @property
    def is_better_than_start(self) -> bool:
        """Whether training helped: true when it began from scratch."""
        return self.start_scores is None or not self.keeps_start


def is_better(
    scores: Scores, others: Scores, monitor: Monitor, *, by: float = 0.0
) -> bool:
    """Tell whether scores are better than others.

    Parameters
    ----------
    scores, others : Scores
        What to compare.
    monitor : Monitor
        Score that decides.
    by : float
        Gain that has to be exceeded.

    Returns
    -------
    bool
        False where they are equal.
    """
    values, other_values = summarise_scores(scores), summarise_scores(others)
    return values[monitor] > other_values[monitor] + by


def summarise_scores(scores: Scores) -> dict[str, float]:
    """Pick the scores that training reports, by name."""
    return {
        "dsb2018": scores.dsb2018,
        "ap50": scores.ap[0.5],
        "pq": scores.pq,
        "dice": scores.dice,
    }
