"""The network of a model, in the formats that other tools run.

One output for each map, and nothing but layers of Keras itself, so that a file needs
none of this package.
"""

from __future__ import annotations

import warnings
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import keras
import numpy as np

from napari_unet_nuclei.core.errors import ModelError
from napari_unet_nuclei.core.networks.bundling import (
    restore_model,
    without_normalization,
)

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from napari_unet_nuclei.core.models.bundle import ModelBundle

ONNX_OPSET = 18
"""Version of the operations in ONNX files."""


class PlainNetwork(NamedTuple):
    """A network without batch normalisation, and what builds it again.

    Parameters
    ----------
    network : keras.Model
        From (batch, Y, X, 3) float32 in [0, 1] to a list with an array of shape
        (batch, Y, X, 1) for each map, in float32.
    bundle : ModelBundle
        The same model, with the arguments and the weights of this network.
    """

    network: keras.Model
    bundle: ModelBundle


def split_maps(bundle: ModelBundle) -> PlainNetwork:
    """Rebuild the network of a model with an output for each of its maps.

    Parameters
    ----------
    bundle : ModelBundle
        Any model.

    Returns
    -------
    PlainNetwork
        Computes the same as the model.

    Raises
    ------
    ModelError
        If the weights do not belong to the network.
    """
    arguments, weights = without_normalization(bundle)
    plain = replace(
        bundle,
        config=replace(bundle.config, arguments=arguments),
        weights=weights,
        openvino=None,
    )
    joined = restore_model(plain)
    maps = joined.outputs[0]
    outputs = [
        keras.layers.Identity(name=name)(maps[..., number : number + 1])
        for number, name in enumerate(bundle.config.maps)
    ]
    network = keras.Model(
        joined.inputs[0], outputs, name=str(bundle.config.architecture)
    )
    return PlainNetwork(network, plain)


def compute_maps(
    network: keras.Model, image: NDArray[np.float32]
) -> list[NDArray[np.float32]]:
    """Compute the maps of one image, in float32.

    Parameters
    ----------
    network : keras.Model
        Of :func:`split_maps`.
    image : (1, Y, X, 3) ndarray of float32
        In [0, 1]; height and width are multiples of the stride.

    Returns
    -------
    list of (1, Y, X, 1) ndarray of float32
        The maps.
    """
    outputs = network.predict(image, verbose=0)
    outputs = outputs if isinstance(outputs, list) else [outputs]
    return [np.asarray(each, np.float32) for each in outputs]


def write_onnx(network: keras.Model, path: Path) -> None:
    """Write a network as ONNX, for images of every height and width.

    Parameters
    ----------
    network : keras.Model
        Of :func:`split_maps`, after :func:`compute_maps`.
    path : Path
        File to write.

    Raises
    ------
    ModelError
        If Keras does not run on TensorFlow, or the conversion fails.
    """
    if keras.backend.backend() != "tensorflow":
        raise ModelError(
            "ONNX files are written through TensorFlow. Received: the Keras backend "
            f"{keras.backend.backend()!r}. Set KERAS_BACKEND=tensorflow."
        )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of tf2onnx, on names of NumPy
            network.export(
                str(path), format="onnx", opset_version=ONNX_OPSET, verbose=False
            )
    except Exception as error:  # tf2onnx raises all kinds
        raise ModelError(
            f"The network could not be written as ONNX ({error}); "
            "export it without, with --no-onnx."
        ) from error
