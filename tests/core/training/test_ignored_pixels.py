"""Losses and metrics where a part of the pixels is not annotated."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import ops

from napari_unet_nuclei.core.settings.choices import LossTerm
from napari_unet_nuclei.core.settings.training import TrainingSettings
from napari_unet_nuclei.core.training.losses import make_loss
from napari_unet_nuclei.core.training.metrics import METRICS

if TYPE_CHECKING:
    from collections.abc import Callable

NAMES = [*LossTerm, TrainingSettings.loss]
SHAPE = (2, 5, 6, 3)
PIXELS = (0, 1, 2)


def draw_maps(seed: int) -> tuple[Any, Any, Any]:
    """Draw targets, predictions, and which pixels are annotated."""
    rng = np.random.default_rng(seed)
    true = (rng.random(SHAPE) > 0.4).astype(np.float32)
    true[..., 2] *= rng.random(SHAPE[:3])
    predicted = rng.uniform(0, 1, SHAPE).astype(np.float32)
    annotated = rng.random((*SHAPE[:3], 1)) < rng.random()
    return true, predicted, annotated


def crossentropy_before(true: Any, predicted: Any) -> Any:
    return ops.mean(ops.binary_crossentropy(true, predicted))


def focal_before(true: Any, predicted: Any) -> Any:
    crossentropy = ops.binary_crossentropy(true, predicted)
    return ops.mean(ops.square(true - predicted) * crossentropy)


def dice_before(true: Any, predicted: Any) -> Any:
    total = ops.sum(ops.square(true), PIXELS) + ops.sum(ops.square(predicted), PIXELS)
    return 1 - ops.mean((2 * ops.sum(true * predicted, PIXELS) + 1) / (total + 1))


def tversky_before(true: Any, predicted: Any) -> Any:
    overlap = ops.sum(ops.minimum(true, predicted), PIXELS)
    excess = ops.sum(ops.relu(predicted - true), PIXELS)
    lack = ops.sum(ops.relu(true - predicted), PIXELS)
    errors = 0.3 * excess + 0.7 * lack
    return 1 - ops.mean((overlap + 1) / (overlap + errors + 1))


BEFORE: dict[LossTerm, Callable[[Any, Any], Any]] = {
    LossTerm.BINARY_CROSSENTROPY: crossentropy_before,
    LossTerm.DICE: dice_before,
    LossTerm.TVERSKY: tversky_before,
    LossTerm.FOCAL: focal_before,
}
"""The losses as they are where every pixel is annotated."""


class LossBefore(keras.losses.Loss):
    """One of these, reduced as losses of training are."""

    def __init__(self, term: LossTerm) -> None:
        super().__init__(name=term, reduction=None)
        self._function = BEFORE[term]

    def call(self, y_true: Any, y_pred: Any) -> Any:
        return self._function(y_true, y_pred)


def weights_after_a_step(loss: Any, images: Any, targets: Any) -> list[Any]:
    """Train a network that sees one pixel at a time by one step."""
    n_maps = targets.shape[-1]
    network = keras.Sequential(
        [
            keras.Input((None, None, 3)),
            keras.layers.Conv2D(
                n_maps,
                1,
                activation="sigmoid",
                kernel_initializer=keras.initializers.RandomNormal(seed=0),
            ),
        ]
    )
    network.compile(optimizer=keras.optimizers.SGD(0.5), loss=loss)
    network.train_on_batch(images, targets)
    return [np.asarray(each) for each in network.get_weights()]


@pytest.mark.parametrize("name", LossTerm)
@pytest.mark.parametrize("seed", range(5))
def test_fully_annotated_crops_have_the_same_loss_to_the_bit(
    name: LossTerm, seed: int
) -> None:
    true, predicted, _ = draw_maps(seed)
    expected = ops.convert_to_numpy(BEFORE[name](true, predicted))
    assert ops.convert_to_numpy(make_loss(name)(true, predicted)) == expected


@pytest.mark.parametrize("name", LossTerm)
def test_fully_annotated_crops_have_the_same_gradient_to_the_bit(
    name: LossTerm,
) -> None:
    targets, images, _ = draw_maps(0)
    before = weights_after_a_step(LossBefore(name), images, targets)
    after = weights_after_a_step(make_loss(name), images, targets)
    for one, other in zip(before, after, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("name", [*NAMES, *METRICS])
@given(seed=st.integers(0, 2**32 - 1))
@settings(max_examples=25, deadline=None)
def test_predictions_in_ignored_pixels_change_nothing(name: str, seed: int) -> None:
    true, predicted, annotated = draw_maps(seed)
    true = np.where(annotated, true, -1).astype(np.float32)
    other = np.where(annotated, predicted, draw_maps(seed + 1)[1])
    function = METRICS.get(name) or make_loss(name)
    one = ops.convert_to_numpy(function(true, predicted))
    assert np.isfinite(one)
    assert one == ops.convert_to_numpy(function(true, other))


@pytest.mark.parametrize("n_maps", [1, 3])
@pytest.mark.parametrize("name", NAMES)
def test_ignored_pixels_change_no_gradient(name: str, n_maps: int) -> None:
    targets, images, annotated = draw_maps(1)
    targets = np.where(annotated, targets, -1).astype(np.float32)[..., :n_maps]
    others = np.where(annotated, images, draw_maps(2)[1])
    assert not np.array_equal(images, others)
    loss = make_loss(name)
    weights = weights_after_a_step(loss, images, targets)
    for one, other in zip(
        weights, weights_after_a_step(loss, others, targets), strict=True
    ):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("name", [*NAMES, *METRICS])
def test_only_annotated_rows_count(name: str) -> None:
    true, predicted, _ = draw_maps(3)
    function = METRICS.get(name) or make_loss(name)
    rows = function(true[:, :3], predicted[:, :3])
    true[:, 3:] = -1
    assert float(function(true, predicted)) == pytest.approx(float(rows), rel=1e-5)


@pytest.mark.parametrize("name", NAMES)
def test_a_map_may_be_known_where_another_is_not(name: str) -> None:
    true, predicted, _ = draw_maps(4)
    true[..., 2] = -1
    other = predicted.copy()
    other[..., 2] = 1 - other[..., 2]
    assert float(make_loss(name)(true, predicted)) == float(
        make_loss(name)(true, other)
    )
    other[..., 0] = 1 - other[..., 0]
    assert float(make_loss(name)(true, predicted)) != float(
        make_loss(name)(true, other)
    )


@pytest.mark.parametrize("name", NAMES)
def test_what_is_not_annotated_at_all_costs_nothing(name: str) -> None:
    _, predicted, _ = draw_maps(5)
    nothing = np.full(SHAPE, -1, np.float32)
    assert float(make_loss(name)(nothing, predicted)) == 0
    for metric in METRICS.values():
        assert float(metric(nothing, predicted)) == 1


@pytest.mark.parametrize("name", NAMES)
def test_a_target_that_is_no_number_is_not_ignored(name: str) -> None:
    true, predicted, _ = draw_maps(6)
    true[0, 1, 2] = np.nan
    assert np.isnan(float(make_loss(name)(true, predicted)))


@pytest.mark.parametrize("name", NAMES)
def test_a_replayed_crop_counts_as_much_as_three(name: str) -> None:
    true, predicted, _ = draw_maps(7)
    batch = [0, 1, 1, 1]
    expected = float(make_loss(name)(true[batch], predicted[batch]))
    loss = float(make_loss(name, 1)(true, predicted))
    assert loss == pytest.approx(expected, rel=1e-5)
    assert loss != pytest.approx(float(make_loss(name)(true, predicted)), rel=1e-5)


@pytest.mark.parametrize("term", LossTerm)
def test_a_crop_beside_replayed_ones_counts_however_little_is_annotated(
    term: LossTerm,
) -> None:
    true, predicted, _ = draw_maps(8)
    true, predicted = true[:2], predicted[:2]
    sparse = true.copy()
    sparse[0, :, 1:] = -1
    # Its one column is worth as much as if it filled the crop.
    width = true.shape[2]
    for maps in (true, predicted):
        maps[0] = np.repeat(maps[0, :, :1], width, axis=1)
    loss = make_loss(term, 1)
    expected = float(loss(true, predicted))
    assert float(loss(sparse, predicted)) == pytest.approx(expected, rel=1e-4)
    assert float(make_loss(term)(sparse, predicted)) != pytest.approx(expected)


@pytest.mark.parametrize("name", NAMES)
def test_beside_crops_without_annotation_only_replayed_ones_count(name: str) -> None:
    true, predicted, _ = draw_maps(9)
    true[:-1] = -1
    other = predicted.copy()
    other[:-1] = 1 - other[:-1]
    loss = make_loss(name, 1)
    value = float(loss(true, predicted))
    assert value > 0
    assert value == float(loss(true, other))
    assert value != float(loss(true, 1 - predicted))
