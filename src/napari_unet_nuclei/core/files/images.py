"""Image files on disk or in memory → arrays, by content, whatever the suffix says.

TIFFs are read in ``tiff``, PNG, JPEG and BMP in ``pictures``, label images in
``label_reading``.  What the axes and channels of an array mean is decided in
``core.images``.
"""

from __future__ import annotations

import io
import os
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image, UnidentifiedImageError

from napari_unet_nuclei.core.errors import ImageError
from napari_unet_nuclei.core.files.pictures import PICTURE_SIGNATURES, read_picture
from napari_unet_nuclei.core.files.tiff import (
    TIFF_SIGNATURES,
    TIFF_SUFFIXES,
    read_tiff,
)
from napari_unet_nuclei.core.files.untrusted import DECODING_ERRORS
from napari_unet_nuclei.core.images.stored_image import StoredImage

if TYPE_CHECKING:
    from numpy.typing import NDArray

IMAGE_SUFFIXES = TIFF_SUFFIXES | {
    ".png",
    ".jpg",
    ".jpeg",
    ".jpe",
    ".jfif",
    ".jif",
    ".bmp",
    ".dib",
}
# Formats of images that nothing here reads, to be reported instead of skipped.
FOREIGN_SUFFIXES = frozenset(
    {".gif", ".webp", ".heic", ".jp2", ".dcm", ".mrxs"}
    | {".czi", ".lif", ".nd2", ".oib", ".oif", ".oir", ".vsi", ".ims"}
)
# What begins like a TIFF or JPEG, and has its pixels in files beside it.
_SUFFIXES_OF_PREVIEWS = frozenset({".mrxs", ".vsi"})

_OTHER_SIGNATURES = {
    b"ZISRAWFILE": "a CZI",
    b"\xda\xce\xbe\x0a": "an ND2",
    b"\x93NUMPY": "a NumPy array",
    b"SIMPLE  =": "a FITS",
    b"NRRD": "an NRRD",
    b"\xd0\xcf\x11\xe0": "a compound file such as OIB",
    b"GIF8": "a GIF",
    b"RIFF": "a RIFF file such as WebP",
    b"PK\3\4": "a zip",
    b"%PDF": "a PDF",
    b"\x89HDF": "an HDF5 file",
}
_SIGNATURE_LENGTH = 32  # bytes, also enough to tell text from numbers
_CONTROL_CHARACTERS = bytes({*range(32), 127} - set(b"\t\n\r"))


def read_stored_image(
    source: str | os.PathLike[str] | bytes,
    name: str | None = None,
    *,
    as_shown: bool = True,
    series: int | None = None,
) -> StoredImage:
    """Return an image file with all it says about axes and pixel sizes.

    Parameters
    ----------
    source, name, as_shown
        As in :func:`read_image`.
    series : int, optional
        Which of several images in the file, from 0; by default the largest.

    Returns
    -------
    StoredImage
        Pixels, axes, calibration and notes.

    Raises
    ------
    ImageError
        As in :func:`read_image`.
    """
    file: Path | io.BytesIO
    if isinstance(source, bytes):
        name, file = name or "an image without a name", io.BytesIO(source)
    else:
        name, file = name or os.fspath(source), Path(source)
    try:
        return _check_pixels(_read(file, name, as_shown, series), name)
    except ImageError:
        raise
    except Image.DecompressionBombError as error:
        raise ImageError(
            "Expected a PNG, JPEG or BMP that Pillow takes for harmless. Received: "
            f"{name} ({error}). Save large images as TIFF."
        ) from error
    except MemoryError as error:
        raise ImageError(
            f"Expected an image that fits into memory. Received: {name} ({error}). Cut "
            "it into pieces."
        ) from error
    except UnidentifiedImageError as error:
        raise ImageError(
            f"Expected an image file with a complete header. Received: {name}, whose "
            "header is cut off or damaged. Check that the file is complete."
        ) from error
    except DECODING_ERRORS as error:
        raise ImageError(
            f"Expected a readable image file. Received: {name} "
            f"({type(error).__name__}: {error}). Check that the file is complete."
        ) from error


def read_image(
    source: str | os.PathLike[str] | bytes,
    name: str | None = None,
    *,
    as_shown: bool = True,
) -> NDArray[Any]:
    """Return the pixels of an image file.

    PNG, JPEG and BMP files are read with Pillow, PNGs of several channels of 16 bits
    with imagecodecs.  TIFF files are read with tifffile: the largest series, at full
    resolution.  CMYK becomes RGB, a palette is looked up.  What a camera says about how
    to hold it is not followed: pixels stay where they are stored.

    Parameters
    ----------
    source : path or bytes
        The file, or its content.
    name : str, optional
        The file name that goes with ``bytes``, which error messages quote.
    as_shown : bool
        Whether a palette with colours gives colours, and inverted grey is turned
        round; otherwise the numbers are given as stored, which in a label image are
        those of the nuclei.

    Returns
    -------
    (Y, X), (Y, X, 3 or 4) or (…, Y, X) ndarray of bool, int or float
        Grey, colour, or a stack of planes (TIFF only); dtype as stored.

    Raises
    ------
    ImageError
        If the file is missing, damaged, incomplete, of another format, animated,
        without pixels, or a PNG, JPEG or BMP of more than 179 Mpx.
    """
    stored = read_stored_image(source, name, as_shown=as_shown)
    if stored.axes is not None and "S" in stored.axes:
        return np.moveaxis(stored.pixels, stored.axes.index("S"), -1)
    return stored.pixels


def find_images(
    folder: str | os.PathLike[str], suffixes: frozenset[str] = IMAGE_SUFFIXES
) -> list[Path]:
    """Return the image files of a folder, without its subfolders, by name.

    Parameters
    ----------
    folder : path
        Hidden files in it (leading dot) are left out.
    suffixes : frozenset of str
        What their names end with.

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
            if path.suffix.lower() in suffixes
            and not path.name.startswith(".")
            and os.path.isfile(path)
        )
    except OSError as error:
        raise ImageError(
            f"Expected a folder of images. Received: {os.fspath(folder)} "
            f"({error.strerror}). Check the path."
        ) from error


def _read(
    file: Path | io.BytesIO, name: str, as_shown: bool, series: int | None
) -> StoredImage:
    signature, n_bytes = _probe(file, name)
    suffix = PurePath(name).suffix.lower()
    if suffix in _SUFFIXES_OF_PREVIEWS:
        raise ImageError(
            "Expected an image file that holds its own pixels. Received: "
            f"{name}, whose pixels lie in files beside it. Export it as TIFF."
        )
    if signature.startswith(TIFF_SIGNATURES):
        return read_tiff(file, name, as_shown=as_shown, series=series)
    if signature.startswith(PICTURE_SIGNATURES):
        if series:
            raise ImageError(
                f"Expected one of the images in {name}, which holds one. Received: "
                f"number {series}, counted from 0. Leave the number out."
            )
        pixels = read_picture(file, n_bytes, name, as_shown=as_shown)
        return StoredImage(pixels, "YXS" if pixels.ndim == 3 else "YX")
    if suffix in FOREIGN_SUFFIXES:
        raise ImageError(
            f"Expected an image file ({', '.join(sorted(IMAGE_SUFFIXES))}). "
            f"Received: {name}, which {describe_content(signature)}. Save the image in "
            "one of these formats."
        )
    raise ImageError(
        f"Expected the content of a PNG, JPEG, BMP or TIFF file. Received: {name}, "
        f"which {describe_content(signature)}. Save the image in one of these formats."
    )


def _probe(file: Path | io.BytesIO, name: str) -> tuple[bytes, int]:
    """Return the first bytes of a file and how many there are."""
    if isinstance(file, io.BytesIO):
        content = file.getbuffer()
        return bytes(content[:_SIGNATURE_LENGTH]), len(content)
    if os.path.exists(file) and not os.path.isfile(file):
        raise ImageError(
            f"Expected an image file. Received: {name}, which is a folder or a device. "
            "Choose a file."
        )
    with file.open("rb") as stream:
        return stream.read(_SIGNATURE_LENGTH), os.fstat(stream.fileno()).st_size


def describe_content(signature: bytes) -> str:
    """Say what a file that is not an image seems to be.

    Parameters
    ----------
    signature : bytes
        Its first bytes.

    Returns
    -------
    str
        Such as ``"holds a GIF"``, to follow the name of the file.
    """
    for beginning, kind in _OTHER_SIGNATURES.items():
        if signature.startswith(beginning):
            return f"holds {kind}"
    if not signature:
        return "is empty"
    if not set(signature) & set(_CONTROL_CHARACTERS):
        return "holds text"
    return f"begins with the bytes {signature[:8].hex(' ')}"


def _check_pixels(image: StoredImage, name: str) -> StoredImage:
    array = image.pixels
    if array.ndim < 2 or not array.size or array.dtype.kind not in "buif":
        raise ImageError(
            "Expected an image of integers or real numbers with at least one pixel. "
            f"Received: {name} of shape {array.shape} and dtype {array.dtype}. Export "
            "the image again."
        )
    return image
