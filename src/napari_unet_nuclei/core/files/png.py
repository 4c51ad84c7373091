"""PNGs: written, and read where Pillow would keep 8 of 16 bits of several channels."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import imagecodecs
import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray
    from PIL.PngImagePlugin import PngInfo

_DEPTH, _COLOUR_TYPE = 24, 25  # where they stand in the file
_GREY_WITH_ALPHA = 4
_SEVERAL_CHANNELS = (2, _GREY_WITH_ALPHA, 6)


def has_16_bit_channels(file: Path | io.BytesIO) -> bool:
    """Say whether a PNG holds colours, or grey with alpha, of 16 bits a channel.

    Parameters
    ----------
    file : Path or BytesIO
        A PNG.

    Returns
    -------
    bool
        False for grey alone, which Pillow reads with all of its bits.
    """
    header = _content(file, _COLOUR_TYPE + 1)
    return header[_DEPTH] == 16 and header[_COLOUR_TYPE] in _SEVERAL_CHANNELS


def read_16_bit_png(file: Path | io.BytesIO) -> NDArray[Any]:
    """Return the pixels of a PNG with all of their bits.

    Parameters
    ----------
    file : Path or BytesIO
        A PNG as `has_16_bit_channels` finds it.

    Returns
    -------
    (Y, X) or (Y, X, 3 or 4) ndarray of uint16
        Grey without its alpha channel, or colour.
    """
    content = _content(file)
    pixels = np.asarray(imagecodecs.png_decode(content))
    is_grey = content[_COLOUR_TYPE] == _GREY_WITH_ALPHA
    return pixels[..., 0].copy() if is_grey else pixels


def _content(file: Path | io.BytesIO, n_bytes: int = -1) -> bytes:
    if isinstance(file, io.BytesIO):
        return bytes(file.getbuffer()[: n_bytes if n_bytes >= 0 else None])
    with file.open("rb") as stream:
        return stream.read(n_bytes)


def save_png(path: Path, pixels: NDArray[Any], mark: PngInfo | None = None) -> None:
    """Write pixels as they are.

    Parameters
    ----------
    path : Path
        The file, which is overwritten.
    pixels : (Y, X) ndarray of uint8 or uint16, or (Y, X, 3) ndarray of uint8
        Grey, or colours.
    mark : PngInfo, optional
        Text that the file carries.
    """
    picture = Image.fromarray(np.ascontiguousarray(pixels))
    picture.save(path, format="PNG", pnginfo=mark)
