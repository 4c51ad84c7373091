from __future__ import annotations

import keras
import numpy as np
import pytest

from napari_unet_nuclei.core.networks.blocks import (
    Level,
    apply_convolution,
    apply_grey,
    apply_level,
    apply_maps,
    each_level,
)
from napari_unet_nuclei.core.networks.bundling import precision

rng = np.random.default_rng(0)


def image(n_channels: int = 3) -> keras.KerasTensor:
    return keras.Input((None, None, n_channels), name="image")


def layer_names(network: keras.Model) -> list[str]:
    return [layer.name for layer in network.layers]


def run(network: keras.Model, pixels: np.ndarray) -> np.ndarray:
    return np.asarray(keras.ops.convert_to_numpy(network(pixels, training=False)))


def test_a_convolution_is_normalised_then_activated() -> None:
    x = image()
    network = keras.Model(x, apply_convolution(x, 5, name="one"))
    assert layer_names(network) == ["image", "one_conv", "one_bn", "one_relu"]
    assert not network.get_layer("one_conv").use_bias
    maps = run(network, rng.normal(size=(1, 8, 6, 3)).astype(np.float32))
    assert maps.shape == (1, 8, 6, 5)
    assert maps.min() >= 0


def test_a_convolution_may_be_bare() -> None:
    x = image()
    y = apply_convolution(
        x, 5, name="one", batch_normalization=False, activation=None, kernel_size=1
    )
    network = keras.Model(x, y)
    assert layer_names(network) == ["image", "one_conv"]
    assert network.get_layer("one_conv").use_bias
    assert network.count_params() == 3 * 5 + 5
    pixels = rng.normal(size=(1, 4, 4, 3)).astype(np.float32)
    assert run(network, pixels).min() < 0


def test_a_step_halves_the_resolution() -> None:
    x = image()
    network = keras.Model(x, apply_convolution(x, 2, name="one", strides=2))
    assert run(network, np.zeros((1, 8, 6, 3), np.float32)).shape == (1, 4, 3, 2)


def test_a_level_is_convolutions_and_dropout() -> None:
    x = image()
    level = Level(filters=4, n_convolutions=2, activation="elu", dropout=0.1)
    network = keras.Model(x, apply_level(x, level, strides=2, name="one"))
    of_one = ["one_{}_conv", "one_{}_bn", "one_{}_elu"]
    names = [name.format(index) for index in range(2) for name in of_one]
    assert layer_names(network) == ["image", *names, "one_dropout"]
    assert run(network, np.zeros((1, 8, 6, 3), np.float32)).shape == (1, 4, 3, 4)


def test_a_level_may_be_empty() -> None:
    x = image()
    empty = Level(filters=4, n_convolutions=0, dropout=0.5)
    assert apply_level(x, empty, name="one") is x


def test_a_setting_is_spelled_out_for_each_level() -> None:
    assert each_level(0.1, 3, "dropout") == (0.1, 0.1, 0.1)
    assert each_level([0, 0.5], 2, "dropout") == (0, 0.5)
    with pytest.raises(ValueError, match=r"each of the 3 levels. Received: \[0.1\]"):
        each_level([0.1], 3, "dropout")


def test_grey_is_the_mean_of_the_channels() -> None:
    x = image()
    network = keras.Model(x, apply_grey(x))
    pixels = rng.random((1, 4, 5, 3), np.float32)
    np.testing.assert_allclose(
        run(network, pixels), pixels.mean(axis=-1, keepdims=True), atol=1e-6
    )


@pytest.mark.parametrize("policy", ["float32", "mixed_bfloat16"])
@pytest.mark.parametrize("stem_stride", [1, 2])
def test_maps_are_probabilities_at_full_resolution(
    stem_stride: int, policy: str
) -> None:
    with precision(policy):
        x = image()
        network = keras.Model(x, apply_maps(x, 2, stem_stride=stem_stride))
    assert layer_names(network) == ["image", "maps_logits", "maps"]
    pixels = rng.normal(size=(1, 4, 5, 3)).astype(np.float32)
    maps = run(network, pixels)
    assert maps.shape == (1, 4 * stem_stride, 5 * stem_stride, 2)
    assert maps.dtype == np.float32
    assert maps.min() > 0
    assert maps.max() < 1
