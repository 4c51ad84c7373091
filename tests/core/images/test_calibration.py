from __future__ import annotations

import math

import pytest

from napari_unet_nuclei.core.images.calibration import (
    Calibration,
    ascii_unit,
    calibrate,
    seconds,
)


@pytest.mark.parametrize(
    ("name", "unit"),
    [
        ("µm", "um"),
        ("μm", "um"),
        ("\\u00B5m", "um"),
        ("\\u00b5m", "um"),
        ("\\u03BCm", "um"),
        ("\\u03bcm", "um"),
        ("\\xB5m", "um"),
        ("\\u03BCs", "us"),
        ("Microns", "um"),
        ("micrometer", "um"),
        ("nm", "nm"),
        ("Å", "angstrom"),
        ("inch", "in"),
        ("sec", "s"),
        ("minutes", "min"),
        ("µs", "us"),
        ("pixels", None),
        ("", None),
        (None, None),
        ("furlong", "furlong"),
        ("米", None),
    ],
)
def test_units_have_one_name(name: str | None, unit: str | None) -> None:
    assert ascii_unit(name) == unit


def test_all_lengths_get_one_unit() -> None:
    calibration = calibrate(
        {"X": (0.5, "um"), "Y": (500, "nm"), "Z": (0.002, "mm"), "T": (2, "min")}
    )
    assert calibration.sizes == {"X": 0.5, "Y": 0.5, "Z": 2.0, "T": 2.0}
    assert (calibration.unit, calibration.time_unit) == ("um", "min")
    assert calibration.pixel_size() == (0.5, 0.5)
    assert seconds(calibration) == 120


@pytest.mark.parametrize("size", [0, -1, math.nan, math.inf])
def test_what_is_no_size_is_left_out(size: float) -> None:
    assert calibrate({"X": (size, "um"), "T": (size, "s")}) == Calibration()


def test_units_that_cannot_be_converted_are_left_out() -> None:
    calibration = calibrate({"X": (2, "furlong"), "Z": (3, "um")})
    assert calibration == Calibration(sizes={"X": 2.0}, unit="furlong")
    assert calibration.pixel_size() is None
    assert seconds(calibration) is None
