"""TIFF files → arrays that mean what the header says, complete or not at all.

tifffile returns numbers as stored and puts zeros where pages or strips are
missing; colours are looked up here, and what is not all there is refused.  Other
formats, and the errors of damaged files, belong in ``image_files``.
"""

from __future__ import annotations

import math
import struct
from typing import TYPE_CHECKING, Any

import numpy as np
from tifffile import (
    COMPRESSION,
    EXTRASAMPLE,
    PHOTOMETRIC,
    TiffFile,
    TiffPage,
    TiffPageSeries,
)

from napari_unet_nuclei.core.damage import check_announced_size
from napari_unet_nuclei.core.errors import ImageError

if TYPE_CHECKING:
    import io
    from pathlib import Path

    from numpy.typing import NDArray

TIFF_SUFFIXES = frozenset({".tif", ".tiff"})
TIFF_SIGNATURES = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")

_OTHER_COLOURS = {
    PHOTOMETRIC.CIELAB,
    PHOTOMETRIC.ICCLAB,
    PHOTOMETRIC.ITULAB,
    PHOTOMETRIC.LOGL,
    PHOTOMETRIC.LOGLUV,
}
_CODECS_WITHOUT_COLOURS = {
    COMPRESSION.NONE,
    COMPRESSION.LZW,
    COMPRESSION.ADOBE_DEFLATE,
    COMPRESSION.DEFLATE,
    COMPRESSION.PACKBITS,
}
_ALPHA = {(EXTRASAMPLE.ASSOCALPHA,), (EXTRASAMPLE.UNASSALPHA,)}


def read_tiff(file: Path | io.BytesIO, name: str, *, as_shown: bool) -> NDArray[Any]:
    """Return the pixels of the first series of a TIFF, at full resolution.

    CMYK becomes RGB.  ImageJ's lookup tables only say how to show intensities and
    are left out.

    Parameters
    ----------
    file : Path or BytesIO
        The file, or its content.
    name : str
        What error messages call the file.
    as_shown : bool
        Whether to look colours up in palettes, and to make white the largest value
        where it is zero; otherwise these numbers are given as stored.

    Returns
    -------
    (Y, X), (Y, X, 3 or 4) or (…, Y, X) ndarray, dtype as stored
        Grey, colour, or a stack of planes.

    Raises
    ------
    ImageError
        If pages or strips are missing, or the colours are of a rare kind.
    """
    with TiffFile(file) as tiff:
        _check_pages(tiff, name)
        series = tiff.series[0]
        page = series.keyframe
        if not series.size:
            return np.empty(series.shape, series.dtype)
        _check_is_whole(tiff, series, name)
        if _has_rare_colours(page):
            raise ImageError(
                "Expected a TIFF with grey, RGB, CMYK or palette colours. Received: "
                f"{name} with {PHOTOMETRIC(page.photometric).name} colours. Convert it "
                "to RGB."
            )
        array = np.asarray(series.asarray())
        if "S" in series.axes:  # colour stored as planes: (3, Y, X)
            array = np.moveaxis(array, series.axes.index("S"), -1)
        return array if tiff.is_imagej else _interpret(array, page, as_shown)


def read_tiff_shape(file: Path | io.BytesIO, name: str) -> tuple[int, ...]:
    """Return the shape of what `read_tiff` returns, from the header alone.

    Parameters
    ----------
    file, name
        As in `read_tiff`.

    Returns
    -------
    tuple of int
        Colours are last.

    Raises
    ------
    ImageError
        If pages are missing.
    """
    with TiffFile(file) as tiff:
        _check_pages(tiff, name)
        series = tiff.series[0]
        lengths = list(series.shape)
        if "S" in series.axes:
            lengths.append(lengths.pop(series.axes.index("S")))
        return tuple(lengths)


def _check_pages(tiff: TiffFile, name: str) -> None:
    """Refuse files in which tifffile would look for pages forever, or miss some."""
    offsets: set[int] = set()
    offset = _first_offset(tiff)
    while offset:
        if offset in offsets or offset >= tiff.filehandle.size:
            raise ImageError(
                f"Expected all pages of {name}. Received: {len(offsets):,}, after "
                "which it breaks off or begins again. Check that the file is complete."
            )
        offsets.add(offset)
        offset = _next_offset(tiff, offset)
    pages = tiff.pages if tiff.is_shaped else [tiff.pages.first]
    for page in pages:
        if min(page.shape, default=0) < 0:
            raise ImageError(
                f"Expected a TIFF with at least one pixel. Received: {name}, whose "
                f"header says {' × '.join(map(str, page.shape))}. Export the image "
                "again."
            )


def _first_offset(tiff: TiffFile) -> int:
    layout = tiff.tiff
    tiff.filehandle.seek(8 if layout.is_bigtiff else 4)
    return _read_number(tiff, layout.offsetformat, layout.offsetsize)


def _next_offset(tiff: TiffFile, offset: int) -> int:
    """Return where the page after the one at an offset begins; 0 after the last."""
    layout = tiff.tiff
    tiff.filehandle.seek(offset)
    n_tags = _read_number(tiff, layout.tagnoformat, layout.tagnosize)
    tiff.filehandle.seek(n_tags * layout.tagsize, 1)
    return _read_number(tiff, layout.offsetformat, layout.offsetsize)


def _read_number(tiff: TiffFile, number_format: str, n_bytes: int) -> int:
    (number,) = struct.unpack(number_format, tiff.filehandle.read(n_bytes))
    return int(number)


def _check_is_whole(tiff: TiffFile, series: TiffPageSeries, name: str) -> None:
    """Refuse a file where tifffile would put zeros, or take all memory."""
    keyframe = series.keyframe
    # One run of bytes, which tifffile reads as such, may stand for many pages.
    is_one_run = series.dataoffset is not None
    expected = [keyframe] if is_one_run else list(series)
    pages = [page for page in expected if page is not None]
    tile = keyframe.chunks if keyframe.is_tiled else ()
    check_announced_size(
        series.shape,
        max(series.nbytes, math.prod(tile) * series.dtype.itemsize),
        sum(file.size for file in {page.parent.filehandle for page in pages}),
        name,
    )
    if len(pages) < len(expected):
        raise ImageError(
            f"Expected {len(expected):,} pages of {name}, some in files beside it. "
            f"Received: {len(pages):,}. Keep the files together."
        )
    has_parts = not (keyframe.is_contiguous or tiff.is_ndpi)
    n_parts = math.prod(keyframe.chunked) if has_parts else 0
    fewest = min(len(page.dataoffsets) for page in pages)
    if fewest < n_parts:
        raise ImageError(
            f"Expected {n_parts:,} strips or tiles a page in {name}. Received: "
            f"{fewest:,}. Check that the file is complete."
        )


def _has_rare_colours(page: TiffPage) -> bool:
    match page.photometric:
        case PHOTOMETRIC.YCBCR:  # the codecs of JPEG make RGB of it
            return page.compression in _CODECS_WITHOUT_COLOURS
        case PHOTOMETRIC.SEPARATED:
            return page.dtype is None or page.dtype.kind != "u"
    return page.photometric in _OTHER_COLOURS


def _interpret(array: NDArray[Any], page: TiffPage, as_shown: bool) -> NDArray[Any]:
    match page.photometric:
        # Masks of one bit are labelled so by tifffile, whatever they hold.
        case PHOTOMETRIC.MINISWHITE if as_shown and array.dtype.kind == "u":
            return _invert(array, page.bitspersample)
        case PHOTOMETRIC.PALETTE if page.colormap is not None:
            return apply_palette(array, _palette(page.colormap), as_shown)
        case PHOTOMETRIC.SEPARATED if array.shape[-1] >= 4:
            return _cmyk_to_rgb(array[..., :4], 2**page.bitspersample - 1)
        case PHOTOMETRIC.MINISBLACK if page.extrasamples[:1] in _ALPHA:
            return array[..., 0].copy()
    return array


def _invert(array: NDArray[Any], n_bits: int) -> NDArray[Any]:
    # Of four bits that are kept in eight only the four count.
    inverted: NDArray[Any] = ~array & array.dtype.type(2**n_bits - 1)
    return inverted


def _cmyk_to_rgb(inks: NDArray[Any], largest: int) -> NDArray[Any]:
    light = largest - inks.astype(np.float32)
    rgb: NDArray[Any] = np.rint(light[..., :3] * light[..., 3:] / largest)
    return rgb.astype(inks.dtype)


def _palette(colormap: NDArray[np.uint16]) -> NDArray[np.uint8]:
    """Turn (3, N) colours of 16 bits, of 8 in some old files, into (N, 3) of 8."""
    has_16_bits = bool(np.any(colormap > 255))
    return (colormap >> 8 if has_16_bits else colormap).T.astype(np.uint8)


def apply_palette(
    indices: NDArray[Any], palette: NDArray[np.uint8], as_shown: bool
) -> NDArray[Any]:
    """Look up the values of a palette image.

    Parameters
    ----------
    indices : (…, Y, X) ndarray of unsigned int
        What is stored.
    palette : (N, 3) ndarray of uint8
        Colours by index.
    as_shown : bool
        Whether to look up colours; otherwise the indices are the values, whatever
        the palette shows.

    Returns
    -------
    (…, Y, X) or (…, Y, X, 3) ndarray of uint8
        Grey where all the colours that occur are; ``indices`` themselves where
        they are not to be looked up.
    """
    if indices.dtype == np.bool_:
        indices = indices.astype(np.uint8)
    if not as_shown:
        return indices
    occurring = palette[np.unique(indices)]
    is_grey = bool(np.all(occurring == occurring[:, :1]))
    values: NDArray[Any] = (palette[:, 0] if is_grey else palette)[indices]
    return values
