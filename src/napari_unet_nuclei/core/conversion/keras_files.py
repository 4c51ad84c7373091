"""Files in which Keras keeps whole networks, read without Keras.

The HDF5 library trusts its files: some bytes make it loop for ever.
So this module runs itself in a process of its own, which can be ended; what it takes
from a file there is in :mod:`~napari_unet_nuclei.core.conversion.keras_parsing`.
"""

from __future__ import annotations

import io
import json
import math
import signal
import subprocess
import sys
from dataclasses import asdict
from itertools import islice
from pathlib import Path

import numpy as np

from napari_unet_nuclei.core.conversion.keras_parsing import (
    USUAL_LIMITS,
    KerasFile,
    KerasFileLimits,
    damaged_file,
    parse_keras_file,
)
from napari_unet_nuclei.core.errors import ModelError
from napari_unet_nuclei.core.files.regular_files import check_regular

if sys.platform != "win32":
    import resource

_SIGNATURES = (b"PK\x03\x04", b"\x89HDF\r\n\x1a\n")
_BYTES_A_SECOND = 2e7
_MAX_MEMORY = 6 << 30  # bytes
_REFUSED = 3  # exit code
_COUNTS_WORK = sys.platform != "win32"


def read_keras_file(path: Path, limits: KerasFileLimits = USUAL_LIMITS) -> KerasFile:
    """Read a ``.keras`` or ``.h5`` file.

    Parameters
    ----------
    path : Path
        File written by Keras 2 or 3; its content says which.
    limits : KerasFileLimits
        How much of it is read, and for how long.

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
    seconds = limits.patience + _check_signature(path, limits) / _BYTES_A_SECOND
    try:
        finished = subprocess.run(
            [
                *(sys.executable, "-P", "-m", __name__),
                *(str(path.absolute()), str(math.ceil(seconds))),
                json.dumps(asdict(limits)),
            ],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=limits.longest if _COUNTS_WORK else seconds,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        reason = f"reading it takes more than {error.timeout:.0f} s"
        raise damaged_file(path, reason) from error
    if sys.platform != "win32" and finished.returncode == -signal.SIGXCPU:
        raise damaged_file(path, f"reading it takes more than {math.ceil(seconds)} s")
    if finished.returncode == _REFUSED:
        raise ModelError(finished.stderr.decode())
    if finished.returncode != 0:
        raise damaged_file(path, f"reading it ends with code {finished.returncode}")
    return _unpack(finished.stdout)


def _check_signature(path: Path, limits: KerasFileLimits) -> int:
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
    if size > limits.max_file_bytes:
        raise ModelError(
            f"Expected a Keras file of at most {limits.max_file_bytes:,} bytes. "
            f"Received: {path}, which has {size:,}. Save the network without its "
            "optimizer."
        )
    return size


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


def _main(path: str, seconds: str, limits: str) -> int:
    _limit_work(int(seconds))
    try:
        file = parse_keras_file(Path(path), KerasFileLimits(**json.loads(limits)))
    except ModelError as error:
        sys.stderr.buffer.write(str(error).encode())
        return _REFUSED
    sys.stdout.buffer.write(_pack(file))
    return 0


if __name__ == "__main__":
    sys.exit(_main(*sys.argv[1:]))
