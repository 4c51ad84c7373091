"""The loss is measured where few nuclei are held out, and only there."""

from __future__ import annotations

import numpy as np
import pytest

from napari_unet_nuclei.core.datasets.sample import Sample
from napari_unet_nuclei.core.models.config import ModelConfig
from napari_unet_nuclei.core.settings.choices import Architecture, EngineName, Monitor
from napari_unet_nuclei.core.training.choosing import MANY_NUCLEI
from napari_unet_nuclei.core.training.held_out import HeldOutSamples
from napari_unet_nuclei.core.training.mixture import HeldOutSet

CONFIG = ModelConfig(architecture=Architecture.CLASSIC, stride=4, margin=4, diameter=10)


class Constant:
    """Engine that predicts the same everywhere."""

    name = EngineName.KERAS
    description = "test"

    def __init__(self, value: float) -> None:
        self.value = value

    def predict(self, tiles: np.ndarray) -> np.ndarray:
        return np.full((*tiles.shape[:3], 3), self.value, np.float32)


def hold_out(name: str, n_nuclei: int, share: float = 1.0) -> HeldOutSet:
    """Hold out an image of squares of 4 px."""
    labels = np.zeros((8 * n_nuclei, 8), np.int32)
    for number in range(n_nuclei):
        labels[8 * number + 2 : 8 * number + 6, 2:6] = number + 1
    image = (labels > 0).astype(np.uint8)
    return HeldOutSet(name=name, share=share, samples=[Sample(name, image, labels)])


def test_every_way_to_score_measures_the_same_loss() -> None:
    held_out = HeldOutSamples([hold_out("few", 3)], tunes=False)
    scored = held_out.score(Constant(0.25), CONFIG)
    measured = held_out.measure(Constant(0.25), CONFIG)
    _, tuned = held_out.tune(Constant(0.25), CONFIG, Monitor.DSB2018)
    assert scored.loss == measured.loss == tuned.loss
    worse = held_out.score(Constant(0.01), CONFIG)
    assert scored.loss is not None
    assert worse.loss is not None
    assert worse.loss > scored.loss
    assert worse.scores == scored.scores  # which cannot tell


def test_many_nuclei_need_no_loss() -> None:
    few = HeldOutSamples([hold_out("few", MANY_NUCLEI - 1)])
    many = HeldOutSamples([hold_out("many", MANY_NUCLEI)])
    found = few.score(Constant(0.25), CONFIG)
    assert found.loss is not None
    assert found.nucleus_losses is not None
    assert found.nucleus_losses.size == found.scores.n_true
    assert many.score(Constant(0.25), CONFIG).loss is None


def test_the_loss_of_sets_is_weighted_by_their_shares() -> None:
    one, other = hold_out("one", 1), hold_out("other", 3)
    losses = [
        HeldOutSamples([each]).score(Constant(0.25), CONFIG).loss
        for each in (one, other)
    ]
    both = HeldOutSamples([hold_out("one", 1, 0.25), hold_out("other", 3, 0.75)])
    expected = np.average(losses, weights=[0.25, 0.75])
    assert both.score(Constant(0.25), CONFIG).loss == pytest.approx(expected)
