"""Scores on images like those that were measured, drawn by chance.

Of enough images, images are drawn; of fewer, nuclei within each of them, which says
nothing about how much other images differ.  Intervals that come of it are in
:mod:`~napari_unet_nuclei.core.evaluation.intervals`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from napari_unet_nuclei.core.evaluation.intervals import (
    FEWEST_IMAGES,
    resample_means,
)
from napari_unet_nuclei.core.evaluation.scores import THRESHOLDS
from napari_unet_nuclei.core.settings.choices import Monitor

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from napari_unet_nuclei.core.evaluation.outcomes import ImageOutcome

FEWEST_NUCLEI = 5
"""True nuclei of few images below which resampling says nothing about others."""

_N_RESAMPLES = 1000


def resample_score(
    outcomes: Sequence[ImageOutcome], monitor: Monitor, *, seed: int = 0
) -> NDArray[np.float64] | None:
    """Return the mean score of many samples that chance could have brought instead.

    Two models that are scored on the same images are resampled alike with the same
    seed, so that the differences of their results are a *paired* bootstrap.

    Parameters
    ----------
    outcomes : sequence of ImageOutcome
        Of each image.
    monitor : Monitor
        The score.
    seed : int
        Seed of the resampling.

    Returns
    -------
    (1000,) ndarray of float64, optional
        Drawn are images, where there are `FEWEST_IMAGES` or more; else the nuclei of
        each image.  ``None`` where there are too few of both, or pixels are scored.

    References
    ----------
    .. [1] Efron, Tibshirani: An Introduction to the Bootstrap, 1993, chapter 8.
           https://doi.org/10.1201/9780429246593
    """
    rng = np.random.default_rng(seed)
    outcomes = [outcome for outcome in outcomes if outcome.scores.is_annotated]
    if len(outcomes) >= FEWEST_IMAGES:
        values = np.array([score_outcome(outcome, monitor) for outcome in outcomes])
        return resample_means(values, _N_RESAMPLES, rng)
    n_nuclei = sum(outcome.ious.size for outcome in outcomes)
    if monitor is Monitor.DICE or n_nuclei < FEWEST_NUCLEI:
        return None
    thresholds = THRESHOLDS[:1] if monitor is Monitor.AP50 else THRESHOLDS
    of_images = [_resample_nuclei(each, thresholds, rng) for each in outcomes]
    return np.asarray(np.mean(of_images, axis=0), np.float64)


def score_outcome(outcome: ImageOutcome, monitor: Monitor) -> float:
    """Return a score of an image."""
    match monitor:
        case Monitor.AP50:
            return outcome.scores.ap[THRESHOLDS[0]]
        case Monitor.DICE:
            return outcome.scores.dice
        case _:
            return outcome.scores.dsb2018


def _resample_nuclei(
    outcome: ImageOutcome, thresholds: Sequence[float], rng: np.random.Generator
) -> NDArray[np.float64]:
    n = outcome.ious.size
    if not n:
        value = 1.0 if outcome.scores.n_predicted == 0 else 0.0
        return np.full(_N_RESAMPLES, value)
    draws = (
        outcome.average_precision(
            np.bincount(rng.integers(n, size=n), minlength=n), thresholds
        )
        for _ in range(_N_RESAMPLES)
    )
    return np.fromiter(draws, np.float64, _N_RESAMPLES)
