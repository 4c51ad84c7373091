"""Graphs that may come from anybody: only what this package exports is let through.

The text of a graph is checked before OpenVINO sees it, and the sizes of its tensors
before anything is computed.  What the graph computes is of no concern here.
"""

from __future__ import annotations

import io
import math
import re
from collections import Counter
from typing import TYPE_CHECKING
from xml.etree import ElementTree

import numpy as np

from napari_unet_nuclei.core.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import openvino

_N_INPUTS: Mapping[str, tuple[int, int]] = {
    kind: (fewest, most)
    for (fewest, most), kinds in {
        (0, 0): "Const Parameter",
        (1, 1): """
            Abs AvgPool Clamp Convert DepthToSpace Elu Erf Exp Floor Gelu Log MaxPool
            Mish Negative ReLU Result ShapeOf Sigmoid SoftPlus Sqrt Tanh
        """,
        (1, 2): "Squeeze Swish",
        (1, 64): "Concat",
        (2, 2): """
            Add Convolution Divide Greater GreaterEqual GroupConvolution Less LessEqual
            Maximum Minimum Multiply PReLU Power ReduceMax ReduceMean ReduceSum Reshape
            Reverse ReverseSequence Split Subtract Tile Transpose Unsqueeze
        """,
        (2, 3): "Broadcast ConvolutionBackpropData",
        (2, 4): "Interpolate",
        (3, 3): "Gather HardSigmoid Select Selu VariadicSplit",
        (3, 4): "Pad StridedSlice",
        (4, 5): "Slice",
        (5, 5): "BatchNormInference FakeQuantize",
    }.items()
    for kind in kinds.split()
}  # with other numbers of them, OpenVINO has ended the process

OPERATIONS = frozenset(_N_INPUTS)
"""The operations that a graph may consist of, by OpenVINO's names.

What Keras and OpenVINO write for the architectures of this package, and what other
versions of them may write instead: arithmetic, and pixels moved around, but no loops,
no branches and nothing that remembers."""

_ELEMENT_BYTES: Mapping[str, int] = {
    "boolean": 1, "f16": 2, "f32": 4, "f64": 8, "i8": 1, "i32": 4, "i64": 8, "u8": 1,
}  # fmt: skip
_ELEMENTS = frozenset(
    ("net", "layers", "layer", "data", "input", "output", "port", "dim", "rt_info")
) | {"edges", "edge"}
_SIZE_TYPES = {"i32": "<i4", "i64": "<i8"}
_MAX_SIZE, _MAX_SIZES = 8192, 8192  # of tensors along an axis; numbers in a constant
_SIDES = ("kernel", "strides", "dilations", "pads_begin", "pads_end", "output_padding")
_MAX_SIDE = 64  # px
_MAX_XML_BYTES = 1 << 23
_MAX_LAYERS = 50_000
_MAX_DEPTH = 16
_PROBE = 64  # px
_MAX_VALUES = 1024  # of a tensor, for each pixel of a tile
_MAX_PRODUCTS = 1 << 27  # of all convolutions, for each pixel of a tile


def check_text(xml: bytes, weights: bytes) -> None:
    """Refuse the text of a graph that holds more than plain, known layers.

    Parameters
    ----------
    xml, weights : bytes
        OpenVINO IR.

    Raises
    ------
    ModelError
        If there is an unknown operation, or one out of all proportion.
    ValueError
        If it is damaged.
    """
    if len(xml) > _MAX_XML_BYTES:
        raise _foreign(f"is larger than {_MAX_XML_BYTES:,} bytes")
    # Entities, and encodings that could hide them from the next line.
    if b"<!" in xml or b"\0" in xml or re.match(rb"\s*<\?xml[^>]*encoding", xml):
        raise _foreign("declares more than a plain document")
    n_layers = 0
    for element, is_inside_notes in _elements(xml):
        if is_inside_notes:
            continue
        if element.tag not in _ELEMENTS:
            raise _foreign(f"holds <{element.tag[:40]}>")
        if element.tag == "layer":
            n_layers += 1
            _check_layer(element, weights)
            element.clear()
    if n_layers == 0:
        raise ValueError("no layers")
    if n_layers > _MAX_LAYERS:
        raise _foreign(f"has more than {_MAX_LAYERS:,} layers")


def _elements(xml: bytes) -> Iterator[tuple[ElementTree.Element, bool]]:
    """Yield each element once it is complete, and whether it is only a note."""
    tags: list[str] = []
    counts: Counter[str] = Counter()
    try:
        file = io.BytesIO(xml)  # without entities, as was checked
        for event, element in ElementTree.iterparse(file, ("start", "end")):  # noqa: S314
            if event == "end":
                tags.pop()
                yield element, "rt_info" in tags
                continue
            tags.append(element.tag)
            counts[element.tag] += 1
            if len(tags) > _MAX_DEPTH:
                raise _foreign(f"is nested more than {_MAX_DEPTH} levels deep")
    except ElementTree.ParseError as error:
        raise ValueError(f"no XML: {error}") from error
    if any(counts[tag] > 1 for tag in ("net", "layers", "edges")):
        raise _foreign("holds several networks")


def _check_layer(layer: ElementTree.Element, weights: bytes) -> None:
    kind = layer.get("type", "")
    if kind not in OPERATIONS:
        raise _foreign(f"has the operation {kind[:40]!r}")
    fewest, most = _N_INPUTS[kind]
    n_inputs = len(layer.findall("input/port"))
    if not fewest <= n_inputs <= most:
        raise _foreign(f"has a {kind} of {n_inputs} inputs")
    for data in layer.findall("data"):
        for name in _SIDES:
            sides = _integers(data.get(name, ""))
            if any(not 0 <= side <= _MAX_SIDE for side in sides):
                raise _foreign(f"has a {kind} whose {name} go beyond {_MAX_SIDE} px")
    if kind == "Const":
        _check_constant(layer, weights)


def _check_constant(layer: ElementTree.Element, weights: bytes) -> None:
    """Check that a constant lies where it says it does."""
    data = layer.find("data")
    if data is None:
        raise ValueError("a constant without a place")
    (offset,), (size,) = (_integers(data.get(name, "")) for name in ("offset", "size"))
    kind = data.get("element_type", "")
    n_values = math.prod(_integers(data.get("shape", "")))
    if offset < 0 or size != n_values * _ELEMENT_BYTES.get(kind, 0):
        raise ValueError("a constant of another size than it says")
    if offset + size > len(weights):
        raise ValueError("a constant lies beyond the weights")
    if kind in _SIZE_TYPES:  # these may be sizes of tensors
        values = np.frombuffer(weights, _SIZE_TYPES[kind], n_values, offset)
        is_end = values == np.iinfo(values.dtype).max
        if values.size > _MAX_SIZES or (np.abs(values[~is_end]) > _MAX_SIZE).any():
            raise _foreign("asks for tensors of odd sizes")


def _integers(text: str) -> list[int]:
    """Read whole numbers between commas, none of which is absurdly long."""
    parts = [part.strip() for part in text.split(",") if part.strip()]
    if any(len(part) > 18 for part in parts):
        raise _foreign("has numbers of more than 18 digits")
    return [int(part) for part in parts]


def check_shapes(network: openvino.Model, n_maps: int, stride: int) -> None:
    """Refuse a network whose tensors or maps are not those of an image.

    Parameters
    ----------
    network : openvino.Model
        Network that is left as it is.
    n_maps : int
        Maps that the model says it has.
    stride : int, in px
        Stride that the model says it has.

    Raises
    ------
    ModelError
        If images of one size do not become maps of the same, or take more memory or
        more work on the way than any network of this package.
    """
    height = -(-_PROBE // stride) * stride
    shape = (1, height, 2 * height, 3)
    area = math.prod(shape[:3])
    if len(network.inputs) != 1 or len(network.outputs) != 1:
        raise _foreign("has several inputs or outputs")
    probe = network.clone()
    probe.reshape(list(shape))
    n_products = 0
    for node in probe.get_ordered_ops():
        kind = node.get_type_name()
        for output in node.outputs():
            partial = output.get_partial_shape()
            if not partial.is_static:
                raise _foreign(f"has a {kind} of no fixed size")
            n_values = math.prod(output.get_shape())
            if n_values > _MAX_VALUES * area and not _is_weight(node):
                raise _foreign(f"has a {kind} of {n_values:,} values")
        if "Convolution" in kind:
            kernel = math.prod(node.input_value(1).get_shape())
            places = node.input_value(0) if "Backprop" in kind else node.output(0)
            n_products += kernel * math.prod(places.get_shape()[2:])
    if n_products > _MAX_PRODUCTS * area:
        raise _foreign("takes more work than any network of this package")
    maps = tuple(probe.output(0).get_shape())
    if maps != (*shape[:3], n_maps):
        raise _foreign(
            f"makes {maps} of an image of shape {shape}, where the model says that it "
            f"has {n_maps} map{'s' if n_maps > 1 else ''}"
        )


def _is_weight(node: openvino.Node) -> bool:
    """Whether a node is a constant, or no more than one brought to another type."""
    if node.get_type_name() == "Convert":
        node = node.input_value(0).get_node()
    return str(node.get_type_name()) == "Constant"


def _foreign(reason: str) -> ModelError:
    return ModelError(
        "Expected an OpenVINO graph as this package writes it. Received: one that "
        f"{reason}; choose another model file."
    )
