from __future__ import annotations

import urllib.error
from typing import Any

import keras
import numpy as np
import pytest

from napari_unet_nuclei.core.errors import ModelError
from napari_unet_nuclei.core.models.bundle import ModelBundle
from napari_unet_nuclei.core.models.config import ModelConfig
from napari_unet_nuclei.core.networks.building import build_model, complete_arguments
from napari_unet_nuclei.core.networks.bundling import (
    get_weights,
    restore_model,
)
from napari_unet_nuclei.core.networks.exporting import add_openvino
from napari_unet_nuclei.core.networks.geometry import Geometry, measure_geometry
from napari_unet_nuclei.core.networks.resnet50 import ResNet50Shape, build_resnet50
from napari_unet_nuclei.core.openvino_runtime import import_openvino
from napari_unet_nuclei.core.settings.choices import Architecture

SMALL = {"widths": (4, 4, 4, 4)}
N_ENCODER_WEIGHTS = 23_587_712  # of Keras' ResNet50(include_top=False)


@pytest.fixture(scope="module")
def network() -> keras.Model:
    keras.utils.set_random_seed(0)
    return build_resnet50(ResNet50Shape(**SMALL, n_maps=1))


def run(network: keras.Model, pixels: np.ndarray) -> np.ndarray:
    return np.asarray(keras.ops.convert_to_numpy(network(pixels, training=False)))


def go_offline(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise urllib.error.URLError("no network here")

    monkeypatch.setattr("urllib.request.urlopen", fail)


def test_the_shape_does_not_change_by_accident() -> None:
    network = build_resnet50(ResNet50Shape())
    assert network.name == "resnet50"
    assert network.count_params() == 30_540_451
    assert network.output_shape == (None, None, None, 3)
    assert measure_geometry(network) == Geometry(stride=32, margin=368)


def test_the_encoder_is_that_of_keras(network: Any) -> None:
    from_encoder = [w for w in network.weights if w.path.startswith("conv")]
    assert sum(int(np.prod(w.shape)) for w in from_encoder) == N_ENCODER_WEIGHTS


def test_the_network_prepares_images_as_imagenet_wants_them(network: Any) -> None:
    prepare = keras.Model(network.input, network.get_layer("conv1_pad").input)
    pixels = np.random.default_rng(0).random((1, 4, 5, 3), np.float32)
    expected = keras.applications.resnet50.preprocess_input(255 * pixels)
    np.testing.assert_allclose(run(prepare, pixels), expected, atol=1e-4)


def test_the_decoder_is_made_of_elu_and_dropout(network: Any) -> None:
    names = [layer.name for layer in network.layers]
    assert sum(name.endswith("_elu") for name in names) == 2 * 4
    drops = [name for name in names if name.endswith("_dropout")]
    assert drops == [f"decoder{level}_dropout" for level in (3, 2, 1, 0)]
    assert {network.get_layer(name).rate for name in drops} == {0.1}
    last = names.index("decoder0_dropout")
    assert names[last - 1 : last + 2] == [
        "decoder0_0_elu",
        "decoder0_dropout",
        "decoder0_1_conv",
    ]


@pytest.mark.parametrize("shape", [(32, 64), (96, 32)])
def test_maps_have_the_size_of_the_image(network: Any, shape: tuple[int, ...]) -> None:
    assert run(network, np.zeros((1, *shape, 3), np.float32)).shape == (1, *shape, 1)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"widths": (4, 8)}, "widths must be 4 numbers"),
        ({"encoder_weights": "mine.h5"}, "must be 'imagenet' or None. Received: 'mine"),
        ({"upsampling": "cubic"}, "'cubic' is not a valid"),
    ],
)
def test_other_arguments_are_refused(arguments: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        build_resnet50(ResNet50Shape(**arguments))


def test_nothing_beyond_the_margin_matters(network: Any) -> None:
    stride, margin = 32, measure_geometry(network).margin
    side = (2 * margin // stride + 2) * stride
    image = np.random.default_rng(0).random((1, side, side, 3), np.float32)
    place = side // 2
    changed = image.copy()
    changed[0, place, place] += 100
    moved = np.abs(run(network, changed) - run(network, image))[0, ..., 0] > 0
    rows, columns = np.nonzero(moved)
    reach = max(np.abs(rows - place).max(), np.abs(columns - place).max())
    assert margin / 3 < reach <= margin


def test_imagenet_weights_go_into_the_encoder(monkeypatch: pytest.MonkeyPatch) -> None:
    build = keras.applications.ResNet50
    asked = []

    def build_known(*, weights: str, **options: Any) -> keras.Model:
        asked.append(weights)
        encoder = build(weights=None, **options)
        encoder.get_layer("conv1_conv").bias.assign(np.full(64, 7.0))
        return encoder

    monkeypatch.setattr(keras.applications, "ResNet50", build_known)
    arguments = {**SMALL, "encoder_weights": "imagenet"}
    trained = build_model("resnet50", arguments, pretrained=True)
    assert asked == ["imagenet"]
    bias = trained.get_layer("conv1_conv").bias
    np.testing.assert_array_equal(keras.ops.convert_to_numpy(bias), 7)


def test_weights_that_cannot_be_had_are_an_error_of_one_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    go_offline(monkeypatch)
    arguments = {**SMALL, "encoder_weights": "imagenet"}
    sentence = r"Expected ImageNet's weights .*no network here.*Go online, or train"
    with pytest.raises(ModelError, match=sentence):
        build_model("resnet50", arguments, pretrained=True)
    # Whoever reads the output as events is not bothered.
    assert capsys.readouterr().out == ""


def test_restoring_downloads_nothing(
    monkeypatch: pytest.MonkeyPatch, network: Any
) -> None:
    go_offline(monkeypatch)
    arguments = {**SMALL, "encoder_weights": "imagenet", "n_maps": 1}
    arguments = complete_arguments("resnet50", arguments)
    assert arguments["encoder_weights"] == "imagenet"
    restored = build_model("resnet50", arguments)
    assert restored.count_params() == network.count_params()


def test_a_bundle_holds_the_network(network: Any) -> None:
    geometry = measure_geometry(network)
    bundle = ModelBundle(
        name="deep",
        config=ModelConfig(
            architecture=Architecture.RESNET50,
            arguments={**SMALL, "n_maps": 1},
            maps=("foreground",),
            stride=geometry.stride,
            margin=geometry.margin,
            diameter=20.0,
        ),
        weights=get_weights(network),
    )
    pixels = np.random.default_rng(0).random((1, 64, 96, 3), np.float32)
    expected = run(network, pixels)
    np.testing.assert_array_equal(run(restore_model(bundle), pixels), expected)
    openvino = import_openvino()
    xml, weights = add_openvino(bundle).openvino
    core = openvino.Core()
    compiled = core.compile_model(
        core.read_model(xml, weights), "CPU", {"INFERENCE_PRECISION_HINT": "f32"}
    )
    for size in (64, 96), (32, 32):
        tile = pixels[:, : size[0], : size[1]]
        maps = compiled({0: np.ascontiguousarray(tile)})[0]
        np.testing.assert_allclose(maps, run(network, tile), atol=5e-3)


def test_statistics_settle_within_a_short_training(network: Any) -> None:
    normalisations = [
        layer
        for layer in network.layers
        if isinstance(layer, keras.layers.BatchNormalization)
    ]
    assert len(normalisations) == 53
    assert {layer.momentum for layer in normalisations} == {0.9}


def test_steps_of_training_help() -> None:
    network = build_resnet50(ResNet50Shape(**SMALL, n_maps=1))
    # Tracing fifty layers would take longer than a few steps without.
    network.compile(
        keras.optimizers.Adam(1e-3), "binary_crossentropy", run_eagerly=True
    )
    pixels = np.random.default_rng(0).random((2, 32, 32, 3), np.float32)
    truth = (pixels[..., :1] > 0.9).astype(np.float32)
    losses = [float(network.train_on_batch(pixels, truth)) for _ in range(3)]
    assert losses[-1] < losses[0]
