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


def measured(
    score: float,
    loss: float | None,
    n_nuclei: int = 10,
    of_nuclei: list[float] | None = None,
) -> Measured:
    scores = replace(SCORES, dsb2018=score, n_true=n_nuclei)
    losses = None if of_nuclei is None else np.array(of_nuclei)
    return Measured(scores=scores, loss=loss, nucleus_losses=losses)


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


@pytest.mark.parametrize(
    ("loss", "change", "is_kept"),
    [
        (0.39, [-0.04] * 9 + [0.01], True),  # nearly all of them agree
        (0.39, [-0.3, 0.2] * 5, False),  # a few make up the mean
        (0.39, [-0.01] * 10, False),  # all agree, on next to nothing
        (0.39, [-0.04] * 5, False),  # so few cannot be resampled
        (0.41, [-0.04] * 10, False),  # over all pixels the maps are farther
        (0.36, [-0.3, 0.3] * 5, True),  # a tenth less needs no witness
    ],
)
def test_a_smaller_drop_counts_where_the_nuclei_agree(
    loss: float, change: list[float], is_kept: bool
) -> None:
    n_nuclei = len(change)
    start = measured(0.8, 0.4, n_nuclei, [0.4] * n_nuclei)
    new = measured(0.8, loss, n_nuclei, [0.4 + each for each in change])
    assert replaces_start(new, start, Monitor.DSB2018) is is_kept
    worse = replace(new, scores=replace(new.scores, dsb2018=0.5))
    assert not replaces_start(worse, start, Monitor.DSB2018)
    is_clear = loss == 0.36
    lost = replace(start, scores=replace(start.scores, ap={**SCORES.ap, 0.5: 0.4}))
    assert replaces_start(new, lost, Monitor.DSB2018) is is_clear  # labels may be wrong
    unknown = replace(new, nucleus_losses=None)
    assert replaces_start(unknown, start, Monitor.DSB2018) is is_clear


def test_of_later_weights_the_last_are_kept_that_are_as_near_as_any() -> None:
    best = measured(0.8, 0.3)

    def is_kept(score: float, loss: float, lowest: float = 0.3) -> bool:
        return is_preferred(measured(score, loss), best, Monitor.DSB2018, 0.8, lowest)

    assert is_kept(0.78, 0.299)
    assert is_kept(0.75, 0.305)
    assert not is_kept(0.8, 0.32)
    assert not is_kept(0.8, 0.305, lowest=0.29)  # not step by step upwards
    assert not is_kept(0.65, 0.2)
    assert not is_kept(0.8, np.inf)
    assert not is_preferred(
        measured(0.8, np.inf), measured(0.8, np.inf), Monitor.DSB2018, 0.8, np.inf
    )


def test_many_small_steps_down_end_within_one_nucleus_of_the_highest_score() -> None:
    best, highest = measured(0.8, 0.5), 0.8
    for step in range(1, 10):
        new = measured(0.8 - 0.04 * step, 0.5 - 0.04 * step)
        if is_preferred(new, best, Monitor.DSB2018, highest, 0.5 - 0.04 * step):
            best = new
    assert best.score(Monitor.DSB2018) == pytest.approx(0.72)


@pytest.mark.parametrize(
    ("n_nuclei", "loss"), [(MANY_NUCLEI, 0.1), (10, None), (0, 0.1)]
)
def test_many_nuclei_decide_alone(n_nuclei: int, loss: float | None) -> None:
    best = measured(0.8, 0.4, n_nuclei)
    for score, is_kept in ((0.799, False), (0.8, False), (0.801, True)):
        new = measured(score, loss, n_nuclei)
        assert is_preferred(new, best, Monitor.DSB2018, 0.8, 0.1) is is_kept
        assert replaces_start(new, best, Monitor.DSB2018) is is_kept
