from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from keras import ops

from napari_unet_nuclei.core.networks.building import build_model
from napari_unet_nuclei.core.networks.bundling import restore_model
from napari_unet_nuclei.core.networks.geometry import Geometry, measure_geometry

if TYPE_CHECKING:
    from collections.abc import Callable

SMALL: list[tuple[str, dict[str, Any]]] = [
    ("classic", {}),
    ("classic", {"widths": (4, 6, 8)}),
    ("classic", {"stem_stride": 1}),
    ("classic", {"upsampling": "bilinear"}),
    ("classic", {"encoder_convolutions": 1, "decoder_convolutions": 0}),
    ("resnet", {}),
    ("resnet", {"widths": (4, 6, 8), "upsampling": "bilinear"}),
    ("resnet", {"stem_stride": 1, "encoder_blocks": (1, 2), "decoder_blocks": 2}),
]


@pytest.mark.parametrize(
    ("architecture", "expected"),
    [("classic", Geometry(16, 118)), ("resnet", Geometry(16, 120))],
)
def test_the_shipped_shapes_need_this_overlap(
    architecture: str, expected: Geometry
) -> None:
    assert measure_geometry(build_model(architecture)) == expected


@pytest.mark.parametrize(("architecture", "arguments"), SMALL, ids=str)
def test_nothing_beyond_the_margin_matters(
    make_bundle: Callable[..., Any], architecture: str, arguments: dict[Any, Any]
) -> None:
    bundle = make_bundle(architecture, **arguments)
    network = restore_model(bundle)
    stride, margin = bundle.config.stride, bundle.config.margin
    # Far from the border, at every place a pixel can have on the coarsest grid.
    side = (2 * margin // stride + 4) * stride
    image = np.random.default_rng(0).random((1, side, side, 3), np.float32)
    before = ops.convert_to_numpy(network(image, training=False))
    reach = 0
    for offset in range(stride):
        y, x = margin + offset, side - margin - 1 - offset
        changed = image.copy()
        changed[0, y, x] += 100
        after = ops.convert_to_numpy(network(changed, training=False))
        rows, columns = np.nonzero((before != after)[0].any(axis=-1))
        assert rows.size
        reach = max(reach, *np.abs(rows - y), *np.abs(columns - x))
    assert margin / 3 < reach <= margin


@pytest.mark.parametrize(("architecture", "arguments"), SMALL, ids=str)
def test_sides_are_multiples_of_the_coarsest_step(
    architecture: str, arguments: dict[Any, Any]
) -> None:
    arguments = {"widths": (4, 8), **arguments}
    levels = len(arguments["widths"])
    geometry = measure_geometry(build_model(architecture, arguments))
    assert geometry.stride == arguments.get("stem_stride", 2) * 2 ** (levels - 1)
