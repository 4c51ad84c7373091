"""Axes of a plot say their unit."""

from __future__ import annotations

import pytest

from napari_unet_nuclei.plugin.measure.axis_names import name_axis


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        ("area", "area (px²)"),
        ("area_um2", "area (µm²)"),
        ("ring_area", "ring_area (px²)"),
        ("diameter_nm", "diameter (nm)"),
        ("perimeter", "perimeter (px)"),
        ("centroid_x_um", "centroid_x (µm)"),
        ("volume_um3", "volume (µm³)"),
        ("orientation", "orientation (rad)"),
        ("solidity", "solidity"),
        ("intensity_mean_DAPI", "intensity_mean_DAPI"),
        ("area of another plugin", "area of another plugin"),
        ("", ""),
    ],
)
def test_names(column: str, expected: str) -> None:
    assert name_axis(column) == expected
