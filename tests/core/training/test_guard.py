"""Loss, weights and pixels that are no numbers, in steps by hand and in whole runs."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from napari_unet_nuclei.core.models.bundle import read_bundle
from napari_unet_nuclei.core.training.averaging import WeightAverage
from napari_unet_nuclei.core.training.crops.batches import CropDataset
from napari_unet_nuclei.core.training.guard import (
    MAX_ROLLBACKS,
    GuardedLearner,
    are_finite,
)
from napari_unet_nuclei.core.training.loop import iter_training

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from napari_unet_nuclei.core.datasets.sample import Sample
    from napari_unet_nuclei.core.settings.training import TrainingSettings

BATCH = np.zeros((1, 4, 4, 3), np.float32)
TARGETS = np.zeros((1, 4, 4, 3), np.float32)


class ScriptedLearner:
    """Learner whose weight is the number of its steps, with losses as told."""

    def __init__(self, *losses: float, weight: float = 0.0) -> None:
        self._losses = iter(losses)
        self.weight = weight
        self.rates: list[float] = []

    @property
    def weights(self) -> dict[str, np.ndarray]:
        return {"w": np.array([self.weight], np.float32)}

    def train_on(self, images: Any, targets: Any, rate: float) -> dict[str, float]:
        self.rates.append(rate)
        loss = next(self._losses)
        self.weight = self.weight + 1 if np.isfinite(loss) else np.nan
        return {"loss": loss}

    def roll_back(self, weights: dict[str, np.ndarray]) -> None:
        self.weight = float(weights["w"][0])


def guard(learner: ScriptedLearner) -> GuardedLearner:
    return GuardedLearner(learner, WeightAverage(learner.weights, 0.0))  # type: ignore[arg-type]


def test_a_loss_that_is_no_number_returns_to_good_weights_at_half_the_rate() -> None:
    learner = ScriptedLearner(*[1.0] * 6, np.nan, 1.0)
    guarded = guard(learner)
    for step in range(6):
        assert guarded.train_on(BATCH, TARGETS, 0.1, step) == {"loss": 1.0}
    assert guarded.train_on(BATCH, TARGETS, 0.1, 6) is None
    assert learner.weight == 4
    assert guarded.note == (
        "The loss became nan at step 6: back to the last good weights, at 0.5 of the "
        "learning rate."
    )
    guarded.train_on(BATCH, TARGETS, 0.1, 7)
    assert learner.rates[-2:] == [0.1, 0.05]
    assert guarded.failure is None
    assert "no finite number once" in str(guarded.describe())


def test_weights_are_good_only_once_their_loss_is_finite() -> None:
    learner = ScriptedLearner(*[1.0] * 4, np.inf)
    guarded = guard(learner)
    for step in range(5):
        guarded.train_on(BATCH, TARGETS, 0.1, step)
    # Those of step 4 were finite, but gave an infinite loss.
    assert learner.weight == 0
    assert guarded.average.weights["w"] == 0


def test_weights_that_are_no_numbers_never_reach_the_average() -> None:
    learner = ScriptedLearner(*[1.0] * 5)
    guarded = guard(learner)
    guarded.train_on(BATCH, TARGETS, 0.1, 0)
    learner.weight = np.nan
    guarded.fold(1)
    assert are_finite(guarded.average.weights)
    assert learner.weight == 0
    assert "Weights became no finite numbers at step 1" in str(guarded.note)


def test_after_some_tries_it_gives_up() -> None:
    guarded = guard(ScriptedLearner(*[np.nan] * (MAX_ROLLBACKS + 1)))
    for step in range(MAX_ROLLBACKS):
        guarded.train_on(BATCH, TARGETS, 0.1, step)
        assert guarded.failure is None
    guarded.train_on(BATCH, TARGETS, 0.1, MAX_ROLLBACKS)
    assert guarded.failure == f"The loss became nan at step {MAX_ROLLBACKS}"
    assert "stopped early. Train with a smaller" in str(guarded.describe())


def test_a_start_that_is_no_number_is_given_up_at_once() -> None:
    guarded = guard(ScriptedLearner(np.nan, weight=np.nan))
    guarded.train_on(BATCH, TARGETS, 0.1, 0)
    assert guarded.failure == "The loss became nan at step 0"


def test_pixels_that_are_no_numbers_teach_nothing() -> None:
    learner = ScriptedLearner()
    guarded = guard(learner)
    for step in range(2):
        assert guarded.train_on(BATCH + np.nan, TARGETS, 0.1, step) is None
    assert learner.rates == []
    assert str(guarded.describe()).startswith("2 batches held pixels that are no")
    assert guarded.failure is None


@pytest.mark.usefixtures("hurried")
@pytest.mark.parametrize("rate", [0.1, 1e6])
def test_far_too_high_a_rate_leaves_a_finite_model(
    rate: float,
    drawn_samples: list[Sample],
    tiny_path: Path,
    output: Path,
    settings: TrainingSettings,
    follow: Callable[..., Any],
) -> None:
    settings = replace(settings, learning_rate=rate, epochs=1)
    steps = iter_training(drawn_samples, output, settings, start=tiny_path)
    run = follow(steps, output)
    assert are_finite(read_bundle(output).weights)
    assert run.report.scores.dsb2018 >= run.report.start_scores.dsb2018


@pytest.mark.usefixtures("hurried")
def test_a_run_with_some_bad_pixels_and_losses_ends_well(
    drawn_samples: list[Sample],
    tiny_path: Path,
    output: Path,
    settings: TrainingSettings,
    follow: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    draw = CropDataset.__getitem__

    def damage(self: CropDataset, index: int) -> Any:
        images, targets = draw(self, index)
        if index % 6 == 2:
            images = images.copy()
            images[0, 0, 0, 0] = np.nan
        if index == 5:
            targets = targets * np.float32(3e38)  # a sum overflows
        return images, targets

    monkeypatch.setattr(CropDataset, "__getitem__", damage)
    steps = iter_training(drawn_samples, output, settings, start=tiny_path)
    run = follow(steps, output)
    assert run.report.n_steps == 12
    assert are_finite(read_bundle(output).weights)
    notes = [step.note for step in run.steps if step.note is not None]
    assert notes[0].startswith("1 batch held pixels")
    assert notes[1].startswith("The loss became ")
    assert " at step 5: back to" in notes[1]
    assert "once" in run.report.note
    assert "2 batches" in run.report.note
