"""Steps of every kind of network leave out what is not annotated."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras
import numpy as np
import pytest

from napari_unet_nuclei.core.conversion.ensembling import combine_models
from napari_unet_nuclei.core.conversion.importing import import_model
from napari_unet_nuclei.core.settings.training import TrainingSettings
from napari_unet_nuclei.core.training.learner import Learner

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from napari_unet_nuclei.core.models.bundle import ModelBundle

SETTINGS = TrainingSettings(epochs=1, mixed_precision=False, weight_decay=0.0)
RNG = np.random.default_rng(0)
IMAGES = RNG.random((2, 32, 48, 3), np.float32)
TARGETS = RNG.random((2, 32, 48, 3), np.float32).round()
ANNOTATED = np.zeros((2, 32, 48), bool)
ANNOTATED[0, :20, 10:30] = ANNOTATED[1, 5:9] = True
MASKED = np.where(ANNOTATED[..., np.newaxis], TARGETS, np.float32(-1))


@pytest.fixture(params=["classic", "resnet", "ensemble", "imported"])
def start(
    request: pytest.FixtureRequest,
    make_bundle: Callable[..., ModelBundle],
    tmp_path: Path,
    without_openvino: None,
) -> ModelBundle:
    """A small model of one kind."""
    match request.param:
        case "ensemble":
            parts = [make_bundle("classic", seed=1), make_bundle("resnet", seed=2)]
            return combine_models(parts, "both")
        case "imported":
            image = keras.Input((32, 48, 3))
            x = keras.layers.Conv2D(4, 3, activation="relu", padding="same")(image)
            x = keras.layers.Conv2D(1, 1, activation="sigmoid")(x)
            file = tmp_path / "own.keras"
            keras.Model(image, x).save(file)
            return import_model(file).bundle
    return make_bundle(request.param)


def expected_loss(predicted: Any, targets: Any) -> float:
    """Cross-entropy plus one minus Dice, of the pixels that are annotated alone."""
    seen, true = (
        np.clip(maps[ANNOTATED].astype(np.float64), 1e-7, 1 - 1e-7)
        for maps in (predicted, targets)
    )
    true = true.round()
    crossentropy = -(true * np.log(seen) + (1 - true) * np.log(1 - seen)).mean()
    total = (true**2).sum(axis=0) + (seen**2).sum(axis=0)
    dice = (2 * (true * seen).sum(axis=0) + 1) / (total + 1)
    return float(crossentropy + 1 - dice.mean())


def test_the_loss_is_that_of_the_annotated_pixels(start: ModelBundle) -> None:
    learner = Learner(SETTINGS, start)
    predicted = learner.engine_with(learner.weights).predict(IMAGES)
    loss = learner.train_on(IMAGES, MASKED, 1e-3)["loss"]
    targets = TARGETS[..., : learner.n_maps]
    assert loss == pytest.approx(expected_loss(predicted, targets), rel=1e-3)


def test_what_is_not_annotated_at_all_moves_no_weight(start: ModelBundle) -> None:
    learner = Learner(SETTINGS, start)
    before = learner.weights
    values = learner.train_on(IMAGES, np.full_like(TARGETS, -1), 0.1)
    assert values["loss"] == 0
    for name, weights in learner.weights.items():
        np.testing.assert_array_equal(weights, before[name])
    learner.train_on(IMAGES, MASKED, 0.1)
    assert any((w != before[name]).any() for name, w in learner.weights.items())
