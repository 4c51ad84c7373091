from __future__ import annotations

import numpy as np
import pytest
from keras import ops

from napari_unet_nuclei.core.losses import (
    BinaryCrossentropyDice,
    foreground_dice,
    soft_dice,
)

rng = np.random.default_rng(0)
TRUE = (rng.random((2, 5, 6, 3)) > 0.4).astype(np.float32)
TRUE[..., 2] *= rng.random((2, 5, 6))
PREDICTED = rng.uniform(0.01, 0.99, TRUE.shape).astype(np.float32)


def dice_by_hand(true: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    true, predicted = (array.reshape(-1, 3) for array in (true, predicted))
    squares = (true**2).sum(axis=0) + (predicted**2).sum(axis=0)
    return (2 * (true * predicted).sum(axis=0) + 1) / (squares + 1)


def crossentropy_by_hand(true: np.ndarray, predicted: np.ndarray) -> float:
    return -np.mean(true * np.log(predicted) + (1 - true) * np.log(1 - predicted))


def test_dice_is_that_of_each_map():
    dice = ops.convert_to_numpy(soft_dice(TRUE, PREDICTED))
    assert dice.shape == (3,)
    np.testing.assert_allclose(dice, dice_by_hand(TRUE, PREDICTED), rtol=1e-5)


def test_dice_is_one_only_where_maps_agree():
    np.testing.assert_allclose(ops.convert_to_numpy(soft_dice(TRUE, TRUE)), 1)
    assert (ops.convert_to_numpy(soft_dice(TRUE, 0.9 * TRUE)) < 1).all()


def test_the_loss_is_crossentropy_and_what_dice_lacks():
    loss = float(BinaryCrossentropyDice()(TRUE, PREDICTED))
    expected = crossentropy_by_hand(TRUE, PREDICTED)
    expected += 1 - dice_by_hand(TRUE, PREDICTED).mean()
    assert loss == pytest.approx(expected, rel=1e-5)


def test_a_perfect_prediction_costs_nothing():
    binary = (TRUE > 0.5).astype(np.float32)
    assert float(BinaryCrossentropyDice()(binary, binary)) == pytest.approx(0, abs=1e-5)


@pytest.mark.parametrize("level", [0.0, 1.0])
def test_the_loss_is_finite_for_the_worst_prediction(level):
    true, predicted = (np.full_like(TRUE, value) for value in (1 - level, level))
    loss = float(BinaryCrossentropyDice()(true, predicted))
    assert np.isfinite(loss)
    assert loss > 10


def test_empty_crops_cost_nothing_when_they_are_found_empty():
    empty = np.zeros_like(TRUE)
    assert float(BinaryCrossentropyDice()(empty, empty)) == pytest.approx(0, abs=1e-5)


def test_the_loss_does_not_depend_on_the_crop_size():
    loss = BinaryCrossentropyDice()
    once = np.tile(TRUE, (1, 20, 20, 1)), np.tile(PREDICTED, (1, 20, 20, 1))
    twice = tuple(np.tile(array, (1, 2, 1, 1)) for array in once)
    assert float(loss(*once)) == pytest.approx(float(loss(*twice)), rel=1e-3)


def test_the_metric_is_the_dice_of_the_foreground():
    true, predicted = TRUE[..., 0] > 0.5, PREDICTED[..., 0] > 0.5
    expected = (2 * (true & predicted).sum() + 1) / (true.sum() + predicted.sum() + 1)
    assert float(foreground_dice(TRUE, PREDICTED)) == pytest.approx(expected)
    assert float(foreground_dice(TRUE, TRUE)) == 1
