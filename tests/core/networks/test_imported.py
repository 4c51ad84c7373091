from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest

from napari_unet_nuclei.core.networks.bundling import precision
from napari_unet_nuclei.core.networks.geometry import measure_geometry
from napari_unet_nuclei.core.networks.imported import (
    ImportedShape,
    build_imported,
    layer_name,
)
from napari_unet_nuclei.core.networks.layer_kinds import LAYER_KINDS, check_layer

CONVOLUTION = {"kind": "Conv2D", "inputs": [0], "filters": 3, "kernel_size": [3, 3]}
# One layer of each kind, on an image of three channels.
EXAMPLES: list[dict[str, Any]] = [
    {"kind": "Activation", "activation": "tanh"},
    {"kind": "Add"},
    {"kind": "Average"},
    {"kind": "AveragePooling2D", "pool_size": [2, 2], "strides": [2, 2]},
    {"kind": "BatchNormalization", "epsilon": 1e-3, "center": False},
    {"kind": "Concatenate"},
    {"kind": "Conv2D", "filters": 4, "kernel_size": 3, "strides": 2, "padding": "same"},
    {"kind": "Conv2DTranspose", "filters": 4, "kernel_size": [2, 2], "strides": [2, 2]},
    {"kind": "Dropout", "rate": 0.3},
    {"kind": "ELU", "alpha": 0.7},
    {"kind": "GaussianDropout", "rate": 0.3},
    {"kind": "GaussianNoise", "stddev": 0.1},
    {"kind": "LeakyReLU", "negative_slope": 0.2},
    {"kind": "MaxPooling2D", "pool_size": 3, "strides": 2, "padding": "same"},
    {"kind": "Maximum"},
    {"kind": "Multiply"},
    {"kind": "ReLU", "max_value": None, "negative_slope": 0, "threshold": 0},
    {"kind": "Rescaling", "scale": 0.5, "offset": 0},
    {"kind": "SpatialDropout2D", "rate": 0.3},
    {"kind": "UpSampling2D", "size": [2, 2], "interpolation": "nearest"},
    {"kind": "UpSampling2D", "interpolation": "bilinear"},
    {"kind": "ZeroPadding2D", "padding": [[1, 1], [1, 1]]},
]


def run(network: keras.Model, pixels: np.ndarray) -> np.ndarray:
    return np.asarray(keras.ops.convert_to_numpy(network(pixels, training=False)))


def test_there_is_an_example_of_each_kind() -> None:
    assert {example["kind"] for example in EXAMPLES} == LAYER_KINDS.keys()


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example["kind"])
def test_a_layer_computes_what_that_of_keras_does(example: dict[str, Any]) -> None:
    kind = example["kind"]
    joins = LAYER_KINDS[kind].joins
    network = build_imported(
        ImportedShape(layers=[{**example, "inputs": [0, 0] if joins else [0]}])
    )
    layer = getattr(keras.layers, kind)(**check_layer(example))
    pixels = np.random.default_rng(0).normal(size=(2, 8, 12, 3)).astype(np.float32)
    inputs = [pixels, pixels] if joins else pixels
    layer(inputs)
    layer.set_weights(network.get_weights())
    np.testing.assert_allclose(
        run(network, pixels),
        keras.ops.convert_to_numpy(layer(inputs, training=False)),
        atol=1e-5,
    )
    assert network.layers[-1].name == layer_name(1, kind)


def test_layers_are_joined_by_number() -> None:
    layers = [
        {**CONVOLUTION, "padding": "same"},
        {"kind": "Concatenate", "inputs": [0, 1]},
        {"kind": "Multiply", "inputs": [2, 2]},
    ]
    network = build_imported(ImportedShape(layers=layers))
    pixels = np.random.default_rng(0).random((1, 8, 8, 3), np.float32)
    maps = run(network, pixels)
    assert maps.shape == (1, 8, 8, 6)
    np.testing.assert_allclose(maps[..., :3], pixels**2, atol=1e-6)


def test_a_grey_network_sees_the_mean_of_the_channels() -> None:
    network = build_imported(
        ImportedShape(
            layers=[{"kind": "Rescaling", "inputs": [0], "scale": 2, "offset": 1}],
            n_channels=1,
        )
    )
    pixels = np.random.default_rng(0).random((1, 4, 4, 3), np.float32)
    expected = 1 + 2 * pixels.mean(axis=-1, keepdims=True)
    np.testing.assert_allclose(run(network, pixels), expected, atol=1e-6)


def test_image_and_maps_are_never_rounded_to_half_precision() -> None:
    layers = [
        {"kind": "Rescaling", "inputs": [0], "scale": 255.0, "offset": 0.0},
        {**CONVOLUTION, "inputs": [1]},
        {**CONVOLUTION, "inputs": [2], "activation": "sigmoid"},
    ]
    with precision("mixed_bfloat16"):
        network = build_imported(ImportedShape(layers=layers))
    assert [layer.compute_dtype for layer in network.layers[1:]] == [
        "float32",
        "bfloat16",
        "float32",
    ]


def convolution(source: int, **options: Any) -> dict[str, Any]:
    options = {"filters": 4, "kernel_size": 3, "padding": "same", **options}
    return {"kind": "Conv2D", "inputs": [source], **options}


def transposed(source: int, kernel_size: int) -> dict[str, Any]:
    changes = {"kind": "Conv2DTranspose", "kernel_size": kernel_size, "strides": 2}
    return convolution(source) | changes


@pytest.mark.parametrize(
    "layers",
    [
        [convolution(0, strides=2), transposed(1, 3)],
        [convolution(0, strides=2), convolution(1), transposed(2, 4)],
        [
            {"kind": "MaxPooling2D", "inputs": [0], "pool_size": 3, "strides": 2},
            {"kind": "UpSampling2D", "inputs": [1]},
            convolution(2, kernel_size=2),
        ],
        [
            {"kind": "ZeroPadding2D", "inputs": [0], "padding": 3},
            convolution(1, kernel_size=7, padding="valid"),
        ],
        [
            {"kind": "AveragePooling2D", "inputs": [0], "pool_size": 2},
            {"kind": "UpSampling2D", "inputs": [1], "interpolation": "bilinear"},
        ],
    ],
    ids=["transposed 3", "transposed 4", "repeated", "padded", "bilinear"],
)
def test_nothing_beyond_the_margin_matters(layers: list[Any]) -> None:
    network = build_imported(ImportedShape(layers=layers))
    # The same weights wherever; a zero would hide how far a kernel reaches.
    network.set_weights([np.ones(weight.shape) for weight in network.weights])
    geometry = measure_geometry(network)
    side = 2 * geometry.margin + 8 * geometry.stride
    image = np.random.default_rng(0).random((1, side, side, 3), np.float32)
    before = run(network, image)
    for offset in range(geometry.stride):
        place = side // 2 + offset
        changed = image.copy()
        changed[0, place, place] += 100
        rows, columns = np.nonzero((run(network, changed) != before)[0].any(axis=-1))
        reach = max(np.abs(rows - place).max(), np.abs(columns - place).max())
        assert 0 < reach <= geometry.margin


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (
            {"kind": "Lambda"},
            "'Lambda' is none of the layers that can be imported: Act",
        ),
        ({"kind": ["Conv2D"]}, "unhashable"),
        ({"kind": None}, "None is none of"),
        ({"function": "print"}, "Conv2D takes no 'function'"),
        ({"filters": 0}, "filters of Conv2D must be an integer from 1 to 8192"),
        ({"filters": 10**9}, "must be an integer from 1 to 8192. Received: 1000000000"),
        ({"filters": "3"}, "must be an integer"),
        ({"filters": True}, "must be an integer"),
        ({"kernel_size": [3, 5]}, "must be the same in all directions"),
        ({"kernel_size": [3, 3, 3]}, "must be an integer from 1 to 31"),
        ({"padding": "causal"}, "padding of Conv2D must be one of same, valid"),
        ({"activation": "mine"}, "activation of Conv2D must be one of elu, gelu"),
        ({"activation": {"class_name": "function"}}, "activation of Conv2D must be"),
        ({"use_bias": 1}, "must be true or false"),
        ({"inputs": [1]}, "must be an integer from 0 to 0"),
        ({"inputs": [-1]}, "must be an integer from 0 to 0"),
        ({"inputs": ["image"]}, "must be an integer from 0 to 0"),
        ({"inputs": []}, "Conv2D has one input. Received: 0"),
        ({"inputs": [0, 0]}, "Conv2D has one input. Received: 2"),
        ({"inputs": None}, "not iterable"),
    ],
    ids=str,
)
def test_a_wrong_description_is_refused(change: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValueError, match=f"layer 1: .*{sentence}"):
        build_imported(ImportedShape(layers=[{**CONVOLUTION, **change}]))


@pytest.mark.parametrize(
    ("example", "sentence"),
    [
        ({"kind": "Dropout", "rate": 1.0}, r"must lie in \[0, 1\)"),
        ({"kind": "Dropout", "rate": None}, "must be a finite number"),
        ({"kind": "ELU", "alpha": float("inf")}, "must be a finite number"),
        ({"kind": "ReLU", "max_value": "6"}, "must be a finite number"),
        ({"kind": "Conv2DTranspose", "strides": 3}, "must be an integer from 2 to 2"),
        ({"kind": "ZeroPadding2D", "padding": [[0, 1], [0, 1]]}, "in all directions"),
    ],
    ids=str,
)
def test_other_arguments_are_refused(example: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        check_layer(example)


def test_a_join_needs_two_inputs() -> None:
    with pytest.raises(ValueError, match=r"Add has two or more inputs\. Received: 1"):
        build_imported(ImportedShape(layers=[{"kind": "Add", "inputs": [0]}]))


@pytest.mark.parametrize("n_layers", [0, 2001])
def test_the_number_of_layers_is_limited(n_layers: int) -> None:
    with pytest.raises(ValueError, match=f"1 to 2000 layers.* Received: {n_layers}"):
        build_imported(ImportedShape(layers=[CONVOLUTION] * n_layers))


def test_the_number_of_channels_is_limited() -> None:
    with pytest.raises(ValueError, match=r"n_channels must be 1 or 3\. Received: 4"):
        build_imported(ImportedShape(layers=[CONVOLUTION], n_channels=4))


def test_huge_networks_are_refused_before_they_take_memory() -> None:
    build_imported(ImportedShape(layers=[CONVOLUTION]), max_weights=200)
    with pytest.raises(ValueError, match="layer 3: more than 200 weights"):
        build_imported(ImportedShape(layers=[CONVOLUTION] * 3), max_weights=200)
