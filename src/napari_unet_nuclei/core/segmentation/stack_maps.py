"""The maps of a stack: in memory or, where they would fill it, in a file."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import weakref
from contextlib import suppress
from typing import IO

import numpy as np

from napari_unet_nuclei.core import hardware
from napari_unet_nuclei.core.errors import ImageError
from napari_unet_nuclei.core.instances.maps import Maps
from napari_unet_nuclei.core.models.config import MAPS

_NOTHING = np.zeros((0, 0), np.float32)
_ON_DISK = "/var/tmp"  # noqa: S108 - a file without a name meets no other


class StackMaps:
    """Takes the maps of one plane after the other, and gives back those of all.

    They need several times the memory of the stack, and are kept to be split again.
    Where half of the free memory does not hold them they go to a file without a name,
    which is gone once nobody looks at them any more.

    Parameters
    ----------
    n_planes : int
        Planes there will be.
    """

    def __init__(self, n_planes: int) -> None:
        self._n_planes = n_planes
        self._in_memory: list[Maps] = []
        self._in_file: _MapFile | None = None

    def append(self, maps: Maps) -> None:
        """Take the maps of the next plane.

        Parameters
        ----------
        maps : Maps
            Of the same kinds and shape for each plane.

        Raises
        ------
        ImageError
            If neither memory nor disk holds those of all planes.
        """
        is_first = not self._in_memory and self._in_file is None
        try:
            if is_first and self._is_too_large(maps):
                self._in_file = _MapFile(maps)
            if self._in_file is None:
                self._in_memory.append(maps)
            else:
                self._in_file.append(maps)
        except OSError as error:
            raise self._no_room(maps, error.strerror or str(error)) from error

    def to_list(self) -> list[Maps]:
        """Give back the maps of all planes.

        Returns
        -------
        list of Maps
            One for each plane; those in a file are read as they are looked at.
        """
        return self._in_memory if self._in_file is None else self._in_file.to_list()

    def _is_too_large(self, maps: Maps) -> bool:
        """Whether the maps belong in a file, which must then have room for all."""
        size = self._size(maps)
        if self._n_planes == 1 or size <= hardware.free_memory() // 2:
            return False
        free = shutil.disk_usage(_folder()).free
        if size > free:
            raise self._no_room(maps, f"{free / 1e9:.1f} GB are free")
        return True

    def _size(self, maps: Maps) -> int:
        n_arrays = len(maps.arrays) + len(maps.darkness)
        return self._n_planes * n_arrays * 4 * maps.foreground.size

    def _no_room(self, maps: Maps, reason: str) -> ImageError:
        return ImageError(
            f"Expected a stack whose maps find room. Received: {self._n_planes} planes "
            f"with maps of {self._size(maps) / 1e9:.1f} GB, more than half of the free "
            f"memory and more than the folder of temporary files takes ({reason}). "
            "Segment fewer planes at once, or set TMPDIR to a folder with more room."
        )


class _MapFile:
    """Maps in a temporary file, all of them like the first; darkness as one more.

    Written first and mapped to memory last: a disk without room is an error to a
    write, but the end of the process to a mapping.
    """

    def __init__(self, first: Maps) -> None:
        self._shape = first.foreground.shape
        self._kinds = [kind for kind in MAPS if getattr(first, kind) is not None]
        self._planes: list[Maps] = []  # without their arrays
        self._n_arrays: list[int] = []
        self._file: IO[bytes] = tempfile.TemporaryFile(dir=_folder())  # noqa: SIM115
        weakref.finalize(self, _close, self._file)

    def append(self, maps: Maps) -> None:
        """Write the maps of the next plane."""
        arrays = (*maps.arrays, *maps.darkness)
        for array in arrays:
            self._file.write(np.ascontiguousarray(array, np.float32).data)
        self._file.flush()
        self._n_arrays.append(len(arrays))
        self._planes.append(Maps(_NOTHING, scale=maps.scale, signal=maps.signal))

    def to_list(self) -> list[Maps]:
        """Map all of them to memory."""
        shape = (sum(self._n_arrays), *self._shape)
        pixels = np.asarray(np.memmap(self._file, np.float32, "r", shape=shape))
        _close(self._file)  # the mapping keeps it
        stops = np.cumsum(self._n_arrays)
        n_kinds = len(self._kinds)
        return [
            plane._replace(
                **dict(zip(self._kinds, arrays[:n_kinds], strict=True)),
                darkness=tuple(arrays[n_kinds:]),
            )
            for plane, arrays in zip(
                self._planes, np.split(pixels, stops[:-1]), strict=True
            )
        ]


def _close(file: IO[bytes]) -> None:
    with suppress(OSError):  # on a full disk, of what has not been written
        file.close()


def _folder() -> str:
    """Folder for large temporary files; on Linux ``/tmp`` may be memory."""
    is_chosen = "TMPDIR" in os.environ
    if sys.platform == "linux" and not is_chosen and os.access(_ON_DISK, os.W_OK):
        return _ON_DISK
    return tempfile.gettempdir()
