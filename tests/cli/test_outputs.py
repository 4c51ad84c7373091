"""No command replaces a file unasked, and none what it reads."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

import numpy as np
import pytest

from napari_unet_nuclei.core.batch.outputs import claim_csv
from napari_unet_nuclei.core.files.labels import write_labels_tiff
from napari_unet_nuclei.core.files.rle import read_rle_csv
from napari_unet_nuclei.core.models.store import shipped_models
from napari_unet_nuclei.core.settings.choices import OutputFormat

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from typer.testing import Result

CLASSIC = ("--model", "classic")


def contents(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def check_refused(result: Result, sentence: str) -> None:
    assert result.exit_code == 1, result.output
    assert sentence in result.output
    assert "Traceback" not in result.output


def test_images_in_the_output_folder_stay_as_they_are(
    run: Callable[..., Result], images: Path
) -> None:
    before = contents(images)
    command = ("segment", images, "-o", images, *CLASSIC)
    formats = ("--format", "tiff,png,overlay,features")
    result = run(*command, *formats)
    assert result.exit_code == 0, result.output
    assert f"Images lie in {images} itself" in result.output
    after = contents(images)
    assert {path: after[path] for path in before} == before
    assert {path.name for path in set(after) - set(before)} == {
        f"{name}{ending}"
        for name in ("first", "second")
        for ending in ("_masks.tif", "_masks.png", "_overlay.png", "_nuclei.csv")
    }
    check_refused(run(*command, *formats), "8 that exist")
    assert contents(images) == after
    result = run(*command, *formats, "--overwrite")
    assert result.exit_code == 0, result.output
    assert "Skipped 6 results of earlier runs" in result.output
    assert "in 2 images" in result.output
    assert contents(images).keys() == after.keys()


def test_a_batch_that_was_stopped_goes_on(
    run: Callable[..., Result], images: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    formats = ("--format", "tiff,rle")
    first = ("segment", images / "first.png", "-o", out)
    assert run(*first, *CLASSIC, *formats).exit_code == 0
    write_labels_tiff(out / "first.tif", np.ones((2, 2), int))  # corrected by hand
    before = contents(out)
    rows = read_rle_csv(out / "predictions.csv")["first"]
    command = ("segment", images, "-o", out, *CLASSIC, *formats)
    check_refused(run(*command), "2 that exist")
    result = run(*command, "--skip-existing")
    assert result.exit_code == 0, result.output
    assert "1 image has its results already" in result.output
    assert "in 1 image," in result.output
    after = contents(out)
    assert after[out / "first.tif"] == before[out / "first.tif"]
    table = read_rle_csv(out / "predictions.csv")
    assert list(table) == ["first", "second"]
    assert table["first"] == rows
    result = run(*command, "--skip-existing")
    assert result.exit_code == 0, result.output
    assert "2 images have their results already" in result.output
    assert contents(out) == after
    check_refused(run(*command, "--skip-existing", "--overwrite"), "Received: both")
    result = run(*command[:1], images / "second.png", *command[2:], "--overwrite")
    assert result.exit_code == 0, result.output
    assert list(read_rle_csv(out / "predictions.csv")) == ["second"]


def test_masks_that_somebody_corrected_are_not_replaced(
    run: Callable[..., Result], dsb2018: Path, images: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    command = ("segment", images, "-o", out, *CLASSIC, "--format", "dsb2018")
    assert run(*command).exit_code == 0
    (out / "first" / "masks" / "first_0001.png").unlink()
    before = contents(out)
    check_refused(run(*command), "Use --skip-existing")
    assert contents(out) == before
    own = ("segment", dsb2018, "-o", dsb2018, *CLASSIC, "--format", "dsb2018")
    before = contents(dsb2018)
    for option in ((), ("--overwrite",)):
        check_refused(run(*own, *option), "which is part of the input")
        assert contents(dsb2018) == before


def test_an_overlay_does_not_replace_the_labels_of_another_image(
    run: Callable[..., Result], images: Path, tmp_path: Path
) -> None:
    shutil.copy(images / "second.png", images / "first_overlay.tif")
    out = tmp_path / "out"
    result = run("segment", images, "-o", out, *CLASSIC, "--format", "png,overlay")
    check_refused(result, "'first' and 'first_overlay', which would both be written to")
    assert not out.exists()


def test_label_images_of_ours_among_images_are_named(
    run: Callable[..., Result], images: Path, tmp_path: Path
) -> None:
    write_labels_tiff(images / "third.tif", np.ones((64, 64), int))
    result = run("segment", images, "-o", tmp_path / "out", *CLASSIC)
    assert result.exit_code == 0, result.output
    assert "Skipped results that this program wrote: third." in result.output
    assert "in 2 images" in result.output
    result = run("segment", images / "third.tif", "-o", tmp_path / "out2", *CLASSIC)
    check_refused(result, "a label image or picture that this program wrote")


def test_training_replaces_no_model_and_reads_nothing_before(
    run: Callable[..., Result], labelled: Path, tmp_path: Path
) -> None:
    model = tmp_path / "mine.unetnuclei"
    model.with_suffix(".csv").write_text("my measurements")
    result = run("train", labelled, "-o", model, "--epochs", 1)
    check_refused(result, "mine.csv, which exists. Use --overwrite to replace it")
    assert "Reading" not in result.output
    image = labelled / "images" / "0.unetnuclei"
    result = run("train", labelled, "-o", image, "--epochs", 1, "--overwrite")
    check_refused(result, "no part of a data set")
    split = tmp_path / "mine.png"
    split.write_text('{"train": ["0"], "val": ["1"]}')
    model.with_suffix(".csv").unlink()
    result = run("train", labelled, "-o", model, "--split", split, "--overwrite")
    check_refused(result, "mine.png, which is part of the input")
    assert split.read_text().startswith("{")


def test_an_ensemble_replaces_no_model_unasked_and_none_of_its_parts(
    run: Callable[..., Result], tmp_path: Path
) -> None:
    model = tmp_path / "a.unetnuclei"
    shutil.copy(shipped_models()["classic"], model)
    before = model.read_bytes()
    check_refused(run("ensemble", "resnet", "classic", "-o", model), "--overwrite")
    result = run("ensemble", model, "resnet", "-o", model, "--overwrite")
    check_refused(result, "which is part of the input")
    assert model.read_bytes() == before
    result = run("ensemble", "resnet", "classic", "-o", model, "--overwrite")
    assert result.exit_code == 0, result.output
    assert model.read_bytes() != before


def test_an_import_replaces_no_model_unasked(
    run: Callable[..., Result], tmp_path: Path
) -> None:
    model, file = tmp_path / "a.unetnuclei", tmp_path / "unet.h5"
    model.write_text("precious")
    file.write_text("not a network")
    check_refused(run("import", file, "-o", model), "a.unetnuclei, which exists")
    check_refused(run("import", file, "-o", model, "--overwrite"), "is neither")
    check_refused(run("import", model, "-o", model, "--overwrite"), "of the input")
    assert model.read_text() == "precious"


def test_scores_and_pictures_replace_nothing_unasked(
    run: Callable[..., Result], labelled: Path, tmp_path: Path
) -> None:
    labels, scores = labelled / "labels", tmp_path / "scores.json"
    command = ("evaluate", labels, labels, "--json", scores)
    scores.write_text("precious")
    check_refused(run(*command), "scores.json, which exists")
    assert scores.read_text() == "precious"
    assert run(*command, "--overwrite").exit_code == 0
    assert json.loads(scores.read_text())["all"]["dsb2018"] == 1

    worst = ("evaluate", labels, labels, "--worst", 1, "-o", tmp_path / "worst")
    assert run(*worst).exit_code == 0
    before = contents(tmp_path / "worst")
    check_refused(run(*worst), "001_0_overlay.png, which exists")
    assert contents(tmp_path / "worst") == before
    assert run(*worst, "--overwrite").exit_code == 0
    # Without pictures, those of earlier do not matter.
    assert run("evaluate", labels, labels, "-o", tmp_path / "worst").exit_code == 0


@pytest.mark.parametrize("role", ["label", "ids", "split"])
def test_scores_never_replace_what_is_compared(
    run: Callable[..., Result], labelled: Path, tmp_path: Path, role: str
) -> None:
    labels, options = labelled / "labels", ()
    target = labels / "0.tif"
    if role == "ids":
        target = tmp_path / "ids.txt"
        target.write_text("0\n")
        options = ("--ids", target)
    elif role == "split":
        target = tmp_path / "split.json"
        target.write_text('{"val": ["0"]}')
        options = ("--split", f"{target}:val")
    before = target.read_bytes()
    command = ("evaluate", labels, labels, "--json", target, "--overwrite", *options)
    check_refused(run(*command), "which is part of the input")
    assert target.read_bytes() == before


def test_pages_replace_nothing_unasked(
    run: Callable[..., Result], labelled: Path, tmp_path: Path
) -> None:
    out = tmp_path / "look"
    out.mkdir()
    (out / "samples.png").write_text("my picture")
    check_refused(run("insights", labelled, "-o", out), "samples.png, which exists")
    assert contents(out) == {out / "samples.png": b"my picture"}
    assert run("insights", labelled, "-o", out, "--overwrite").exit_code == 0
    check_refused(run("insights", labelled, "-o", out), "4 that exist")
    result = run("insights", labelled, "-o", labelled / "images", "--overwrite")
    check_refused(result, "no part of a data set")


def test_the_demo_replaces_only_what_is_the_same(
    run: Callable[..., Result], tmp_path: Path
) -> None:
    out = tmp_path / "demo"
    for _ in range(2):
        result = run("demo", "-o", out)
        assert result.exit_code == 0, result.output
    write_labels_tiff(out / "synthetic_nuclei.tif", np.ones((4, 4), int))
    before = contents(out)
    check_refused(run("demo", "-o", out), "synthetic_nuclei.tif, which exists")
    assert contents(out) == before
    assert run("demo", "-o", out, "--overwrite").exit_code == 0
    assert contents(out) != before


@pytest.mark.parametrize("option", ["--ids", "--split"])
@pytest.mark.parametrize("flag", ["--overwrite", "--skip-existing"])
def test_results_never_replace_the_file_with_the_names(
    run: Callable[..., Result], images: Path, tmp_path: Path, option: str, flag: str
) -> None:
    names = tmp_path / "out" / "predictions.csv"
    names.parent.mkdir()
    names.write_text("first\n" if option == "--ids" else '{"val": ["first"]}')
    value = names if option == "--ids" else f"{names}:val"
    before = contents(tmp_path)
    command = ("segment", images, "-o", names.parent, *CLASSIC, "--format", "rle")
    check_refused(run(*command, option, value, flag), "which is part of the input")
    assert contents(tmp_path) == before


def test_two_batches_do_not_write_one_csv_at_a_time(
    run: Callable[..., Result], images: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    command = ("segment", images, "-o", out, *CLASSIC, "--format", "rle")
    with claim_csv(out, [OutputFormat.RLE]):
        check_refused(run(*command, "--skip-existing"), "another process that does so")
    result = run(*command)
    assert result.exit_code == 0, result.output
    assert [path.name for path in out.iterdir()] == ["predictions.csv"]


@pytest.mark.parametrize(
    ("scores", "sentence"),
    [
        ("worst/001_0_overlay.png", "Choose another name"),
        ("worst/1000_0_OVERLAY.png", "Choose another name"),
        ("worst", "Choose another name"),
        ("there", "there, which is a folder"),
        ("file/scores.json", "which is no folder"),
        ("annotated/labels/0_overlay.tif", "which is part of the input"),
        ("annotated/labels/001_0_overlay.png", "which is part of the input"),
    ],
)
def test_scores_have_a_place_of_their_own(
    run: Callable[..., Result],
    labelled: Path,
    tmp_path: Path,
    scores: str,
    sentence: str,
) -> None:
    labels = labelled / "labels"
    (tmp_path / "there").mkdir()
    (tmp_path / "file").touch()
    for name in ("0_overlay.tif", "001_0_overlay.png"):
        shutil.copy(labels / "0.tif", labels / name)
    before = contents(tmp_path)
    command = ("evaluate", labels, labels, "--worst", 1, "-o", tmp_path / "worst")
    result = run(*command, "--json", tmp_path / scores, "--overwrite")
    check_refused(result, sentence)
    assert "DSB2018" not in result.output
    assert contents(tmp_path) == before


def test_pictures_of_every_rank_count(
    run: Callable[..., Result], labelled: Path, tmp_path: Path
) -> None:
    labels, out = labelled / "labels", tmp_path / "worst"
    out.mkdir()
    (out / "1000_x_overlay.png").write_text("precious")
    command = ("evaluate", labels, labels, "--worst", 1, "-o", out)
    check_refused(run(*command), "1000_x_overlay.png, which exists")


def test_a_folder_for_results_is_no_file(
    run: Callable[..., Result], labelled: Path, tmp_path: Path
) -> None:
    file = tmp_path / "file"
    file.write_text("precious")
    images, labels = labelled / "images", labelled / "labels"
    model = file / "a.unetnuclei"
    for out in (file, file / "new"):
        for command in (
            ("segment", images, "-o", out),
            ("segment", images, "-o", out, "--format", "rle"),
            ("evaluate", labels, labels, "--worst", 1, "-o", out),
            ("insights", labelled, "-o", out),
        ):
            check_refused(run(*command), "Expected a place to write to")
    check_refused(run("train", labelled, "-o", model), "is no folder")
    check_refused(run("ensemble", "resnet", "classic", "-o", model), "is no folder")
    assert file.read_text() == "precious"


def test_events_are_written_to_no_data_set(
    run: Callable[..., Result], labelled: Path, tmp_path: Path
) -> None:
    before = contents(labelled)
    command = ("train", labelled, "-o", tmp_path / "a.unetnuclei", "--epochs", 1)
    result = run(*command, "--tensorboard", labelled / "images")
    check_refused(result, "no part of a data set")
    assert contents(labelled) == before
