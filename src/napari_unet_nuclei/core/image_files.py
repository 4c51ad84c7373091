"""Image files on disk or in memory → arrays exactly as stored.

What the axes and channels of such an array mean is decided in ``images``;
label files are read and written in ``label_files``.
"""

from __future__ import annotations

import io
import os
import struct
import zlib
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any

import numpy as np
import tifffile
from PIL import Image

from napari_unet_nuclei.core.errors import ImageError

if TYPE_CHECKING:
    from numpy.typing import NDArray

TIFF_SUFFIXES = frozenset({".tif", ".tiff"})
IMAGE_SUFFIXES = TIFF_SUFFIXES | {".png", ".jpg", ".jpeg", ".bmp"}

# What Pillow, tifffile and their codecs raise on damaged files.  RuntimeError is
# the base class of the errors of imagecodecs.
_DECODING_ERRORS = (
    OSError,
    SyntaxError,
    ValueError,
    RuntimeError,
    LookupError,
    TypeError,
    EOFError,
    MemoryError,
    struct.error,
    zlib.error,
)

_GREY_MODES = {"1", "LA", "La"}
_STORED_MODES = {"L", "I", "F", "I;16", "I;16B", "I;16L", "RGB", "RGBA"}


def read_image(
    source: str | os.PathLike[str] | bytes, name: str | None = None
) -> NDArray[Any]:
    """Return the pixels of an image file.

    PNG, JPEG and BMP files are read with Pillow; of colour PNGs with 16 bits a
    channel it keeps the upper 8.  TIFF files are read with tifffile: the first
    series, at full resolution.

    Parameters
    ----------
    source : path or bytes
        The file, or its content.
    name : str, optional
        The file name that goes with ``bytes``: its suffix says the format, and
        error messages quote it.

    Returns
    -------
    (Y, X), (Y, X, 3 or 4) or (…, Y, X) ndarray, dtype as stored
        Grey, colour, or a stack of planes (TIFF only).

    Raises
    ------
    ImageError
        If the file is missing, damaged, of another format, or a PNG, JPEG or BMP
        too large for Pillow (about 179 Mpx).
    """
    file: Path | io.BytesIO
    if isinstance(source, bytes):
        name, file = name or "an image without a name", io.BytesIO(source)
    else:
        name, file = name or os.fspath(source), Path(source)
    suffix = PurePath(name).suffix.lower()
    if suffix not in IMAGE_SUFFIXES:
        raise ImageError(
            f"Expected an image file ({', '.join(sorted(IMAGE_SUFFIXES))}). "
            f"Received: {name}. Save the image in one of these formats."
        )
    read = _read_tiff if suffix in TIFF_SUFFIXES else _read_with_pillow
    try:
        return read(file)
    except Image.DecompressionBombError as error:
        raise ImageError(
            f"Expected an image that Pillow takes for harmless. Received: {name} "
            f"({error}). Save large images as TIFF."
        ) from error
    except _DECODING_ERRORS as error:
        raise ImageError(
            f"Expected a readable image file. Received: {name} "
            f"({type(error).__name__}: {error}). Check that the file is complete."
        ) from error


def find_images(folder: str | os.PathLike[str]) -> list[Path]:
    """Return the image files of a folder, without its subfolders, by name.

    Parameters
    ----------
    folder : path
        Hidden files in it (leading dot) are left out.

    Returns
    -------
    list of Path
        Sorted by file name.

    Raises
    ------
    ImageError
        If the folder is missing or cannot be listed.
    """
    try:
        return sorted(
            path
            for path in Path(folder).iterdir()
            if path.suffix.lower() in IMAGE_SUFFIXES
            and not path.name.startswith(".")
            and path.is_file()
        )
    except OSError as error:
        raise ImageError(
            f"Expected a folder of images. Received: {os.fspath(folder)} "
            f"({error.strerror}). Check the path."
        ) from error


def _read_tiff(file: Path | io.BytesIO) -> NDArray[Any]:
    with tifffile.TiffFile(file) as tiff:
        series = tiff.series[0]
        array = np.asarray(series.asarray())
        if "S" in series.axes:  # colour stored as planes: (3, Y, X)
            array = np.moveaxis(array, series.axes.index("S"), -1)
        return array


def _read_with_pillow(file: Path | io.BytesIO) -> NDArray[Any]:
    with Image.open(file, formats=("PNG", "JPEG", "BMP")) as image:
        if image.mode in _STORED_MODES:
            pixels = np.array(image)
            return pixels.astype(pixels.dtype.newbyteorder("="), copy=False)
        if image.mode in _GREY_MODES:
            return np.array(image.convert("L"))
        rgb = np.array(image.convert("RGB"))
        is_grey = image.mode == "P" and bool(np.all(rgb == rgb[..., :1]))
        return rgb[..., 0].copy() if is_grey else rgb
