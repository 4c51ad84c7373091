"""TIFF files → arrays that mean what the header says, complete or not at all.

tifffile returns numbers as stored and puts zeros where pages or strips are missing:
colours are looked up in ``tiff_colours``, and what is not all there is refused in
``tiff_pages``.  What the header says about axes and sizes is read in ``tiff_headers``.
Other formats, and the errors of damaged files, belong in ``images``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from tifffile import TiffFile, TiffPageSeries

from napari_unet_nuclei.core.errors import ImageError
from napari_unet_nuclei.core.files.tiff_colours import check_colours, interpret_colours
from napari_unet_nuclei.core.files.tiff_headers import TiffHeader, read_header
from napari_unet_nuclei.core.files.tiff_pages import check_is_whole, check_pages
from napari_unet_nuclei.core.files.untrusted import DECODING_ERRORS
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

_MOST_NAMED = 5


def read_tiff(
    file: Path | io.BytesIO, name: str, *, as_shown: bool, series: int | None = None
) -> StoredImage:
    """Return one image of a TIFF, at full resolution, with what its header says.

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
        check_pages(tiff, name)
        number = _choose_series(tiff, series, name)
        chosen = tiff.series[number]
        if not chosen.size:
            return StoredImage(np.empty(chosen.shape, chosen.dtype))
        check_is_whole(tiff, chosen, name)
        check_colours(chosen.keyframe, name)
        header = read_header(tiff, number, name)
        array, axes = _read_pixels(tiff, chosen, header, as_shown)
        left_out = None if series is not None else _name_others(tiff, number)
        return StoredImage(
            pixels=array,
            axes=axes,
            calibration=header.calibration,
            notes=tuple(note for note in (header.note, left_out) if note),
            channels=header.channels,
        )


def _read_pixels(
    tiff: TiffFile, series: TiffPageSeries, header: TiffHeader, as_shown: bool
) -> tuple[NDArray[Any], str | None]:
    """Return the pixels of an image in the order of its axes, and these."""
    array, axes = np.asarray(series.asarray()).reshape(header.shape), header.axes
    stored = axes or _squeezed_axes(series)
    if "S" in stored:  # colour stored as planes: (3, Y, X)
        array = np.moveaxis(array, stored.index("S"), -1)
        axes = axes and axes.replace("S", "") + "S"
    n_axes = array.ndim
    if not tiff.is_imagej:
        array = interpret_colours(array, series.keyframe, as_shown)
    axes = _follow(axes, array.ndim - n_axes)
    if axes and axes.endswith("S") and "S" in stored[:-1]:
        # Whoever calls them planes of a stack finds them where they are stored.
        array = np.moveaxis(array, -1, stored.index("S"))
        axes = stored
    return array, axes


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
            check_pages(tiff, file.name)
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
        check_pages(tiff, name)
        series = tiff.series[0]
        lengths = list(series.shape)
        if "S" in series.axes:
            lengths.append(lengths.pop(series.axes.index("S")))
        return tuple(lengths)
