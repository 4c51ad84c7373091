"""What Keras' files say about a network, in plain values.

Only JSON and arrays are taken from a file: no pickles, no bytecode, no classes that
it names, nothing it links to.  What the configuration means is decided in
:mod:`~napari_unet_nuclei.core.conversion.importing`.
"""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np

from napari_unet_nuclei.core.errors import ModelError
from napari_unet_nuclei.core.files.untrusted import DECODING_ERRORS, read_from_zip

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    Weights = tuple[NDArray[np.float32], ...]


@dataclass(frozen=True, kw_only=True)
class KerasFileLimits:
    """How much is read of a file that anybody may have made, and for how long.

    Parameters
    ----------
    max_file_bytes, max_config_bytes, max_weight_bytes : int
        Size of the file, of its configuration and of all weights, unpacked.
    patience : float, in seconds
        Work of the processor beyond which reading goes round in circles, unless the
        size of the file explains it.  Time of the clock would depend on what else is
        running.
    longest : float, in seconds
        Time of the clock, where the processor has nothing to do.
    """

    max_file_bytes: int = 1 << 30
    max_config_bytes: int = 1 << 24
    max_weight_bytes: int = 1 << 29
    patience: float = 6.0
    longest: float = 600.0


USUAL_LIMITS = KerasFileLimits()
"""More than networks for nuclei need."""


@dataclass(frozen=True)
class KerasFile:
    """What a Keras file says about a network, in plain values.

    Parameters
    ----------
    config : mapping
        The configuration of the network, as Keras writes it.
    weights : mapping of str to tuple of ndarray
        Weights of each layer that has some, by the name of the layer, in Keras'
        order.
    """

    config: Mapping[str, Any]
    weights: Mapping[str, Weights]


def parse_keras_file(path: Path, limits: KerasFileLimits = USUAL_LIMITS) -> KerasFile:
    """Read a Keras file in this process.

    Parameters
    ----------
    path : Path
        File that may be trusted not to be made for harm.
    limits : KerasFileLimits
        How much of it is read.

    Returns
    -------
    KerasFile
        Configuration and weights.

    Raises
    ------
    ModelError
        If the file is damaged or holds weights without a network.
    """
    try:
        read = _read_zip if zipfile.is_zipfile(path) else _read_hdf5
        return read(path, limits)
    except ModelError:
        raise
    except DECODING_ERRORS as error:
        raise damaged_file(path, f"{type(error).__name__}: {error}") from error


def _read_zip(path: Path, limits: KerasFileLimits) -> KerasFile:
    """Read Keras 3's own format."""
    with zipfile.ZipFile(path) as archive:
        config = json.loads(
            read_from_zip(archive, "config.json", limits.max_config_bytes)
        )
        content = read_from_zip(archive, "model.weights.h5", limits.max_file_bytes)
    counts: Counter[str] = Counter()
    reader = _ArrayReader(limits.max_weight_bytes)
    weights = {}
    with h5py.File(io.BytesIO(content), "r") as file:
        # The second is what Keras 2 began with.
        root = "layers" if "layers" in file else "_layer_checkpoint_dependencies"
        for layer in config["config"]["layers"]:
            # Groups are numbered by class: conv2d, conv2d_1, conv2d_2 …
            group = f"{root}/{_snake_case(layer['class_name'])}"
            counts[group] += 1
            if counts[group] > 1:
                group += f"_{counts[group] - 1}"
            if f"{group}/vars" in file:
                n_arrays = len(_follow(file, f"{group}/vars"))
                weights[layer["config"]["name"]] = tuple(
                    reader.read(file, f"{group}/vars/{number}")
                    for number in range(n_arrays)
                )
    return KerasFile(config, weights)


def _snake_case(name: str) -> str:
    name = re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", re.sub(r"\W+", "", name))
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", name).lower()


def _read_hdf5(path: Path, limits: KerasFileLimits) -> KerasFile:
    """Read the format of Keras 2, which Keras 3 writes too."""
    with h5py.File(path, "r") as file:
        if "model_config" not in file.attrs:
            raise ModelError(
                f"Expected a Keras file with a network. Received: {path}, which holds "
                "weights only. Save it with `model.save` instead of "
                "`model.save_weights`."
            )
        config = json.loads(file.attrs["model_config"])
        root = _follow(file, "model_weights")
        reader = _ArrayReader(limits.max_weight_bytes)
        weights = {}
        for layer in _read_names(root, "layer_names"):
            group = _follow(root, layer)
            weights[layer] = tuple(
                reader.read(group, name) for name in _read_names(group, "weight_names")
            )
    return KerasFile(config, weights)


def _read_names(group: h5py.Group, attribute: str) -> list[str]:
    """Read the names in an attribute, which is cut in several where it is long."""
    parts = [attribute] if attribute in group.attrs else []
    while f"{attribute}{len(parts)}" in group.attrs:
        parts.append(f"{attribute}{len(parts)}")
    return [
        name.decode() if isinstance(name, bytes) else str(name)
        for part in parts
        for name in group.attrs[part]
    ]


def _follow(group: h5py.Group, path: str) -> Any:
    """Find what lies in this very file; a link could lead to any other."""
    for part in path.split("/"):
        if not isinstance(group.get(part, getlink=True), h5py.HardLink):
            raise ValueError(f"{path} is missing or a link")
        group = group[part]
    return group


class _ArrayReader:
    """Reads arrays as long as they do not add up to too much."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._n_bytes = 0

    def read(self, group: h5py.Group, path: str) -> NDArray[np.float32]:
        """Read an array of real numbers."""
        array = _follow(group, path)
        if not isinstance(array, h5py.Dataset) or array.dtype.kind != "f":
            raise ValueError(f"{path} is no array of real numbers")
        if array.external or array.is_virtual:
            raise ValueError(f"{path} lies in another file")
        self._n_bytes += 4 * array.size
        if self._n_bytes > self._max_bytes:
            raise ValueError(f"the weights exceed {self._max_bytes:,} bytes")
        return np.asarray(array[()], np.float32)


def damaged_file(path: Path, reason: str) -> ModelError:
    """Make the error for a file that is incomplete."""
    return ModelError(
        f"Expected a whole Keras file. Received: {path}, which is damaged or none "
        f"({reason}). Copy or save it again."
    )
