from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from napari_unet_nuclei.core.evaluation.scores import evaluate
from napari_unet_nuclei.core.settings.choices import Monitor
from napari_unet_nuclei.core.training.steps import (
    TrainingReport,
    is_better,
    summarise_scores,
)

SCORES = evaluate(np.eye(3, dtype=int), np.eye(3, dtype=int))


def test_training_helped_unless_its_start_is_kept() -> None:
    half = replace(SCORES, dsb2018=0.5)
    report = TrainingReport(
        output=Path("a.unetnuclei"),
        scores=half,
        start_scores=None,
        n_steps=3,
        n_epochs=1,
        seconds=2.0,
        keeps_start=True,
    )
    assert report.is_better_than_start  # there was none
    compared = replace(report, start_scores=half)
    assert not compared.is_better_than_start
    assert replace(compared, keeps_start=False).is_better_than_start


def test_the_score_that_is_monitored_decides() -> None:
    scores = replace(SCORES, dsb2018=0.5, dice=0.7, ap={0.5: 0.6})
    others = replace(SCORES, dsb2018=0.4, dice=0.8, ap={0.5: 0.6})
    is_better_by = {monitor: is_better(scores, others, monitor) for monitor in Monitor}
    assert is_better_by == {
        Monitor.DSB2018: True,
        Monitor.AP50: False,
        Monitor.DICE: False,
    }
    assert is_better(others, scores, Monitor.DICE)
    assert not is_better(others, scores, Monitor.DICE, by=0.2)


def test_scores_are_told_in_four_numbers() -> None:
    scores = replace(SCORES, dsb2018=0.5, pq=0.6, dice=0.7, ap={0.5: 0.8, 0.75: 0.1})
    expected = {"dsb2018": 0.5, "ap50": 0.8, "pq": 0.6, "dice": 0.7}
    assert summarise_scores(scores) == expected
