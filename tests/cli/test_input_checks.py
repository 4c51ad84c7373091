"""What cannot be trained on is refused before anything starts, image by image."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import tifffile
from PIL import Image

from napari_unet_nuclei.cli.input_checks import check_data, find_problems
from napari_unet_nuclei.core.datasets.sample import Sample
from napari_unet_nuclei.core.datasets.synthetic import draw_nuclei
from napari_unet_nuclei.core.errors import TrainingError
from napari_unet_nuclei.core.models.bundle import ModelBundle, write_bundle
from napari_unet_nuclei.core.models.config import ONE_MAP, ModelConfig
from napari_unet_nuclei.core.settings.choices import Architecture
from napari_unet_nuclei.core.settings.training import TrainingSettings
from napari_unet_nuclei.core.training.checks.problems import ProblemKind
from napari_unet_nuclei.core.training.mixture import TrainingSet

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from typer.testing import Result

SETTINGS = TrainingSettings(minutes=1, crop_size=64)


@pytest.fixture
def spoilt(labelled: Path) -> Path:
    """The data set with two images more: one of a single grey, one shifted."""
    grey = np.full((160, 160), 7, np.uint8)
    image, labels = draw_nuclei(5, (160, 160), 12)
    Image.fromarray(grey).save(labelled / "images" / "grey.png")
    tifffile.imwrite(labelled / "labels" / "grey.tif", labels.astype(np.int32))
    Image.fromarray(image).save(labelled / "images" / "less.png")
    tifffile.imwrite(labelled / "labels" / "less.tif", labels.astype(np.int32) - 1)
    return labelled


def test_each_problem_is_told_beside_its_image_and_nothing_starts(
    run: Callable[..., Result], spoilt: Path, tmp_path: Path
) -> None:
    model = tmp_path / "own" / "mine.unetnuclei"
    result = run("train", spoilt, "-o", model, "--from", "classic")
    assert result.exit_code == 1
    output = " ".join(result.output.split())
    grey = "grey: All pixels of the image are 7. Choose another image or another"
    assert f"Cannot train on {grey}" in output
    assert "Cannot train on less: Around nuclei is -1" in output
    assert f"Error: Training cannot start. {grey}" in output
    assert "Starting Keras" not in output
    assert not list(tmp_path.rglob("mine.*"))


def test_programs_get_the_same_as_an_event(
    run: Callable[..., Result], spoilt: Path, tmp_path: Path
) -> None:
    model = tmp_path / "mine.unetnuclei"
    result = run("train", spoilt, "-o", model, "--events", "jsonl")
    event = json.loads(result.stdout.splitlines()[-1])
    assert event["event"] == "error"
    assert "grey: All pixels of the image are 7." in event["message"]
    assert "less: Around nuclei is -1" in event["message"]


def sets(*labels: Any, **changes: Any) -> list[TrainingSet]:
    """One data set of drawn images, the first ones with these labels."""
    drawn = [draw_nuclei(seed, (96, 96), 8) for seed in range(4)]
    samples = [
        Sample(f"image{number}", image, labels[number] if number < len(labels) else own)
        for number, (image, own) in enumerate(drawn)
    ]
    return [replace(TrainingSet(name="set", samples=samples), **changes)]


def test_warnings_are_told_once_with_how_many_more() -> None:
    told: list[str] = []
    empty = np.zeros((96, 96), np.int32)
    check_data(sets(empty, empty), SETTINGS, None, told.append)
    assert told == [
        "image0: No nucleus is labelled here. Label some, or leave this pair out "
        "unless it shows background only. The same of 1 more."
    ]


def test_a_long_list_ends_with_how_many_there_are() -> None:
    (one,) = sets()
    flat = np.full((96, 96), 3, np.uint8)
    samples = [
        replace(one.samples[0], sample_id=f"flat{number}", image=flat)
        for number in range(13)
    ]
    told: list[str] = []
    with pytest.raises(TrainingError, match=r"flat1: .* There are 11 more problems\.$"):
        check_data([replace(one, samples=samples)], SETTINGS, None, told.append)
    assert len(told) == 10
    assert told[9].startswith("Cannot train on flat9: All pixels")


def test_the_held_out_part_and_the_start_are_checked_too(
    tmp_path: Path,
) -> None:
    single = np.zeros((96, 96), np.int32)
    single[10:20, 10:20] = 1
    (one,) = sets(single)
    alone = replace(one, samples=one.samples[:1])
    kinds = {problem.kind for problem in find_problems([alone], SETTINGS, None)}
    assert ProblemKind.NO_ROOM in kinds
    divided = replace(alone, validation=one.samples[1:])
    kinds = {problem.kind for problem in find_problems([divided], SETTINGS, None)}
    assert ProblemKind.NO_ROOM not in kinds

    start = tmp_path / "start.unetnuclei"
    config = ModelConfig(
        architecture=Architecture.CLASSIC, stride=4, margin=4, diameter=10, maps=ONE_MAP
    )
    write_bundle(start, ModelBundle(name="start", config=config, weights={}))
    problems = find_problems(sets(), SETTINGS, str(start))
    assert [problem.kind for problem in problems] == [ProblemKind.START_MAPS]


def test_images_of_several_sets_are_called_by_both_names() -> None:
    (one,) = sets(np.zeros((96, 96), np.int32))
    problems = find_problems([one, replace(one, name="other")], SETTINGS, None)
    assert [problem.pair for problem in problems] == ["set/image0", "other/image0"]
