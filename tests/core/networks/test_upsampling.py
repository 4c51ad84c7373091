from __future__ import annotations

import keras
import numpy as np
import pytest

from napari_unet_nuclei.core.networks.upsampling import (
    Upsampling,
    apply_skip,
    apply_upsampling,
)

rng = np.random.default_rng(0)


def image(n_channels: int = 3) -> keras.KerasTensor:
    return keras.Input((None, None, n_channels), name="image")


def layer_names(network: keras.Model) -> list[str]:
    return [layer.name for layer in network.layers]


def run(network: keras.Model, pixels: np.ndarray) -> np.ndarray:
    return np.asarray(keras.ops.convert_to_numpy(network(pixels, training=False)))


@pytest.mark.parametrize(
    ("upsampling", "n_channels"),
    [(Upsampling.TRANSPOSED, 4), (Upsampling.BILINEAR, 3), (Upsampling.NEAREST, 4)],
)
@pytest.mark.parametrize("shape", [(1, 1), (4, 5)])
def test_upsampling_doubles_the_resolution(
    upsampling: Upsampling, n_channels: int, shape: tuple[int, ...]
) -> None:
    x = image()
    network = keras.Model(x, apply_upsampling(x, 4, name="up", upsampling=upsampling))
    assert layer_names(network)[-1].startswith("up")
    pixels = np.ones((1, *shape, 3), np.float32)
    doubled = run(network, pixels)
    assert doubled.shape == (1, 2 * shape[0], 2 * shape[1], n_channels)


@pytest.mark.parametrize("shape", [(1, 1), (1, 5), (6, 7)])
def test_bilinear_upsampling_is_that_of_keras(shape: tuple[int, ...]) -> None:
    x = image()
    network = keras.Model(
        x, apply_upsampling(x, 4, name="up", upsampling=Upsampling.BILINEAR)
    )
    pixels = rng.normal(size=(2, *shape, 3)).astype(np.float32)
    expected = keras.layers.UpSampling2D(2, interpolation="bilinear")(pixels)
    np.testing.assert_allclose(
        run(network, pixels), keras.ops.convert_to_numpy(expected), atol=1e-6
    )


def test_repeated_pixels_are_convolved() -> None:
    x = image()
    y = apply_upsampling(x, 4, name="up", upsampling=Upsampling.NEAREST)
    network = keras.Model(x, y)
    assert layer_names(network) == ["image", "up_repeat", "up_conv", "up_relu"]
    assert network.count_params() == 2 * 2 * 3 * 4 + 4


def test_a_skip_joins_what_the_encoder_saw() -> None:
    coarse, fine = keras.Input((None, None, 4)), keras.Input((None, None, 2))
    y = apply_skip(coarse, fine, 3, name="two", upsampling=Upsampling.TRANSPOSED)
    network = keras.Model([coarse, fine], y)
    assert {"two_up", "two_skip"} < set(layer_names(network))
    pixels = rng.random((1, 8, 6, 2), np.float32)
    joined = network([np.zeros((1, 4, 3, 4), np.float32), pixels], training=False)
    maps = keras.ops.convert_to_numpy(joined)
    assert maps.shape == (1, 8, 6, 5)
    np.testing.assert_array_equal(maps[..., 3:], pixels)
