"""A package of the BioImage Model Zoo becomes a model, without running anything of it.

Packages that this package wrote come back as they were.  Of others, a network in
Keras' formats is translated as any Keras file is.
"""

from __future__ import annotations

import hashlib
import json
import zipfile
from contextlib import contextmanager
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

import numpy as np
import yaml

from napari_unet_nuclei.core.conversion.importing import ImportedModel, import_model
from napari_unet_nuclei.core.conversion.keras_files import read_keras_file
from napari_unet_nuclei.core.conversion.model_zoo.exporting import (
    CONFIGURATION,
    DESCRIPTION,
)
from napari_unet_nuclei.core.errors import ModelError
from napari_unet_nuclei.core.files.regular_files import check_regular
from napari_unet_nuclei.core.files.untrusted import (
    DECODING_ERRORS,
    check_zip,
    read_from_zip,
)
from napari_unet_nuclei.core.models.bundle import ModelBundle
from napari_unet_nuclei.core.models.config import parse_config
from napari_unet_nuclei.core.models.network_limits import check_arguments
from napari_unet_nuclei.core.writing.atomic_files import scratch_folder

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from napari_unet_nuclei.core.conversion.keras_parsing import KerasFile
    from napari_unet_nuclei.core.models.config import ModelConfig
    from napari_unet_nuclei.core.models.weights import Weights

_DESCRIPTIONS = (DESCRIPTION, "bioimageio.yaml")
_MAX_BYTES = 1 << 31
_MAX_DESCRIPTION = 1 << 22
_MAX_FILES = 256
_FORMATS = {"keras_v3": ".keras", "keras_hdf5": ".h5"}


def import_package(
    path: Path, *, diameter: float | None = None, brightest: float | None = None
) -> ImportedModel:
    """Turn a package of the Model Zoo into a model.

    Parameters
    ----------
    path : Path
        Zip with a description in format 0.4 or 0.5, whose weights Keras saved.
    diameter, brightest : float, optional
        As in :func:`~napari_unet_nuclei.core.conversion.importing.import_model`, for
        packages that this package did not write; those say it themselves.

    Returns
    -------
    ImportedModel
        The model, named after the file, and what was assumed.

    Raises
    ------
    SettingsError
        If the diameter or the brightest pixel is not positive.
    ModelError
        If it is no package or damaged, has no weights of Keras, or its network cannot
        be rebuilt.
    EngineError
        If the network cannot be converted to OpenVINO.
    """
    with scratch_folder() as folder:
        with _one_sentence_errors(path), _open_package(path) as archive:
            description = _read_description(archive)
            weights = _unpack_weights(archive, description, folder, path.stem)
            config = _read_own_config(archive, description)
        if config is None:
            with _naming(path, weights):
                return import_model(weights, diameter=diameter, brightest=brightest)
        file = read_keras_file(weights)
    with _one_sentence_errors(path):
        bundle = _restore(path.stem, config, file)

    from napari_unet_nuclei.core.networks.exporting import add_openvino

    return ImportedModel(add_openvino(bundle), notes=())


@contextmanager
def _one_sentence_errors(path: Path) -> Iterator[None]:
    """Say what is wrong with a package."""
    try:
        yield
    except ModelError:
        raise
    except (*DECODING_ERRORS, yaml.YAMLError) as error:
        raise ModelError(
            "Expected a package of the BioImage Model Zoo with weights of Keras. "
            f"Received: {path}, which is none or is damaged ({error})."
        ) from error


@contextmanager
def _naming(path: Path, unpacked: Path) -> Iterator[None]:
    """Name the package in errors, not the file in it that was unpacked for a while."""
    try:
        yield
    except ModelError as error:
        message = str(error.args[0]).replace(str(unpacked), str(path))
        raise ModelError(message, **error.settings) from error


@contextmanager
def _open_package(path: Path) -> Iterator[zipfile.ZipFile]:
    check_regular(path)
    with zipfile.ZipFile(path) as archive:
        check_zip(archive, max_bytes=_MAX_BYTES, max_files=_MAX_FILES)
        yield archive


def _read_description(archive: zipfile.ZipFile) -> Mapping[str, Any]:
    there = [name for name in _DESCRIPTIONS if name in archive.namelist()]
    if not there:
        raise ValueError(f"it has no {DESCRIPTION}")
    text = read_from_zip(archive, there[0], _MAX_DESCRIPTION)
    description = yaml.safe_load(text)
    if not isinstance(description, dict) or not isinstance(
        description.get("weights"), dict
    ):
        raise ValueError(f"{there[0]} does not describe a model")
    return description


def _unpack_weights(
    archive: zipfile.ZipFile, description: Mapping[str, Any], folder: Path, stem: str
) -> Path:
    """Unpack the weights to a file of the package's name."""
    entries = description["weights"]
    for weights, suffix in _FORMATS.items():
        if entry := entries.get(weights):
            content = _read_entry(archive, entry)
            target = folder / f"{stem}{suffix}"
            target.write_bytes(content)
            return target
    raise ModelError(
        f"Only weights of Keras ({', '.join(_FORMATS)}) can be imported. Received: a "
        f"package with {', '.join(map(str, entries)) or 'no weights'}. Ask its authors "
        "for the Keras file."
    )


def _read_entry(archive: zipfile.ZipFile, entry: Mapping[str, Any]) -> bytes:
    """Read a file that the description names, and compare its checksum."""
    source = str(entry["source"])
    if "://" in source:
        raise ValueError(f"it links to {source} instead of holding it")
    content = read_from_zip(archive, str(PurePosixPath(source)), _MAX_BYTES)
    expected = entry.get("sha256")
    if expected and hashlib.sha256(content).hexdigest() != expected:
        raise ValueError(f"the checksum of {source} does not match")
    return content


def _read_own_config(
    archive: zipfile.ZipFile, description: Mapping[str, Any]
) -> ModelConfig | None:
    """Read what this package says of its own models; None in other packages."""
    attachments = description.get("attachments")
    for entry in attachments if isinstance(attachments, list) else ():
        if isinstance(entry, dict) and entry.get("source") == CONFIGURATION:
            return parse_config(json.loads(_read_entry(archive, entry)))
    return None


def _restore(name: str, config: ModelConfig, file: KerasFile) -> ModelBundle:
    """Build the network of a model of this package, with the weights of a file."""
    from napari_unet_nuclei.core.networks.building import build_model

    given = {layer: arrays for layer, arrays in file.weights.items() if arrays}
    n_weights = sum(array.size for arrays in given.values() for array in arrays)
    check_arguments(config.arguments, n_weights)
    network = build_model(config.architecture, config.arguments)
    weights: Weights = {}
    for layer in network.layers:
        arrays = given.get(layer.name, ())
        if [each.shape for each in arrays] != [tuple(w.shape) for w in layer.weights]:
            raise ValueError(f"the weights of the layer {layer.name!r} do not fit")
        for variable, array in zip(layer.weights, arrays, strict=True):
            if not np.isfinite(array).all():
                raise ValueError(f"the weight {variable.path!r} is not finite")
            weights[variable.path] = array
    return ModelBundle(name=name, config=config, weights=weights)
