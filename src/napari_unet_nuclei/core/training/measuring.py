"""Scores on held-out samples, with what chance could have made of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from napari_unet_nuclei.core.evaluation.intervals import Interval, interval_of
from napari_unet_nuclei.core.evaluation.resampling import resample_score
from napari_unet_nuclei.core.settings.choices import Monitor
from napari_unet_nuclei.core.training.steps import is_better, summarise_scores
from napari_unet_nuclei.core.training.verdict import HeldOutComparison

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from napari_unet_nuclei.core.evaluation.outcomes import ImageOutcome
    from napari_unet_nuclei.core.evaluation.scores import Scores

_MIN_GAIN = 0.005  # less is not worth other thresholds than usual
_FEWEST_TO_RESAMPLE = 6  # of fewer, resamples know too few values
_NEARER = 0.97  # times the loss of the other; chosen in docs/experiments.md
_N_RESAMPLES = 1000
_CONFIDENCE = 0.95  # part of the resamples; chosen in docs/experiments.md


@dataclass(frozen=True, eq=False, kw_only=True)
class Measured:
    """What a model does on the held-out samples.

    Parameters
    ----------
    scores : Scores
        Its scores over all of them.
    outcomes : sequence of sequence of ImageOutcome
        Of each data set, and in it of each sample.
    shares : sequence of float
        What each data set counts, summing to 1.
    loss : float, optional
        How far its maps are from the true ones; only where few nuclei are held out.
    nucleus_losses : (n,) ndarray of float64, optional
        The same for each of them, in one order for all models.
    """

    scores: Scores
    outcomes: Sequence[Sequence[ImageOutcome]] = ()
    shares: Sequence[float] = ()
    loss: float | None = None
    nucleus_losses: NDArray[np.float64] | None = None

    def score(self, monitor: Monitor) -> float:
        """Return the score that decides."""
        return summarise_scores(self.scores)[monitor]

    def resample(self, monitor: Monitor) -> NDArray[np.float64] | None:
        """Return the score as chance could have brought it, many times.

        Two models that are measured on the same samples are resampled alike; see
        :func:`~napari_unet_nuclei.core.evaluation.resampling.resample_score`.
        """
        of_sets = [resample_score(each, monitor) for each in self.outcomes]
        known = [each for each in of_sets if each is not None]
        if not known or len(known) < len(of_sets):
            return None
        return np.average(known, axis=0, weights=self.shares)

    def interval(self, monitor: Monitor) -> Interval | None:
        """Return where the score most likely lies, ``None`` where that is unknown."""
        draws = self.resample(monitor)
        return None if draws is None else interval_of(draws)

    def gain_over(self, other: Measured, monitor: Monitor) -> Interval | None:
        """Return where the gain over another model most likely lies."""
        gains = self._gains(other, monitor)
        return None if gains is None else interval_of(gains)

    def is_worth_changing(self, other: Measured, monitor: Monitor) -> bool:
        """Tell whether thresholds are better than others by more than chance.

        Parameters
        ----------
        other : Measured
            The same model with the thresholds it has.
        monitor : Monitor
            Score that decides.

        Returns
        -------
        bool
            False where there are too few nuclei to tell.
        """
        if not is_better(self.scores, other.scores, monitor, by=_MIN_GAIN):
            return False
        gains = self._gains(other, monitor)
        if gains is None:
            return monitor is Monitor.DICE  # pixels are many even in a single image
        return bool(np.mean(gains > 0) > _CONFIDENCE)

    def is_nearer_by_more_than_chance(self, other: Measured) -> bool:
        """Tell whether maps are nearer to the labels around most of the nuclei.

        Parameters
        ----------
        other : Measured
            Another model on the same samples.

        Returns
        -------
        bool
            Whether the mean loss of the nuclei is at least 3 % less, and less in 95 of
            100 resamples of them; false for fewer than six, and where it was not
            measured.
        """
        own, others = self.nucleus_losses, other.nucleus_losses
        if own is None or others is None or len(own) < _FEWEST_TO_RESAMPLE:
            return False
        if not own.mean() < _NEARER * others.mean():
            return False
        change = own - others
        drawn = np.random.default_rng(0).integers(
            len(change), size=(_N_RESAMPLES, len(change))
        )
        return bool(np.mean(change[drawn].mean(axis=1) < 0) > _CONFIDENCE)

    def _gains(self, other: Measured, monitor: Monitor) -> NDArray[np.float64] | None:
        own, others = self.resample(monitor), other.resample(monitor)
        return None if own is None or others is None else own - others


def compare_measured(
    best: Measured,
    start: Measured | None,
    *,
    model: str,
    start_name: str | None,
    monitor: Monitor,
    n_steps: int,
    failure: str | None = None,
) -> HeldOutComparison:
    """Compare a model with its start on the same held-out samples.

    Parameters
    ----------
    best : Measured
        What the model reaches; that of the start itself where nothing is better.
    start : Measured, optional
        What its start reaches, ``None`` where training began from scratch.
    model, start_name : str
        Their names.
    monitor : Monitor
        The score.
    n_steps : int
        Steps of the run.
    failure : str, optional
        Why what was learned last could not be kept.

    Returns
    -------
    HeldOutComparison
        Scores with their intervals.
    """
    is_new = best is not start
    scores = best.scores
    return HeldOutComparison(
        model=model,
        start=start_name,
        monitor=monitor,
        n_images=scores.n_images,
        n_nuclei=scores.n_true,
        score=best.score(monitor),
        start_score=None if start is None else start.score(monitor),
        interval=best.interval(monitor),
        start_interval=None if start is None else start.interval(monitor),
        gain=best.gain_over(start, monitor) if start is not None and is_new else None,
        ap50=scores.ap[0.5],
        start_ap50=None if start is None else start.scores.ap[0.5],
        ap50_interval=best.interval(Monitor.AP50),
        n_steps=n_steps,
        failure=None if is_new else failure,
        loss=best.loss,
        start_loss=None if start is None else start.loss,
    )
