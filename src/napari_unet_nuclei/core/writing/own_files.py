"""The mark in the files that this package writes, by which it recognises them.

It is the field that TIFF and PNG have for the name of the program: label images,
overlays and figures carry it.  Images of DSB2018 samples do not, because they are
images to segment like any others.
"""

from __future__ import annotations

import os
import stat
import struct
from importlib.metadata import version
from typing import TYPE_CHECKING

from PIL.PngImagePlugin import PngInfo

if TYPE_CHECKING:
    from typing import BinaryIO

_PROGRAM = "napari-unet-nuclei"

SOFTWARE = f"{_PROGRAM} {version(_PROGRAM)}"
"""What the field Software of a TIFF or PNG says."""

_PNG = b"\x89PNG\r\n\x1a\n"
_PNG_FIELD = f"Software\0{_PROGRAM} ".encode("latin-1")
_TIFF_FIELD = f"{_PROGRAM} ".encode("ascii")
_TIFF_TAG = 305
_MOST_TAGS = 4096  # of a page
_MOST_CHUNKS = 64  # before the pixels of a PNG
# Of the beginning, by byte order and version: the number formats of the offset of
# the first page and of how many tags it has, and the length of a tag in bytes.
_TIFF_LAYOUTS = {
    b"II*\0": ("<", "I", "H", 12),
    b"MM\0*": (">", "I", "H", 12),
    b"II+\0": ("<", "Q", "Q", 20),
    b"MM\0+": (">", "Q", "Q", 20),
}


def png_mark() -> PngInfo:
    """Return the mark as Pillow writes it into a PNG.

    Returns
    -------
    PngInfo
        To be passed as ``pnginfo``.
    """
    info = PngInfo()
    info.add_text("Software", SOFTWARE)
    return info


def is_own_file(path: str | os.PathLike[str]) -> bool:
    """Say whether this package wrote a TIFF or PNG, whatever its name is.

    Only the header is read, and only of plain files.

    Parameters
    ----------
    path : path
        Anything; what cannot be read is not ours.

    Returns
    -------
    bool
        True for label images, overlays and figures; false for images, also for
        those of DSB2018 samples that were written here.
    """
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):
            return False  # a pipe would keep a reader waiting
        with open(path, "rb") as file:
            return is_own_content(file)
    except (OSError, ValueError):
        return False


def is_own_content(file: BinaryIO) -> bool:
    """Say whether this package wrote a TIFF or PNG that is open or in memory.

    Parameters
    ----------
    file : binary file
        At its beginning.

    Returns
    -------
    bool
        As from `is_own_file`.
    """
    try:
        beginning = file.read(8)
        if beginning == _PNG:
            return _has_png_field(file)
        layout = _TIFF_LAYOUTS.get(beginning[:4])
        return layout is not None and _has_tiff_field(file, *layout)
    except (OSError, ValueError, struct.error, OverflowError):
        return False


def _has_png_field(file: BinaryIO) -> bool:
    for _ in range(_MOST_CHUNKS):
        length, kind = struct.unpack(">I4s", file.read(8))
        if kind == b"IDAT":
            return False
        if kind == b"tEXt":
            if file.read(min(length, len(_PNG_FIELD))) == _PNG_FIELD:
                return True
            length -= min(length, len(_PNG_FIELD))
        file.seek(length + 4, os.SEEK_CUR)
    return False


def _has_tiff_field(
    file: BinaryIO, order: str, offset_format: str, count_format: str, tag_size: int
) -> bool:
    offset_format = order + offset_format
    file.seek(8 if tag_size == 20 else 4)
    file.seek(_read_number(file, offset_format))
    n_tags = _read_number(file, order + count_format)
    tags = file.read(min(n_tags, _MOST_TAGS) * tag_size)
    for start in range(0, len(tags) - tag_size + 1, tag_size):
        (tag,) = struct.unpack_from(f"{order}H", tags, start)
        if tag == _TIFF_TAG:  # the text is too long to stand in the tag itself
            size = struct.calcsize(offset_format)
            (offset,) = struct.unpack_from(offset_format, tags, start + 4 + size)
            file.seek(offset)
            return file.read(len(_TIFF_FIELD)) == _TIFF_FIELD
    return False


def _read_number(file: BinaryIO, number_format: str) -> int:
    content = file.read(struct.calcsize(number_format))
    (number,) = struct.unpack(number_format, content)
    return int(number)
