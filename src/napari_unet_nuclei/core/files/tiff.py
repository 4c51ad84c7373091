"""TIFF files → arrays that mean what the header says, complete or not at all.

tifffile returns numbers as stored and puts zeros where pages or strips are
missing; colours are looked up here, and what is not all there is refused.  What the
header says of axes and sizes is read in ``tiff_headers``; other formats, and the
errors of damaged files, belong in ``image_files``.
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

from napari_unet_nuclei.core.errors import ImageError
from napari_unet_nuclei.core.files.ome_xml import count_planes
from napari_unet_nuclei.core.files.tiff_headers import read_header
from napari_unet_nuclei.core.files.truncation import check_tiff_parts
from napari_unet_nuclei.core.files.untrusted import (
    DECODING_ERRORS,
    check_announced_size,
)
from napari_unet_nuclei.core.images.stored_image import StoredImage

if TYPE_CHECKING:
    import io
    from pathlib import Path

    from numpy.typing import NDArray

TIFF_SUFFIXES = frozenset(
    {".tif", ".tiff", ".tf2", ".tf8", ".btf", ".stk", ".lsm"}
    | {".qptiff", ".scn", ".svs", ".ndpi"}
)
TIFF_SIGNATURES = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")

_OTHER_COLOURS = {
    PHOTOMETRIC.CIELAB,
    PHOTOMETRIC.ICCLAB,
    PHOTOMETRIC.ITULAB,
    PHOTOMETRIC.LOGL,
    PHOTOMETRIC.LOGLUV,
    PHOTOMETRIC.CFA,  # one colour a pixel, as the sensor of a camera gives it
}
_CODECS_WITHOUT_COLOURS = {
    COMPRESSION.NONE,
    COMPRESSION.LZW,
    COMPRESSION.ADOBE_DEFLATE,
    COMPRESSION.DEFLATE,
    COMPRESSION.PACKBITS,
}
_MOST_NAMED = 5
_MOST_PLANES = 10_000_000  # for which tifffile makes room before it looks for them
_ALPHA = {(EXTRASAMPLE.ASSOCALPHA,), (EXTRASAMPLE.UNASSALPHA,)}


def read_tiff(
    file: Path | io.BytesIO, name: str, *, as_shown: bool, series: int | None = None
) -> StoredImage:
    """Return one image of a TIFF, at full resolution, and what the header says of it.

    CMYK becomes RGB.  ImageJ's lookup tables only say how to show intensities and
    are left out, and so are axes of length 1.  A file of a set is read by itself.

    Parameters
    ----------
    file : Path or BytesIO
        The file, or its content.
    name : str
        What error messages call the file.
    as_shown : bool
        Whether to look colours up in palettes, and to make white the largest value
        where it is zero; otherwise these numbers are given as stored.
    series : int, optional
        Which of several images of the file, from 0; by default the largest.

    Returns
    -------
    StoredImage
        Grey, colour, or a stack of planes.

    Raises
    ------
    ImageError
        If there is no such series, pages or strips are missing, or the colours are of
        a rare kind.
    """
    with _open(file) as tiff:
        _check_pages(tiff, name)
        number = _choose_series(tiff, series, name)
        chosen = tiff.series[number]
        page = chosen.keyframe
        if not chosen.size:
            return StoredImage(np.empty(chosen.shape, chosen.dtype))
        _check_is_whole(tiff, chosen, name)
        if _has_rare_colours(page):
            raise ImageError(
                "Expected a TIFF with grey, RGB, CMYK or palette colours. Received: "
                f"{name} with {PHOTOMETRIC(page.photometric).name} colours. Convert it "
                "to RGB."
            )
        header = read_header(tiff, number, name)
        array, axes = np.asarray(chosen.asarray()).reshape(header.shape), header.axes
        stored = axes or _squeezed_axes(chosen)
        if "S" in stored:  # colour stored as planes: (3, Y, X)
            array = np.moveaxis(array, stored.index("S"), -1)
            axes = axes and axes.replace("S", "") + "S"
        n_axes = array.ndim
        if not tiff.is_imagej:
            array = _interpret(array, page, as_shown)
        axes = _follow(axes, array.ndim - n_axes)
        if axes and axes.endswith("S") and "S" in stored[:-1]:
            # Whoever calls them planes of a stack finds them where they are stored.
            array = np.moveaxis(array, -1, stored.index("S"))
            axes = stored
        left_out = None if series is not None else _name_others(tiff, number)
        return StoredImage(
            pixels=array,
            axes=axes,
            calibration=header.calibration,
            notes=tuple(note for note in (header.note, left_out) if note),
            channels=header.channels,
        )


def count_series(file: Path) -> int:
    """Return how many images a TIFF holds, the levels of a pyramid counted as one.

    Parameters
    ----------
    file : Path
        Any file.

    Returns
    -------
    int
        1 for what cannot be read, or is another format.
    """
    try:
        with file.open("rb") as stream:
            if not stream.read(4).startswith(TIFF_SIGNATURES):
                return 1
        with _open(file) as tiff:
            _check_pages(tiff, file.name)
            return max(1, len(tiff.series))
    except (*DECODING_ERRORS, ImageError):
        return 1


def _open(file: Path | io.BytesIO) -> TiffFile:
    # Of a set of files, tifffile would return the pages of all of them.
    return TiffFile(file, _multifile=False)


def _choose_series(tiff: TiffFile, series: int | None, name: str) -> int:
    sizes = [each.size for each in tiff.series]
    if series is None:
        return sizes.index(max(sizes))
    if not 0 <= series < len(sizes):
        raise ImageError(
            f"Expected one of the {len(sizes):,} images in {name}, counted from 0. "
            f"Received: number {series}. Choose another one, or all."
        )
    return series


def _name_others(tiff: TiffFile, number: int) -> str | None:
    """Say which of several images was read, and which were not."""
    if len(tiff.series) == 1:
        return None
    others = [
        _describe_series(each, i) for i, each in enumerate(tiff.series) if i != number
    ]
    more = f" and {len(others) - _MOST_NAMED:,} more" if others[_MOST_NAMED:] else ""
    return (
        f"It holds {len(tiff.series):,} images: the largest was read, "
        f"{_describe_series(tiff.series[number], number)}; not read were "
        f"{', '.join(others[:_MOST_NAMED])}{more}. --series reads another, or all."
    )


def _describe_series(series: TiffPageSeries, number: int) -> str:
    name = f" {series.name!r}" if series.name else ""
    return f"number {number}{name} ({' × '.join(map(str, series.shape))})"


def _squeezed_axes(series: TiffPageSeries) -> str:
    pairs = zip(series.axes, series.shape, strict=True)
    return "".join(axis for axis, length in pairs if length != 1 or axis in "YX")


def _follow(axes: str | None, n_new: int) -> str | None:
    """Name the axes of an array that has won, or lost, its colours."""
    if axes is None or n_new == 0:
        return axes
    return axes.removesuffix("S") if n_new < 0 else f"{axes}S"


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
    n_planes = count_planes(tiff.ome_metadata or "")
    if n_planes > _MOST_PLANES:
        raise ImageError(
            f"Expected at most {_MOST_PLANES:,} planes in {name}. Received: a header "
            f"that announces {n_planes:,}. Check that the file is complete."
        )
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
            f"Expected {len(expected):,} pages of {name}, as its header says. "
            f"Received: {len(pages):,}. Check that the file is complete."
        )
    has_parts = not (keyframe.is_contiguous or tiff.is_ndpi)
    n_parts = math.prod(keyframe.chunked) if has_parts else 0
    fewest = min(len(page.dataoffsets) for page in pages)
    if fewest < n_parts:
        raise ImageError(
            f"Expected {n_parts:,} strips or tiles a page in {name}. Received: "
            f"{fewest:,}. Check that the file is complete."
        )
    for each in () if is_one_run else pages:
        check_tiff_parts(each, name)


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
