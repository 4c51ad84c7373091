from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import h5py
import keras
import numpy as np

from napari_unet_nuclei.core.conversion.importing import import_model
from napari_unet_nuclei.core.networks.bundling import restore_model

if TYPE_CHECKING:
    from pathlib import Path

rng = np.random.default_rng(0)
PIXELS = rng.random((1, 32, 48, 3), np.float32)


def sigmoid(values: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-values))


def test_files_of_old_versions_are_understood(
    tmp_path: Path, without_openvino: Any
) -> None:
    """As Keras 2.1 wrote them: no modules, marshalled code, a list as an axis."""
    kernel = rng.normal(size=(1, 1, 3, 1)).astype("f4")
    gamma, beta, mean, variance = rng.uniform(0.5, 1.5, (4, 1)).astype("f4")

    def layer(kind: str, name: str, source: str, **config: Any) -> dict[str, Any]:
        nodes = [[[source, 0, 0, {}]]] if source else []
        config = {"name": name, "trainable": True, **config}
        return {
            "class_name": kind,
            "name": name,
            "config": config,
            "inbound_nodes": nodes,
        }

    described = [
        layer("InputLayer", "input_1", "", batch_input_shape=[None, 64, 64, 3]),
        layer("Lambda", "lambda_1", "input_1", function=["4wEAAAA=", None, None]),
        layer(
            *("Conv2D", "conv2d_1", "lambda_1"),
            **{"filters": 1, "kernel_size": [1, 1], "strides": [1, 1]},
            **{"padding": "valid", "data_format": "channels_last"},
            **{"dilation_rate": [1, 1], "activation": "linear", "use_bias": False},
        ),
        layer(
            *("BatchNormalization", "bn_1", "conv2d_1"),
            **{"axis": [3], "momentum": 0.99, "epsilon": 0.001},
        ),
        layer("LeakyReLU", "leaky_1", "bn_1", alpha=0.25),
        layer("Activation", "activation_1", "leaky_1", activation="sigmoid"),
    ]
    config = {
        "class_name": "Model",
        "config": {
            "name": "model_1",
            "layers": described,
            "input_layers": [["input_1", 0, 0]],
            "output_layers": [["activation_1", 0, 0]],
        },
    }
    path = tmp_path / "old.h5"
    arrays = {
        "conv2d_1": [("conv2d_1/kernel:0", kernel)],
        "bn_1": [
            ("bn_1/gamma:0", gamma),
            ("bn_1/beta:0", beta),
            ("bn_1/moving_mean:0", mean),
            ("bn_1/moving_variance:0", variance),
        ],
    }
    with h5py.File(path, "w") as file:
        file.attrs["model_config"] = json.dumps(config).encode()
        root = file.create_group("model_weights")
        root.attrs["layer_names"] = [each["name"].encode() for each in described]
        for each in described:
            group = root.create_group(each["name"])
            weights = arrays.get(each["name"], [])
            group.attrs["weight_names"] = [name.encode() for name, _ in weights]
            for name, array in weights:
                group[name] = array
    x = (PIXELS @ kernel[0, 0] - mean) / np.sqrt(variance + 0.001) * gamma + beta
    expected = sigmoid(np.where(x > 0, x, 0.25 * x))
    network = restore_model(import_model(path).bundle)
    maps = keras.ops.convert_to_numpy(network(PIXELS, training=False))
    np.testing.assert_allclose(maps, expected, atol=1e-5)
