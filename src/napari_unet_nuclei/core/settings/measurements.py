"""What is measured of each nucleus: what a user can choose, checked on creation."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from napari_unet_nuclei.core.errors import SettingsError
from napari_unet_nuclei.core.settings.choices import Measurement
from napari_unet_nuclei.core.settings.rules import Range, check_fields, describe

PIXELS = "px"
"""Unit of widths that are counted in pixels."""

_RING = re.compile(r"\s*([0-9.]+)\s*([a-zµμ]*)\s*", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class MeasurementSettings:
    """What is measured beside area, diameter, centroid, mean intensity, probability.

    Parameters
    ----------
    what : tuple of Measurement
        Groups of columns.
    ring : float, optional
        Width of the ring around each nucleus in which intensities are measured too;
        ``None`` for no ring.
    ring_unit : str
        Unit of this width: ``"px"``, or that of the image, such as ``"um"``.

    Raises
    ------
    SettingsError
        If the width is out of range.

    Examples
    --------
    >>> settings = MeasurementSettings(what=(Measurement.SHAPE,), ring=2)
    >>> str(settings.what[0]), settings.ring, settings.ring_unit
    ('shape', 2, 'px')
    """

    what: tuple[Measurement, ...] = field(
        default=(),
        metadata=describe(
            "What to measure beside the usual columns, separated by commas: shape "
            "(perimeter, eccentricity, solidity, orientation), intensity (mean, "
            "standard deviation and total of every channel), border (whether a nucleus "
            "touches the edge of the image), or all."
        ),
    )
    ring: float | None = field(
        default=None,
        metadata=describe(
            "Measure the intensity in a ring around each nucleus, too, and the ratio "
            "of nucleus to ring. The ring does not enter other nuclei.",
            Range(
                above=0,
                at_most=10_000,
                sentence="The width of the {name} must be above {above}, up to "
                "{at_most}.",
            ),
        ),
    )
    ring_unit: str = field(
        default=PIXELS, metadata=describe("Unit of the width of the ring.")
    )

    def __post_init__(self) -> None:
        check_fields(self)

    def __bool__(self) -> bool:
        """Whether more than the usual columns is measured."""
        return bool(self.what) or self.ring is not None


def parse_measurements(text: str) -> tuple[Measurement, ...]:
    """Turn a list with commas into groups of columns.

    Parameters
    ----------
    text : str
        Such as ``"shape,border"``, or ``"all"``.

    Returns
    -------
    tuple of Measurement
        Each of them once.

    Raises
    ------
    SettingsError
        If there is none of one of these names.

    Examples
    --------
    >>> [str(each) for each in parse_measurements("border,shape")]
    ['border', 'shape']
    """
    words = [word.strip() for word in text.split(",")]
    if words == ["all"]:
        return tuple(Measurement)
    try:
        return tuple(dict.fromkeys(Measurement(word) for word in words))
    except ValueError as error:
        raise SettingsError(
            f"The measurements must be among {', '.join(Measurement)}, or all. "
            f"Received: {text!r}"
        ) from error


def parse_ring(text: str) -> tuple[float, str]:
    """Turn a width with its unit into a number and a unit.

    Parameters
    ----------
    text : str
        Such as ``"2um"``, ``"2 µm"`` or ``"5px"``; a number alone counts pixels.

    Returns
    -------
    width : float
        The number.
    unit : str
        ASCII name of the unit, or ``"px"``.

    Raises
    ------
    SettingsError
        If it is no number with a unit.

    Examples
    --------
    >>> parse_ring("2.5 um")
    (2.5, 'um')
    """
    found = _RING.fullmatch(text)
    try:
        if found is None:
            raise ValueError(text)
        width, unit = float(found[1]), found[2]
    except ValueError as error:
        raise SettingsError(
            "Expected the width of a ring as a number with its unit, such as 2um or "
            f"5px. Received: {text!r}"
        ) from error
    unit = unit.replace("µ", "u").replace("μ", "u")
    return width, unit or PIXELS
