"""``train`` on several data sets."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

import pytest

from napari_unet_nuclei.cli.training_data import read_sets
from napari_unet_nuclei.core.models.bundle import read_bundle

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from typer.testing import Result

    Run = Callable[..., Result]

OPTIONS = (
    *("--from", "classic", "--epochs", 1, "--steps-per-epoch", 1),
    *("--crop-size", 64, "--batch-size", 4),
)


@pytest.fixture
def other(labelled: Path) -> Path:
    """A second data set, whose samples have the same names, with its licence."""
    folder = labelled.parent / "lab" / "annotated"
    shutil.copytree(labelled, folder)
    (folder / "SOURCE.json").write_text(json.dumps({"licence": "CC-BY-4.0"}))
    return folder


def test_several_sets_are_trained_on_with_weights_and_splits(
    run: Run, labelled: Path, dsb2018: Path, other: Path, tmp_path: Path
) -> None:
    model, split = tmp_path / "own" / "mine.unetnuclei", tmp_path / "split.json"
    named = {"annotated": {"train": ["1"], "val": ["0"]}}
    split.write_text(json.dumps(named))
    plain = tmp_path / "dsb.json"
    plain.write_text(json.dumps({"train": ["aa", "cc"], "val": ["bb"]}))
    result = run(
        *("train", dsb2018, labelled, other, "-o", model, *OPTIONS),
        *("--split", split, "--split", plain),
        *("--weight", 2, "--weight", 1, "--weight", 1),
    )
    assert result.exit_code == 0, result.output
    text = " ".join(result.output.split())
    assert "stage1_train: 2 images to train on, 1 held out, 50% of the crops" in text
    assert "No split is about annotated (2): a part of its images is held out" in text
    assert "; stage1_train 0." in text
    assert ", annotated (2) 0." in text
    provenance = read_bundle(model).config.provenance
    assert provenance["train"][:3] == [
        "stage1_train/aa",
        "stage1_train/cc",
        "annotated/1",
    ]
    assert provenance["validation"][:2] == ["stage1_train/bb", "annotated/0"]
    assert [each["share"] for each in provenance["data_sets"]] == [0.5, 0.25, 0.25]
    assert provenance["data_sets"][2]["source"] == {"licence": "CC-BY-4.0"}
    assert provenance["set_scores"]["annotated"]["dice"] > 0.5


def test_images_in_both_parts_of_a_split_are_named(
    labelled: Path, other: Path, tmp_path: Path
) -> None:
    split = tmp_path / "split.json"
    named = {"annotated": {"train": ["0", "1"], "val": ["1"]}}
    split.write_text(json.dumps(named))
    said: list[str] = []
    read_sets([labelled, other], [], [split], said.append)
    assert said[1].startswith(f"In train and in val of {split}: 1. Scores of images")
    assert sum(sentence.startswith("In train") for sentence in said) == 1


def test_programs_get_the_scores_of_each_set(
    run: Run, labelled: Path, other: Path, tmp_path: Path
) -> None:
    model = tmp_path / "mine.unetnuclei"
    options = ("--events", "jsonl", *OPTIONS)
    result = run("train", labelled, other, "-o", model, *options)
    assert result.exit_code == 0, result.output
    events = [json.loads(line) for line in result.stdout.splitlines()]
    for event in (next(e for e in events if e["event"] == "step"), events[-1]):
        assert event["set_scores"].keys() == {"annotated", "annotated (2)"}
        assert event["scores"].keys() == event["set_scores"]["annotated"].keys()


def test_a_single_set_is_named_in_the_model(
    run: Run, other: Path, tmp_path: Path
) -> None:
    model = tmp_path / "mine.unetnuclei"
    result = run("train", other, "-o", model, *OPTIONS)
    assert result.exit_code == 0, result.output
    assert "of the crops" not in result.output
    provenance = read_bundle(model).config.provenance
    (data_set,) = provenance["data_sets"]
    assert data_set["name"] == "annotated"
    assert data_set["source"] == {"licence": "CC-BY-4.0"}
    assert provenance["set_scores"] == {}
    assert all("/" not in name for name in provenance["train"])


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--weight", 1], "one --weight for each of the 2 data sets, in their order"),
        (
            ["--weight", 1, "--weight", 0],
            "weight must be a positive number. Received: 0",
        ),
        (["--weight", 1, "--weight", "nan"], "positive number. Received: nan; leave"),
        (["--split", "none.json"], "Expected a split file. Received: none.json"),
    ],
)
def test_a_wrong_weight_or_split_gets_a_sentence(
    run: Run,
    labelled: Path,
    other: Path,
    tmp_path: Path,
    options: list[object],
    sentence: str,
) -> None:
    model = tmp_path / "mine.unetnuclei"
    result = run("train", labelled, other, "-o", model, *options)
    assert result.exit_code == 1
    assert sentence in " ".join(result.output.split())
    assert "Reading" not in result.output
    assert not model.exists()
