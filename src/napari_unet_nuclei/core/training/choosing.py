"""Which weights of a run are kept: by their score, or where that cannot tell, by loss.

On ten held-out nuclei a score moves in tenths, so that the best of several weights is
the luckiest.  Weights whose scores differ by less than one nucleus is worth are taken
for equal, and of these the ones are kept whose maps come nearest to the labels: that is
measured on thousands of pixels.  Where even these are equally near, the latest are
kept, of which the learning rate is lowest.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from napari_unet_nuclei.core.settings.choices import Monitor
    from napari_unet_nuclei.core.training.measuring import Measured

MANY_NUCLEI = 200
"""Held-out nuclei from which scores alone decide: one is worth .005 then."""

_CLEARLY_LESS = 0.93  # of the loss of the start; chosen in docs/experiments.md
_FOUND = 0.5  # AP50 of a start; below, labels may be what is wrong
_AS_NEAR = 1.025  # times the lowest loss; chosen in docs/experiments.md
_LUCK = 2  # nuclei more are no proof: one found by luck, and one not lost by luck


def are_few(n_nuclei: int) -> bool:
    """Tell whether so few nuclei are held out that scores alone cannot decide."""
    return 0 < n_nuclei < MANY_NUCLEI


def is_preferred(
    new: Measured, best: Measured, monitor: Monitor, highest: float, lowest: float
) -> bool:
    """Tell whether weights are to be kept instead of the best trained ones so far.

    Parameters
    ----------
    new, best : Measured
        What both reach on the same held-out samples; ``new`` is later.
    monitor : Monitor
        The score.
    highest, lowest : float
        The highest score and the lowest loss of the weights so far.  What is kept is
        never further below the one than a nucleus is worth, nor further above the other
        than chance is, however many weights have followed each other.

    Returns
    -------
    bool
        False for a score that is no higher, where many nuclei are held out.
    """
    score, best_score = new.score(monitor), best.score(monitor)
    if new.loss is None or best.loss is None or not are_few(new.scores.n_true):
        return score > best_score
    least = max(highest, score) - 1 / new.scores.n_true
    if score < least or best_score < least:
        return score > best_score
    return new.loss < best.loss or new.loss <= _AS_NEAR * lowest < math.inf


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
        start or one below, whether the loss is clearly less, or, of a start that finds
        most of the nuclei, less around them by more than chance.
    """
    gain = new.score(monitor) - start.score(monitor)
    if new.loss is None or start.loss is None or not are_few(new.scores.n_true):
        return gain > 0
    nucleus = 1 / new.scores.n_true
    if gain < -nucleus or gain > _LUCK * nucleus:
        return gain > 0
    if new.loss < _CLEARLY_LESS * start.loss:
        return True
    is_trusted = start.scores.ap[0.5] >= _FOUND and new.loss < start.loss
    return is_trusted and new.is_nearer_by_more_than_chance(start)
