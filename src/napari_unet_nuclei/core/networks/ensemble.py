"""Several networks as one, whose maps are the means of theirs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import keras

if TYPE_CHECKING:
    from collections.abc import Sequence


def member_path(number: int, path: str) -> str:
    """Name a layer, or a weight, of a member inside of the ensemble."""
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
    """
    if len(networks) < 2:
        raise ValueError(f"there must be 2 or more members. Received: {len(networks)}")
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
        name = member_path(number, config["name"])
        return type(layer).from_config({**config, "name": name})

    copied = keras.models.clone_model(network, input_tensors=image, clone_function=copy)
    return copied.outputs[0]
