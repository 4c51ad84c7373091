"""Where few nuclei are held out, their score does not choose weights alone."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from napari_unet_nuclei.core.evaluation.scores import evaluate
from napari_unet_nuclei.core.settings.choices import Monitor
from napari_unet_nuclei.core.training.choosing import (
    MANY_NUCLEI,
    is_preferred,
    replaces_start,
)
from napari_unet_nuclei.core.training.measuring import Measured

SCORES = evaluate(np.eye(3, dtype=int), np.eye(3, dtype=int))
START = (0.8, 0.4)


def measured(score: float, loss: float | None, n_nuclei: int = 10) -> Measured:
    scores = replace(SCORES, dsb2018=score, n_true=n_nuclei)
    return Measured(scores=scores, loss=loss)


@pytest.mark.parametrize(
    ("new", "is_kept"),
    [
        ((0.75, 0.3), True),  # half a nucleus fewer, much nearer to the labels
        ((0.65, 0.1), False),  # worse by more than a nucleus, whatever the loss
        ((0.85, 0.3), True),
        ((0.95, 0.39), False),  # so little less is no reason to leave the start
        ((0.95, 0.45), False),
        ((0.8, np.inf), False),
        ((0.8, 0.4), False),
    ],
)
def test_by_a_nucleus_or_two_a_start_is_left_only_if_the_loss_is_clearly_less(
    new: tuple[float, float], is_kept: bool
) -> None:
    found = replaces_start(measured(*new), measured(*START), Monitor.DSB2018)
    assert found is is_kept


def test_more_than_two_nuclei_decide_whatever_the_loss() -> None:
    start = measured(0.6, 0.4)
    assert replaces_start(measured(0.81, 0.5), start, Monitor.DSB2018)


def test_of_later_weights_the_nearest_are_kept() -> None:
    best = measured(0.8, 0.3)
    assert is_preferred(measured(0.78, 0.299), best, Monitor.DSB2018, 0.8)
    assert is_preferred(measured(0.81, 0.3), best, Monitor.DSB2018, 0.8)
    assert not is_preferred(measured(0.79, 0.3), best, Monitor.DSB2018, 0.8)


def test_many_small_steps_down_end_within_one_nucleus_of_the_highest_score() -> None:
    best, highest = measured(0.8, 0.5), 0.8
    for step in range(1, 10):
        new = measured(0.8 - 0.04 * step, 0.5 - 0.04 * step)
        if is_preferred(new, best, Monitor.DSB2018, highest):
            best = new
    assert best.score(Monitor.DSB2018) == pytest.approx(0.72)


@pytest.mark.parametrize(
    ("n_nuclei", "loss"), [(MANY_NUCLEI, 0.1), (10, None), (0, 0.1)]
)
def test_many_nuclei_decide_alone(n_nuclei: int, loss: float | None) -> None:
    best = measured(0.8, 0.4, n_nuclei)
    for score, is_kept in ((0.799, False), (0.8, False), (0.801, True)):
        new = measured(score, loss, n_nuclei)
        assert is_preferred(new, best, Monitor.DSB2018, 0.8) is is_kept
        assert replaces_start(new, best, Monitor.DSB2018) is is_kept
