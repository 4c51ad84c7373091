from __future__ import annotations

import pytest

from napari_unet_nuclei.core.errors import SettingsError
from napari_unet_nuclei.core.settings.choices import Measurement
from napari_unet_nuclei.core.settings.measurements import (
    MeasurementSettings,
    parse_measurements,
    parse_ring,
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2um", (2, "um")),
        (" 2.5 µm ", (2.5, "um")),
        ("0.5 μm", (0.5, "um")),
        ("5px", (5, "px")),
        ("5", (5, "px")),
    ],
)
def test_a_width_has_a_unit(text: str, expected: tuple[float, str]) -> None:
    assert parse_ring(text) == expected


@pytest.mark.parametrize("text", ["", "wide", "2 um wide", "1.2.3um", "-2um", "."])
def test_other_widths_are_refused(text: str) -> None:
    with pytest.raises(SettingsError, match="such as 2um or 5px"):
        parse_ring(text)


@pytest.mark.parametrize("ring", [0, -1, 1e9, float("nan")])
def test_a_ring_has_some_width(ring: float) -> None:
    with pytest.raises(SettingsError, match="The width of the ring must be above 0"):
        MeasurementSettings(ring=ring)


def test_lists_of_measurements() -> None:
    assert parse_measurements("all") == tuple(Measurement)
    assert parse_measurements("border, shape,border") == (
        *(Measurement.BORDER, Measurement.SHAPE),
    )
    with pytest.raises(SettingsError, match="shape, intensity, border, or all"):
        parse_measurements("shape,size")


def test_more_than_the_usual_is_true() -> None:
    assert not MeasurementSettings()
    assert MeasurementSettings(ring=2)
    assert MeasurementSettings(what=(Measurement.BORDER,))
