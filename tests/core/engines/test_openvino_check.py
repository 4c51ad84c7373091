"""Graphs from anywhere are refused unless this package could have written them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from napari_unet_nuclei.core.engines.engine import create_engine
from napari_unet_nuclei.core.engines.openvino import OpenVinoEngine
from napari_unet_nuclei.core.engines.openvino_check import check_shapes, check_text
from napari_unet_nuclei.core.errors import EngineError, ModelError
from napari_unet_nuclei.core.models.bundle import read_bundle
from napari_unet_nuclei.core.models.store import find_model
from napari_unet_nuclei.core.networks.exporting import add_openvino
from napari_unet_nuclei.core.openvino_runtime import import_openvino

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from types import ModuleType
    from typing import Any

    from napari_unet_nuclei.core.models.bundle import ModelBundle

openvino = import_openvino()


def written(network: openvino.Model, folder: Path) -> tuple[bytes, bytes]:
    path = folder / "net.xml"
    openvino.save_model(network, path, compress_to_fp16=False)
    return path.read_bytes(), path.with_suffix(".bin").read_bytes()


def image(ops: ModuleType, n_channels: int = 3) -> Any:
    return ops.parameter([-1, -1, -1, n_channels], np.float32, name="image")


@pytest.mark.parametrize("name", ["classic", "resnet"])
def test_the_shipped_models_are_let_through(name: str) -> None:
    bundle = read_bundle(find_model(name))
    check_text(*bundle.openvino)
    network = openvino.Core().read_model(*bundle.openvino)
    check_shapes(network, 3, bundle.config.stride)


@pytest.mark.parametrize(
    ("architecture", "arguments"),
    [
        ("classic", {"upsampling": "bilinear", "stem_stride": 1, "n_channels": 1}),
        ("classic", {"upsampling": "nearest", "head_filters": 3}),
        ("resnet50", {"widths": (4, 4, 4, 4), "upsampling": "bilinear"}),
    ],
)
def test_what_is_exported_is_let_through(
    make_bundle: Callable[..., Any], architecture: str, arguments: dict[str, Any]
) -> None:
    bundle = add_openvino(make_bundle(architecture, **arguments))
    assert OpenVinoEngine(bundle).description


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        (b'type="Sigmoid"', b'type="Loop"', "the operation 'Loop'"),
        (b'type="Sigmoid"', b'type="TensorIterator"', "'TensorIterator'"),
        (b'type="Sigmoid"', b'type="If"', "the operation 'If'"),
        (b'type="Sigmoid"', b'type="ReadValue"', "'ReadValue'"),
        (b'type="Sigmoid"', b'type="Broadcast"', "a Broadcast of 1 inputs"),
        (b"<layers>", b"<body/><layers>", "holds <body>"),
        (b"<layers>", b"<layers></layers><layers>", "several networks"),
        (b"<layers>", b"<port>" * 40 + b"</port>" * 40 + b"<layers>", "16 levels"),
        (b"<net ", b'<!DOCTYPE x [<!ENTITY a "b">]><net ', "a plain document"),
        (b'version="1.0"', b'version="1.0" encoding="utf-7"', "a plain document"),
        (b'strides="2, 2"', b'strides="2, 2000000"', "whose strides go beyond"),
        (b'offset="0"', b'offset="' + b"9" * 5000 + b'"', "more than 18 digits"),
    ],
)
def test_graphs_with_more_than_plain_layers_are_refused(
    tiny_bundle: ModelBundle, old: bytes, new: bytes, reason: str
) -> None:
    xml, weights = tiny_bundle.openvino
    assert old in xml
    forged = replace(tiny_bundle, openvino=(xml.replace(old, new, 1), weights))
    with pytest.raises(ModelError, match=reason):
        create_engine(forged)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'offset="0"', b'offset="-8"'),
        (b'offset="0"', b'offset="999999999"'),
        (b'size="32"', b'size="999999999"'),
        (b'element_type="i64" shape="4"', b'element_type="i64" shape="4,9999"'),
        (b'element_type="i64"', b'element_type="string"'),
    ],
)
def test_constants_lie_in_the_weights(
    tiny_bundle: ModelBundle, old: bytes, new: bytes
) -> None:
    xml, weights = tiny_bundle.openvino
    assert old in xml
    forged = replace(tiny_bundle, openvino=(xml.replace(old, new, 1), weights))
    with pytest.raises(EngineError, match=r"cannot load the model .*: a constant"):
        OpenVinoEngine(forged)


def test_a_long_text_is_not_parsed() -> None:
    with pytest.raises(ModelError, match="larger than 8,388,608 bytes"):
        check_text(b" " * (1 << 24), b"")


def test_sizes_of_tensors_are_not_absurd(tmp_path: Path) -> None:
    ops = openvino.opset13
    parameter = image(ops)
    tiled = ops.tile(parameter, np.array([1, 1, 1, 10**9]))
    network = openvino.Model([ops.result(tiled)], [parameter], "tiles")
    with pytest.raises(ModelError, match="tensors of odd sizes"):
        check_text(*written(network, tmp_path))


def blown_up(ops: Any, parameter: Any) -> Any:
    return ops.tile(parameter, np.array([1, 1, 1, 2000]))


def folded(ops: Any, parameter: Any) -> Any:
    grown = ops.tile(
        ops.constant(np.ones((1, 1, 1, 3), np.float32)), [1, 8000, 8000, 1]
    )
    return ops.add(parameter, ops.reduce_mean(grown, np.array([1, 2]), True))


def doubled(ops: Any, parameter: Any) -> Any:
    return ops.concat([parameter, parameter], 2)


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (blown_up, r"has a Tile of 49,152,000 values"),
        (folded, r"has a Tile of 192,000,000 values"),
        (doubled, r"makes \(1, 64, 256, 3\) of an image of shape \(1, 64, 128, 3\)"),
        (lambda ops, parameter: parameter, r"makes \(1, 64, 128, 3\) of"),
    ],
)
def test_tensors_and_maps_are_those_of_an_image(make: Any, reason: str) -> None:
    ops = openvino.opset13
    parameter = image(ops)
    result = ops.result(make(ops, parameter))
    network = openvino.Model([result], [parameter], "odd")
    with pytest.raises(ModelError, match=reason):
        check_shapes(network, 1, 16)


def test_work_is_limited() -> None:
    ops = openvino.opset13
    parameter = image(ops)
    planes = ops.transpose(parameter, np.array([0, 3, 1, 2]))
    kernel = ops.constant(np.zeros((64, 64, 63, 63), np.float32))
    first = ops.constant(np.zeros((64, 3, 1, 1), np.float32))
    plain = ([1, 1], [0, 0], [0, 0], [1, 1], "same_upper")
    x = ops.convolution(planes, first, *plain)
    for _ in range(10):
        x = ops.convolution(x, kernel, *plain)
    network = openvino.Model([ops.result(x)], [parameter], "slow")
    with pytest.raises(ModelError, match="more work than any network"):
        check_shapes(network, 1, 16)


def test_several_inputs_are_refused() -> None:
    ops = openvino.opset13
    one, other = image(ops), image(ops)
    network = openvino.Model([ops.result(ops.add(one, other))], [one, other], "two")
    with pytest.raises(ModelError, match="several inputs or outputs"):
        check_shapes(network, 3, 16)
