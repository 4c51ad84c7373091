from __future__ import annotations

from typing import TYPE_CHECKING

import keras
import numpy as np
import pytest

from napari_unet_nuclei.core.networks.resnet import (
    ResNetShape,
    apply_residual_block,
    build_resnet,
)

if TYPE_CHECKING:
    from typing import Any


def test_the_shipped_shape_does_not_change_by_accident() -> None:
    network = build_resnet(ResNetShape())
    assert network.name == "resnet"
    assert network.count_params() == 2_028_227
    assert network.output_shape == (None, None, None, 3)


@pytest.mark.parametrize(
    ("arguments", "stride"),
    [
        ({}, 4),
        ({"stem_stride": 1}, 2),
        ({"widths": (4, 6, 8), "encoder_blocks": (1, 2, 1)}, 8),
        ({"upsampling": "bilinear", "decoder_blocks": 2, "n_maps": 1}, 4),
        ({"encoder_blocks": 2, "dropout": 0.3}, 4),
    ],
)
def test_maps_have_the_size_of_the_image(
    arguments: dict[Any, Any], stride: Any
) -> None:
    network = build_resnet(ResNetShape(**{"widths": (4, 8), **arguments}))
    n_maps = arguments.get("n_maps", 3)
    for shape in (stride, 3 * stride), (2 * stride, stride):
        maps = network(np.zeros((1, *shape, 3), np.float32))
        assert tuple(maps.shape) == (1, *shape, n_maps)


@pytest.mark.parametrize(
    ("filters", "strides", "has_convolution"),
    [(3, 1, False), (4, 1, True), (3, 2, True)],
)
def test_a_shortcut_is_a_convolution_only_where_shapes_differ(
    filters: int, strides: int, has_convolution: bool
) -> None:
    x = keras.Input((None, None, 3))
    y = apply_residual_block(x, filters, name="block", strides=strides)
    network = keras.Model(x, y)
    names = {layer.name for layer in network.layers}
    assert ("block_shortcut_conv" in names) == has_convolution
    maps = network(np.zeros((1, 4, 6, 3), np.float32))
    assert tuple(maps.shape) == (1, 4 // strides, 6 // strides, filters)


def test_a_block_that_has_learned_nothing_hands_its_input_on() -> None:
    x = keras.Input((None, None, 3))
    network = keras.Model(x, apply_residual_block(x, 3, name="block"))
    last = network.get_layer("block_1_conv")
    last.kernel.assign(0 * last.kernel)
    pixels = np.random.default_rng(0).random((1, 4, 6, 3), np.float32)
    maps = keras.ops.convert_to_numpy(network(pixels))
    np.testing.assert_allclose(maps, pixels, atol=1e-6)


def test_weights_are_named_after_their_place() -> None:
    paths = {weight.path for weight in build_resnet(ResNetShape(widths=(4, 8))).weights}
    expected = {"stem_conv/kernel", "encoder1_0_shortcut_conv/kernel"}
    expected |= {"decoder0_0_1_bn/moving_mean", "maps_logits/bias"}
    assert expected <= paths
