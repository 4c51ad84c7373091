"""A network that has grown computes exactly the same, bit by bit."""

from __future__ import annotations

from typing import TYPE_CHECKING

import keras
import numpy as np
import pytest

from napari_unet_nuclei.core.errors import ModelError
from napari_unet_nuclei.core.models.bundle import read_bundle
from napari_unet_nuclei.core.models.store import find_model
from napari_unet_nuclei.core.networks.building import build_model, complete_arguments
from napari_unet_nuclei.core.networks.bundling import (
    get_weights,
    set_weights,
    without_normalization,
)
from napari_unet_nuclei.core.networks.growing import add_residual_blocks
from napari_unet_nuclei.core.settings.choices import Architecture

if TYPE_CHECKING:
    from typing import Any

    from napari_unet_nuclei.core.models.weights import Weights

RESNET = Architecture.RESNET


def restore(arguments: dict[str, Any], weights: Weights) -> keras.Model:
    model = build_model(RESNET, arguments)
    set_weights(model, weights)
    return model


def make_weights(arguments: dict[str, Any]) -> Weights:
    """Weights of a network as training might leave them, means and variances too."""
    rng = np.random.default_rng(3)
    return {
        path: np.abs(value + rng.normal(0, 0.1, value.shape).astype(np.float32))
        if "variance" in path
        else value + rng.normal(0, 0.1, value.shape).astype(np.float32)
        for path, value in get_weights(build_model(RESNET, arguments)).items()
    }


@pytest.mark.parametrize(
    "changes",
    [
        {"upsampling": "transposed"},
        {"upsampling": "bilinear"},
        {"upsampling": "nearest"},
        {"batch_normalization": False},
        {"encoder_blocks": (1, 2, 1), "stem_stride": 1},
        {"decoder_blocks": 2, "n_maps": 1},
    ],
)
@pytest.mark.parametrize("n_blocks", [1, 2])
def test_a_grown_network_computes_exactly_the_same(
    changes: dict[str, Any], n_blocks: int
) -> None:
    arguments = complete_arguments(RESNET, {"widths": (4, 6, 8), **changes})
    weights = make_weights(arguments)
    more, grown = add_residual_blocks(RESNET, arguments, weights, n_blocks)
    assert all(grown[path] is value for path, value in weights.items())
    # Images whose borders fall on the stride, and some so small that all is border.
    for shape in ((24, 40), (8, 8)):
        image = np.random.default_rng(0).random((2, *shape, 3), np.float32)
        before, after = restore(arguments, weights), restore(more, grown)
        np.testing.assert_array_equal(
            *(keras.ops.convert_to_numpy(each(image)) for each in (before, after))
        )


def test_the_shipped_model_grows_too() -> None:
    bundle = read_bundle(find_model("resnet"))
    arguments, weights = without_normalization(bundle)
    more, grown = add_residual_blocks(RESNET, arguments, weights, 1)
    image = np.random.default_rng(0).random((1, 64, 96, 3), np.float32)
    before, after = restore(arguments, weights), restore(more, grown)
    assert after.count_params() > 1.5 * before.count_params()
    np.testing.assert_array_equal(
        *(keras.ops.convert_to_numpy(each(image)) for each in (before, after))
    )


def test_new_blocks_learn() -> None:
    arguments = complete_arguments(
        RESNET, {"widths": (4, 6), "batch_normalization": False}
    )
    more, grown = add_residual_blocks(RESNET, arguments, make_weights(arguments), 1)
    model = restore(more, grown)
    model.compile(optimizer=keras.optimizers.SGD(0.1), loss="mse")
    rng = np.random.default_rng(0)
    model.train_on_batch(
        rng.random((2, 16, 16, 3), np.float32), np.ones((2, 16, 16, 3), np.float32)
    )
    after = get_weights(model)
    for block in ("encoder0_1", "encoder1_1", "decoder0_1"):
        assert after[f"{block}_1_conv/kernel"].any()


def test_the_seed_decides_how_they_begin() -> None:
    arguments = complete_arguments(RESNET, {"widths": (4, 6)})
    first, again, other = (
        add_residual_blocks(RESNET, arguments, {}, 1, seed)[1] for seed in (1, 1, 2)
    )
    kernel = "encoder0_1_0_conv/kernel"
    np.testing.assert_array_equal(first[kernel], again[kernel])
    assert (first[kernel] != other[kernel]).any()


def test_other_networks_do_not_grow() -> None:
    with pytest.raises(ModelError, match=r"'classic'.*leave out grow=1\."):
        add_residual_blocks(Architecture.CLASSIC, {}, {}, 1)


@pytest.mark.parametrize("name", ["encoder_blocks", "decoder_blocks"])
def test_a_level_without_blocks_does_not_grow(name: str) -> None:
    arguments = complete_arguments(RESNET, {"widths": (4, 6), name: 0})
    with pytest.raises(ModelError, match="Expected a residual block at each level"):
        add_residual_blocks(RESNET, arguments, {}, 1)
