from __future__ import annotations

from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any

import pytest

from napari_unet_nuclei.core.errors import SettingsError
from napari_unet_nuclei.core.settings.choices import Stain
from napari_unet_nuclei.core.settings.segmentation import SegmentationSettings
from napari_unet_nuclei.plugin.segment.settings_controls import SettingsControls

if TYPE_CHECKING:
    from pytestqt.qtbot import QtBot

OWN_THRESHOLD = 0.456


@pytest.fixture
def calls() -> list[str]:
    """Return what the controls have called."""
    return []


@pytest.fixture
def controls(qtbot: QtBot, calls: list[str]) -> SettingsControls:
    controls = SettingsControls(
        lambda: OWN_THRESHOLD,
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
        ("min_area", 7, 7, "slider"),
        ("diameter", 30, 30.0, "input"),
        ("tta", True, True, "input"),
        ("stain", Stain.HDAB, Stain.HDAB, "input"),
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
    settings = SegmentationSettings(threshold=0.7, min_area=3, diameter=12, tta=True)
    controls.show(settings)
    assert controls.settings == settings
    assert calls == []


def test_the_models_own_threshold_is_taken_until_the_slider_is_moved(
    controls: SettingsControls,
) -> None:
    controls.show_own_threshold()
    assert controls["threshold"].value == pytest.approx(OWN_THRESHOLD, abs=0.005)
    assert controls.settings.threshold is None
    controls["threshold"].value = 0.8
    controls.show_own_threshold()
    assert controls.settings.threshold == 0.8
    controls.forget_threshold()
    assert controls.settings.threshold is None


def test_maps_are_split_with_what_acts_at_once(controls: SettingsControls) -> None:
    made = SegmentationSettings(diameter=20, tta=True)
    controls.show_own_threshold()
    controls["min_area"].value = 5
    controls["diameter"].value = 40
    split = controls.split_settings(made, OWN_THRESHOLD)
    assert split == replace(made, threshold=OWN_THRESHOLD, min_area=5)
    controls["threshold"].value = 0.2
    assert controls.split_settings(made, OWN_THRESHOLD).threshold == 0.2


def test_a_diameter_out_of_range_is_refused(controls: SettingsControls) -> None:
    controls["diameter"].value = 1
    with pytest.raises(SettingsError, match="between 2 and 2000 px"):
        _ = controls.settings
