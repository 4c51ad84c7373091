"""Arrays of Dask, Zarr and HDF5: how much of them is read at once.

What their axes mean belongs in :mod:`~napari_unet_nuclei.core.images.axes`.
"""

from __future__ import annotations

import math
import os
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from napari_unet_nuclei.core import hardware
from napari_unet_nuclei.core.errors import ImageError

if TYPE_CHECKING:
    from numpy.typing import NDArray

_SHARE = 4  # of the free memory, a quarter for what is read


class ArrayLike(Protocol):
    """An array of NumPy, or of Dask, Zarr or HDF5, which read what is indexed."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Length of each axis."""
        ...

    @property
    def dtype(self) -> Any:
        """Type of the pixels."""
        ...

    def __getitem__(self, index: Any, /) -> Any:
        """Take a part of it."""
        ...


def as_array_like(image: object) -> ArrayLike:
    """Leave arrays of known shape and type as they are, and read whatever else.

    Parameters
    ----------
    image : array_like
        An array, nested lists, a table.

    Returns
    -------
    array_like
        With a shape, a type that NumPy knows, and parts to take.

    Raises
    ------
    ImageError
        If the array cannot be read any more, or this is the path of a file.
    """
    if isinstance(image, str | bytes | os.PathLike):
        raise ImageError(
            "Expected an image as an array. Received: the path "
            f"{os.fsdecode(image)!r}. Read the file first, as in "
            "tifffile.imread(path), or name it to the command segment."
        )
    try:
        lengths = getattr(image, "shape", ())
        is_known = all(isinstance(length, int | np.integer) for length in lengths)
        if hasattr(image, "dtype") and is_known and _is_type(image.dtype):
            known: ArrayLike = image  # type: ignore[assignment]
            return known
        return np.asarray(image)
    except Exception as error:
        raise _unreadable(error) from error


class LazyReader:
    """Reads an array once, or chunk by chunk where memory does not hold it.

    Chunks are decoded as a whole.  Where they hold several planes, reading plane by
    plane would decode each of them several times.

    Parameters
    ----------
    image : array_like
        What is read as it is indexed.
    chosen : tuple of int or slice
        What is wanted of each axis: a place, such as that of a channel, or all.
    axis : int, optional
        The axis along which planes are read one after the other.
    plane_size : int
        Pixels of a plane.
    """

    def __init__(
        self,
        image: ArrayLike,
        chosen: tuple[int | slice, ...],
        axis: int | None,
        plane_size: int,
    ) -> None:
        self._image = image
        self._chosen = chosen
        self._axis = axis
        n_affordable = (
            hardware.free_memory() // _SHARE // np.dtype(image.dtype).itemsize
        )
        n_pixels = math.prod(
            length
            for length, part in zip(image.shape, chosen, strict=True)
            if isinstance(part, slice)
        )
        self._is_read_at_once = n_pixels <= n_affordable
        self._slab_length = 1
        if axis is not None:
            n_planes = n_affordable // max(1, plane_size)
            self._slab_length = max(1, min(_chunk_length(image, axis), n_planes))
        self._kept: tuple[object, NDArray[Any]] | None = None

    def __getitem__(self, index: tuple[Any, ...]) -> NDArray[Any]:
        """Take a plane.

        Parameters
        ----------
        index : tuple of int or slice
            A place along each leading axis, what is chosen of the other axes.

        Returns
        -------
        ndarray
            The plane; what was read with it stays in memory until another part of
            the array is read.

        Raises
        ------
        ImageError
            If the array cannot be read any more.
        """
        plane: NDArray[Any]
        if self._is_read_at_once:
            wanted = zip(index, self._chosen, strict=True)
            left = tuple(part for part, axis in wanted if isinstance(axis, slice))
            plane = self._read(self._chosen)[left]
        elif self._axis is None:
            plane = self.take(index)
        else:
            place = index[self._axis]
            before, after = index[: self._axis], index[self._axis + 1 :]
            start = place - place % self._slab_length
            slab = slice(start, start + self._slab_length)
            whole_before = [part for part in before if isinstance(part, slice)]
            plane = self._read((*before, slab, *after))[*whole_before, place - start]
        return plane

    def _read(self, index: tuple[Any, ...]) -> NDArray[Any]:
        """Read a part, unless it is the one that was read last."""
        if self._kept is None or self._kept[0] != index:
            self._kept = None  # its memory is needed
            self._kept = index, self.take(index)
        return self._kept[1]

    def take(self, index: tuple[Any, ...]) -> NDArray[Any]:
        """Take a part and nothing else; see :meth:`__getitem__`."""
        try:
            return np.asarray(self._image[index])
        except Exception as error:  # each kind of array has errors of its own
            raise _unreadable(error) from error


def _chunk_length(image: ArrayLike, axis: int) -> int:
    """Length of the chunks along an axis; 1 where the array does not say."""
    chunks = getattr(image, "chunks", None)
    if chunks is None:
        return 1
    length = chunks[axis]
    return int(length[0] if isinstance(length, tuple) else length)


def _is_type(dtype: object) -> bool:
    """Whether NumPy knows a type, as it knows those of most arrays."""
    try:
        np.dtype(dtype)  # type: ignore[call-overload]
    except TypeError:
        return False
    return True


def _unreadable(error: Exception) -> ImageError:
    if isinstance(error, MemoryError):
        words = f" ({error})" if str(error) else ""
        return ImageError(
            "Expected an image that fits into memory. Received: one that does not"
            f"{words}. Cut it into pieces."
        )
    reason = str(error).partition("\n")[0].rstrip(".")
    words = f": {reason}" if reason else ""
    return ImageError(
        "Expected an image whose pixels can be read. Received: "
        f"{type(error).__name__}{words}. Open the image again."
    )
