from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from keras import ops

from napari_unet_nuclei.core.errors import SettingsError
from napari_unet_nuclei.core.settings.choices import LossTerm
from napari_unet_nuclei.core.settings.training import TrainingSettings
from napari_unet_nuclei.core.training.losses import (
    focal_crossentropy,
    make_loss,
    soft_dice,
    tversky_index,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

rng = np.random.default_rng(0)
TRUE = (rng.random((2, 5, 6, 3)) > 0.4).astype(np.float32)
TRUE[..., 2] *= rng.random((2, 5, 6))
PREDICTED = rng.uniform(0.01, 0.99, TRUE.shape).astype(np.float32)
BINARY = (TRUE > 0.5).astype(np.float32)
DEFAULT = TrainingSettings.loss


def dice_by_hand(true: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    true, predicted = (array.reshape(-1, 3) for array in (true, predicted))
    squares = (true**2).sum(axis=0) + (predicted**2).sum(axis=0)
    return (2 * (true * predicted).sum(axis=0) + 1) / (squares + 1)


def crossentropy_by_hand(true: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    return -(true * np.log(predicted) + (1 - true) * np.log(1 - predicted))


def tversky_by_hand(true: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """As in the paper, for targets that are 0 or 1."""
    true, predicted = (array.reshape(-1, 3) for array in (true, predicted))
    found = (true * predicted).sum(axis=0)
    too_much = ((1 - true) * predicted).sum(axis=0)
    missed = (true * (1 - predicted)).sum(axis=0)
    return (found + 1) / (found + 0.3 * too_much + 0.7 * missed + 1)


def focal(true: np.ndarray, predicted: np.ndarray) -> float:
    tensors = (ops.convert_to_tensor(array) for array in (true, predicted))
    return float(focal_crossentropy(*tensors))


def test_dice_is_that_of_each_map() -> None:
    dice = ops.convert_to_numpy(soft_dice(TRUE, PREDICTED))
    assert dice.shape == (3,)
    np.testing.assert_allclose(dice, dice_by_hand(TRUE, PREDICTED), rtol=1e-5)


def test_the_tversky_index_minds_missed_pixels_more() -> None:
    index = ops.convert_to_numpy(tversky_index(BINARY, PREDICTED))
    assert index.shape == (3,)
    np.testing.assert_allclose(index, tversky_by_hand(BINARY, PREDICTED), rtol=1e-5)
    nothing, everything = np.zeros_like(BINARY), np.ones_like(BINARY)
    half = np.zeros_like(BINARY)
    half[:, :, :3] = 1
    missed, too_much = tversky_index(half, nothing), tversky_index(half, everything)
    assert (ops.convert_to_numpy(missed) < ops.convert_to_numpy(too_much)).all()


@pytest.mark.parametrize("overlap", [soft_dice, tversky_index])
@pytest.mark.parametrize("factor", [0.5, 0.9, 1.1, 1.5])
def test_an_overlap_is_one_only_where_maps_agree(
    overlap: Callable[..., Any], factor: float
) -> None:
    soft = 0.6 * TRUE
    np.testing.assert_allclose(ops.convert_to_numpy(overlap(soft, soft)), 1)
    assert (ops.convert_to_numpy(overlap(soft, factor * soft)) < 0.999).all()


def test_the_focal_loss_forgets_what_is_nearly_right() -> None:
    """For targets of 0 and 1 it is the paper's, with γ = 2."""
    right = np.where(BINARY == 1, PREDICTED, 1 - PREDICTED)
    expected = np.mean(-((1 - right) ** 2) * np.log(right))
    assert focal(BINARY, PREDICTED) == pytest.approx(expected, rel=1e-4)
    near = np.clip(BINARY, 0.1, 0.9)
    plain = np.mean(crossentropy_by_hand(BINARY, near))
    assert focal(BINARY, near) == pytest.approx(0.01 * plain, rel=1e-4)


def test_the_focal_loss_of_soft_maps_is_smallest_where_they_agree() -> None:
    soft = np.full((1, 2, 2, 1), 0.6, np.float32)
    losses = [focal(soft, soft + d) for d in (-0.2, 0, 0.2)]
    assert losses[1] == pytest.approx(0, abs=1e-6)
    assert min(losses[0], losses[2]) > 0.01


TERMS = {
    "binary_crossentropy": lambda: crossentropy_by_hand(TRUE, PREDICTED).mean(),
    "dice": lambda: 1 - dice_by_hand(TRUE, PREDICTED).mean(),
    "tversky": lambda: 1 - ops.convert_to_numpy(tversky_index(TRUE, PREDICTED)).mean(),
    "focal": lambda: focal(TRUE, PREDICTED),
}


@pytest.mark.parametrize(
    "name", [*LossTerm, DEFAULT, "dice+focal", "tversky + binary_crossentropy + focal"]
)
def test_a_loss_is_the_sum_of_its_terms(name: LossTerm | str) -> None:
    expected = sum(TERMS[term.strip()]() for term in name.split("+"))
    assert float(make_loss(name)(TRUE, PREDICTED)) == pytest.approx(expected, rel=1e-5)


def test_the_default_is_crossentropy_and_what_dice_lacks() -> None:
    expected = TERMS["binary_crossentropy"]() + TERMS["dice"]()
    assert float(make_loss(DEFAULT)(TRUE, PREDICTED)) == pytest.approx(expected)


def test_an_unknown_loss_is_refused() -> None:
    with pytest.raises(SettingsError, match=r"'dice\+hinge'"):
        make_loss("dice+hinge")


@pytest.mark.parametrize("name", [*LossTerm, DEFAULT])
def test_a_perfect_prediction_costs_nothing(name: LossTerm | str) -> None:
    assert float(make_loss(name)(BINARY, BINARY)) == pytest.approx(0, abs=1e-5)


@pytest.mark.parametrize("name", [*LossTerm, DEFAULT])
@pytest.mark.parametrize("level", [0.0, 1.0])
def test_a_loss_is_finite_for_the_worst_prediction(
    name: LossTerm | str, level: float
) -> None:
    true, predicted = (np.full_like(TRUE, value) for value in (1 - level, level))
    loss = float(make_loss(name)(true, predicted))
    assert np.isfinite(loss)
    assert loss > 0.9


@pytest.mark.parametrize("name", [*LossTerm, DEFAULT])
def test_the_loss_of_a_broken_network_is_no_number(name: LossTerm | str) -> None:
    assert np.isnan(float(make_loss(name)(TRUE, np.full_like(TRUE, np.nan))))


@pytest.mark.parametrize("name", [*LossTerm, DEFAULT])
def test_empty_crops_cost_nothing_when_they_are_found_empty(
    name: LossTerm | str,
) -> None:
    empty = np.zeros_like(TRUE)
    assert float(make_loss(name)(empty, empty)) == pytest.approx(0, abs=1e-5)


@pytest.mark.parametrize("name", [*LossTerm, DEFAULT])
def test_a_loss_does_not_depend_on_the_crop_size(name: LossTerm | str) -> None:
    loss = make_loss(name)
    once = np.tile(TRUE, (1, 20, 20, 1)), np.tile(PREDICTED, (1, 20, 20, 1))
    twice = tuple(np.tile(array, (1, 2, 1, 1)) for array in once)
    assert float(loss(*once)) == pytest.approx(float(loss(*twice)), rel=1e-3)


@pytest.mark.parametrize("name", list(LossTerm))
def test_one_map_alone_has_a_loss_too(name: LossTerm) -> None:
    true, predicted = TRUE[..., :1], PREDICTED[..., :1]
    assert 0 < float(make_loss(name)(true, predicted)) < 2
