from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from napari_unet_nuclei.core.settings.choices import Schedule
from napari_unet_nuclei.core.settings.training import TrainingSettings
from napari_unet_nuclei.core.training.schedules import (
    cosine_learning_rate,
    count_plateaus,
    epochs_since_best,
    plateau_learning_rate,
    scheduled_learning_rate,
)

if TYPE_CHECKING:
    from typing import Any


def test_the_learning_rate_warms_up_and_fades() -> None:
    assert cosine_learning_rate(2.0, 0, 0) == pytest.approx(0.02)
    assert cosine_learning_rate(2.0, 49, 0) == pytest.approx(1)
    assert cosine_learning_rate(2.0, 99, 0) == pytest.approx(2)
    assert cosine_learning_rate(2.0, 500, 0.5) == pytest.approx(1)
    assert cosine_learning_rate(2.0, 500, 1) == pytest.approx(0, abs=1e-12)
    assert cosine_learning_rate(2.0, 500, 1.2) == pytest.approx(0, abs=1e-12)
    rates = [cosine_learning_rate(2.0, 500, p) for p in np.linspace(0, 1, 20)]
    assert rates == sorted(rates, reverse=True)


def test_a_short_run_warms_up_in_its_first_tenth() -> None:
    cosine = 0.5 * (1 + np.cos(np.pi * 0.05))
    assert cosine_learning_rate(2.0, 5, 0.05) == pytest.approx(cosine)
    assert cosine_learning_rate(2.0, 50, 0.5) == pytest.approx(1)
    assert plateau_learning_rate(2.0, 5, 0, 0.1, 0.05) == pytest.approx(1)
    assert plateau_learning_rate(2.0, 11, 0, 0.1, 0.1) == pytest.approx(2)
    in_a_long_run = cosine_learning_rate(2.0, 49, 0.001)
    assert in_a_long_run == pytest.approx(1, rel=1e-4)


def test_the_learning_rate_warms_up_and_falls_with_each_plateau() -> None:
    assert plateau_learning_rate(2.0, 0, 0, 0.1) == pytest.approx(0.02)
    assert plateau_learning_rate(2.0, 99, 0, 0.1) == pytest.approx(2)
    assert plateau_learning_rate(2.0, 500, 1, 0.1) == pytest.approx(0.2)
    assert plateau_learning_rate(2.0, 500, 3, 0.5) == pytest.approx(0.25)


@pytest.mark.parametrize(
    ("scores", "n_plateaus"),
    [
        ([], 0),
        ([0.0, 0.0], 0),
        ([0.0, 0.0, 0.0], 1),
        ([0.3, 0.2, 0.1], 1),
        ([0.3, 0.2, 0.4, 0.4], 0),
        ([0.3, 0.2, 0.2, 0.2], 1),
        ([0.3, 0.2, 0.2, 0.2, 0.2], 2),
        ([0.3, 0.2, 0.2, 0.4, 0.1, 0.4], 2),
    ],
)
def test_two_epochs_without_a_gain_are_a_plateau(
    scores: list[Any], n_plateaus: int
) -> None:
    assert count_plateaus(scores, 2) == n_plateaus


@pytest.mark.parametrize(
    ("scores", "n_epochs"),
    [([], 0), ([0.1], 0), ([0.1, 0.2], 0), ([0.2, 0.1, 0.2], 2), ([0.0, 0.0], 1)],
)
def test_the_epochs_since_the_best_score_are_counted(
    scores: list[Any], n_epochs: int
) -> None:
    assert epochs_since_best(scores) == n_epochs


def test_the_schedule_is_chosen_by_name() -> None:
    def rate(schedule: Schedule) -> float:
        settings = TrainingSettings(epochs=1, schedule=schedule, plateau_factor=0.1)
        return scheduled_learning_rate(
            settings, 2.0, step=500, progress=0.5, n_plateaus=2
        )

    assert rate(Schedule.COSINE) == pytest.approx(1)
    assert rate(Schedule.PLATEAU) == pytest.approx(0.02)
    assert TrainingSettings(epochs=1).schedule is Schedule.COSINE
