"""What the events of a run have said up to now."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from napari_unet_nuclei.plugin.finetune.training_events import StepEvent


@dataclass(kw_only=True)
class TrainingProgress:
    """How far a run is, and what it has reached.

    Parameters
    ----------
    minutes : float
        Time to train.
    done : float in [0, 1]
        Part of it that is over.
    start_score, best_score : float in [0, 1], optional
        Of the start model, and the best so far, on the held-out part.
    """

    minutes: float = 1.0
    done: float = 0.0
    start_score: float | None = None
    best_score: float | None = None

    def add(self, event: StepEvent) -> None:
        """Take what an event says."""
        self.done = event.progress
        if event.score is not None and event.epoch == 0:
            self.start_score = event.score
        elif event.score is not None and event.is_best:
            self.best_score = event.score
