"""What of a run is saved to go on from, and how its parts take it up again.

The file is written and read in :mod:`~napari_unet_nuclei.core.training.state`.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from napari_unet_nuclei.core.training.measuring import Measured
from napari_unet_nuclei.core.training.state import TrainingState

if TYPE_CHECKING:
    from napari_unet_nuclei.core.evaluation.scores import Scores
    from napari_unet_nuclei.core.training.best_model import BestModel
    from napari_unet_nuclei.core.training.guard import GuardedLearner
    from napari_unet_nuclei.core.training.identity import RunIdentity
    from napari_unet_nuclei.core.training.learner import Learner
    from napari_unet_nuclei.core.training.log import RunLog


def gather_state(
    identity: RunIdentity,
    learner: Learner,
    guarded: GuardedLearner,
    best: BestModel,
    log: RunLog,
    *,
    step: int,
    epoch: int,
    seconds: float,
) -> TrainingState:
    """Return all that a run needs to go on later.

    Parameters
    ----------
    identity : RunIdentity
        Which run it is.
    learner, guarded, best, log
        Its parts.
    step, epoch : int
        Batches and epochs done.
    seconds : float
        Time so far.

    Returns
    -------
    TrainingState
        Copies of weights and optimiser, and what has been measured.
    """
    return TrainingState(
        identity=identity,
        model=learner.weights,
        average=guarded.average.weights,
        best=best.weights,
        optimizer=learner.optimizer,
        step=step,
        epoch=epoch,
        seconds=seconds,
        log=log.rows,
        best_scores=best.scores,
        start_scores=best.start_scores,
        best_loss=None if best.measured is None else best.measured.loss,
        start_loss=None if best.start is None else best.start.loss,
        splitting=best.config.splitting,
        n_rollbacks=guarded.n_rollbacks,
    )


def restore_best(best: BestModel, state: TrainingState, log: RunLog) -> None:
    """Go on from the best weights of the earlier part of a run.

    Parameters
    ----------
    best : BestModel
        What takes them up.
    state : TrainingState
        Where the earlier part ended.
    log : RunLog
        The validations of the earlier part.
    """
    best.restore(
        state.best,
        _measured(state.best_scores, state.best_loss),
        _measured(state.start_scores, state.start_loss),
        state.splitting,
        highest=max(log.scores, default=-math.inf),
    )


def _measured(scores: Scores | None, loss: float | None) -> Measured | None:
    return None if scores is None else Measured(scores=scores, loss=loss)
