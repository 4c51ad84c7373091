from __future__ import annotations

import shlex
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import pytest

from napari_unet_nuclei.core.settings.choices import Link, Stain
from napari_unet_nuclei.core.settings.segmentation import SegmentationSettings
from napari_unet_nuclei.plugin.shared.commands import (
    fine_tune_arguments,
    segment_command,
)


def test_a_plain_image_needs_few_options() -> None:
    settings = SegmentationSettings(threshold=0.45, min_area=20)
    assert segment_command("cells.tif", "resnet", settings, "YX") == (
        "napari-unet-nuclei segment cells.tif -o nuclei --model resnet --min-area 20 "
        "--threshold 0.45"
    )


def test_automatic_settings_are_left_out() -> None:
    command = segment_command("a.tif", "classic", SegmentationSettings(), "YX")
    assert command == "napari-unet-nuclei segment a.tif -o nuclei --model classic"


def test_all_settings_are_written_out() -> None:
    settings = SegmentationSettings(min_area=9, diameter=40, tta=True, stain=Stain.HE)
    command = segment_command("a.tif", "classic", settings, "CYX", 1)
    assert command.endswith(
        "--min-area 9 --diameter 40 --tta --stain he --axes CYX --channel 1"
    )


def test_no_setting_is_left_out() -> None:
    others = {
        "threshold": 0.3,
        "separation": 0.6,
        "min_area": 9,
        "max_area": 900,
        "drop_border": True,
        "smooth": False,
        "diameter": 40.0,
        "tta": True,
        "stain": Stain.HDAB,
        "link": Link.Z,
        "min_planes": 3,
    }
    plain = segment_command("a.tif", "classic", SegmentationSettings(), "YX")
    for field in fields(SegmentationSettings):
        settings = SegmentationSettings(**{field.name: others[field.name]})
        assert segment_command("a.tif", "classic", settings, "YX") != plain, field.name


@pytest.mark.parametrize("platform", ["linux", "win32"])
def test_blanks_in_names_are_quoted(
    platform: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "platform", platform)
    command = segment_command("my cells.tif", "resnet", SegmentationSettings(), "YX")
    if platform == "linux":
        assert shlex.split(command)[2] == "my cells.tif"
    else:
        assert '"my cells.tif"' in command


def test_the_command_line_understands_the_command() -> None:
    settings = SegmentationSettings(
        threshold=0.3,
        separation=0.6,
        max_area=900,
        drop_border=True,
        smooth=False,
        diameter=30,
        tta=True,
        stain=Stain.BLUE,
    )
    command = segment_command("none.tif", "resnet", settings, "ZCYX", 0)
    words = shlex.split(command)[1:]
    finished = subprocess.run(
        [sys.executable, "-m", "napari_unet_nuclei", *words],
        capture_output=True,
        text=True,
        check=False,
    )
    assert finished.returncode == 1  # not 2: only the file is missing
    assert "none.tif" in finished.stderr


def test_fine_tuning_reports_in_json_and_ends_with_its_parent() -> None:
    arguments = fine_tune_arguments([Path("d"), Path("e")], Path("o"), Path("s"), 5)
    assert arguments == [
        *(sys.executable, "-m", "napari_unet_nuclei", "train", "d", "e"),
        *("-o", "o", "--from", "s", "--minutes", "5"),
        *("--steps-per-epoch", "25", "--only-better"),
        *("--events", "jsonl", "--stop-with-stdin"),
    ]
