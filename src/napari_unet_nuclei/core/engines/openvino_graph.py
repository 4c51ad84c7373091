"""Rewritings of a network's graph that OpenVINO does not do by itself.

Each leaves what the network computes as it was, but for rounding, and leaves a
network alone that lacks the pattern.  Measured in docs/benchmarks.md.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import openvino
    from numpy.typing import NDArray

_FEW_MAPS = 4


def split_concatenations(network: openvino.Model) -> None:
    """Convolve the parts of a concatenation one by one and add the results.

    A skip connection then needs no copy of both its parts, which costs as much
    time as a fifth of the arithmetic.

    Parameters
    ----------
    network : openvino.Model
        Changed in place.
    """
    from openvino import opset13

    for convolution in _nodes(network, "Convolution"):
        joined = convolution.input_value(0).get_node()
        kernel = _constant(convolution.input_value(1))
        if joined.get_type_name() != "Concat" or kernel is None:
            continue
        parts = joined.input_values()
        n_channels = [part.get_partial_shape()[1].get_length() for part in parts]
        kernels = np.split(kernel, np.cumsum(n_channels)[:-1], axis=1)
        options = convolution.get_attributes()
        convolved = [
            opset13.convolution(
                part,
                opset13.constant(np.ascontiguousarray(part_of_kernel)),
                options["strides"],
                options["pads_begin"],
                options["pads_end"],
                options["dilations"],
                options["auto_pad"],
            )
            for part, part_of_kernel in zip(parts, kernels, strict=True)
        ]
        total = convolved[0]
        for further in convolved[1:]:
            total = opset13.add(total, further)
        _replace(convolution, total)
    network.validate_nodes_and_infer_types()


def shuffle_last_upsampling(network: openvino.Model) -> None:
    """Compute maps at the resolution before the last transposed convolution.

    One of 2x2 px and step 2 is a convolution of one pixel that makes four times
    the maps, whose pixels are then put side by side.

    Parameters
    ----------
    network : openvino.Model
        Changed in place.
    """
    from openvino import opset13

    for upsampling in _nodes(network, "ConvolutionBackpropData"):
        kernel = _constant(upsampling.input_value(1))
        if kernel is None:
            continue
        n_inputs, n_maps, *size = kernel.shape
        steps = list(upsampling.get_attributes()["strides"])
        if n_maps > _FEW_MAPS or not size == steps == [2, 2]:
            continue
        added = _only_use(upsampling, "Add")
        sigmoid = added and _only_use(added, "Sigmoid")
        if added is None or sigmoid is None:
            continue
        bias = _constant(added.input_value(1))
        if bias is None:
            continue
        per_pixel = kernel.transpose(2, 3, 1, 0).reshape(4 * n_maps, n_inputs, 1, 1)
        logits = opset13.convolution(
            upsampling.input_value(0),
            opset13.constant(per_pixel),
            [1, 1],
            [0, 0],
            [0, 0],
            [1, 1],
        )
        logits = opset13.add(logits, opset13.constant(np.tile(bias, (1, 4, 1, 1))))
        maps = opset13.depth_to_space(opset13.sigmoid(logits), "blocks_first", 2)
        _replace(sigmoid, maps)
    network.validate_nodes_and_infer_types()


def hand_out_maps(network: openvino.Model) -> openvino.Model:
    """Let a network hand out each map as a whole.

    Parameters
    ----------
    network : openvino.Model
        From (batch, Y, X, channels) to (batch, Y, X, maps).

    Returns
    -------
    openvino.Model
        From (batch, Y, X, channels) to (batch, maps, Y, X).
    """
    from openvino import Layout
    from openvino.preprocess import PrePostProcessor

    steps = PrePostProcessor(network)
    steps.output().model().set_layout(Layout("NHWC"))
    steps.output().tensor().set_layout(Layout("NCHW"))
    return steps.build()


def take_grey(network: openvino.Model) -> openvino.Model:
    """Let a network take a single channel and repeat it itself.

    Parameters
    ----------
    network : openvino.Model
        Its input is (batch, Y, X, channels) float32.  Not to be used any more.

    Returns
    -------
    openvino.Model
        Its input is (batch, Y, X, 1) float32.
    """
    from openvino import Model, opset13

    image = network.inputs[0].get_node()
    n_channels = image.get_partial_shape()[3].get_length()
    grey = opset13.parameter([-1, -1, -1, 1], np.float32, name="grey")
    _replace(image, opset13.tile(grey, np.array([1, 1, 1, n_channels])))
    return Model(network.get_results(), [grey], network.get_name())


def _nodes(network: openvino.Model, kind: str) -> list[openvino.Node]:
    return [node for node in network.get_ordered_ops() if node.get_type_name() == kind]


def _constant(output: openvino.Output) -> NDArray[np.float32] | None:
    """Value of a constant, also of one that is stored in half precision."""
    node = output.get_node()
    while node.get_type_name() == "Convert":
        node = node.input_value(0).get_node()
    if node.get_type_name() != "Constant":  # computed, as in quantised networks
        return None
    return np.asarray(node.get_data(), np.float32)


def _only_use(node: openvino.Node, kind: str) -> openvino.Node | None:
    """Find what uses a node, if it is the only one and of this kind."""
    uses = [use.get_node() for use in node.output(0).get_target_inputs()]
    return uses[0] if [use.get_type_name() for use in uses] == [kind] else None


def _replace(node: openvino.Node, other: openvino.Node) -> None:
    for use in node.output(0).get_target_inputs():
        use.replace_source_output(other.output(0))
