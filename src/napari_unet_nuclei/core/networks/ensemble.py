"""Several networks as one, whose maps are the means of theirs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import keras

from napari_unet_nuclei.core.settings.choices import Architecture

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_MAX_PARTS = 16


@dataclass(frozen=True, kw_only=True)
class EnsembleShape:
    """The networks that an ensemble joins; bundles store this field by name.

    Parameters
    ----------
    members : sequence of mapping
        ``"architecture"`` and ``"arguments"`` of each.

    Raises
    ------
    ValueError
        If there are too many, or one is described by anything else or is an
        ensemble itself.
    """

    members: Sequence[Mapping[str, Any]] = ()

    def __post_init__(self) -> None:
        if len(self.members) > _MAX_PARTS:
            raise ValueError(
                f"there may be {_MAX_PARTS} parts. Received: {len(self.members)}"
            )
        for part in self.members:
            if set(part) != {"architecture", "arguments"}:
                raise ValueError(f"a part is described by {list(part)}")
            if part["architecture"] == Architecture.ENSEMBLE:
                raise ValueError("no part may be an ensemble")


def part_path(number: int, path: str) -> str:
    """Name a layer, or a weight, of a part inside of the ensemble."""
    return f"member{number}_{path}"


def average_networks(networks: Sequence[keras.Model]) -> keras.Model:
    """Join networks side by side and average what they say.

    Parameters
    ----------
    networks : sequence of keras.Model
        Two or more, each from (batch, Y, X, 3) to (batch, Y, X, maps).  They are
        copied, not changed.

    Returns
    -------
    keras.Model
        From (batch, Y, X, 3) float32 in [0, 1] to (batch, Y, X, maps) float32, with
        as many maps as the network with most; each is the mean over those that have
        it.

    Raises
    ------
    ValueError
        If there are fewer than two networks.

    References
    ----------
    Hansen, Salamon: Neural network ensembles, IEEE Trans. Pattern Anal. Mach.
    Intell. 1990, doi:10.1109/34.58871
    """
    if len(networks) < 2:
        raise ValueError(f"there must be 2 or more parts. Received: {len(networks)}")
    image = keras.Input((None, None, 3), name="image")
    outputs = [
        _apply_copy(network, image, number) for number, network in enumerate(networks)
    ]
    means = []
    for index in range(max(output.shape[-1] for output in outputs)):
        known = [
            output[..., index : index + 1]
            for output in outputs
            if output.shape[-1] > index
        ]
        means.append(sum(known[1:], start=known[0]) / len(known))
    return keras.Model(image, keras.ops.concatenate(means, axis=-1), name="ensemble")


def _apply_copy(
    network: keras.Model, image: keras.KerasTensor, number: int
) -> keras.KerasTensor:
    """Copy the layers of a network, under names of their own, onto an image."""

    def copy(layer: keras.Layer) -> keras.Layer:
        config = layer.get_config()
        name = part_path(number, config["name"])
        return type(layer).from_config({**config, "name": name})

    copied = keras.models.clone_model(network, input_tensors=image, clone_function=copy)
    return copied.outputs[0]
