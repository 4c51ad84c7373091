from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from napari_unet_nuclei.core.engines.openvino_graph import (
    hand_out_maps,
    shuffle_last_upsampling,
    split_concatenations,
    take_grey,
)
from napari_unet_nuclei.core.networks.bundling import export_openvino
from napari_unet_nuclei.core.openvino_runtime import import_openvino

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

openvino = import_openvino()
TILES = np.random.default_rng(0).random((2, 48, 32, 3), np.float32)
ARGUMENTS = {
    "classic": {},
    "resnet": {"upsampling": "bilinear"},
    "full resolution": {"stem_stride": 1},
}


@pytest.fixture(scope="module", params=ARGUMENTS)
def network(
    request: pytest.FixtureRequest, make_bundle: Callable[..., Any]
) -> Callable[[], openvino.Model]:
    """Read a fresh network; the second time without Keras."""
    architecture = "resnet" if request.param == "resnet" else "classic"
    bundle = make_bundle(architecture, **ARGUMENTS[request.param])
    xml, weights = export_openvino(bundle)
    return lambda: openvino.Core().read_model(model=xml, weights=weights)


def run(network: openvino.Model, tiles: np.ndarray) -> np.ndarray:
    options = {"INFERENCE_PRECISION_HINT": "f32"}
    compiled = openvino.Core().compile_model(network, "CPU", options)
    return compiled(tiles)[0]


def kinds(network: openvino.Model) -> list[str]:
    return [node.get_type_name() for node in network.get_ordered_ops()]


def test_concatenations_are_split_without_a_change(network: Callable[..., Any]) -> None:
    plain, changed = network(), network()
    split_concatenations(changed)
    np.testing.assert_allclose(run(changed, TILES), run(plain, TILES), atol=1e-5)
    assert kinds(plain).count("Concat") > kinds(changed).count("Concat")
    assert kinds(changed).count("Convolution") > kinds(plain).count("Convolution")


def test_the_last_upsampling_is_shuffled_without_a_change(
    network: Callable[..., Any],
) -> None:
    plain, changed = network(), network()
    shuffle_last_upsampling(changed)
    np.testing.assert_allclose(run(changed, TILES), run(plain, TILES), atol=1e-5)
    transposed = [kinds(n).count("ConvolutionBackpropData") for n in (plain, changed)]
    has_stem = "DepthToSpace" in kinds(changed)
    assert transposed[0] - transposed[1] == int(has_stem)


def test_only_maps_are_shuffled(make_bundle: Callable[..., Any]) -> None:
    bundle = make_bundle("classic", stem_stride=1)
    xml, weights = export_openvino(bundle)
    changed = openvino.Core().read_model(model=xml, weights=weights)
    before = kinds(changed)
    shuffle_last_upsampling(changed)
    assert kinds(changed) == before


def test_maps_are_handed_out_as_planes(network: Callable[..., Any]) -> None:
    planes = run(hand_out_maps(network()), TILES)
    assert planes.shape == (2, 3, 48, 32)
    expected = run(network(), TILES)
    np.testing.assert_allclose(np.moveaxis(planes, 1, -1), expected, atol=1e-6)


def test_a_grey_plane_is_seen_as_three(network: Callable[..., Any]) -> None:
    grey = TILES[..., :1]
    expected = run(network(), np.repeat(grey, 3, axis=-1))
    np.testing.assert_allclose(run(take_grey(network()), grey), expected, atol=1e-6)


def test_kernels_that_are_computed_are_left_alone() -> None:
    ops = openvino.opset13
    image = ops.parameter([1, 4, 8, 8], np.float32, name="image")
    joined = ops.concat([image, image], axis=1)
    kernel = ops.multiply(np.ones((2, 8, 1, 1), np.float32), np.float32(2))
    convolved = ops.convolution(joined, kernel, [1, 1], [0, 0], [0, 0], [1, 1])
    network = openvino.Model([ops.result(convolved)], [image], "quantised")
    before = kinds(network)
    split_concatenations(network)
    shuffle_last_upsampling(network)
    assert kinds(network) == before
