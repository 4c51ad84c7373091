"""Networks become bundles and bundles become networks."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import keras
import numpy as np

from napari_unet_nuclei.core.errors import ModelError
from napari_unet_nuclei.core.models.weights import Weights, to_half_precision
from napari_unet_nuclei.core.networks.building import build_model, complete_arguments
from napari_unet_nuclei.core.networks.folding import fold_batch_normalization
from napari_unet_nuclei.core.networks.openvino_layers import save_graph, write_openvino
from napari_unet_nuclei.core.openvino_runtime import import_openvino
from napari_unet_nuclei.core.writing.atomic_files import scratch_folder

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray

    from napari_unet_nuclei.core.models.bundle import ModelBundle


@contextmanager
def precision(policy: str) -> Iterator[None]:
    """Build layers with a dtype policy, whatever the global one is, and restore that.

    Parameters
    ----------
    policy : str
        Keras name of the policy, such as ``"float32"`` or ``"mixed_bfloat16"``.
    """
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


def get_weights(model: keras.Model) -> Weights:
    """Copy the weights of a network.

    Parameters
    ----------
    model : keras.Model
        Any network.

    Returns
    -------
    dict of str to ndarray of float32
        Weights by path, such as ``"encoder0_0_conv/kernel"``.
    """
    return {
        variable.path: np.array(keras.ops.convert_to_numpy(variable), np.float32)
        for variable in model.weights
    }


def set_weights(
    model: keras.Model, weights: Mapping[str, NDArray[np.floating]]
) -> None:
    """Give a network the weights of another of the same shape.

    Parameters
    ----------
    model : keras.Model
        Network to change.
    weights : mapping of str to ndarray
        Weights by path.

    Raises
    ------
    ModelError
        If a weight is missing, superfluous or of another shape.
    """
    variables = {variable.path: variable for variable in model.weights}
    if variables.keys() != weights.keys():
        odd = sorted(variables.keys() ^ weights.keys())
        raise ModelError(
            f"The weights do not belong to this network: {len(odd)} differ in name, "
            f"the first is {odd[0]!r}."
        )
    for path, variable in variables.items():
        if tuple(variable.shape) != weights[path].shape:
            raise ModelError(
                f"The weight {path!r} must have shape {tuple(variable.shape)}. "
                f"Received: {weights[path].shape}"
            )
        variable.assign(weights[path].astype(np.float32))


def restore_model(bundle: ModelBundle) -> keras.Model:
    """Build the network of a bundle, in float32.

    Parameters
    ----------
    bundle : ModelBundle
        Configuration and weights.

    Returns
    -------
    keras.Model
        The trained network.
    """
    with precision("float32"):
        model = build_model(bundle.config.architecture, bundle.config.arguments)
    set_weights(model, bundle.weights)
    return model


def without_normalization(bundle: ModelBundle) -> tuple[dict[str, Any], Weights]:
    """Describe a network that computes the same as that of a bundle, but faster.

    Parameters
    ----------
    bundle : ModelBundle
        Configuration and weights.

    Returns
    -------
    arguments : dict
        All keyword arguments of the builder; batch normalisation is off where it
        could be folded into convolutions.
    weights : dict of str to ndarray
        Weights of the network that these build.

    Raises
    ------
    ModelError
        If a weight to fold is missing or has another shape.
    """
    arguments = complete_arguments(bundle.config.architecture, bundle.config.arguments)
    if not arguments.get("batch_normalization"):
        return arguments, dict(bundle.weights)
    try:
        return fold_batch_normalization(arguments, bundle.weights)
    except (LookupError, ValueError) as error:
        raise ModelError(
            f"The weights of {bundle.name!r} do not belong to its network: batch "
            f"normalisation cannot be folded ({error}); copy or train it again."
        ) from error


def export_openvino(bundle: ModelBundle) -> tuple[bytes, bytes]:
    """Convert the network of a bundle to OpenVINO.

    Parameters
    ----------
    bundle : ModelBundle
        Configuration and weights.

    Returns
    -------
    tuple of bytes
        IR with dynamic height and width and half-precision weights: XML, then
        weights.
    """
    openvino = import_openvino()
    model = restore_model(replace(bundle, weights=to_half_precision(bundle.weights)))
    if form := write_openvino(model, bundle.weights):
        return form
    with scratch_folder() as folder:
        path = folder / "full.xml"
        model.export(str(path), format="openvino", verbose=False)
        return save_graph(openvino.Core().read_model(path))
