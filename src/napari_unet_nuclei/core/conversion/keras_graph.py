"""Networks as Keras describes them in JSON, read without Keras.

Both Keras 2 and Keras 3 are understood, and functional and sequential networks.
Which layers are welcome is decided in
:mod:`~napari_unet_nuclei.core.conversion.importing`.
"""

from __future__ import annotations

from dataclasses import dataclass
from graphlib import TopologicalSorter
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


@dataclass(frozen=True)
class KerasLayer:
    """A layer of a network.

    Parameters
    ----------
    name : str
        What it is called.
    kind : str
        Name of its class, such as ``"Conv2D"``.
    config : mapping
        Its arguments.
    sources : tuple of str
        Names of the layers it gets its inputs from.
    """

    name: str
    kind: str
    config: Mapping[str, Any]
    sources: tuple[str, ...]


@dataclass(frozen=True)
class KerasGraph:
    """A network with one input and one output.

    Parameters
    ----------
    image : str
        Name by which layers call the input.
    n_channels : int
        Channels of the input.
    layers : tuple of KerasLayer
        Layers, each after its sources; the last one gives the output.
    """

    image: str
    n_channels: int
    layers: tuple[KerasLayer, ...]


def read_graph(config: Mapping[str, Any]) -> KerasGraph:
    """Read the configuration of a network.

    Parameters
    ----------
    config : mapping
        What Keras writes, with ``class_name`` and ``config``.

    Returns
    -------
    KerasGraph
        The network, without layers that its output does not depend on.

    Raises
    ------
    ValueError
        If the network has several inputs or outputs, is of a class of its own, or
        uses a layer more than once.
    LookupError, TypeError
        If something is missing or of a strange type.
    """
    kind = config["class_name"]
    # Old versions of Keras 2 left out what is around the layers of a Sequential.
    inner = config["config"]
    entries = inner["layers"] if isinstance(inner, dict) else inner
    if kind == "Sequential":
        entries = _chain(entries)
        output = entries[-1]["config"]["name"]
    elif kind in ("Functional", "Model"):
        output = _only(inner["output_layers"], "output")
        _only(inner["input_layers"], "input")
    else:
        raise ValueError(f"the network is a {kind}, not a functional or sequential one")
    layers = [_read_layer(entry) for entry in entries]
    inputs = [layer for layer in layers if layer.kind == "InputLayer"]
    if len(inputs) != 1:
        raise ValueError(f"the network has {len(inputs)} inputs instead of one")
    by_name = {layer.name: layer for layer in layers}
    order = TopologicalSorter(_ancestors(by_name, output)).static_order()
    return KerasGraph(
        image=inputs[0].name,
        n_channels=_count_channels(inputs[0].config),
        layers=tuple(by_name[name] for name in order if name != inputs[0].name),
    )


def _chain(entries: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Turn the layers of a Sequential into those of a functional network."""
    first = entries[0]
    if first["class_name"] != "InputLayer":
        config = {"name": "input", **_shape_of_input(first["config"])}
        entries = [{"class_name": "InputLayer", "config": config}, *entries]
    chained: list[Mapping[str, Any]] = [{**entries[0], "inbound_nodes": []}]
    for entry in entries[1:]:
        before = chained[-1]["config"]["name"]
        chained.append({**entry, "inbound_nodes": [[[before, 0, 0, {}]]]})
    return chained


def _shape_of_input(config: Mapping[str, Any]) -> dict[str, Any]:
    names = ("batch_shape", "batch_input_shape")  # Keras 3, Keras 2
    return {name: config[name] for name in names if name in config}


def _count_channels(config: Mapping[str, Any]) -> int:
    (shape,) = _shape_of_input(config).values()
    if len(shape) != 4:
        raise ValueError(f"the input has the shape {shape}, not that of a batch")
    n_channels: int = shape[-1]
    return n_channels


def _only(ends: Sequence[Any], what: str) -> str:
    """Return the name of the only input or output: [name, 0, 0], nested or not."""
    while len(ends) == 1 and isinstance(ends[0], list):
        ends = ends[0]
    name, index = ends[0], ends[-1]
    if len(ends) != 3 or not isinstance(name, str) or index != 0:
        raise ValueError(f"the network has more than one {what}")
    return name


def _read_layer(entry: Mapping[str, Any]) -> KerasLayer:
    kind, config = entry["class_name"], entry["config"]
    name = config["name"]
    module = entry.get("module") or "keras.layers"
    if module not in ("keras.layers", "tensorflow.keras.layers"):
        raise ValueError(f"{name!r} is no layer but {module}.{kind}")
    if entry.get("registered_name") is not None:
        raise ValueError(f"the layer {name!r} is of a class of its own, {kind}")
    nodes = entry["inbound_nodes"]
    if len(nodes) > 1:
        raise ValueError(f"the layer {name!r} is used {len(nodes)} times")
    sources = _read_call(nodes[0], name) if nodes else ()
    return KerasLayer(name, kind, config, sources)


def _read_call(node: Any, name: str) -> tuple[str, ...]:
    """Read what a layer was called with."""
    if isinstance(node, dict):  # Keras 3: arguments, with tensors where they were
        (tensors,) = node["args"]
        tensors = tensors if isinstance(tensors, list) else [tensors]
        calls = [tensor["config"]["keras_history"] for tensor in tensors]
        options = [node["kwargs"]]
    else:  # Keras 2: name, number of the call, number of the output, options
        calls = [call[:3] for call in node]
        options = [call[3] for call in node if len(call) > 3]
    for option, value in ((o, v) for each in options for o, v in each.items()):
        if value not in (None, False):
            raise ValueError(f"the layer {name!r} is called with {option}={value!r}")
    return tuple(source for source, _, _ in calls)


def _ancestors(
    layers: Mapping[str, KerasLayer], output: str
) -> dict[str, tuple[str, ...]]:
    """Find what an output depends on: sources by layer."""
    found: dict[str, tuple[str, ...]] = {}
    waiting = [output]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found[name] = layers[name].sources
            waiting.extend(found[name])
    return found
