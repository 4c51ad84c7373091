"""Files that are not what they claim to be: what to expect of them, what to refuse.

Which sentence answers a damaged file is the business of each reader.
"""

from __future__ import annotations

import lzma
import struct
import tokenize
import zlib
from typing import TYPE_CHECKING
from zipfile import BadZipFile

from napari_unet_nuclei.core.errors import ImageError

if TYPE_CHECKING:
    from collections.abc import Sequence

DECODING_ERRORS = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    BadZipFile,
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
