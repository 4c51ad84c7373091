"""Files that may come from anybody: what to expect of them, and what to refuse.

Each reader says in its own words what is wrong with a file.  Pictures of which a part
is missing are found in ``truncation``.  What is here answers every case that the tools
in ``tools/fuzz`` make; it should not grow: a new format gets a reader that raises.
"""

from __future__ import annotations

import lzma
import struct
import tokenize
import zipfile
import zlib
from typing import TYPE_CHECKING

from napari_unet_nuclei.core.errors import ImageError

if TYPE_CHECKING:
    from collections.abc import Sequence

DECODING_ERRORS = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    zipfile.BadZipFile,
    EOFError,
    LookupError,
    MemoryError,
    OSError,
    RuntimeError,
    SyntaxError,
    SystemError,
    TypeError,
    ValueError,
    lzma.LZMAError,
    struct.error,
    tokenize.TokenError,
    zlib.error,
)
"""What Pillow, tifffile, zipfile, NumPy and their codecs raise on damaged files.

RuntimeError is the base class of the errors of imagecodecs.
"""

_HARMLESS = 2**28  # bytes; blank images below may be compressed at will
_MOST_COMPRESSION = 8 * 1032  # deflate at its best, on one bit a pixel


def check_announced_size(
    shape: Sequence[int], n_bytes: int, n_stored: int, name: str
) -> None:
    """Refuse a header that announces far more pixels than its file can hold.

    Decoders make room for the pixels before they look for them, so that a file
    of a hundred bytes could take all memory.

    Parameters
    ----------
    shape : sequence of int
        Shape of the image, for the message.
    n_bytes : int
        Size of its pixels in memory.
    n_stored : int
        Size of the file, in bytes.
    name : str
        What the message calls the file.

    Raises
    ------
    ImageError
        If the pixels take more than 256 MiB and 8,256 times the file.
    """
    if n_bytes > max(_HARMLESS, _MOST_COMPRESSION * n_stored):
        raise ImageError(
            f"Expected the pixels that the header of {name} announces, "
            f"{' × '.join(f'{length:,}' for length in shape)}. Received: a file of "
            f"{n_stored:,} bytes, too short for them. Check that the file is complete."
        )


def check_zip(archive: zipfile.ZipFile, *, max_bytes: int, max_files: int) -> None:
    """Refuse a zip that says it holds too much, before any of it is unpacked.

    Parameters
    ----------
    archive : ZipFile
        Open zip.
    max_bytes : int
        Size of all files in it, unpacked.
    max_files : int
        Number of files in it.

    Raises
    ------
    ValueError
        If there is more, or a name occurs twice.
    """
    infos = archive.infolist()
    if len(infos) > max_files:
        raise ValueError(f"it holds more than {max_files:,} files")
    if sum(info.file_size for info in infos) > max_bytes:
        raise ValueError(f"it unpacks to more than {max_bytes:,} bytes")
    if len({info.filename for info in infos}) < len(infos):
        raise ValueError("it holds two files of one name")


def read_from_zip(archive: zipfile.ZipFile, name: str, max_bytes: int) -> bytes:
    """Unpack a file of a zip into memory, no further than it claims.

    Parameters
    ----------
    archive : ZipFile
        Open zip.
    name : str
        Name of the file in the zip.
    max_bytes : int
        Largest size that is unpacked.

    Returns
    -------
    bytes
        Content of the file.

    Raises
    ------
    KeyError
        If there is no such file.
    ValueError
        If it is larger than that, or compressed in an unusual way.
    """
    info = archive.getinfo(name)
    if info.file_size > max_bytes:
        raise ValueError(f"{name} is larger than {max_bytes:,} bytes")
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise ValueError(f"{name} is compressed in an unknown way")
    with archive.open(info) as file:
        # No more than it claims: a stream can unpack to far more.
        return file.read(info.file_size)
