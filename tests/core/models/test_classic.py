from __future__ import annotations

import keras
import numpy as np
import pytest

from napari_unet_nuclei.core.models.classic import build_classic


def output_shape(network: keras.Model, shape: tuple[int, int]) -> tuple[int, ...]:
    return tuple(network(np.zeros((1, *shape, 3), np.float32)).shape)


def count(network: keras.Model, kind: type[keras.layers.Layer]) -> int:
    return sum(type(layer) is kind for layer in network.layers)


def test_the_shipped_shape_does_not_change_by_accident():
    network = build_classic()
    assert network.name == "classic"
    assert network.count_params() == 805_539
    assert network.output_shape == (None, None, None, 3)


@pytest.mark.parametrize(
    ("arguments", "multiple"),
    [
        ({}, 4),
        ({"stem_stride": 1}, 2),
        ({"widths": (4, 6, 8)}, 8),
        ({"widths": (4,)}, 2),
        ({"upsampling": "bilinear", "decoder_convolutions": 2}, 4),
        ({"encoder_convolutions": 1, "decoder_convolutions": 0}, 4),
        ({"batch_normalization": False, "dropout": 0.2, "n_maps": 1}, 4),
    ],
)
def test_maps_have_the_size_of_the_image(arguments, multiple):
    network = build_classic(**{"widths": (4, 8), **arguments})
    n_maps = arguments.get("n_maps", 3)
    for shape in (multiple, 3 * multiple), (2 * multiple, multiple):
        assert output_shape(network, shape) == (1, *shape, n_maps)


def test_arguments_change_the_layers():
    plain, bare = (
        build_classic(widths=(4, 8)),
        build_classic(
            widths=(4, 8),
            batch_normalization=False,
            dropout=0.1,
            encoder_convolutions=3,
        ),
    )
    assert count(plain, keras.layers.BatchNormalization) == 5
    assert count(plain, keras.layers.Dropout) == 0
    assert count(bare, keras.layers.BatchNormalization) == 0
    assert count(bare, keras.layers.Dropout) == 2
    assert count(bare, keras.layers.Conv2D) == 2 * 3 + 1


def test_weights_are_named_after_their_place():
    paths = {weight.path for weight in build_classic(widths=(4, 8)).weights}
    expected = {"encoder1_0_conv/kernel", "decoder0_up/bias", "maps_logits/kernel"}
    assert expected <= paths
    assert paths == {weight.path for weight in build_classic(widths=(4, 8)).weights}
