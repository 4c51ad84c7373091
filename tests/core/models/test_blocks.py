from __future__ import annotations

import keras
import numpy as np
import pytest

from napari_unet_nuclei.core.models.blocks import (
    Upsampling,
    apply_convolution,
    apply_maps,
    apply_upsampling,
)
from napari_unet_nuclei.core.models.bundling import precision

rng = np.random.default_rng(0)


def image(n_channels: int = 3) -> keras.KerasTensor:
    return keras.Input((None, None, n_channels), name="image")


def layer_names(network: keras.Model) -> list[str]:
    return [layer.name for layer in network.layers]


def run(network: keras.Model, pixels: np.ndarray) -> np.ndarray:
    return np.asarray(keras.ops.convert_to_numpy(network(pixels, training=False)))


def test_a_convolution_is_normalised_then_activated():
    x = image()
    network = keras.Model(x, apply_convolution(x, 5, name="one"))
    assert layer_names(network) == ["image", "one_conv", "one_bn", "one_relu"]
    assert not network.get_layer("one_conv").use_bias
    maps = run(network, rng.normal(size=(1, 8, 6, 3)).astype(np.float32))
    assert maps.shape == (1, 8, 6, 5)
    assert maps.min() >= 0


def test_a_convolution_may_be_bare():
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


def test_a_step_halves_the_resolution():
    x = image()
    network = keras.Model(x, apply_convolution(x, 2, name="one", strides=2))
    assert run(network, np.zeros((1, 8, 6, 3), np.float32)).shape == (1, 4, 3, 2)


@pytest.mark.parametrize(
    ("upsampling", "n_channels"),
    [(Upsampling.TRANSPOSED, 4), (Upsampling.BILINEAR, 3)],
)
@pytest.mark.parametrize("shape", [(1, 1), (4, 5)])
def test_upsampling_doubles_the_resolution(upsampling, n_channels, shape):
    x = image()
    network = keras.Model(x, apply_upsampling(x, 4, name="up", upsampling=upsampling))
    assert "up" in layer_names(network)
    pixels = np.ones((1, *shape, 3), np.float32)
    doubled = run(network, pixels)
    assert doubled.shape == (1, 2 * shape[0], 2 * shape[1], n_channels)


@pytest.mark.parametrize("shape", [(1, 1), (1, 5), (6, 7)])
def test_bilinear_upsampling_is_that_of_keras(shape):
    x = image()
    network = keras.Model(
        x, apply_upsampling(x, 4, name="up", upsampling=Upsampling.BILINEAR)
    )
    pixels = rng.normal(size=(2, *shape, 3)).astype(np.float32)
    expected = keras.layers.UpSampling2D(2, interpolation="bilinear")(pixels)
    np.testing.assert_allclose(
        run(network, pixels), keras.ops.convert_to_numpy(expected), atol=1e-6
    )


@pytest.mark.parametrize("policy", ["float32", "mixed_bfloat16"])
@pytest.mark.parametrize("stem_stride", [1, 2])
def test_maps_are_probabilities_at_full_resolution(stem_stride, policy):
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
