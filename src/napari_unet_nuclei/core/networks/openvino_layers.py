"""The OpenVINO graph of a network, written layer by layer.

That takes milliseconds, where an export by Keras takes seconds, and works on each of
its backends.  Only the layers that most networks of this package are made of are known
here; what to do with others is decided in
:mod:`~napari_unet_nuclei.core.networks.exporting`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras
import numpy as np

from napari_unet_nuclei.core.models.weights import to_half_precision
from napari_unet_nuclei.core.openvino_runtime import import_openvino
from napari_unet_nuclei.core.writing.atomic_files import scratch_folder

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import openvino
    from numpy.typing import NDArray

_NO_PADDING = [0, 0]
_ONE_STEP = [1, 1]
_NCHW, _NHWC = [0, 3, 1, 2], [0, 2, 3, 1]
_ACTIVATIONS = ("linear", "relu", "sigmoid")


def write_openvino(
    model: keras.Model, weights: Mapping[str, NDArray[np.floating]]
) -> tuple[bytes, bytes] | None:
    """Write a network with any weights in OpenVINO's form.

    Parameters
    ----------
    model : keras.Model
        Functional network from (batch, Y, X, channels) to (batch, Y, X, maps); its own
        weights do not matter.
    weights : mapping of str to ndarray
        Weights by path.

    Returns
    -------
    tuple of bytes or None
        What :func:`save_graph` returns; ``None`` if the network holds a layer that is
        not known here.
    """
    import_openvino()
    graph = _write_graph(model, to_half_precision(weights))
    return None if graph is None else save_graph(graph)


def save_graph(graph: openvino.Model) -> tuple[bytes, bytes]:
    """Return a graph as the content of files.

    Parameters
    ----------
    graph : openvino.Model
        Any network.

    Returns
    -------
    tuple of bytes
        IR with half-precision weights: XML, then weights.
    """
    from openvino import save_model

    with scratch_folder() as folder:
        path = folder / "half.xml"
        save_model(graph, path, compress_to_fp16=True)
        return path.read_bytes(), path.with_suffix(".bin").read_bytes()


def _write_graph(
    model: keras.Model, weights: Mapping[str, NDArray[np.floating]]
) -> openvino.Model | None:
    """Write each layer after those that it comes after, height and width dynamic."""
    from openvino import Model, opset13

    n_channels = model.inputs[0].shape[-1]
    image = opset13.parameter([-1, -1, -1, n_channels], np.float32, name="image")
    written = {id(model.inputs[0]): opset13.transpose(image, np.array(_NCHW))}
    for operation in model.operations:
        for node in operation._inbound_nodes:
            sources = [written.get(id(tensor)) for tensor in node.input_tensors]
            if not sources or None in sources:
                continue  # the image, or where the layer stands in another network
            layer = _write_layer(operation, sources, weights)
            if layer is None:
                return None
            written[id(node.output_tensors[0])] = layer
    maps = opset13.transpose(written[id(model.outputs[0])], np.array(_NHWC))
    return Model([maps], [image], model.name)


def _write_layer(
    layer: Any, sources: Sequence[Any], weights: Mapping[str, NDArray[np.floating]]
) -> Any:
    """Return the nodes of a layer, (batch, channels, Y, X), or None."""
    write = _WRITERS.get(type(layer))
    if write is None:
        return None
    own = {
        variable.path.rpartition("/")[2]: np.asarray(weights[variable.path], np.float32)
        for variable in layer.weights
    }
    node = write(layer, sources, own)
    activation = getattr(layer, "activation", keras.activations.linear)
    return None if node is None else _activate(node, activation.__name__)


def _activate(node: Any, name: str) -> Any:
    from openvino import opset13

    if name not in _ACTIVATIONS:
        return None
    return node if name == "linear" else getattr(opset13, name)(node)


def _convolve(layer: Any, sources: Any, own: Mapping[str, Any]) -> Any:
    from openvino import opset13

    if layer.groups != 1:
        return None
    convolved = opset13.convolution(
        sources[0],
        opset13.constant(_in_order(own["kernel"], (3, 2, 0, 1))),
        list(layer.strides),
        _NO_PADDING,
        _NO_PADDING,
        list(layer.dilation_rate),
        "same_upper" if layer.padding == "same" else "valid",
    )
    return _add_bias(convolved, own)


def _convolve_transposed(layer: Any, sources: Any, own: Mapping[str, Any]) -> Any:
    """Make twice as many pixels; Keras and OpenVINO keep others at the edges."""
    from openvino import opset13

    if layer.strides != (2, 2) or layer.padding != "same" or layer.output_padding:
        return None
    surplus = [side - 2 for side in layer.kernel_size]
    if min(surplus) < 0:
        return None
    before = [pixels // 2 for pixels in surplus]
    convolved = opset13.convolution_backprop_data(
        sources[0],
        opset13.constant(_in_order(own["kernel"], (3, 2, 0, 1))),
        list(layer.strides),
        pads_begin=before,
        pads_end=[n - n_before for n, n_before in zip(surplus, before, strict=True)],
        dilations=_ONE_STEP,
    )
    return _add_bias(convolved, own)


def _normalise(layer: Any, sources: Any, own: Mapping[str, Any]) -> Any:
    from openvino import opset13

    scale = own.get("gamma", 1.0) / np.sqrt(own["moving_variance"] + layer.epsilon)
    shift = own.get("beta", 0.0) - own["moving_mean"] * scale
    scaled = opset13.multiply(sources[0], _per_channel(scale))
    return opset13.add(scaled, _per_channel(shift))


def _pool(layer: Any, sources: Any, _: object) -> Any:
    from openvino import opset13

    pooled = opset13.max_pool(
        sources[0],
        list(layer.strides),
        _ONE_STEP,
        _NO_PADDING,
        _NO_PADDING,
        list(layer.pool_size),
        auto_pad="same_upper" if layer.padding == "same" else "valid",
    )
    return pooled.output(0)  # the other one says where the largest pixels were


def _add(_: object, sources: Any, __: object) -> Any:
    from openvino import opset13

    total, *further = sources
    for source in further:
        total = opset13.add(total, source)
    return total


def _concatenate(layer: Any, sources: Any, _: object) -> Any:
    from openvino import opset13

    return opset13.concat(list(sources), 1) if layer.axis in (-1, 3) else None


def _keep(_: object, sources: Any, __: object) -> Any:
    """Leave everything as it is, like all that acts while training only."""
    return sources[0]


_WRITERS: Mapping[type, Callable[[Any, Any, Mapping[str, Any]], Any]] = {
    keras.layers.Activation: _keep,  # what follows any layer
    keras.layers.Add: _add,
    keras.layers.BatchNormalization: _normalise,
    keras.layers.Concatenate: _concatenate,
    keras.layers.Conv2D: _convolve,
    keras.layers.Conv2DTranspose: _convolve_transposed,
    keras.layers.Dropout: _keep,
    keras.layers.MaxPooling2D: _pool,
}


def _add_bias(node: Any, own: Mapping[str, Any]) -> Any:
    from openvino import opset13

    return opset13.add(node, _per_channel(own["bias"])) if "bias" in own else node


def _per_channel(values: NDArray[np.float32]) -> Any:
    from openvino import opset13

    return opset13.constant(values.astype(np.float32).reshape(1, -1, 1, 1))


def _in_order(
    kernel: NDArray[np.float32], axes: tuple[int, ...]
) -> NDArray[np.float32]:
    return np.ascontiguousarray(kernel.transpose(axes))
