"""What the TIFFs of labels say about themselves, for ImageJ and as OME-XML.

The labels themselves are written in ``labels``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari_unet_nuclei.core.images.calibration import LENGTH_UNITS, TIME_UNITS, seconds

if TYPE_CHECKING:
    from collections.abc import Mapping

    from napari_unet_nuclei.core.images.calibration import Calibration

OME_ENDINGS = (".ome.tif", ".ome.tiff")
"""How names of files end that are written as OME-TIFF, in lower case."""

_OME_UNITS = {"um": "µm", "us": "µs", "angstrom": "Å"}
_MOST_PIXELS = 2**32 - 1  # in the fractions of a TIFF


def imagej_options(
    calibration: Calibration, largest: int, description: str = ""
) -> dict[str, Any]:
    """Return the metadata of labels for ImageJ, and the resolution of the pixels.

    Parameters
    ----------
    calibration : Calibration
        Pixel sizes and units; a size along X without one along Y, or the other way
        round, is left out.
    largest : int
        The largest label.
    description : str
        What ImageJ shows as the info of the image, in ASCII.

    Returns
    -------
    dict
        Arguments of ``tifffile.imwrite``.
    """
    metadata: dict[str, Any] = {"min": 0.0, "max": float(max(1, largest))}
    if description:
        metadata["Info"] = description
    sizes = calibration.sizes
    if "Z" in sizes:
        metadata["spacing"] = sizes["Z"]
    if calibration.unit is not None:
        metadata["unit"] = calibration.unit
    step = seconds(calibration)  # which ImageJ counts in seconds
    if step is not None:
        metadata["finterval"] = step
    # ImageJ counts pixels per unit.
    return {"metadata": metadata, "resolution": _pixels_per(sizes)}


def ome_options(calibration: Calibration, description: str = "") -> dict[str, Any]:
    """Return the metadata of labels for OME-XML, and the resolution of the pixels.

    Parameters
    ----------
    calibration : Calibration
        Pixel sizes and units; those in a unit that OME does not know are left out.
    description : str
        What OME calls the description of the image, in ASCII.

    Returns
    -------
    dict
        Arguments of ``tifffile.imwrite``.
    """
    unit = calibration.unit
    metadata: dict[str, Any] = {"Description": description} if description else {}
    sizes = calibration.sizes if unit in LENGTH_UNITS else {}
    lengths = {axis: sizes[axis] for axis in "XYZ" if axis in sizes}
    for axis, size in lengths.items():
        metadata[f"PhysicalSize{axis}"] = size
        metadata[f"PhysicalSize{axis}Unit"] = _OME_UNITS.get(str(unit), str(unit))
    time_unit = calibration.time_unit
    if "T" in calibration.sizes and time_unit in TIME_UNITS:
        metadata["TimeIncrement"] = calibration.sizes["T"]
        metadata["TimeIncrementUnit"] = _OME_UNITS.get(time_unit, time_unit)
    options: dict[str, Any] = {"metadata": metadata}
    centimetres = {
        axis: size * LENGTH_UNITS[str(unit)] * 100 for axis, size in lengths.items()
    }
    if _pixels_per(centimetres) is not None:
        options |= {
            "resolution": _pixels_per(centimetres),
            "resolutionunit": "CENTIMETER",
        }
    return options


def _pixels_per(sizes: Mapping[str, float]) -> tuple[float, float] | None:
    if not {"X", "Y"} <= set(sizes):
        return None
    x, y = 1 / sizes["X"], 1 / sizes["Y"]
    is_possible = all(1 / _MOST_PIXELS < number < _MOST_PIXELS for number in (x, y))
    return (x, y) if is_possible else None
