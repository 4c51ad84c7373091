"""What the header of a TIFF says about axes, channels and pixel sizes.

ImageJ, OME, tifffile's own description, the resolution tags, and those programs of
microscopes that write plain numbers.  Pixels are read in ``tiff``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from napari_unet_nuclei.core.files.ome_xml import OmeImage, choose_image, read_ome_xml
from napari_unet_nuclei.core.files.untrusted import DECODING_ERRORS
from napari_unet_nuclei.core.images.calibration import (
    Calibration,
    ascii_unit,
    calibrate,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tifffile import TiffFile, TiffPage

_KNOWN_AXES = frozenset("TZCYXS")
_LARGEST_PIXEL = 10e-6  # metres; beyond it a resolution is one of prints and screens
_MICROMETRES = re.compile(r"\bMPP *= *([0-9.]+)")  # a pixel, as Aperio says it
_RESOLUTION_UNITS = {2: (0.0254, "inch"), 3: (0.01, "cm")}


@dataclass(frozen=True)
class TiffHeader:
    """What a header says about one series of pages.

    Parameters
    ----------
    axes : str, optional
        One letter of T, Z, C, Y, X, S for each axis of the series; ``None`` where an
        axis has no name, or one that nothing here knows.
    shape : tuple of int
        Length of each axis, those of length 1 left out.
    calibration : Calibration
        Pixel sizes and units.
    channels : tuple of str
        Names of the channels.
    note : str, optional
        What the user should know of it.
    """

    axes: str | None
    shape: tuple[int, ...]
    calibration: Calibration
    channels: tuple[str, ...] = ()
    note: str | None = None


def read_header(tiff: TiffFile, number: int, name: str) -> TiffHeader:
    """Return what the header of a TIFF says about one of its series.

    Parameters
    ----------
    tiff : TiffFile
        The open file.
    number : int
        Which of its series.
    name : str
        What the note calls the file.

    Returns
    -------
    TiffHeader
        Damaged parts of the header count as not there.
    """
    series = tiff.series[number]
    image = _find_ome_image(tiff, number)
    axes, shape = _drop_single(series.axes, series.shape)
    note = None
    if image is not None and series.kind != "ome":
        axes, shape = _own_axes(image, axes, shape)
        if image.n_files > 1:
            note = (
                f"{name} is one of a set of {image.n_files:,} files: it was read by "
                "itself."
            )
    if axes.startswith("I") and series.kind == "imagej":
        axes = _stack_axis(tiff.imagej_metadata or {}) + axes[1:]
    is_known = set(axes) <= _KNOWN_AXES and len(set(axes)) == len(axes)
    return TiffHeader(
        axes=axes if is_known else None,
        shape=shape,
        calibration=_read_calibration(tiff, number, image),
        channels=_channel_names(tiff, image, dict(zip(axes, shape, strict=True))),
        note=note,
    )


def _find_ome_image(tiff: TiffFile, number: int) -> OmeImage | None:
    text = tiff.ome_metadata
    if text is None:
        return None
    images = read_ome_xml(text, tiff.filename)
    series = tiff.series[number]
    if series.kind != "ome":  # tifffile knows nothing of images, only of pages
        pages = {page.index for page in series if page is not None}
        return choose_image(images, pages)
    same_name = [image for image in images if image.name == series.name != ""]
    if len(same_name) == 1:
        return same_name[0]
    if number < len(images):
        return images[number]
    return images[0] if images else None


def _drop_single(axes: str, shape: tuple[int, ...]) -> tuple[str, tuple[int, ...]]:
    kept = [
        (axis, length)
        for axis, length in zip(axes, shape, strict=True)
        if length != 1 or axis in "YX"
    ]
    return "".join(axis for axis, _ in kept), tuple(length for _, length in kept)


def _own_axes(
    image: OmeImage, axes: str, shape: tuple[int, ...]
) -> tuple[str, tuple[int, ...]]:
    """Name the axis of the pages that a file has of a set."""
    own = image.own_axes()
    if own is None or not axes.startswith("I") or len(image.pages) != shape[0]:
        return axes, shape
    return own[0] + axes[1:], own[1] + shape[1:]


def _stack_axis(metadata: Mapping[str, Any]) -> str:
    """Name the axis of an ImageJ stack that says nothing but how long it is."""
    if "spacing" in metadata:
        return "Z"
    return "T" if "finterval" in metadata else "I"


def _channel_names(
    tiff: TiffFile, image: OmeImage | None, lengths: Mapping[str, int]
) -> tuple[str, ...]:
    n_channels = lengths.get("C", 1)
    names = image.channels if image is not None else ()
    if not names and set(lengths) == {"C", "Y", "X"} and tiff.is_imagej:
        labels = (tiff.imagej_metadata or {}).get("Labels")
        if isinstance(labels, list) and all(labels):
            names = tuple(map(str, labels))
    return names if len(names) == n_channels else ()


def _read_calibration(
    tiff: TiffFile, number: int, image: OmeImage | None
) -> Calibration:
    if image is not None and image.calibration.sizes:
        return image.calibration
    for read in (_of_imagej, _of_shaped, _of_lsm, _of_stk, _of_svs, _of_resolution):
        try:
            calibration = read(tiff, number)
        except DECODING_ERRORS:  # a header that is not what it should be
            continue
        if calibration is not None and calibration.sizes:
            return calibration
    return Calibration()


def _of_imagej(tiff: TiffFile, number: int) -> Calibration | None:
    if not tiff.is_imagej:
        return None
    return _with_unit(tiff.series[number].keyframe, tiff.imagej_metadata or {})


def _of_shaped(tiff: TiffFile, number: int) -> Calibration | None:
    """Read what tifffile writes of its own accord, a JSON of anything."""
    described = tiff.shaped_metadata if tiff.is_shaped else None
    metadata = described[number] if described else {}
    sizes = {
        axis: (metadata[key], metadata.get(f"{key}Unit", "um"))
        for axis in "XYZ"
        if isinstance(metadata.get(key := f"PhysicalSize{axis}"), int | float)
    }
    return (
        calibrate(sizes)
        if sizes
        else _with_unit(tiff.series[number].keyframe, metadata)
    )


def _with_unit(page: TiffPage, metadata: Mapping[str, Any]) -> Calibration:
    """Take the resolution tags for pixels in the unit that a description names."""
    unit = metadata.get("unit")
    sizes: dict[str, tuple[float, object]] = {}
    if ascii_unit(unit) is not None:
        x, y = _resolution(page)
        sizes = {
            "X": (x, unit),
            "Y": (y, metadata.get("yunit", unit)),
            # The sign of a spacing is only the direction in which planes follow.
            "Z": (abs(metadata.get("spacing", 0)), metadata.get("zunit", unit)),
        }
    step, step_unit = metadata.get("finterval", 0), metadata.get("tunit", "s")
    return calibrate(sizes | {"T": (step, step_unit)})


def _of_lsm(tiff: TiffFile, number: int) -> Calibration | None:
    if not tiff.is_lsm:
        return None
    metadata = tiff.lsm_metadata or {}
    sizes = {
        axis: (float(f"{metadata.get(f'VoxelSize{axis}', 0) * 1e6:.12g}"), "um")
        for axis in "XYZ"
    }
    return calibrate(sizes | {"T": (metadata.get("TimeIntervall", 0), "s")})


def _of_stk(tiff: TiffFile, number: int) -> Calibration | None:
    if not tiff.is_stk:
        return None
    metadata = tiff.stk_metadata or {}
    if not metadata.get("SpatialCalibration", 1):
        return None
    unit = metadata.get("CalibrationUnits", "um")
    distances = metadata.get("ZDistance", ())
    spacing = abs(float(distances[0])) if len(distances) > 1 else 0.0
    return calibrate(
        {
            "X": (float(metadata.get("XCalibration", 0)), unit),
            "Y": (float(metadata.get("YCalibration", 0)), unit),
            "Z": (spacing, unit),
        }
    )


def _of_svs(tiff: TiffFile, number: int) -> Calibration | None:
    page = tiff.series[number].keyframe
    match = _MICROMETRES.search(page.description) if tiff.is_svs else None
    if match is None:
        return None
    size = float(match[1])
    return calibrate({"X": (size, "um"), "Y": (size, "um")})


def _of_resolution(tiff: TiffFile, number: int) -> Calibration | None:
    """Read the resolution tags; those of photographs are no pixel sizes."""
    page = tiff.series[number].keyframe
    known = _RESOLUTION_UNITS.get(int(page.tags.valueof("ResolutionUnit", 2)))
    x, y = _resolution(page)
    if known is None or not 0 < max(x, y) * known[0] <= _LARGEST_PIXEL:
        return None
    sizes = {"X": x, "Y": y}
    return calibrate(
        {
            axis: (float(f"{size * known[0] * 1e6:.9g}"), "um")
            for axis, size in sizes.items()
        }
    )


def _resolution(page: TiffPage) -> tuple[float, float]:
    """Return the size of a pixel along X and Y in some unit; 0 where it is not said."""
    sizes = []
    for tag in ("XResolution", "YResolution"):
        n_pixels, length = page.tags.valueof(tag, (0, 0))
        sizes.append(length / n_pixels if n_pixels else 0.0)
    return sizes[0], sizes[1]
