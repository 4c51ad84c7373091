from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import keras
import numpy as np
import pytest

from napari_unet_nuclei.core.engines.keras import KerasEngine
from napari_unet_nuclei.core.engines.openvino import OpenVinoEngine
from napari_unet_nuclei.core.networks.bundling import restore_model, set_weights
from napari_unet_nuclei.core.networks.openvino_layers import write_openvino
from napari_unet_nuclei.core.openvino_runtime import import_openvino

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from napari_unet_nuclei.core.models.bundle import ModelBundle


@pytest.mark.parametrize(
    ("architecture", "arguments"),
    [
        ("classic", {}),
        ("classic", {"stem_stride": 1, "bottleneck": False, "dropout": 0.2}),
        ("classic", {"batch_normalization": False, "head_filters": 4}),
        ("resnet", {}),
        ("resnet", {"encoder_blocks": (1, 2), "batch_normalization": False}),
    ],
)
def test_a_network_computes_the_same(
    make_bundle: Callable[..., ModelBundle], architecture: str, arguments: Any
) -> None:
    bundle = make_bundle(architecture, **arguments)
    form = write_openvino(restore_model(bundle), bundle.weights)
    assert form is not None
    # Not square, and larger than a stride: padding at every side shows.
    tiles = np.random.default_rng(0).random((2, 48, 80, 3), dtype=np.float32)
    maps = OpenVinoEngine(replace(bundle, openvino=form), "f32").predict(tiles)
    expected = KerasEngine.from_bundle(bundle).predict(tiles)
    assert np.ptp(expected) > 0.01
    np.testing.assert_allclose(maps, expected, atol=2e-3)


def layered(*layers: keras.layers.Layer) -> keras.Model:
    image = keras.Input((None, None, 3))
    x = image
    for layer in layers:
        x = layer(x)
    return keras.Model(image, x)


@pytest.mark.parametrize("size", [2, 3, 4])
@pytest.mark.parametrize("padding", ["same", "valid"])
def test_kernels_of_all_sizes_compute_the_same(size: int, padding: str) -> None:
    network = layered(
        keras.layers.Conv2D(4, size, strides=2, padding=padding, activation="relu"),
        keras.layers.MaxPooling2D(size, strides=2, padding=padding),
        keras.layers.Conv2DTranspose(2, size, strides=2, padding="same"),
    )
    rng = np.random.default_rng(0)
    tiles = rng.random((1, 33, 46, 3), dtype=np.float32)
    weights = {
        each.path: rng.normal(size=each.shape).astype(np.float32)
        for each in network.weights
    }
    form = write_openvino(network, weights)
    assert form is not None
    set_weights(network, weights)
    compiled = import_openvino().compile_model(
        import_openvino().Core().read_model(*form),
        config={"INFERENCE_PRECISION_HINT": "f32"},
    )
    expected = KerasEngine(network).predict(tiles)
    found = compiled(tiles)[0]
    np.testing.assert_allclose(found, expected, atol=0.01 * np.ptp(expected))


@pytest.mark.parametrize(
    "layer",
    [
        keras.layers.UpSampling2D(2),
        keras.layers.Conv2D(4, 3, padding="same", activation="elu"),
        keras.layers.Conv2D(3, 3, padding="same", groups=3),
        keras.layers.Conv2DTranspose(4, 3, strides=2, padding="valid"),
        keras.layers.Conv2DTranspose(4, 3, strides=1, padding="same"),
        keras.layers.Activation("gelu"),
    ],
)
def test_what_is_not_known_is_left_to_others(layer: keras.layers.Layer) -> None:
    network = layered(layer)
    weights = {each.path: np.array(each) for each in network.weights}
    assert write_openvino(network, weights) is None
