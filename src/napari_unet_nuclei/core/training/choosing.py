"""Which weights of a run are kept: by their score, or where that cannot tell, by loss.

On ten held-out nuclei a score moves in tenths, so that the best of several weights is
the luckiest.  Weights whose scores differ by less than one nucleus is worth are taken
for equal, and of these the ones are kept whose maps come nearest to the labels: that is
measured on thousands of pixels.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from napari_unet_nuclei.core.settings.choices import Monitor
    from napari_unet_nuclei.core.training.measuring import Measured

MANY_NUCLEI = 200
"""Held-out nuclei from which scores alone decide: one is worth .005 then."""

_CLEARLY_LESS = 0.93  # of the loss of the start; chosen in docs/experiments.md
_LUCK = 2  # nuclei more are no proof: one found by luck, and one not lost by luck


def are_few(n_nuclei: int) -> bool:
    """Tell whether so few nuclei are held out that scores alone cannot decide."""
    return 0 < n_nuclei < MANY_NUCLEI


def is_preferred(
    new: Measured, best: Measured, monitor: Monitor, highest: float
) -> bool:
    """Tell whether weights are to be kept instead of the best trained ones so far.

    Parameters
    ----------
    new, best : Measured
        What both reach on the same held-out samples.
    monitor : Monitor
        The score.
    highest : float
        The highest score of all weights so far.  What is kept is never further below
        it than one nucleus is worth, however many weights have followed each other.

    Returns
    -------
    bool
        False where both are equal.
    """
    score, best_score = new.score(monitor), best.score(monitor)
    if new.loss is None or best.loss is None or not are_few(new.scores.n_true):
        return score > best_score
    lowest = max(highest, score) - 1 / new.scores.n_true
    if score < lowest or best_score < lowest:
        return score > best_score
    return (new.loss, -score) < (best.loss, -best_score)


def replaces_start(new: Measured, start: Measured, monitor: Monitor) -> bool:
    """Tell whether weights are to be kept instead of those of the start.

    The start knows much that is not held out, so that chance is no reason to leave it.

    Parameters
    ----------
    new, start : Measured
        What both reach on the same held-out samples.
    monitor : Monitor
        The score.

    Returns
    -------
    bool
        Whether the score is better; where it is at most two nuclei above that of the
        start or one below, whether the loss is clearly less.
    """
    gain = new.score(monitor) - start.score(monitor)
    if new.loss is None or start.loss is None or not are_few(new.scores.n_true):
        return gain > 0
    nucleus = 1 / new.scores.n_true
    if gain < -nucleus or gain > _LUCK * nucleus:
        return gain > 0
    return new.loss < _CLEARLY_LESS * start.loss
