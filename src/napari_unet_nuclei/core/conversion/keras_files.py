"""Files in which Keras keeps whole networks, read without Keras.

Only JSON and arrays are taken from a file: no pickles, no bytecode, no classes that
it names, nothing it links to.  What the configuration means is the business of
``importing``.

The HDF5 library was not made for files that lie: some bytes make it loop for ever.
So this module runs itself in a process of its own, which can be ended.
"""

from __future__ import annotations

import io
import json
import math
import re
import signal
import subprocess
import sys
import zipfile
from collections import Counter
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np

from napari_unet_nuclei.core.errors import ModelError
from napari_unet_nuclei.core.files.regular_files import check_regular
from napari_unet_nuclei.core.files.untrusted import DECODING_ERRORS, read_from_zip

if sys.platform != "win32":
    import resource

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    Weights = tuple[NDArray[np.float32], ...]

_SIGNATURES = (b"PK\x03\x04", b"\x89HDF\r\n\x1a\n")
_MAX_FILE_BYTES = 1 << 30
_MAX_CONFIG_BYTES = 1 << 24
_MAX_WEIGHT_BYTES = 1 << 29
# What takes more work than this, and than its size explains, goes round in circles.
# Seconds of the processor, not of the clock, which depend on what else is running.
_PATIENCE = 6.0
_BYTES_A_SECOND = 2e7
_LONGEST = 600.0  # seconds of the clock, where the processor has nothing to do
_MAX_MEMORY = 6 << 30  # bytes
_REFUSED = 3  # exit code
_COUNTS_WORK = sys.platform != "win32"


@dataclass(frozen=True)
class KerasFile:
    """What a Keras file says of a network, in plain values.

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


def read_keras_file(path: Path) -> KerasFile:
    """Read a ``.keras`` or ``.h5`` file.

    Parameters
    ----------
    path : Path
        File written by Keras 2 or 3; what it is is told from its content.

    Returns
    -------
    KerasFile
        Configuration and weights.

    Raises
    ------
    ModelError
        If the file is missing, too large, of another kind, damaged, or holds
        weights without a network.
    """
    seconds = _PATIENCE + _check_signature(path) / _BYTES_A_SECOND
    try:
        finished = subprocess.run(
            [
                *(sys.executable, "-P", "-m", __name__),
                *(str(path.absolute()), str(math.ceil(seconds))),
            ],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_LONGEST if _COUNTS_WORK else seconds,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise _damaged(path, f"reading it takes more than {error.timeout:.0f} s") from (
            error
        )
    if sys.platform != "win32" and finished.returncode == -signal.SIGXCPU:
        raise _damaged(path, f"reading it takes more than {math.ceil(seconds)} s")
    if finished.returncode == _REFUSED:
        raise ModelError(finished.stderr.decode())
    if finished.returncode != 0:
        raise _damaged(path, f"reading it ends with code {finished.returncode}")
    return _unpack(finished.stdout)


def _check_signature(path: Path) -> int:
    """Return the size of a file that may be one of Keras'."""
    try:
        check_regular(path)
        with path.open("rb") as file:
            signature = file.read(8)
        size = path.stat().st_size
    except OSError as error:
        raise ModelError(
            f"Expected a Keras file. Received: {path} ({error.strerror or error}). "
            "Check the path."
        ) from error
    if not signature.startswith(_SIGNATURES):
        raise ModelError(
            "Expected a Keras file, which is a zip (.keras) or HDF5 (.h5). Received: "
            f"{path}, which is neither. Save the network with `model.save` as one."
        )
    if size > _MAX_FILE_BYTES:
        raise ModelError(
            f"Expected a Keras file of at most {_MAX_FILE_BYTES:,} bytes. Received: "
            f"{path}, which has {size:,}. Save the network without its optimizer."
        )
    return size


def _damaged(path: Path, reason: str) -> ModelError:
    return ModelError(
        f"Expected a whole Keras file. Received: {path}, which is damaged or none "
        f"({reason}). Copy or save it again."
    )


def parse_keras_file(path: Path) -> KerasFile:
    """Read a Keras file in this process; see :func:`read_keras_file`.

    Parameters
    ----------
    path : Path
        File that may be trusted not to be made for harm.

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
        return _read_zip(path) if zipfile.is_zipfile(path) else _read_hdf5(path)
    except ModelError:
        raise
    except DECODING_ERRORS as error:
        raise _damaged(path, f"{type(error).__name__}: {error}") from error


def _read_zip(path: Path) -> KerasFile:
    """Read Keras 3's own format."""
    with zipfile.ZipFile(path) as archive:
        config = json.loads(read_from_zip(archive, "config.json", _MAX_CONFIG_BYTES))
        content = read_from_zip(archive, "model.weights.h5", _MAX_FILE_BYTES)
    counts: Counter[str] = Counter()
    reader = _ArrayReader()
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


def _read_hdf5(path: Path) -> KerasFile:
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
        reader = _ArrayReader()
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

    def __init__(self) -> None:
        self._n_bytes = 0

    def read(self, group: h5py.Group, path: str) -> NDArray[np.float32]:
        """Read an array of real numbers."""
        array = _follow(group, path)
        if not isinstance(array, h5py.Dataset) or array.dtype.kind != "f":
            raise ValueError(f"{path} is no array of real numbers")
        if array.external or array.is_virtual:
            raise ValueError(f"{path} lies in another file")
        self._n_bytes += 4 * array.size
        if self._n_bytes > _MAX_WEIGHT_BYTES:
            raise ValueError(f"the weights exceed {_MAX_WEIGHT_BYTES:,} bytes")
        return np.asarray(array[()], np.float32)


def _pack(file: KerasFile) -> bytes:
    """Turn what was read into bytes for another process."""
    counts = {name: len(arrays) for name, arrays in file.weights.items()}
    header = json.dumps([file.config, counts]).encode()
    arrays = [array for arrays in file.weights.values() for array in arrays]
    buffer = io.BytesIO()
    np.savez(buffer, np.frombuffer(header, np.uint8), *arrays)
    return buffer.getvalue()


def _unpack(content: bytes) -> KerasFile:
    with np.load(io.BytesIO(content), allow_pickle=False) as file:
        header, *arrays = (file[f"arr_{number}"] for number in range(len(file.files)))
    config, counts = json.loads(header.tobytes())
    rest = iter(arrays)
    weights = {name: tuple(islice(rest, count)) for name, count in counts.items()}
    return KerasFile(config, weights)


def _limit_work(seconds: int) -> None:
    """Let the system end this process once it has worked for too long."""
    if sys.platform != "win32":
        resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))
        resource.setrlimit(resource.RLIMIT_DATA, (_MAX_MEMORY, _MAX_MEMORY))


def _main(path: Path, seconds: int) -> int:
    _limit_work(seconds)
    try:
        content = _pack(parse_keras_file(path))
    except ModelError as error:
        sys.stderr.buffer.write(str(error).encode())
        return _REFUSED
    sys.stdout.buffer.write(content)
    return 0


if __name__ == "__main__":
    sys.exit(_main(Path(sys.argv[1]), int(sys.argv[2])))
