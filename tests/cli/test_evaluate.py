from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from napari_unet_nuclei.core.label_files import read_labels, write_labels_tiff
from napari_unet_nuclei.core.rle import write_rle_csv
from napari_unet_nuclei.core.samples import open_samples

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from typer.testing import Result


@pytest.fixture
def predicted(dsb2018: Path, tmp_path: Path) -> Path:
    """Predictions of the data set: perfect but for one nucleus that is missing."""
    folder = tmp_path / "predicted"
    source = open_samples(dsb2018)
    for name in source.sample_ids:
        labels = source.read_labels(name)
        if name == "aa":
            labels[labels == 1] = 0
        write_labels_tiff(folder / f"{name}.tif", labels)
    return folder


def test_scores_are_printed_per_staining_and_over_all(
    run: Callable[..., Result], dsb2018: Path, predicted: Path, tmp_path: Path
) -> None:
    scores = tmp_path / "scores.json"
    result = run("evaluate", dsb2018, predicted, "--json", scores, "--worst", 1)
    assert result.exit_code == 0, result.output
    assert "grayscale-dark" in result.output
    content = json.loads(scores.read_text())
    n_true = content["images"][0]["n_true"]
    assert content["all"]["n_images"] == 3
    expected = (2 + (n_true - 1) / n_true) / 3
    assert content["all"]["dsb2018"] == pytest.approx(expected)
    assert f"{expected:.3f}" in result.output
    assert "aa: DSB2018" in result.output


def test_a_csv_can_be_either_side(
    run: Callable[..., Result], dsb2018: Path, predicted: Path, tmp_path: Path
) -> None:
    table = tmp_path / "truth.csv"
    source = open_samples(dsb2018)
    write_rle_csv(table, {name: source.read_labels(name) for name in source.sample_ids})
    outputs = []
    for truth, prediction in ((dsb2018, table), (table, dsb2018)):
        scores = tmp_path / "scores.json"
        result = run("evaluate", truth, prediction, "--json", scores)
        assert result.exit_code == 0, result.output
        outputs.append(json.loads(scores.read_text())["all"])
    assert outputs[0] == outputs[1]
    assert outputs[0]["dsb2018"] == 1


def test_two_csv_files_do_not_know_the_shape(
    run: Callable[..., Result], predicted: Path, tmp_path: Path
) -> None:
    table = tmp_path / "truth.csv"
    write_rle_csv(table, {"aa": read_labels(predicted / "aa.tif")})
    result = run("evaluate", table, table)
    assert result.exit_code == 1
    assert "how large an image is" in result.output


def test_a_missing_prediction_is_an_error(
    run: Callable[..., Result], dsb2018: Path, predicted: Path
) -> None:
    (predicted / "bb.tif").unlink()
    result = run("evaluate", dsb2018, predicted)
    assert result.exit_code == 1
    assert "1 are missing, the first is 'bb'" in result.output


def test_a_split_chooses_what_is_compared(
    run: Callable[..., Result], dsb2018: Path, predicted: Path, tmp_path: Path
) -> None:
    (predicted / "bb.tif").unlink()
    split = tmp_path / "split.json"
    split.write_text('{"val": ["aa", "cc"]}')
    result = run("evaluate", dsb2018, predicted, "--split", f"{split}:val")
    assert result.exit_code == 0, result.output


def test_a_tiff_goes_before_a_png_and_overlays_are_no_labels(
    run: Callable[..., Result], dsb2018: Path, predicted: Path
) -> None:
    (predicted / "aa.png").write_text("not read")
    (predicted / "aa_overlay.png").write_text("not read")
    assert run("evaluate", dsb2018, predicted).exit_code == 0


@pytest.mark.parametrize("name", ["missing", "file.txt"])
def test_what_holds_no_labels_is_named(
    run: Callable[..., Result], dsb2018: Path, tmp_path: Path, name: str
) -> None:
    (tmp_path / "file.txt").write_text("words")
    result = run("evaluate", dsb2018, tmp_path / name)
    assert result.exit_code == 1
    assert "Expected a folder of label images" in result.output


def test_an_empty_folder_is_named(
    run: Callable[..., Result], dsb2018: Path, tmp_path: Path
) -> None:
    (tmp_path / "empty").mkdir()
    result = run("evaluate", dsb2018, tmp_path / "empty")
    assert result.exit_code == 1
    assert "which holds none" in result.output
