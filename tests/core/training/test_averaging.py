from __future__ import annotations

import numpy as np
import pytest

from napari_unet_nuclei.core.training.averaging import WeightAverage, mix_weights


def weights(value: float) -> dict[str, np.ndarray]:
    return {"conv/kernel": np.full((2, 2), value, np.float32)}


def value_of(average: WeightAverage) -> float:
    kernel = average.weights["conv/kernel"]
    assert kernel.dtype == np.float32
    assert (kernel == kernel[0, 0]).all()
    return float(kernel[0, 0])


def test_late_in_a_run_the_momentum_counts() -> None:
    average = WeightAverage(weights(1.0), 0.9, step=1000)
    average.fold(weights(0.0), 1001)
    assert value_of(average) == pytest.approx(0.9)
    average.fold(weights(0.0), 1004)
    assert value_of(average) == pytest.approx(0.9**4)


def test_early_in_a_run_the_untrained_network_is_soon_forgotten() -> None:
    average = WeightAverage(weights(1.0), 0.99)
    average.fold(weights(0.0), 2)
    assert value_of(average) == pytest.approx((3 / 12) ** 2)


def test_without_a_momentum_there_is_no_average() -> None:
    average = WeightAverage(weights(1.0), 0)
    average.fold(weights(0.25), 1)
    assert value_of(average) == 0.25


def test_an_average_that_was_handed_out_stays_as_it_is() -> None:
    average = WeightAverage(weights(1.0), 0.9, step=100)
    before = average.weights
    average.fold(weights(0.0), 101)
    assert before["conv/kernel"][0, 0] == 1


def test_weights_are_mixed_one_by_one() -> None:
    mixed = mix_weights(weights(1.0), weights(3.0), 0.25)
    assert mixed.keys() == weights(0).keys()
    assert mixed["conv/kernel"].dtype == np.float32
    np.testing.assert_array_equal(mixed["conv/kernel"], 1.5)
    np.testing.assert_array_equal(
        mix_weights(weights(0.1), weights(3.0), 0)["conv/kernel"], np.float32(0.1)
    )
