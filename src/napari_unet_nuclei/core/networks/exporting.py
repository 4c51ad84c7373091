"""Trained networks get their OpenVINO form, whatever backend Keras runs on.

Networks of known layers are written directly.  Of others, only what Keras exports
through TensorFlow takes images of every size and is fast: JAX cannot trace a network
for unknown sizes, and what comes from PyTorch moves the channels of every layer around.
Under these a child process does the conversion.
"""

from __future__ import annotations

import importlib.util
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import keras

from napari_unet_nuclei.core.errors import EngineError, ModelError
from napari_unet_nuclei.core.models.bundle import read_bundle, write_bundle
from napari_unet_nuclei.core.networks.bundling import export_openvino, restore_model
from napari_unet_nuclei.core.networks.openvino_layers import write_openvino
from napari_unet_nuclei.core.tensorflow_child import run_on_tensorflow
from napari_unet_nuclei.core.writing.atomic_files import scratch_folder

if TYPE_CHECKING:
    from napari_unet_nuclei.core.models.bundle import ModelBundle


def add_openvino(bundle: ModelBundle) -> ModelBundle:
    """Give a model its OpenVINO form.

    Parameters
    ----------
    bundle : ModelBundle
        Trained model.

    Returns
    -------
    ModelBundle
        The same with the IR.

    Raises
    ------
    EngineError
        If the conversion fails, for example because OpenVINO is not installed, or a
        network of other layers needs TensorFlow.
    """
    try:
        if keras.backend.backend() == "tensorflow":
            return replace(bundle, openvino=export_openvino(bundle))
        form = write_openvino(restore_model(bundle), bundle.weights)
        return replace(bundle, openvino=form or _convert_in_child(bundle).openvino)
    except Exception as error:  # Keras and OpenVINO raise all kinds, even a bare one
        raise EngineError(
            f"The model {bundle.name!r} has no OpenVINO form, because making it failed "
            f"({error}); use the Keras engine, which is slower."
        ) from error


def add_openvino_at_once(bundle: ModelBundle) -> ModelBundle:
    """Give a model its OpenVINO form where that takes no time.

    Parameters
    ----------
    bundle : ModelBundle
        Trained model.

    Returns
    -------
    ModelBundle
        The same with the IR, or without where it takes :func:`add_openvino`.
    """
    try:
        form = write_openvino(restore_model(bundle), bundle.weights)
    except (ImportError, LookupError, ModelError, RuntimeError, ValueError):
        return bundle
    return replace(bundle, openvino=form)


def _convert_in_child(bundle: ModelBundle) -> ModelBundle:
    """Let a process on the TensorFlow backend do the work."""
    if importlib.util.find_spec("tensorflow") is None:
        raise EngineError("TensorFlow is not installed")
    with scratch_folder() as folder:
        path = folder / "model.unetnuclei"
        write_bundle(path, replace(bundle, openvino=None))
        run_on_tensorflow("-m", __name__, str(path))
        return read_bundle(path)


def _complete_file(path: Path) -> None:
    write_bundle(path, add_openvino(read_bundle(path)))


if __name__ == "__main__":
    _complete_file(Path(sys.argv[1]))
