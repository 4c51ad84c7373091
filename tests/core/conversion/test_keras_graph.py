from __future__ import annotations

import copy
from typing import Any

import pytest

from napari_unet_nuclei.core.conversion.keras_graph import KerasLayer, read_graph


def layer2(kind: str, name: str, *sources: str, **config: Any) -> dict[str, Any]:
    """Describe a layer as Keras 2 does."""
    return {
        "class_name": kind,
        "name": name,
        "config": {"name": name, **config},
        "inbound_nodes": [[[source, 0, 0, {}] for source in sources]] * bool(sources),
    }


def layer3(kind: str, name: str, *sources: str, **config: Any) -> dict[str, Any]:
    """Describe a layer as Keras 3 does."""
    tensors = [
        {"class_name": "__keras_tensor__", "config": {"keras_history": [source, 0, 0]}}
        for source in sources
    ]
    args = [tensors] if len(tensors) > 1 else tensors
    return {
        "module": "keras.layers",
        "registered_name": None,
        "class_name": kind,
        "name": name,
        "config": {"name": name, **config},
        "inbound_nodes": [{"args": args, "kwargs": {"mask": None}}] * bool(sources),
    }


def network(layer: Any, shape: str) -> dict[str, Any]:
    image = layer("InputLayer", "image", **{shape: [None, 128, 128, 3]})
    return {
        "class_name": "Functional",
        "config": {
            "name": "unet",
            # Not in the order of computation, as Keras 2 may write it.
            "layers": [
                image,
                layer("Concatenate", "join", "image", "first"),
                layer("Conv2D", "last", "join", filters=1),
                layer("Conv2D", "first", "image", filters=4),
                layer("Conv2D", "unused", "image", filters=9),
            ],
            "input_layers": [["image", 0, 0]],
            "output_layers": [["last", 0, 0]],
        },
    }


KERAS2 = network(layer2, "batch_input_shape")
KERAS3 = network(layer3, "batch_shape")


@pytest.mark.parametrize("config", [KERAS2, KERAS3], ids=["Keras 2", "Keras 3"])
def test_layers_come_after_their_sources(config: Any) -> None:
    graph = read_graph(config)
    assert graph.image == "image"
    assert graph.n_channels == 3
    assert graph.layers == (
        KerasLayer("first", "Conv2D", {"name": "first", "filters": 4}, ("image",)),
        KerasLayer("join", "Concatenate", {"name": "join"}, ("image", "first")),
        KerasLayer("last", "Conv2D", {"name": "last", "filters": 1}, ("join",)),
    )


@pytest.mark.parametrize("ends", [["last", 0, 0], [["last", 0, 0]], [[["last", 0, 0]]]])
def test_the_output_may_be_nested(ends: Any) -> None:
    config = copy.deepcopy(KERAS3)
    config["class_name"] = "Model"
    config["config"]["output_layers"] = ends
    assert read_graph(config).layers[-1].name == "last"


@pytest.mark.parametrize("has_input", [True, False])
@pytest.mark.parametrize("is_bare", [True, False])
def test_a_sequential_network_is_a_chain(has_input: Any, is_bare: Any) -> None:
    shape = {"batch_input_shape": [None, 64, 64, 1]}
    layers = [
        {"class_name": "InputLayer", "config": {"name": "image", **shape}},
        {"class_name": "Conv2D", "config": {"name": "one", **shape}},
        {"class_name": "Activation", "config": {"name": "two"}},
    ][1 - has_input :]
    config = layers if is_bare else {"layers": layers}
    graph = read_graph({"class_name": "Sequential", "config": config})
    assert graph.n_channels == 1
    assert [(each.name, each.sources) for each in graph.layers] == [
        ("one", (graph.image,)),
        ("two", ("one",)),
    ]


def change(path: list[Any], value: Any, config: dict[str, Any] = KERAS2) -> Any:
    """Copy a configuration with another value somewhere inside."""
    changed = copy.deepcopy(config)
    place: Any = changed
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    return changed


INNER = ["config", "layers"]


@pytest.mark.parametrize(
    ("config", "sentence"),
    [
        (change(["class_name"], "UNet"), "the network is a UNet"),
        (
            change(["config", "output_layers"], [["last", 0, 0], ["first", 0, 0]]),
            "more than one output",
        ),
        (change(["config", "output_layers"], [["last", 0, 1]]), "more than one output"),
        (change(["config", "output_layers"], ["a"]), "more than one output"),
        (
            change(["config", "input_layers"], [["image", 0, 0], ["first", 0, 0]]),
            "more than one input",
        ),
        (change([*INNER, 0, "class_name"], "Conv2D"), "has 0 inputs instead of one"),
        (
            change([*INNER, 0, "config", "batch_input_shape"], [None, 128]),
            r"the input has the shape \[None, 128\]",
        ),
        (
            change([*INNER, 2, "inbound_nodes"], [[["join", 0, 0, {}]]] * 2),
            "the layer 'last' is used 2 times",
        ),
        (
            change(
                [*INNER, 2, "inbound_nodes"], [[["join", 0, 0, {"training": True}]]]
            ),
            "the layer 'last' is called with training=True",
        ),
        (
            change([*INNER, 3, "inbound_nodes"], [[["last", 0, 0, {}]]]),
            "in a cycle",
        ),
        (
            change([*INNER, 2, "registered_name"], "my>Layer", KERAS3),
            "the layer 'last' is of a class of its own, Conv2D",
        ),
        (
            change([*INNER, 2, "module"], "os", KERAS3),
            "'last' is no layer but os.Conv2D",
        ),
        (
            change([*INNER, 2, "module"], "keras.src.ops.numpy", KERAS3),
            "is no layer but keras.src.ops.numpy.Conv2D",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_unusual_networks_are_refused(config: Any, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        read_graph(config)


@pytest.mark.parametrize(
    "config",
    [
        {},
        {"class_name": "Functional"},
        {"class_name": "Functional", "config": 3},
        {"class_name": "Sequential", "config": {"layers": []}},
        change([*INNER, 2, "config"], None),
        change([*INNER, 2, "inbound_nodes"], [[["gone", 0, 0, {}]]]),
        change([*INNER, 2, "inbound_nodes"], [{"args": []}]),
        change([*INNER, 2, "inbound_nodes"], 7),
        change([*INNER, 0, "config"], {"name": "image"}),
    ],
    ids=str,
)
def test_what_is_missing_is_an_error(config: Any) -> None:
    with pytest.raises((LookupError, TypeError, ValueError)):
        read_graph(config)
