"""PNG, JPEG and BMP files → arrays, complete or not at all.

Pillow reads them, imagecodecs the PNGs of which Pillow would lose half of the bits.
Which format a file has, and what is said of a damaged one, is decided in ``images``.
"""

from __future__ import annotations

import io
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from napari_unet_nuclei.core.errors import ImageError
from napari_unet_nuclei.core.files.palettes import apply_palette
from napari_unet_nuclei.core.files.png import has_16_bit_channels, read_16_bit_png
from napari_unet_nuclei.core.files.truncation import (
    check_jpeg,
    check_jpeg_size,
    check_png,
)
from napari_unet_nuclei.core.files.untrusted import check_announced_size

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

PICTURE_SIGNATURES = (b"\x89PNG", b"\xff\xd8", b"BM")

_GREY_MODES = {"1", "LA", "La"}
_STORED_MODES = {"L", "I", "F", "I;16", "I;16B", "I;16L", "RGB", "RGBA"}


def read_picture(
    file: Path | io.BytesIO, n_bytes: int, name: str, *, as_shown: bool
) -> NDArray[Any]:
    """Return the pixels of a PNG, JPEG or BMP.

    Parameters
    ----------
    file : Path or BytesIO
        The file, or its content.
    n_bytes : int
        Its size.
    name : str
        What error messages call the file.
    as_shown : bool
        Whether a palette with colours gives colours; otherwise the numbers are given
        as stored.

    Returns
    -------
    (Y, X) or (Y, X, 3 or 4) ndarray of bool, int or float
        Grey, or colour.

    Raises
    ------
    ImageError
        If it is animated, incomplete, or announces more pixels than it can hold.
    """
    with _open_quietly(file) as image:
        n_frames = getattr(image, "n_frames", 1)
        if image.format == "PNG" and n_frames > 1:
            raise ImageError(
                f"Expected a single picture. Received: {name}, an animation of "
                f"{n_frames} pictures. Save those you need one by one."
            )
        width, height = image.size
        shape = (height, width, len(image.getbands()))
        check_announced_size(shape, height * width * shape[2], n_bytes, name)
        if image.format == "JPEG":
            check_jpeg_size(image.size, n_bytes, name)
        _check_is_whole(image, file, name)
        if image.format == "PNG" and has_16_bit_channels(file):
            return read_16_bit_png(file)
        if image.mode in _STORED_MODES:
            pixels = np.array(image)
            return pixels.astype(pixels.dtype.newbyteorder("="), copy=False)
        if image.mode in _GREY_MODES:
            return np.array(image.convert("L"))
        if image.mode == "P":
            return _look_up(image, as_shown)
        return np.array(image.convert("RGB"))


def _check_is_whole(image: Image.Image, file: Path | io.BytesIO, name: str) -> None:
    """Refuse a picture in which Pillow puts grey or black for what is missing."""
    if image.format not in ("JPEG", "PNG"):
        return
    content = file.getvalue() if isinstance(file, io.BytesIO) else file.read_bytes()
    if image.format == "PNG":
        check_png(content, np.asarray(image), name)
    else:
        is_progressive = bool(image.info.get("progressive"))
        check_jpeg(content, np.asarray(image), name, is_progressive=is_progressive)


def _open_quietly(file: Path | io.BytesIO) -> Image.Image:
    with warnings.catch_warnings():  # of sizes and of faults that do not matter here
        warnings.simplefilter("ignore")
        return Image.open(file, formats=("PNG", "JPEG", "BMP"))


def _look_up(image: Image.Image, as_shown: bool) -> NDArray[Any]:
    indices = np.array(image)
    palette = np.zeros((256, 3), np.uint8)  # a file may hold less than it refers to
    stored = np.array(image.getpalette("RGB"), np.uint8).reshape(-1, 3)
    palette[: len(stored)] = stored
    return apply_palette(indices, palette, as_shown)
