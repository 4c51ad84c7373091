"""What a training run says of itself, on the way and at the end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from napari_unet_nuclei.core.metrics import Scores


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
        they mean is said in :mod:`~.training_metrics`.  ``None`` before the first.
    learning_rate : float
        Learning rate of the last step.
    scores : Scores, optional
        Scores on the held-out samples, at the end of an epoch.
    is_best : bool
        These scores are the best so far, and the weights have been saved.
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
        Those of the model that training started from.
    n_steps, n_epochs : int
        Length of the run.
    seconds : float
        Time it took.
    warning : str, optional
        What is missing in the model, in one sentence.
    """

    output: Path
    scores: Scores
    start_scores: Scores | None
    n_steps: int
    n_epochs: int
    seconds: float
    warning: str | None = None

    @property
    def is_better_than_start(self) -> bool:
        """Whether training helped: true when it began from scratch."""
        return (
            self.start_scores is None or self.scores.dsb2018 > self.start_scores.dsb2018
        )


def summarise_scores(scores: Scores) -> dict[str, float]:
    """Pick the numbers that training tells of its scores, by name."""
    return {
        "dsb2018": scores.dsb2018,
        "ap50": scores.ap[0.5],
        "pq": scores.pq,
        "dice": scores.dice,
    }
