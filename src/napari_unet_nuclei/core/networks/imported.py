"""Networks made elsewhere, described layer by layer in plain values.

The description comes from a file that anybody may have written, so it is not left
to Keras' own deserialisation: only the layers and arguments listed in
:mod:`~napari_unet_nuclei.core.networks.layer_kinds` exist, and each argument is
checked.  Reading Keras' files belongs in
:mod:`~napari_unet_nuclei.core.conversion.importing`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import keras

from napari_unet_nuclei.core.networks.blocks import apply_grey
from napari_unet_nuclei.core.networks.layer_kinds import (
    LAYER_KINDS,
    check_layer,
    integer_between,
)
from napari_unet_nuclei.core.networks.upsampling import Upsampling, apply_upsampling

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_MAX_LAYERS = 2000
MAX_WEIGHTS = 1 << 27
"""Weights that the convolutions of an imported network may have."""


@dataclass(frozen=True, kw_only=True)
class ImportedShape:
    """Layers of a network made elsewhere; bundles store these fields by name.

    Parameters
    ----------
    layers : sequence of mapping
        Layers in an order in which each comes after its inputs.  ``"kind"`` is a
        name in ``LAYER_KINDS``, ``"inputs"`` the numbers of other layers, counted
        from 1, with 0 for the image; the rest are arguments.  The output of the
        last is the output of the network.
    n_channels : {1, 3}
        Channels the first layer sees: the image's three, or their mean.

    Raises
    ------
    ValueError
        If there are no layers or too many, or another number of channels.
    """

    layers: Sequence[Mapping[str, Any]] = ()
    n_channels: int = 3

    def __post_init__(self) -> None:
        if not 0 < len(self.layers) <= _MAX_LAYERS:
            raise ValueError(
                f"there must be 1 to {_MAX_LAYERS} layers, which a Keras file brings: "
                f"import one, or fine-tune a model that was imported. Received: "
                f"{len(self.layers)}"
            )
        if self.n_channels not in (1, 3):
            raise ValueError(f"n_channels must be 1 or 3. Received: {self.n_channels}")


def layer_name(number: int, kind: str) -> str:
    """Name a layer after its place, whatever it was called where it comes from."""
    return f"layer{number}_{kind.lower()}"


def build_imported(
    shape: ImportedShape, *, max_weights: int = MAX_WEIGHTS
) -> keras.Model:
    """Build a network from a description of its layers.

    Parameters
    ----------
    shape : ImportedShape
        Its layers.
    max_weights : int
        Weights that its convolutions may have in all.

    Returns
    -------
    keras.Model
        From (batch, Y, X, 3) float32 in [0, 1] to (batch, Y, X, maps) float32.

    Raises
    ------
    ValueError
        If a layer is unknown, an argument or input of one is wrong, or there are
        too many weights.
    """
    image = keras.Input((None, None, 3), name="image")
    tensors = [image if shape.n_channels == 3 else apply_grey(image)]
    n_weights = 0
    for number, layer in enumerate(shape.layers, start=1):
        try:
            arguments = check_layer(layer)
            check = integer_between(0, number - 1)
            inputs = [tensors[check(source)] for source in layer["inputs"]]
            n_weights += _count_kernel(layer, arguments, inputs)
            if n_weights > max_weights:
                raise ValueError(f"more than {max_weights:,} weights")
            tensors.append(
                _apply_layer(
                    inputs,
                    layer["kind"],
                    arguments,
                    name=layer_name(number, layer["kind"]),
                    # Half precision is for what lies between the image and the maps.
                    dtype="float32" if number == len(shape.layers) else None,
                )
            )
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise ValueError(f"layer {number}: {error}") from error
    return keras.Model(image, tensors[-1], name="imported")


def _count_kernel(
    layer: Mapping[str, Any], arguments: Mapping[str, Any], inputs: Sequence[Any]
) -> int:
    """Count what a convolution would allocate, before it does."""
    if "filters" not in arguments or not inputs:
        return 0
    area = arguments["kernel_size"] ** 2
    return int(area * arguments["filters"] * inputs[0].shape[-1])


def _apply_layer(
    inputs: Sequence[keras.KerasTensor],
    kind: str,
    arguments: Mapping[str, Any],
    *,
    name: str,
    dtype: str | None,
) -> keras.KerasTensor:
    known = LAYER_KINDS[kind]
    if (len(inputs) > 1) != known.joins or not inputs:
        raise ValueError(
            f"{kind} has {'two or more inputs' if known.joins else 'one input'}. "
            f"Received: {len(inputs)}"
        )
    if arguments.get("interpolation") == "bilinear":
        return apply_upsampling(inputs[0], 0, name=name, upsampling=Upsampling.BILINEAR)
    if kind == "Rescaling":
        dtype = "float32"  # the scale to 255 needs more than eight bits
    layer = known.build(**arguments, name=name, dtype=dtype)
    return layer(list(inputs) if known.joins else inputs[0])
