from __future__ import annotations

from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any

import pytest

from napari_unet_nuclei.core.errors import SettingsError
from napari_unet_nuclei.core.instances.maps import SplittingParameters
from napari_unet_nuclei.core.settings.choices import Link, Stain
from napari_unet_nuclei.core.settings.segmentation import SegmentationSettings
from napari_unet_nuclei.plugin.segment.settings_controls import SettingsControls

if TYPE_CHECKING:
    from pytestqt.qtbot import QtBot

OWN = SplittingParameters(threshold=0.456, seed_threshold=0.3)


@pytest.fixture
def calls() -> list[str]:
    """Return what the controls have called."""
    return []


@pytest.fixture
def controls(qtbot: QtBot, calls: list[str]) -> SettingsControls:
    controls = SettingsControls(
        lambda: OWN,
        on_input=lambda: calls.append("input"),
        on_slider=lambda: calls.append("slider"),
    )
    for control in controls.rows:
        qtbot.addWidget(control.native)
    return controls


def test_at_first_they_stand_for_the_default_settings(
    controls: SettingsControls,
) -> None:
    assert controls.settings == SegmentationSettings()
    assert len(controls.rows) == len(fields(SegmentationSettings))


@pytest.mark.parametrize(
    ("name", "value", "setting", "call"),
    [
        ("threshold", 0.3, 0.3, "slider"),
        ("separation", 0.65, 0.65, "slider"),
        ("min_area", 7, 7, "slider"),
        ("max_area", 700, 700, "slider"),
        ("drop_border", True, True, "slider"),
        ("smooth", False, False, "slider"),
        ("diameter", 30, 30.0, "input"),
        ("tta", True, True, "input"),
        ("stain", Stain.HDAB, Stain.HDAB, "input"),
        ("link", Link.Z, Link.Z, "slider"),
        ("min_planes", 3, 3, "slider"),
    ],
)
def test_each_control_stands_for_its_field(
    controls: SettingsControls,
    calls: list[str],
    name: str,
    value: Any,
    setting: Any,
    call: str,
) -> None:
    controls[name].value = value
    assert controls.settings == replace(SegmentationSettings(), **{name: setting})
    assert calls == [call]


def test_settings_that_are_shown_are_those_of_the_controls(
    controls: SettingsControls, calls: list[str]
) -> None:
    settings = SegmentationSettings(
        threshold=0.7, separation=0.8, min_area=3, diameter=12, tta=True
    )
    controls.show(settings)
    assert controls.settings == settings
    assert calls == []


def test_the_models_own_threshold_is_taken_until_the_slider_is_moved(
    controls: SettingsControls,
) -> None:
    controls.show_own()
    assert controls["threshold"].value == pytest.approx(OWN.threshold, abs=0.005)
    assert controls["separation"].value == pytest.approx(OWN.seed_threshold)
    assert controls.settings.threshold is None
    controls["threshold"].value = 0.8
    controls["separation"].value = 0.9
    controls.show_own()
    assert (controls.settings.threshold, controls.settings.separation) == (0.8, 0.9)
    controls.forget_own()
    assert controls.settings == SegmentationSettings()


def test_maps_are_split_with_what_acts_at_once(controls: SettingsControls) -> None:
    made = SegmentationSettings(diameter=20, tta=True)
    controls.show_own()
    controls["min_area"].value = 5
    controls["diameter"].value = 40
    split = controls.split_settings(made, OWN.threshold)
    assert split == replace(made, threshold=OWN.threshold, min_area=5)
    controls["threshold"].value = 0.2
    assert controls.split_settings(made, OWN.threshold).threshold == 0.2


def test_a_diameter_out_of_range_is_refused(controls: SettingsControls) -> None:
    controls["diameter"].value = 1
    with pytest.raises(SettingsError, match="between 2 and 2000 px"):
        _ = controls.settings


def test_what_is_the_models_own_is_one_click_away(
    controls: SettingsControls, calls: list[str]
) -> None:
    controls["threshold"].value = controls["separation"].value = 0.8
    controls["min_area"].value = 9
    calls.clear()
    controls.restore_own()
    assert controls.settings == SegmentationSettings(min_area=9)
    assert controls["threshold"].value == pytest.approx(OWN.threshold, abs=0.005)
    assert controls["separation"].value == pytest.approx(OWN.seed_threshold)
    controls.restore_own()
    assert calls == ["slider"]


def test_defaults_are_restored_with_one_call_for_each_kind(
    controls: SettingsControls, calls: list[str]
) -> None:
    controls.show_own()
    controls.show(
        SegmentationSettings(
            threshold=0.8, min_area=3, drop_border=True, tta=True, stain=Stain.HE
        )
    )
    controls.restore_defaults()
    assert controls.settings == SegmentationSettings()
    assert sorted(calls) == ["input", "slider"]
    controls.restore_defaults()
    assert len(calls) == 2


@pytest.mark.parametrize("pixel_area", [0.125, 0.0042, 1.7, 30.0])
def test_areas_are_shown_in_the_units_of_the_image(
    controls: SettingsControls, calls: list[str], pixel_area: float
) -> None:
    controls["min_area"].value, controls["max_area"].value = 31, 12_345
    before = controls.settings
    calls.clear()
    controls.use_pixel_area(pixel_area)
    assert controls["min_area"].value == pytest.approx(31 * pixel_area, rel=0.03)
    assert controls["min_area"].native.suffix() == " µm²"
    assert controls.settings == before
    controls["min_area"].value = 40 * pixel_area
    assert controls.settings.min_area == 40
    controls.use_pixel_area(None)
    assert controls["min_area"].value == 40
    assert controls["min_area"].native.suffix() == " px²"
    assert calls == ["slider"]


def test_a_largest_area_below_the_smallest_is_refused(
    controls: SettingsControls,
) -> None:
    controls["min_area"].value, controls["max_area"].value = 20, 10
    with pytest.raises(SettingsError, match="must not be below"):
        _ = controls.settings
