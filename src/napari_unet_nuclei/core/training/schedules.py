"""How the learning rate changes over a run."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from napari_unet_nuclei.core.settings.choices import Schedule

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_unet_nuclei.core.settings.training import TrainingSettings

_WARMUP_STEPS = 100
_WARMUP_PART = 0.1  # of a run too short for so many: two minutes are 200 steps


def scheduled_learning_rate(
    settings: TrainingSettings,
    peak: float,
    *,
    step: int,
    progress: float,
    n_plateaus: int,
) -> float:
    """Learning rate of the next step, by the schedule that was chosen.

    Parameters
    ----------
    settings : TrainingSettings
        Schedule and its parameters.
    peak : float
        Largest learning rate.
    step : int
        Steps done.
    progress : float in [0, 1]
        Part of the run that is done.
    n_plateaus : int
        Plateaus the validation score has reached; see :func:`count_plateaus`.

    Returns
    -------
    float
        Learning rate of the next step.
    """
    match settings.schedule:
        case Schedule.COSINE:
            return cosine_learning_rate(peak, step, progress)
        case Schedule.PLATEAU:
            return plateau_learning_rate(
                peak, step, n_plateaus, settings.plateau_factor, progress
            )


def cosine_learning_rate(peak: float, step: int, progress: float) -> float:
    """Learning rate after a linear warm-up, on a cosine down to zero.

    Parameters
    ----------
    peak : float
        Largest learning rate.
    step : int
        Steps done; the first hundred warm up, or those of the first tenth of a run.
    progress : float in [0, 1]
        Part of the run that is done.

    Returns
    -------
    float
        Learning rate of the next step.

    References
    ----------
    Loshchilov, Hutter: SGDR, ICLR 2017, doi:10.48550/arXiv.1608.03983
    """
    cosine = 0.5 * (1 + math.cos(math.pi * min(progress, 1.0)))
    return peak * _warmup(step, progress) * cosine


def plateau_learning_rate(
    peak: float, step: int, n_plateaus: int, factor: float, progress: float = 0.0
) -> float:
    """Learning rate after a linear warm-up, lower by a factor for each plateau.

    Parameters
    ----------
    peak : float
        Largest learning rate.
    step : int
        Steps done.
    n_plateaus : int
        Plateaus the validation score has reached; see :func:`count_plateaus`.
    factor : float in (0, 1)
        What each multiplies the learning rate by.
    progress : float in [0, 1]
        Part of the run that is done; it warms up as on a cosine.

    Returns
    -------
    float
        Learning rate of the next step.
    """
    return peak * _warmup(step, progress) * factor**n_plateaus


def _warmup(step: int, progress: float) -> float:
    return min(1.0, max((step + 1) / _WARMUP_STEPS, progress / _WARMUP_PART))


def count_plateaus(scores: Sequence[float], patience: int) -> int:
    """Count how often a score has not got better for long enough.

    Parameters
    ----------
    scores : sequence of float
        Validation score of each epoch so far, higher is better.
    patience : int
        Epochs without a better score that make a plateau; the next ones begin
        another.

    Returns
    -------
    int
        Plateaus so far.
    """
    best, n_epochs, n_plateaus = -math.inf, 0, 0
    for score in scores:
        if score > best:
            best, n_epochs = score, 0
            continue
        n_epochs += 1
        if n_epochs == patience:
            n_epochs, n_plateaus = 0, n_plateaus + 1
    return n_plateaus


def epochs_since_best(scores: Sequence[float]) -> int:
    """Count the epochs that have passed since the score was best.

    Parameters
    ----------
    scores : sequence of float
        Validation score of each epoch so far, higher is better.

    Returns
    -------
    int
        0 when the last one is better than all before, and without any.
    """
    if not scores:
        return 0
    return len(scores) - 1 - scores.index(max(scores))
