"""The weights of a network as a file holds them: arrays in a zip, ``weights.npz``.

The file may come from anybody: no pickles are loaded, and no array takes more memory
than the file has bytes for it.
"""

from __future__ import annotations

import io
import math
import zipfile
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_unet_nuclei.core.files.untrusted import check_zip, read_from_zip

if TYPE_CHECKING:
    from collections.abc import Mapping

Weights = dict[str, NDArray[np.floating]]
"""Weights of a network by path, such as ``"encoder0_0_conv/kernel"``."""

WEIGHTS_FILE = "weights.npz"

_MAX_ARRAYS = 50_000


def to_half_precision(
    weights: Mapping[str, NDArray[np.floating]],
) -> dict[str, NDArray[np.floating]]:
    """Round kernels to half precision, the form in which bundles hold them.

    Parameters
    ----------
    weights : mapping of str to ndarray of float32
        Weights by path.

    Returns
    -------
    dict of str to ndarray
        Kernels as float16; biases and statistics, which are few and may be
        tiny, as float32.
    """
    return {
        path: value.astype(np.float16 if value.ndim > 1 else np.float32)
        for path, value in weights.items()
    }


def format_weights(weights: Mapping[str, NDArray[np.floating]]) -> bytes:
    """Return weights as the content of a file, kernels in half precision."""
    buffer = io.BytesIO()
    arrays: Mapping[str, Any] = to_half_precision(weights)
    np.savez_compressed(buffer, **arrays)
    return buffer.getvalue()


def parse_weights(content: bytes, max_bytes: int) -> Weights:
    """Read what :func:`format_weights` returned.

    Parameters
    ----------
    content : bytes
        Content of a file.
    max_bytes : int
        Size of all arrays that is still read.

    Returns
    -------
    dict of str to ndarray
        Weights by path.

    Raises
    ------
    ValueError
        If there is more, or anything but real numbers.
    LookupError, OSError, BadZipFile
        If the content is damaged.
    """
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        check_zip(archive, max_bytes=max_bytes, max_files=_MAX_ARRAYS)
        return {
            name.removesuffix(".npy"): _parse_array(
                read_from_zip(archive, name, max_bytes)
            )
            for name in archive.namelist()
        }


def _parse_array(content: bytes) -> NDArray[np.floating]:
    """Read an array of real numbers, no larger than what there is of it."""
    file = io.BytesIO(content)
    version = np.lib.format.read_magic(file)
    read_header = (
        np.lib.format.read_array_header_1_0
        if version == (1, 0)
        else np.lib.format.read_array_header_2_0
    )
    shape, _, dtype = read_header(file)
    if dtype.kind != "f":
        raise ValueError(f"{WEIGHTS_FILE} does not hold real numbers only")
    if math.prod(shape) * dtype.itemsize != len(content) - file.tell():
        raise ValueError(f"{WEIGHTS_FILE} holds arrays of another size than they say")
    file.seek(0)
    values: NDArray[np.floating] = np.lib.format.read_array(file, allow_pickle=False)
    return values
