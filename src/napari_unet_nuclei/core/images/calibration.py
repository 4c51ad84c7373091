"""How large a pixel is: what files and layers say about it, in one form."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

LENGTH_UNITS = {
    "m": 1.0,
    "cm": 1e-2,
    "mm": 1e-3,
    "um": 1e-6,
    "nm": 1e-9,
    "pm": 1e-12,
    "angstrom": 1e-10,
    "in": 0.0254,
}
"""Known units of length, in metres."""

TIME_UNITS = {
    "ns": 1e-9,
    "us": 1e-6,
    "ms": 1e-3,
    "s": 1.0,
    "min": 60.0,
    "h": 3600.0,
    "d": 86400.0,
}
"""Known units of time, in seconds."""

_OTHER_NAMES = {
    "micron": "um",
    "micrometer": "um",
    "micrometre": "um",
    "microm": "um",
    "millimeter": "mm",
    "millimetre": "mm",
    "centimeter": "cm",
    "centimetre": "cm",
    "nanometer": "nm",
    "nanometre": "nm",
    "picometer": "pm",
    "meter": "m",
    "metre": "m",
    "å": "angstrom",
    "inch": "in",
    "inche": "in",
    "sec": "s",
    "second": "s",
    "minute": "min",
    "hour": "h",
    "hr": "h",
    "day": "d",
    "millisecond": "ms",
    "msec": "ms",
    "microsecond": "us",
    "nanosecond": "ns",
}
# There are two kinds of µ, which ImageJ and some others escape.
_MICRO = re.compile(r"\\u00[Bb]5|\\u03[Bb][Cc]|\\x[Bb]5|[\u00b5\u03bc]")
_NO_UNITS = {"", "pixel", "px", "dimensionless", "reference frame", "null", "none"}


@dataclass(frozen=True, kw_only=True)
class Calibration:
    """Distances between the pixels of an image.

    Parameters
    ----------
    sizes : mapping of str to float
        Distance between two neighbours along an axis out of T, Z, Y, X; what is not
        known is left out.
    unit : str, optional
        ASCII name of the unit along Z, Y and X, such as ``"um"``.
    time_unit : str, optional
        ASCII name of the unit along T, such as ``"s"``.
    """

    sizes: Mapping[str, float] = field(default_factory=dict)
    unit: str | None = None
    time_unit: str | None = None

    def pixel_size(self) -> tuple[float, float] | None:
        """Return the size of a pixel along Y and X, where both and the unit are known.

        Returns
        -------
        tuple of float, or None
            In ``unit``.
        """
        if self.unit is None or not {"Y", "X"} <= set(self.sizes):
            return None
        return self.sizes["Y"], self.sizes["X"]

    def spacing(self) -> float | None:
        """Return the distance between depths in pixels of a plane, where it is known.

        Returns
        -------
        float or None
            1 for cubic voxels.

        Examples
        --------
        >>> Calibration(sizes={"Z": 2.0, "Y": 0.5, "X": 0.5}, unit="um").spacing()
        4.0
        """
        if not {"Z", "Y", "X"} <= set(self.sizes):
            return None
        z, y, x = (self.sizes[axis] for axis in "ZYX")
        if self.unit is None and z == y == x:  # of a viewer that counts pixels
            return None
        return z / math.sqrt(y * x)


def ascii_unit(name: object) -> str | None:
    """Return the short ASCII name of a unit; ``None`` for pixels and no name.

    Parameters
    ----------
    name : object
        What a file or a layer calls it, such as ``"µm"`` or ``"micron"``.

    Returns
    -------
    str or None
        Such as ``"um"``; an unknown ASCII name as it is.

    Examples
    --------
    >>> ascii_unit("µm"), ascii_unit("Microns"), ascii_unit("pixels")
    ('um', 'um', None)
    """
    text = str(name if name is not None else "").strip().strip("\0")
    text = _MICRO.sub("u", text)
    if text in LENGTH_UNITS or text in TIME_UNITS:
        return text
    lower = text.lower()
    for candidate in (lower, lower.removesuffix("s")):
        if candidate in _NO_UNITS:
            return None
        if candidate in _OTHER_NAMES:
            return _OTHER_NAMES[candidate]
        if candidate in LENGTH_UNITS or candidate in TIME_UNITS:
            return candidate
    return text if text.isascii() and text.isprintable() else None


def calibrate(sizes: Mapping[str, tuple[float, object]]) -> Calibration:
    """Return sizes in several units as a calibration, which has one for all lengths.

    Parameters
    ----------
    sizes : mapping of str to (float, unit)
        Size and name of its unit along T, Z, Y and X, as far as they are known; what
        is not positive and finite, or has no unit, is left out.

    Returns
    -------
    Calibration
        Lengths in the unit along X, or else Y, or Z.

    Examples
    --------
    >>> calibrate({"X": (0.5, "µm"), "Z": (2000, "nm")})
    Calibration(sizes={'X': 0.5, 'Z': 2.0}, unit='um', time_unit=None)
    """
    known = {
        axis: (float(size), unit)
        for axis, (size, name) in sizes.items()
        if math.isfinite(size) and size > 0 and (unit := ascii_unit(name)) is not None
    }
    time = known.pop("T", None)
    unit = next((known[axis][1] for axis in "XYZ" if axis in known), None)
    result = {}
    for axis, (size, own_unit) in known.items():
        if own_unit == unit:
            result[axis] = size
        elif own_unit in LENGTH_UNITS and unit in LENGTH_UNITS:
            factor = LENGTH_UNITS[own_unit] / LENGTH_UNITS[unit]
            result[axis] = float(f"{size * factor:.12g}")
    if time is None:
        return Calibration(sizes=result, unit=unit)
    return Calibration(sizes=result | {"T": time[0]}, unit=unit, time_unit=time[1])


def seconds(calibration: Calibration) -> float | None:
    """Return the time step in seconds, where it and its unit are known.

    Parameters
    ----------
    calibration : Calibration
        Of an image.

    Returns
    -------
    float or None
        In seconds.
    """
    unit = calibration.time_unit
    if unit not in TIME_UNITS or "T" not in calibration.sizes:
        return None
    return calibration.sizes["T"] * TIME_UNITS[unit]
