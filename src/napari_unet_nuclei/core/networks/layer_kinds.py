"""The layers that networks from elsewhere may consist of, and their arguments.

All of them work on images of any size, and all are measured correctly by
:mod:`~napari_unet_nuclei.core.networks.geometry`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import keras

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_ACTIVATIONS = frozenset(
    ("elu", "gelu", "linear", "relu", "selu", "sigmoid", "silu", "softplus", "tanh")
)
_MAX_FILTERS = 8192


def integer_between(lowest: int, highest: int) -> Callable[[Any], int]:
    """Make the check of a whole number, whose ValueError says what it must be."""

    def check(value: Any) -> int:
        if type(value) is not int or not lowest <= value <= highest:
            raise ValueError(f"must be an integer from {lowest} to {highest}")
        return value

    return check


def _side(lowest: int, highest: int) -> Callable[[Any], int]:
    """Check a size that is the same everywhere, however often it is written."""
    check = integer_between(lowest, highest)

    def check_both(value: Any) -> int:
        while isinstance(value, (list, tuple)) and len(value) == 2:
            if value[0] != value[1]:
                raise ValueError("must be the same in all directions")
            value = value[0]
        return check(value)

    return check_both


def _number(value: Any) -> float:
    if type(value) not in (int, float) or not math.isfinite(value):
        raise ValueError("must be a finite number")
    return float(value)


def _number_or_none(value: Any) -> float | None:
    return None if value is None else _number(value)


def _part(value: Any) -> float:
    number = _number(value)
    if not 0 <= number < 1:
        raise ValueError("must lie in [0, 1)")
    return number


def _flag(value: Any) -> bool:
    if type(value) is not bool:
        raise ValueError("must be true or false")
    return value


def _one_of(*names: str) -> Callable[[Any], str]:
    def check(value: Any) -> str:
        if not isinstance(value, str) or value not in names:
            raise ValueError(f"must be one of {', '.join(sorted(names))}")
        return value

    return check


@dataclass(frozen=True)
class LayerKind:
    """What is known about a kind of layer.

    Parameters
    ----------
    build : callable
        From the checked arguments, a name and a dtype to a layer.
    arguments : mapping of str to callable
        What it takes, and how each value is checked.
    joins : bool
        Whether it has two or more inputs.
    """

    build: Callable[..., Any]
    arguments: Mapping[str, Callable[[Any], Any]] = field(default_factory=dict)
    joins: bool = False


_POOLING = {
    "pool_size": _side(1, 31),
    "strides": _side(1, 31),
    "padding": _one_of("same", "valid"),
}
_CONVOLUTION = {
    "filters": integer_between(1, _MAX_FILTERS),
    "padding": _one_of("same", "valid"),
    "use_bias": _flag,
    "activation": _one_of(*_ACTIVATIONS),
}

LAYER_KINDS: Mapping[str, LayerKind] = {
    "Activation": LayerKind(
        keras.layers.Activation, {"activation": _one_of(*_ACTIVATIONS)}
    ),
    "Add": LayerKind(keras.layers.Add, joins=True),
    "Average": LayerKind(keras.layers.Average, joins=True),
    "AveragePooling2D": LayerKind(keras.layers.AveragePooling2D, _POOLING),
    "BatchNormalization": LayerKind(
        keras.layers.BatchNormalization,
        {"epsilon": _number, "momentum": _part, "center": _flag, "scale": _flag},
    ),
    "Concatenate": LayerKind(keras.layers.Concatenate, joins=True),
    "Conv2D": LayerKind(
        keras.layers.Conv2D,
        {**_CONVOLUTION, "kernel_size": _side(1, 31), "strides": _side(1, 8)},
    ),
    "Conv2DTranspose": LayerKind(
        keras.layers.Conv2DTranspose,
        {**_CONVOLUTION, "kernel_size": _side(2, 4), "strides": _side(2, 2)},
    ),
    "Dropout": LayerKind(keras.layers.Dropout, {"rate": _part}),
    "ELU": LayerKind(keras.layers.ELU, {"alpha": _number}),
    "GaussianDropout": LayerKind(keras.layers.GaussianDropout, {"rate": _part}),
    "GaussianNoise": LayerKind(keras.layers.GaussianNoise, {"stddev": _number}),
    "LeakyReLU": LayerKind(keras.layers.LeakyReLU, {"negative_slope": _number}),
    "MaxPooling2D": LayerKind(keras.layers.MaxPooling2D, _POOLING),
    "Maximum": LayerKind(keras.layers.Maximum, joins=True),
    "Multiply": LayerKind(keras.layers.Multiply, joins=True),
    "ReLU": LayerKind(
        keras.layers.ReLU,
        {
            "max_value": _number_or_none,
            "negative_slope": _number,
            "threshold": _number,
        },
    ),
    "Rescaling": LayerKind(
        keras.layers.Rescaling, {"scale": _number, "offset": _number}
    ),
    "SpatialDropout2D": LayerKind(keras.layers.SpatialDropout2D, {"rate": _part}),
    "UpSampling2D": LayerKind(
        keras.layers.UpSampling2D,
        {"size": _side(2, 2), "interpolation": _one_of("nearest", "bilinear")},
    ),
    "ZeroPadding2D": LayerKind(keras.layers.ZeroPadding2D, {"padding": _side(0, 31)}),
}
"""The layers that imported networks may consist of, by Keras' names."""


def check_layer(layer: Mapping[str, Any]) -> dict[str, Any]:
    """Check what a layer is described by, but for its inputs.

    Parameters
    ----------
    layer : mapping
        One of the layers that :func:`build_imported` takes.

    Returns
    -------
    dict
        Arguments of the layer.

    Raises
    ------
    ValueError
        If there is no such kind of layers, or an argument is wrong.
    """
    kind = LAYER_KINDS.get(layer["kind"])
    if kind is None:
        raise ValueError(
            f"{layer['kind']!r} is none of the layers that can be imported: "
            f"{', '.join(LAYER_KINDS)}"
        )
    arguments = {
        name: value for name, value in layer.items() if name not in ("kind", "inputs")
    }
    for name, value in arguments.items():
        if name not in kind.arguments:
            raise ValueError(f"{layer['kind']} takes no {name!r}")
        try:
            arguments[name] = kind.arguments[name](value)
        except ValueError as error:
            raise ValueError(
                f"{name} of {layer['kind']} {error}. Received: {value!r}"
            ) from error
    return arguments
