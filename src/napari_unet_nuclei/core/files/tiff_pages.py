"""Whether a TIFF has all the pages, strips and tiles that its header announces."""

from __future__ import annotations

import math
import struct
from typing import TYPE_CHECKING

from napari_unet_nuclei.core.errors import ImageError
from napari_unet_nuclei.core.files.ome_xml import count_planes
from napari_unet_nuclei.core.files.truncation import check_tiff_parts
from napari_unet_nuclei.core.files.untrusted import check_announced_size

if TYPE_CHECKING:
    from tifffile import TiffFile, TiffPageSeries

_MOST_PLANES = 10_000_000  # for which tifffile makes room before it looks for them


def check_pages(tiff: TiffFile, name: str) -> None:
    """Refuse files in which tifffile would look for pages forever, or miss some.

    Parameters
    ----------
    tiff : TiffFile
        The open file.
    name : str
        What the message calls the file.

    Raises
    ------
    ImageError
        If the chain of pages breaks off or is a ring, or the header announces more
        planes than any file has, or a page without pixels.
    """
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


def check_is_whole(tiff: TiffFile, series: TiffPageSeries, name: str) -> None:
    """Refuse a file where tifffile would put zeros, or take all memory.

    Parameters
    ----------
    tiff : TiffFile
        The open file.
    series : TiffPageSeries
        The image that is about to be read.
    name : str
        What the message calls the file.

    Raises
    ------
    ImageError
        If pages, strips or tiles are missing.
    """
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
