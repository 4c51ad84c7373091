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

_CLEARLY_LESS = 0.9  # of the loss of the start, to replace it without a better score


def are_few(n_nuclei: int) -> bool:
    """Tell whether so few nuclei are held out that scores alone cannot decide."""
    return 0 < n_nuclei < MANY_NUCLEI


def is_preferred(
    new: Measured,
    best: Measured,
    monitor: Monitor,
    highest: float,
    *,
    is_start: bool = False,
) -> bool:
    """Tell whether weights are to be kept instead of the best ones so far.

    Parameters
    ----------
    new, best : Measured
        What both reach on the same held-out samples.
    monitor : Monitor
        The score.
    highest : float
        The highest score of all weights so far.  What is kept is never further below
        it than one nucleus is worth, however many weights have followed each other.
    is_start : bool
        Whether the best ones are those of the start, which knows more than what is
        held out: without a better score, the loss has to be clearly less.

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
    factor = _CLEARLY_LESS if is_start and score <= best_score else 1.0
    return (new.loss, -score) < (factor * best.loss, -best_score)
