from __future__ import annotations

from typing import TYPE_CHECKING

import keras
import numpy as np
import pytest

from napari_unet_nuclei.core.networks.classic import ClassicShape, build_classic

if TYPE_CHECKING:
    from typing import Any


def output_shape(network: keras.Model, shape: tuple[int, int]) -> tuple[int, ...]:
    return tuple(network(np.zeros((1, *shape, 3), np.float32)).shape)


def count(network: keras.Model, kind: type[keras.layers.Layer]) -> int:
    return sum(type(layer) is kind for layer in network.layers)


def test_the_shipped_shape_does_not_change_by_accident() -> None:
    network = build_classic(ClassicShape())
    assert network.name == "classic"
    assert network.count_params() == 805_539
    assert network.output_shape == (None, None, None, 3)


@pytest.mark.parametrize(
    ("arguments", "stride"),
    [
        ({}, 4),
        ({"stem_stride": 1}, 2),
        ({"widths": (4, 6, 8)}, 8),
        ({"widths": (4,)}, 2),
        ({"upsampling": "bilinear", "decoder_convolutions": 2}, 4),
        ({"encoder_convolutions": 1, "decoder_convolutions": 0}, 4),
        ({"batch_normalization": False, "dropout": 0.2, "n_maps": 1}, 4),
        ({"bottleneck": False}, 8),
        ({"bottleneck": False, "widths": (4,), "upsampling": "nearest"}, 4),
        ({"upsampling": "nearest", "upsampling_filters": (5,), "stem_stride": 1}, 2),
        ({"n_channels": 1, "head_filters": 2}, 4),
    ],
)
def test_maps_have_the_size_of_the_image(
    arguments: dict[Any, Any], stride: Any
) -> None:
    network = build_classic(ClassicShape(**{"widths": (4, 8), **arguments}))
    n_maps = arguments.get("n_maps", 3)
    for shape in (stride, 3 * stride), (2 * stride, stride):
        assert output_shape(network, shape) == (1, *shape, n_maps)


def test_arguments_change_the_layers() -> None:
    plain, bare = (
        build_classic(ClassicShape(widths=(4, 8))),
        build_classic(
            ClassicShape(
                widths=(4, 8),
                batch_normalization=False,
                dropout=0.1,
                encoder_convolutions=3,
            )
        ),
    )
    assert count(plain, keras.layers.BatchNormalization) == 5
    assert count(plain, keras.layers.Dropout) == 0
    assert count(bare, keras.layers.BatchNormalization) == 0
    assert count(bare, keras.layers.Dropout) == 2
    assert count(bare, keras.layers.Conv2D) == 2 * 3 + 1


def test_each_level_may_have_its_own_dropout() -> None:
    network = build_classic(
        ClassicShape(
            widths=(4, 6, 8), dropout=[0, 0.2, 0.3], decoder_dropout=(0.1, 0), n_maps=1
        )
    )
    rates = {
        layer.name: layer.rate
        for layer in network.layers
        if isinstance(layer, keras.layers.Dropout)
    }
    assert rates == {
        "encoder1_dropout": 0.2,
        "encoder2_dropout": 0.3,
        "decoder0_dropout": 0.1,
    }


@pytest.mark.parametrize(
    ("dropout_after", "place"), [(None, 3), (1, 1), (2, 2), (5, 3)]
)
def test_dropout_comes_after_as_many_convolutions(
    dropout_after: int | None, place: int
) -> None:
    network = build_classic(
        ClassicShape(
            widths=(4,),
            dropout=0.1,
            encoder_convolutions=3,
            dropout_after=dropout_after,
        )
    )
    names = [layer.name for layer in network.layers]
    before = [
        name for name in names[: names.index("encoder0_dropout")] if "conv" in name
    ]
    assert len(before) == place


def test_without_a_bottleneck_every_level_has_a_skip() -> None:
    network = build_classic(ClassicShape(widths=(4, 8), bottleneck=False))
    assert count(network, keras.layers.MaxPooling2D) == 2
    assert count(network, keras.layers.Concatenate) == 2
    assert network.get_layer("decoder1_up").input.shape[-1] == 8


def test_upsampling_may_have_filters_of_its_own() -> None:
    network = build_classic(ClassicShape(widths=(4, 6, 8), upsampling_filters=(5, 7)))
    assert network.get_layer("decoder0_up").filters == 5
    assert network.get_layer("decoder1_up").filters == 7


def test_a_grey_network_sees_the_mean_of_the_channels() -> None:
    network = build_classic(ClassicShape(widths=(4, 8), n_channels=1))
    assert network.get_layer("encoder0_0_conv").kernel.shape == (3, 3, 1, 4)
    pixels = np.random.default_rng(0).random((1, 8, 8, 3), np.float32)
    grey = np.repeat(pixels.mean(axis=-1, keepdims=True), 3, axis=-1)
    maps, grey_maps = (
        keras.ops.convert_to_numpy(network(each, training=False))
        for each in (pixels, grey)
    )
    np.testing.assert_allclose(maps, grey_maps, atol=1e-6)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"n_channels": 2}, "n_channels must be 1 or 3. Received: 2"),
        ({"dropout": (0.1,)}, "dropout must be one number or one for each of the 2"),
        ({"decoder_dropout": (0.1, 0.1)}, "decoder_dropout must be .* each of the 1"),
        (
            {"upsampling_filters": ()},
            "upsampling_filters must be one for each of the 1",
        ),
    ],
)
def test_arguments_that_contradict_the_depth_are_refused(
    arguments: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(ValueError, match=sentence):
        build_classic(ClassicShape(widths=(4, 8), **arguments))


def test_weights_are_named_after_their_place() -> None:
    paths = {
        weight.path for weight in build_classic(ClassicShape(widths=(4, 8))).weights
    }
    expected = {"encoder1_0_conv/kernel", "decoder0_up/bias", "maps_logits/kernel"}
    assert expected <= paths
    assert paths == {
        weight.path for weight in build_classic(ClassicShape(widths=(4, 8))).weights
    }
