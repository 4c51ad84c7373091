"""Every setting, out of range, is called what was typed."""

from __future__ import annotations

import dataclasses
import re
from typing import TYPE_CHECKING

import numpy as np
import pytest
import typer

from napari_unet_nuclei.cli.app import app
from napari_unet_nuclei.cli.wording import (
    describe_error,
    describe_system_error,
    spell_option,
)
from napari_unet_nuclei.core.errors import SettingsError, UNetNucleiError
from napari_unet_nuclei.core.images.axes import PlaneStack, check_axes
from napari_unet_nuclei.core.images.channels import to_channels
from napari_unet_nuclei.core.segmentation.tiles import plan_tiles
from napari_unet_nuclei.core.settings.segmentation import SegmentationSettings
from napari_unet_nuclei.core.settings.training import TrainingSettings

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any

PYTHON = re.compile(r"\b[a-z_]+=\S|\b[a-z]+_[a-z_]+ must")
SEGMENT = {
    "threshold": 1.5,
    "separation": 1.5,
    "min_area": -1,
    "max_area": 0,
    "diameter": 1,
    "min_planes": 0,
}
TRAIN = {
    "crop_size": 33,
    "batch_size": 0,
    "steps_per_epoch": 0,
    "epochs": 0,
    "minutes": -1.0,
    "patience": 0,
    "plateau_patience": 0,
    "plateau_factor": 1.5,
    "learning_rate": -1.0,
    "start_weight": 1.0,
    "replay": 1.0,
    "validation_fraction": 1.5,
    "seed": -1,
    "grow": -1,
    "loss": "hinge",
}
CHOSEN_FROM_A_LIST = {
    "architecture",
    "augmentation",
    "drop_border",
    "grey_copies",
    "link",
    "monitor",
    "only_better",
    "rescale",
    "schedule",
    "smooth",
    "stain",
    "tta",
}
NOT_ON_THE_COMMAND_LINE = {
    "arguments",
    "weight_decay",
    "ema_momentum",
    "mixed_precision",
}


def options_of(command: Any) -> Any:
    parameters = typer.main.get_command(app).commands[command].params
    return {option for parameter in parameters for option in parameter.opts}


def test_every_setting_is_tried() -> None:
    fields = {
        field.name
        for settings in (SegmentationSettings, TrainingSettings)
        for field in dataclasses.fields(settings)
    }
    tried = SEGMENT.keys() | TRAIN.keys()
    assert fields == tried | CHOSEN_FROM_A_LIST | NOT_ON_THE_COMMAND_LINE


@pytest.mark.parametrize(
    ("command", "name", "value"),
    [
        *(("segment", name, value) for name, value in SEGMENT.items()),
        *(("train", name, value) for name, value in TRAIN.items()),
    ],
)
def test_a_value_out_of_range_is_named_as_it_was_typed(
    run: Any, tmp_path: Path, command: Any, name: Any, value: Any
) -> None:
    option = f"--{name.replace('_', '-')}"
    assert option in options_of(command)
    # What limits a run has a default only where the other is not given.
    result = run(command, tmp_path, "-o", tmp_path / "m.unetnuclei", option, value)
    assert result.exit_code == 1
    assert f"Received: {option} {value}" in result.stderr
    assert not PYTHON.search(result.stderr)


@pytest.mark.parametrize(
    ("cause", "python", "typed"),
    [
        (lambda: check_axes("QQ"), "axes='QQ'", "--axes QQ"),
        (lambda: check_axes("YX", 3), "axes='YX'", "--axes YX"),
        (lambda: PlaneStack(np.zeros((5, 6, 7))), "axes='ZYX'", "--axes ZYX"),
        (lambda: to_channels(np.zeros((5, 6, 7))), "axes='ZYX'", "--axes ZYX"),
        (
            lambda: PlaneStack(np.zeros((2, 6, 7)), "CYX"),
            "channel=0 … 1",
            "--channel 0 … 1",
        ),
        (
            lambda: PlaneStack(np.zeros((2, 6, 7)), "CYX", 2),
            "channel=2",
            "--channel 2",
        ),
        (
            lambda: TrainingSettings(epochs=1, minutes=2.0),
            "epochs=1, minutes=2.0",
            "--epochs 1, --minutes 2.0",
        ),
        (
            lambda: TrainingSettings(),
            "epochs=None, minutes=None",
            "no --epochs, no --minutes",
        ),
        (
            lambda: plan_tiles((500, 500), margin=48, stride=16, max_area=96),
            "tile_area=96",
            "tiles of 96 px² at most",
        ),
    ],
)
def test_python_and_the_command_line_each_have_their_own_words(
    cause: Any, python: Any, typed: Any
) -> None:
    with pytest.raises(UNetNucleiError) as caught:
        cause()
    assert python in str(caught.value)
    assert typed in describe_error(caught.value)
    assert not PYTHON.search(describe_error(caught.value))


def test_what_the_system_refuses_is_a_sentence() -> None:
    words = describe_system_error(FileNotFoundError(2, "No such file", "x.tif"))
    assert "refused something: No such file for x.tif." in words


def test_a_switch_has_no_value() -> None:
    assert spell_option("resume", True) == "--resume"
    assert spell_option("start", "resnet") == "--from resnet"


def test_names_that_look_like_settings_are_left_alone() -> None:
    error = SettingsError("Received: a{b}.tif {axes}", axes="YX")
    assert str(error) == "Received: a{b}.tif axes='YX'"
    assert describe_error(ValueError("x=1")) == "x=1"


def test_an_image_that_fails_says_so_in_options(
    run: Any, images: Any, tmp_path: Path
) -> None:
    result = run("segment", images, "-o", tmp_path / "o", "--axes", "YQ")
    assert result.exit_code == 1
    assert "Received: --axes YQ" in result.stderr
    assert "axes=" not in result.stderr


def test_programs_that_follow_a_training_hear_options_too(
    run: Any, labelled: Any, tmp_path: Path
) -> None:
    result = run(
        *("train", labelled, "-o", tmp_path / "m.unetnuclei"),
        *("--events", "jsonl", "--crop-size", "33"),
    )
    assert '"message": "The crop size' in result.stdout
    assert "--crop-size 33" in result.stdout
