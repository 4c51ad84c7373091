"""Pictures of which a part is missing although their decoder says nothing.

libjpeg paints what is missing grey, zlib leaves it black, tifffile makes it zero.
What decoders refuse by themselves is answered in ``images``.
"""

from __future__ import annotations

import struct
import zlib
from typing import TYPE_CHECKING, Any

import imagecodecs
import numpy as np
from tifffile import COMPRESSION

from napari_unet_nuclei.core.errors import ImageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray
    from tifffile import TiffFrame, TiffPage

_JPEG_PIXELS_A_BYTE = 2048  # a block of 8 × 8 takes a bit of each component, or more
_PADDING = (127, 128)  # what libjpeg makes of coefficients that are all zero
_BLOCK = 8
_HUFFMAN = (0xC0, 0xC1, 0xC2)
_NO_LENGTH = (0x01, *range(0xD0, 0xD9))
_JPEG_END = b"\xff\xd9"
_PNG_HEADER = struct.Struct(">IIBBBBB")
_PNG_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
_PNG_PASSES = (
    *((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4)),
    *((0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)),
)
_PIECE = 2**20  # bytes unpacked at once
MOST_PIXELS_TO_CONFIRM = 2**24
"""Of a JPEG that is taken apart to confirm that it is whole: some seconds' work."""


def check_jpeg_size(size: tuple[int, int], n_stored: int, name: str) -> None:
    """Refuse a JPEG whose header announces more pixels than it can hold.

    Parameters
    ----------
    size : (width, height), in px
        What the header says.
    n_stored : int
        Size of the file, in bytes.
    name : str
        What the message calls the file.

    Raises
    ------
    ImageError
        If there are more than 2,048 pixels a byte.
    """
    width, height = size
    if width * height > _JPEG_PIXELS_A_BYTE * n_stored:
        raise ImageError(
            f"Expected the pixels that the header of {name} announces, {height:,} × "
            f"{width:,}. Received: a file of {n_stored:,} bytes, too short for them. "
            "Check that the file is complete."
        )


def check_jpeg(
    content: bytes,
    pixels: NDArray[np.uint8],
    name: str,
    *,
    is_progressive: bool,
    most_pixels: int = MOST_PIXELS_TO_CONFIRM,
) -> None:
    """Refuse a JPEG that was cut off, even where its end was put back.

    Parameters
    ----------
    content : bytes
        The file.
    pixels : (Y, X) or (Y, X, C) ndarray of uint8
        What libjpeg made of it.
    name : str
        What the message calls the file.
    is_progressive : bool
        Whether it shows as a whole before all of it is there.
    most_pixels : int
        Of larger images only the last row of blocks is checked.

    Raises
    ------
    ImageError
        If a part of the image is missing.
    """
    if not is_progressive and not _is_padding(_last_block(pixels)):
        return
    is_whole = None
    if pixels.shape[0] * pixels.shape[1] <= most_pixels:
        is_whole = _can_be_repacked(content, pixels)
    if is_whole is None:  # a last row of blocks in this very grey is no chance
        is_whole = not _is_padding(pixels[(len(pixels) - 1) // _BLOCK * _BLOCK :])
    if not is_whole:
        raise ImageError(
            f"Expected a whole JPEG. Received: {name}, of which a part is missing. "
            "Copy or export the image again."
        )


def _last_block(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    y, x = ((length - 1) // _BLOCK * _BLOCK for length in pixels.shape[:2])
    return pixels[y:, x:]


def _is_padding(pixels: NDArray[np.uint8]) -> bool:
    return bool(np.isin(pixels, _PADDING).all())


def _can_be_repacked(content: bytes, pixels: NDArray[np.uint8]) -> bool | None:
    """Let JPEG XL take over each coefficient; None where it does not know how."""
    if (
        not imagecodecs.JPEGXL.available
        or pixels.shape[2:] == (4,)  # CMYK
        or _coding(content) not in _HUFFMAN
    ):
        return None
    try:
        imagecodecs.jpegxl_encode_jpeg(content)
    except imagecodecs.JpegxlError:
        return False
    return True


def _coding(content: bytes) -> int | None:
    """Return the marker that says how a JPEG is coded."""
    place = 2
    while place + 4 <= len(content) and content[place] == 0xFF:
        marker = content[place + 1]
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            return marker
        if marker == 0xFF:  # a byte to fill up with
            place += 1
        elif marker in _NO_LENGTH:
            place += 2
        else:
            place += 2 + int.from_bytes(content[place + 2 : place + 4])
    return None


def check_png(content: bytes, pixels: NDArray[Any], name: str) -> None:
    """Refuse a PNG whose stream of pixels ends early and in good order.

    Parameters
    ----------
    content : bytes
        The file.
    pixels : (Y, X) or (Y, X, C) ndarray of uint8 or uint16
        What Pillow made of it.
    name : str
        What the message calls the file.

    Raises
    ------
    ImageError
        If rows are missing.
    """
    if pixels[-2:].reshape(min(2, len(pixels)), -1).any(axis=1).all():
        return  # what is missing would be zero
    header, data = None, []
    for kind, chunk in _png_chunks(content):
        if kind == b"IHDR" and len(chunk) >= _PNG_HEADER.size:
            header = _PNG_HEADER.unpack_from(chunk)
        elif kind == b"IDAT":
            data.append(chunk)
    if header is None:
        return
    expected, received = _png_size(header), _count_unpacked(data)
    if received < expected:
        raise ImageError(
            f"Expected the {expected:,} bytes of pixels that the header of {name} "
            f"announces. Received: {received:,}. Copy or export the image again."
        )


def _png_chunks(content: bytes) -> Iterator[tuple[bytes, memoryview]]:
    view, place = memoryview(content), 8
    while place + 8 <= len(view):
        length = int.from_bytes(view[place : place + 4])
        yield bytes(view[place + 4 : place + 8]), view[place + 8 : place + 8 + length]
        place += 12 + length


def _png_size(header: Sequence[int]) -> int:
    """Return the bytes of all rows, each with the byte that says how it is coded."""
    width, height, n_bits, colour, _, _, is_interlaced = header
    passes = _PNG_PASSES if is_interlaced else ((0, 0, 1, 1),)
    size = 0
    for x, y, step_x, step_y in passes:
        columns, rows = -(-(width - x) // step_x), -(-(height - y) // step_y)
        if columns > 0 and rows > 0:
            n_bits_a_row = columns * n_bits * _PNG_CHANNELS.get(colour, 1)
            size += rows * (1 + -(-n_bits_a_row // 8))
    return size


def _count_unpacked(data: Sequence[memoryview]) -> int:
    stream, n_bytes = zlib.decompressobj(), 0
    for piece in data:
        rest: bytes | memoryview = piece
        while len(rest) and not stream.eof:
            unpacked = stream.decompress(rest, _PIECE)
            n_bytes += len(unpacked)
            rest = stream.unconsumed_tail
            if not unpacked and not rest:
                break
    return n_bytes + len(stream.flush())


def check_tiff_parts(page: TiffPage | TiffFrame, name: str) -> None:
    """Refuse strips and tiles without content, and JPEGs in them without an end.

    A part without content and without a place is left out on purpose.

    Parameters
    ----------
    page : TiffPage or TiffFrame
        A page of an open file.
    name : str
        What the message calls the file.

    Raises
    ------
    ImageError
        If a part of the image is missing.
    """
    file = page.parent.filehandle
    is_jpeg = page.compression == COMPRESSION.JPEG and not page.parent.is_ndpi
    parts = zip(page.dataoffsets, page.databytecounts, strict=False)
    for number, (offset, n_bytes) in enumerate(parts, start=1):
        is_cut = bool(offset) and not n_bytes
        if is_jpeg and n_bytes:
            start = max(0, n_bytes - 64)
            file.seek(offset + start)
            is_cut = _JPEG_END not in file.read(n_bytes - start)
        if is_cut:
            raise ImageError(
                f"Expected whole strips or tiles in {name}. Received: number "
                f"{number:,} with {n_bytes:,} bytes, of which a part is missing. Copy "
                "or export the image again."
            )
