"""Memory that segmentation needs, compared with what this process may use."""

from __future__ import annotations

import math
import os
import sys
import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING

from napari_unet_nuclei.core import hardware
from napari_unet_nuclei.core.errors import ImageError, SettingsError

if TYPE_CHECKING:
    from collections.abc import Iterator

# Measured with benchmarks/containers.py and tracemalloc, and rounded up.
_BYTES_PER_PIXEL = 20  # of a plane: its maps, 12, and what splitting takes
_BYTES_PER_LABEL = 4
_BYTES_PER_TILE_PIXEL = 160  # in float32, tensors and copies in all
_LIBRARIES = 120_000_000  # bytes; loaded on the way, with the threads they start
_SMALLEST_TILES = 40_000_000  # bytes

TILE_MEMORY_VARIABLE = "NAPARI_UNET_NUCLEI_TILE_MEMORY"
"""Environment variable with the memory that tiles may take, in GB."""


def check_memory(shape: tuple[int, ...], n_planes: int = 1) -> None:
    """Refuse what would end the process, warn of what would slow the computer down.

    Parameters
    ----------
    shape : (height, width), in px
        Of a plane.
    n_planes : int
        Planes whose labels are kept.

    Raises
    ------
    ImageError
        If segmenting takes more memory than the computer has, or than a container or
        ``ulimit`` leaves to this process.
    """
    size = _size(shape, n_planes)
    total, free = hardware.total_memory(), hardware.free_memory()
    is_limited = hardware.is_memory_limited()
    planes = f"{n_planes} planes of " if n_planes > 1 else ""
    needs = f"{planes}{'x'.join(map(str, shape))} px, about {size / 1e9:.1f} GB"
    if size > total:
        owner = "process may use" if is_limited else "computer has"
        raise ImageError(
            f"Expected an image that fits into memory. Received: {needs} to segment, "
            f"where this {owner} {total / 1e9:.1f} GB. Cut it into pieces."
        )
    if is_limited:
        needed = size + _LIBRARIES + _SMALLEST_TILES
        if needed > free:
            raise ImageError(
                f"Expected an image that fits into memory. Received: {needs} to "
                f"segment and {(needed - size) / 1e9:.1f} GB to work in, where this "
                f"process may take {free / 1e9:.1f} GB more. Cut it into pieces, or "
                "raise the limit of its container."
            )
    elif size > free:
        warnings.warn(
            f"There may be too little memory to segment {needs}, of which "
            f"{free / 1e9:.1f} GB are free; close other programs if it gets slow.",
            stacklevel=2,
        )


def say_lack(error: MemoryError) -> str:
    """Say what to do about a lack of memory, as libraries do not.

    Parameters
    ----------
    error : MemoryError
        Of NumPy, or any other library.

    Returns
    -------
    str
        Part of a sentence, with the words of the library if there are any.
    """
    words = f" ({error})" if str(error) else ""
    return f"not enough memory{words}; cut the image into pieces"


@contextmanager
def explained() -> Iterator[None]:
    """Turn a lack of memory into an error that says what to do.

    Raises
    ------
    ImageError
        Where a library raises ``MemoryError``.
    """
    try:
        yield
    except MemoryError as error:
        raise ImageError(
            f"Expected an image that fits into memory. Received: {say_lack(error)}, "
            "close other programs, or raise the limit of the container."
        ) from error


def affordable_tile(shape: tuple[int, ...]) -> int:
    """Area of the largest tile that there is memory for.

    Parameters
    ----------
    shape : (height, width), in px
        Of the plane that the tiles cover.

    Returns
    -------
    int, in px²
        What half of the memory suffices for that is left beside the maps of the
        plane and their splitting, or what ``NAPARI_UNET_NUCLEI_TILE_MEMORY`` allows
        for, in GB; may be too small for any tile.

    Raises
    ------
    SettingsError
        If the variable is no number above 0.
    """
    left = hardware.free_memory() - _size(shape, 1)
    if hardware.is_memory_limited():
        left -= _LIBRARIES
    return min(max(0, left) // 2, _allowed_for_tiles()) // _BYTES_PER_TILE_PIXEL


def _allowed_for_tiles() -> int:
    """Bytes that the user allows tiles to take."""
    text = os.environ.get(TILE_MEMORY_VARIABLE)
    if not text:
        return sys.maxsize
    try:
        n_bytes = float(text) * 1e9
    except ValueError:
        n_bytes = math.nan
    if not 0 < n_bytes < sys.maxsize:
        raise SettingsError(
            f"Expected {TILE_MEMORY_VARIABLE} as a number of GB above 0. Received: "
            f"{text!r}"
        )
    return int(n_bytes)


def fits_beside_another(shape: tuple[int, ...], n_planes: int = 1) -> bool:
    """Say whether an image can be begun while another of its size is finished.

    Parameters
    ----------
    shape : (height, width), in px
        Of a plane.
    n_planes : int
        Planes whose labels are kept.

    Returns
    -------
    bool
        Always true where no container or ``ulimit`` would end the process.
    """
    size = _size(shape, n_planes)
    if size <= hardware.HARMLESS or not hardware.is_memory_limited():
        return True
    return 2 * size <= hardware.free_memory()


def check_tile(shape: tuple[int, int]) -> None:
    """Refuse tiles that the process could not survive.

    Parameters
    ----------
    shape : (height, width), in px
        Of the smallest tiles that a model allows for.

    Raises
    ------
    ImageError
        If they take more memory than there is.
    """
    n_bytes = math.prod(shape) * _BYTES_PER_TILE_PIXEL
    if n_bytes > hardware.HARMLESS and n_bytes > hardware.total_memory():
        raise ImageError(
            f"Expected tiles that fit into memory. Received: {shape[0]}x{shape[1]} px, "
            f"of which this model needs {n_bytes / 1e9:.1f} GB each. Cut the image "
            "into pieces, or choose another model."
        )


def n_planes_at_once(shape: tuple[int, ...]) -> int:
    """Planes to split at once: one a processor, as far as the memory goes.

    Parameters
    ----------
    shape : (height, width), in px
        Of a plane.

    Returns
    -------
    int
        At least one.
    """
    size = _BYTES_PER_PIXEL * max(1, math.prod(shape))
    return max(1, min(hardware.n_processors(), hardware.free_memory() // size))


def _size(shape: tuple[int, ...], n_planes: int) -> int:
    """Bytes that planes take: the maps of one, and the labels of all."""
    return math.prod(shape) * (_BYTES_PER_PIXEL + n_planes * _BYTES_PER_LABEL)
