"""TIFFs larger than memory, read part by part.

Whole ones are read in :mod:`~napari_unet_nuclei.core.files.tiff`.
"""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, Any
from weakref import finalize

from tifffile import PHOTOMETRIC, TiffFile, imread

from napari_unet_nuclei.core.errors import ImageError
from napari_unet_nuclei.core.files.extras import import_extra
from napari_unet_nuclei.core.files.tiff_headers import read_header
from napari_unet_nuclei.core.files.untrusted import DECODING_ERRORS
from napari_unet_nuclei.core.images.axes import guess_axes
from napari_unet_nuclei.core.images.big_image import BigImage, identify
from napari_unet_nuclei.core.images.calibration import Calibration

if TYPE_CHECKING:
    from pathlib import Path

    from tifffile import TiffPageSeries

_HEAD = 2**20  # bytes that identify a file, with its size
_PLAIN = {
    PHOTOMETRIC.MINISBLACK,
    PHOTOMETRIC.RGB,
    PHOTOMETRIC.YCBCR,  # the codecs of JPEG make RGB of it
}


def open_big_tiff(
    path: Path, *, level: int = 0, channel: int | None = None
) -> BigImage:
    """Open the largest image of a TIFF; no pixels are read.

    Parameters
    ----------
    path : Path
        The file.
    level : int
        Which of its resolutions, 0 is the finest.
    channel : int, optional
        Channel that shows the nuclei.

    Returns
    -------
    BigImage
        With the pixel size, for the finest level.

    Raises
    ------
    ImageError
        If it is no TIFF, there is no such level, or its colours would have to be
        converted.
    """
    try:
        with TiffFile(path) as tiff:
            sizes = [series.size for series in tiff.series]
            number = sizes.index(max(sizes))
            header = read_header(tiff, number, path.name)
            series = tiff.series[number]
            _check_plain(series, path)
            _check_level(series, level, path)
            axes = series.levels[level].axes
            pixels = _map_pixels(tiff, series.levels[level])
    except ImageError:
        raise
    except (*DECODING_ERRORS, ValueError, OSError) as error:
        raise ImageError(
            f"Expected a TIFF. Received: {path}, which cannot be read ({error})."
        ) from error
    if pixels is None:
        pixels = _open_chunks(path, number, level)
    if header.axes is not None and level == 0 and len(header.axes) == pixels.ndim:
        axes = header.axes
    if not set(axes) <= set("TCZYXS"):
        axes = guess_axes(pixels.shape).replace("C", "S")
    return BigImage(
        pixels=pixels,
        axes=axes,
        channel=channel,
        calibration=header.calibration if level == 0 else Calibration(),
        identity=identify(path.name, pixels, level, channel, _fingerprint(path)),
    )


def _check_level(series: TiffPageSeries, level: int, path: Path) -> None:
    if not 0 <= level < len(series.levels):
        raise ImageError(
            f"Expected a level from 0 to {len(series.levels) - 1} of {path}. "
            "Received: {level}",
            level=level,
        )


def _check_plain(series: TiffPageSeries, path: Path) -> None:
    colours = series.keyframe.photometric
    if colours not in _PLAIN:
        raise ImageError(
            "Expected a TIFF with grey or RGB colours, to be read in blocks. Received: "
            f"{path} with {PHOTOMETRIC(colours).name}. Convert it to RGB."
        )


def _map_pixels(tiff: TiffFile, level: TiffPageSeries) -> Any:
    """Map pixels into memory that lie in one piece; ``None`` where they do not."""
    if level.dataoffset is None or not tiff.filehandle.is_file:
        return None
    return tiff.filehandle.memmap_array(
        tiff.byteorder + level.dtype.char, level.shape, level.dataoffset
    )


def _open_chunks(path: Path, number: int, level: int) -> Any:
    """Open pixels that are decoded chunk by chunk, until nobody has them any more."""
    zarr = import_extra("zarr", "a compressed TIFF read in blocks")
    store = imread(path, series=number, level=level, aszarr=True)
    array = zarr.open_array(store, mode="r")
    finalize(array, store.close)
    return array


def _fingerprint(path: Path) -> str:
    with path.open("rb") as file:
        head = file.read(_HEAD)
    return sha256(head + str(path.stat().st_size).encode()).hexdigest()
