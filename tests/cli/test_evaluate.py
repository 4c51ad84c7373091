from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from PIL import Image

from napari_unet_nuclei.core.datasets.opening import open_samples
from napari_unet_nuclei.core.files.label_reading import read_labels
from napari_unet_nuclei.core.files.labels import write_labels_tiff
from napari_unet_nuclei.core.files.rle import write_rle_csv

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
    result = run("evaluate", dsb2018, predicted, "--json", scores)
    assert result.exit_code == 0, result.output
    assert "grayscale-dark" in result.output
    content = json.loads(scores.read_text())
    n_true = content["images"][0]["n_true"]
    assert content["all"]["n_images"] == 3
    expected = (2 + (n_true - 1) / n_true) / 3
    assert content["all"]["dsb2018"] == pytest.approx(expected)
    assert f"{expected:.3f}" in result.output
    assert list(content["stainings"]) == ["grayscale-dark"]


def test_mistakes_are_counted_per_staining_and_over_all(
    run: Callable[..., Result], dsb2018: Path, predicted: Path, tmp_path: Path
) -> None:
    merged = read_labels(predicted / "bb.tif") > 0
    write_labels_tiff(predicted / "bb.tif", merged)
    scores = tmp_path / "scores.json"
    result = run("evaluate", dsb2018, predicted, "--json", scores)
    assert result.exit_code == 0, result.output
    expected = {"merges": 1, "splits": 0, "misses": 1, "spurious": 0}
    content = json.loads(scores.read_text())
    assert content["all"]["mistakes"] == expected
    assert content["stainings"]["grayscale-dark"]["mistakes"] == expected
    by_name = {image["name"]: image["mistakes"] for image in content["images"]}
    assert by_name["aa"] == {"merges": [], "splits": [], "misses": [1], "spurious": []}
    assert by_name["bb"]["merges"] == [1]
    header, *_, total, pixels, _ = [
        line.split()
        for line in result.output.split("nuclei")[1].splitlines()
        if line.strip()
    ]
    assert header == ["found", "merged", "split", "missed", "spurious"]
    assert total[-4:] == ["1", "0", "1", "0"]
    scores_of_pixels = content["all"]["pixels"]
    assert pixels[0] == f"{scores_of_pixels['accuracy']:.1%}"
    assert pixels[-1] == f"{scores_of_pixels['rand']:.3f}"
    assert content["images"][2]["pixels"] == {"accuracy": 1, "rand": 1}


def test_few_images_have_the_interval_of_their_nuclei(
    run: Callable[..., Result], dsb2018: Path, predicted: Path, tmp_path: Path
) -> None:
    scores = tmp_path / "scores.json"
    result = run("evaluate", dsb2018, predicted, "--json", scores)
    content = json.loads(scores.read_text())
    low, high = content["intervals"]["ap50"]
    assert low < content["all"]["ap"]["0.5"] < high <= 1
    sentence = result.output.splitlines()[-1]
    assert sentence.startswith("On more nuclei of 3 such images, DSB2018 score about .")
    assert f"AP50 about {low:.2f}".replace("0.", ".") in sentence
    assert sentence.endswith("other images can differ more")


def test_many_images_have_an_interval_and_few_nuclei_have_none(
    run: Callable[..., Result], tmp_path: Path
) -> None:
    csv = tmp_path / "solution.csv"
    header = "ImageId,EncodedPixels,Height,Width\n"
    rows = [f"image{number},1 2 9 2,8,8\n" for number in range(6)]
    for n_rows, words in (
        (6, "such images, DSB2018 score about 1.00 to 1.00"),
        (4, ""),
    ):
        csv.write_text(header + "".join(rows[:n_rows]))
        result = run("evaluate", csv, csv)
        assert result.exit_code == 0, result.output
        assert words in result.output
        assert ("such image" in result.output) is bool(words)


def test_the_worst_images_are_named_and_drawn(
    run: Callable[..., Result], dsb2018: Path, predicted: Path, tmp_path: Path
) -> None:
    write_labels_tiff(predicted / "bb.tif", 0 * read_labels(predicted / "bb.tif"))
    out = tmp_path / "pictures"
    result = run("evaluate", dsb2018, predicted, "--worst", 2, "-o", out)
    assert result.exit_code == 0, result.output
    lines = [line for line in result.output.splitlines() if ": DSB2018" in line]
    assert [line[:2] for line in lines] == ["bb", "aa"]
    assert lines[1].endswith("0 merged, 0 split, 1 missed, 0 spurious")
    names = ["001_bb_overlay.png", "002_aa_overlay.png"]
    assert sorted(path.name for path in out.iterdir()) == names
    with Image.open(out / names[0]) as picture:
        assert min(picture.size) > 800


def test_an_id_that_is_no_file_name_gets_a_safe_one(
    run: Callable[..., Result], tmp_path: Path
) -> None:
    csv = tmp_path / "solution.csv"
    csv.write_text("ImageId,EncodedPixels,Height,Width\n../../a$:b,1 2 9 2,8,8\n")
    result = run("evaluate", csv, csv, "--worst", 1, "-o", tmp_path / "out")
    assert result.exit_code == 0, result.output
    assert "../../a$:b: DSB2018 1.000" in result.output
    (picture,) = (tmp_path / "out").iterdir()
    assert picture.name == "001_.._.._a__b_overlay.png"


def test_without_worst_nothing_is_drawn(
    run: Callable[..., Result],
    dsb2018: Path,
    predicted: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    before = set(tmp_path.iterdir())
    assert run("evaluate", dsb2018, predicted).exit_code == 0
    assert set(tmp_path.iterdir()) == before


def test_a_csv_can_be_either_side(
    run: Callable[..., Result], dsb2018: Path, predicted: Path, tmp_path: Path
) -> None:
    table = tmp_path / "truth.csv"
    source = open_samples(dsb2018)
    write_rle_csv(table, {name: source.read_labels(name) for name in source.sample_ids})
    outputs = []
    for truth, prediction in ((dsb2018, table), (table, dsb2018)):
        scores = tmp_path / "scores.json"
        options = ("--json", scores, "--overwrite")
        result = run("evaluate", truth, prediction, *options)
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
    assert "Expected the columns Height and Width" in result.output


def test_a_submission_is_scored_against_a_solution(
    run: Callable[..., Result], predicted: Path, tmp_path: Path
) -> None:
    labels = read_labels(predicted / "aa.tif")
    write_rle_csv(tmp_path / "submission.csv", {"aa": labels})
    header, *rows = (tmp_path / "submission.csv").read_text().splitlines()
    lines = [f"{header},Height,Width,Usage", *(f"{r},128,128,Public" for r in rows[1:])]
    (tmp_path / "solution.csv").write_text("\n".join(lines))
    scores = tmp_path / "scores.json"
    result = run(
        *("evaluate", tmp_path / "solution.csv", tmp_path / "submission.csv"),
        *("--json", scores),
    )
    assert result.exit_code == 0, result.output
    content = json.loads(scores.read_text())
    assert content["all"]["mistakes"]["spurious"] == 1
    assert content["all"]["n_true"] == len(rows) - 1
    assert content["stainings"] == {}


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
