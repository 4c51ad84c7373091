"""How far maps are from the labels is what training minimises, in NumPy."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from napari_unet_nuclei.core.instances.labels import IGNORED
from napari_unet_nuclei.core.instances.maps import Maps
from napari_unet_nuclei.core.settings.training import TrainingSettings
from napari_unet_nuclei.core.training.crops.targets import make_targets
from napari_unet_nuclei.core.training.losses import make_loss
from napari_unet_nuclei.core.training.map_loss import (
    measure_loss,
    measure_nucleus_losses,
)


@pytest.fixture
def targets() -> np.ndarray:
    labels = np.zeros((24, 32), np.int32)
    labels[3:12, 4:14], labels[3:12, 14:24], labels[15:22, 8:20] = 1, 2, 3
    return make_targets(labels)


def blur(targets: np.ndarray, part: float) -> Maps:
    rng = np.random.default_rng(0)
    mixed = (1 - part) * targets + part * rng.random(targets.shape)
    return Maps(*np.moveaxis(mixed.astype(np.float32), -1, 0))


def test_it_is_the_usual_loss_of_training(targets: np.ndarray) -> None:
    maps = blur(targets, 0.4)
    predicted = np.stack(maps.arrays, axis=-1)[np.newaxis]
    loss = make_loss(TrainingSettings.loss)(targets[np.newaxis], predicted)
    expected = float(keras.ops.convert_to_numpy(loss))
    assert measure_loss(maps, targets) == pytest.approx(expected, rel=1e-4)


def test_nearer_maps_have_a_smaller_loss(targets: np.ndarray) -> None:
    losses = [measure_loss(blur(targets, part), targets) for part in (0.1, 0.4, 0.8)]
    assert losses == sorted(losses)


def test_what_is_not_annotated_does_not_count(targets: np.ndarray) -> None:
    maps = blur(targets, 0.4)
    seen = targets[:14].copy()
    whole = np.full_like(targets, IGNORED)
    whole[:14] = seen
    upper = Maps(*(array[:14] for array in maps.arrays))
    assert measure_loss(maps, whole) == pytest.approx(measure_loss(upper, seen))
    assert measure_loss(maps, np.full_like(targets, IGNORED)) == 0


def test_each_nucleus_has_the_loss_of_the_pixels_nearest_to_it() -> None:
    labels = np.zeros((24, 40), np.int32)
    labels[8:16, 4:12], labels[8:16, 28:36] = 7, 3
    targets = make_targets(labels)
    maps = blur(targets, 0.4)
    for index, array in enumerate(maps.arrays):
        array[:, 20:] = targets[:, 20:, index]
    first, second = measure_nucleus_losses(maps, targets, labels)  # 3 at the right
    left, right = np.full_like(targets, IGNORED), np.full_like(targets, IGNORED)
    left[:, :20], right[:, 20:] = targets[:, :20], targets[:, 20:]
    assert first == pytest.approx(measure_loss(maps, right), rel=0.05)
    assert second == pytest.approx(measure_loss(maps, left), rel=0.05)
    assert first < second


def test_the_nuclei_of_an_image_without_any_have_no_losses(targets: np.ndarray) -> None:
    empty = np.zeros(targets.shape[:2], np.int32)
    assert measure_nucleus_losses(blur(targets, 0.4), targets, empty).size == 0


def test_maps_that_are_no_numbers_are_infinitely_far(targets: np.ndarray) -> None:
    maps = blur(targets, 0.4)
    maps.foreground[5, 5] = np.nan
    assert measure_loss(maps, targets) == np.inf


def test_a_network_may_know_the_foreground_alone(targets: np.ndarray) -> None:
    foreground = Maps(targets[..., 0])
    assert measure_loss(foreground, targets) == pytest.approx(0, abs=1e-5)
