"""What the commands say of bad images and samples; the others are worked on."""

from __future__ import annotations

import shutil
import zipfile
from typing import TYPE_CHECKING

import numpy as np
import pytest
import tifffile
from PIL import Image

from napari_unet_nuclei.core.datasets.synthetic import draw_nuclei
from napari_unet_nuclei.core.files.label_reading import read_labels
from napari_unet_nuclei.core.models.bundle import read_bundle

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from typer.testing import Result

    Run = Callable[..., Result]


IMAGE = draw_nuclei(0, (64, 80), 5)[0]


@pytest.fixture
def bad_files(images: Path) -> dict[str, str]:
    """Spoil a folder of two good images; the reason by name of file."""
    png = (images / "first.png").read_bytes()
    frames = [Image.new("L", (9, 9), value) for value in (0, 90)]
    frames[0].save(images / "gif.png", "GIF", save_all=True, append_images=frames[1:])
    tifffile.imwrite(images / "flat.tif", np.zeros((9, 9), np.complex64))
    (images / "cut.png").write_bytes(png[:-300])
    (images / "empty.tif").touch()
    (images / "letter.png").write_text("Dear colleague")
    (images / "Zellkern Ü.png").write_text("Liebe Kollegin")
    tifffile.imwrite(images / "stack.tif", np.zeros((5, 9, 9), np.uint8), metadata=None)
    return {
        "gif.png": "which holds a GIF",
        "flat.tif": "dtype complex64",
        "cut.png": "image file is truncated",
        "empty.tif": "which is empty",
        "letter.png": "which holds text",
        "Zellkern Ü.png": "which holds text",
        "stack": "shape (5, 9, 9); name its axes",
    }


def test_a_batch_goes_on_past_bad_files_and_lists_them_at_the_end(
    run: Run, images: Path, bad_files: dict[str, str], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    result = run("segment", images, "-o", out, "--model", "classic")
    assert result.exit_code == 1
    assert sorted(path.name for path in out.iterdir()) == ["first.tif", "second.tif"]
    head, report = result.output.split(" could not be segmented:\n")
    assert head.endswith(str(len(bad_files)))
    assert len(report.splitlines()) == len(bad_files)
    for name, reason in bad_files.items():
        (line,) = (line for line in report.splitlines() if name in line)
        assert reason in line
    assert "Traceback" not in result.output


@pytest.mark.parametrize("pack", [False, True])
def test_bad_samples_of_a_data_set_are_listed(
    run: Run, dsb2018: Path, tmp_path: Path, pack: bool
) -> None:
    (dsb2018 / "bb/images/bb.png").write_text("Dear colleague")
    shutil.copy(dsb2018 / "cc/images/cc.png", dsb2018 / "cc/images/second.png")
    data = dsb2018
    if pack:
        data = tmp_path / "train.zip"
        with zipfile.ZipFile(data, "w") as file:
            for path in sorted(dsb2018.rglob("*.png")):
                file.write(path, str(path.relative_to(dsb2018)))
    out = tmp_path / "out"
    result = run("segment", data, "-o", out, "--model", "classic")
    assert result.exit_code == 1
    assert [path.name for path in out.iterdir()] == ["aa.tif"]
    assert "bb/images/bb.png, which holds text" in result.output
    (line,) = (line for line in result.output.splitlines() if "  cc: " in line)
    assert "Sample cc of" in line
    assert "exactly one image in its images folder. Received: 2 (cc.png, s" in line


def test_a_sample_that_may_not_be_looked_into_is_listed(
    run: Run, dsb2018: Path, tmp_path: Path, close_folder: Callable[[Path], None]
) -> None:
    close_folder(dsb2018 / "bb")
    out = tmp_path / "out"
    result = run("segment", dsb2018, "-o", out, "--model", "classic")
    assert result.exit_code == 1
    assert sorted(path.name for path in out.iterdir()) == ["aa.tif", "cc.tif"]
    report = result.output.split("could not be segmented")[1]
    assert f"in {dsb2018}. Received: bb/images/ (PermissionError" in report
    assert "Permission denied" in report


@pytest.mark.parametrize("closed", ["images", "labels"])
@pytest.mark.parametrize("command", ["segment", "train", "evaluate", "insights"])
def test_a_folder_that_may_not_be_looked_into_is_named(
    run: Run,
    labelled: Path,
    tmp_path: Path,
    close_folder: Callable[[Path], None],
    command: str,
    closed: str,
) -> None:
    close_folder(labelled / closed)
    more = (labelled,) if command == "evaluate" else ("-o", tmp_path / "a.unetnuclei")
    result = run(command, labelled, *more)
    assert result.exit_code == 1
    assert f"{labelled / closed} (Permission denied). Check the path" in result.output


def test_a_name_with_brackets_is_printed_as_it_is(run: Run, tmp_path: Path) -> None:
    folder = tmp_path / "photos"
    folder.mkdir()
    (folder / "[red]a[bold].png").write_text("Dear colleague")
    result = run("segment", folder, "-o", tmp_path / "out", "--model", "classic")
    assert result.exit_code == 1
    assert "[red]a[bold].png, which holds text" in result.output


def test_unusual_images_are_segmented(run: Run, tmp_path: Path) -> None:
    folder = tmp_path / "photos"
    folder.mkdir()
    grey = Image.fromarray(IMAGE[..., 0] if IMAGE.ndim == 3 else IMAGE)
    pixels = np.asarray(grey)
    holes = pixels.astype(np.float32)
    holes[0, :2] = np.nan, np.inf
    grey.save(folder / "plain.png")
    grey.convert("P").save(folder / "palette.png")
    grey.convert("CMYK").save(folder / "cmyk.tif")
    grey.point(lambda value: 255 * (value > 60), "1").save(folder / "bits.png")
    tifffile.imwrite(folder / "twelve.tif", pixels * np.uint16(16))
    tifffile.imwrite(folder / "holes.tif", holes)
    tifffile.imwrite(folder / "packed.tif", pixels, compression="lzw")
    Image.new("L", (1, 1), 7).save(folder / "pixel.png")
    out = tmp_path / "out"
    result = run("segment", folder, "-o", out, "--model", "classic")
    assert result.exit_code == 0, result.output
    assert read_labels(out / "pixel.tif").tolist() == [[0]]
    plain = read_labels(out / "plain.tif")
    assert plain.max() >= 3
    for name in ("palette", "cmyk", "twelve", "holes", "packed"):
        labels = read_labels(out / f"{name}.tif")
        differing = np.count_nonzero((labels > 0) != (plain > 0))
        assert differing < 0.02 * plain.size, name
    assert read_labels(out / "bits.tif").max() >= 1


def test_damage_in_the_truth_is_one_sentence(
    run: Run, dsb2018: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    assert run("segment", dsb2018, "-o", out, "--model", "classic").exit_code == 0
    mask = next((dsb2018 / "bb/masks").iterdir())
    mask.write_text("Dear colleague")
    result = run("evaluate", dsb2018, out)
    assert result.exit_code == 1
    assert f"bb/masks/{mask.name}, which holds text" in result.output
    assert "Traceback" not in result.output


def test_training_goes_on_past_bad_samples_and_lists_them(
    run: Run, labelled: Path, tmp_path: Path
) -> None:
    image = (labelled / "images/0.png").read_bytes()
    for name in ("bad", "lonely", "odd"):
        (labelled / f"images/{name}.png").write_bytes(image)
    shutil.copy(labelled / "labels/0.tif", labelled / "labels/bad.tif")
    (labelled / "images/bad.png").write_bytes(image[:-300])
    tifffile.imwrite(labelled / "labels/odd.tif", np.full((160, 160), 0.5))
    model = tmp_path / "mine.unetnuclei"
    result = run(
        *("train", labelled, "-o", model, "--from", "classic"),
        *("--epochs", 1, "--steps-per-epoch", 1),
    )
    assert result.exit_code == 0, result.output
    bundle = read_bundle(model)
    assert bundle.openvino is not None
    provenance = bundle.config.provenance
    quarters = [*provenance["train"], *provenance["validation"]]
    assert {name.partition("[")[0] for name in quarters} == {"0", "1"}
    lines = [line for line in result.output.splitlines() if "Left out: " in line]
    assert len(lines) == 3
    for line, name, reason in zip(
        lines,
        ("images/bad.png", "Sample lonely of", "labels/odd.tif"),
        (
            "(OSError: image file is truncated",
            "needs exactly one label file of its name. Received: none",
            "must hold whole numbers. Received: dtype float64 with the value 0.5",
        ),
        strict=True,
    ):
        assert name in line
        assert reason in line


def test_training_on_nothing_good_says_why(run: Run, dsb2018: Path) -> None:
    for masks in dsb2018.glob("*/masks"):
        shutil.rmtree(masks)
    result = run("train", dsb2018, "-o", dsb2018.parent / "mine.unetnuclei")
    assert result.exit_code == 1
    assert "at least one good sample in stage1_train" in result.output
    assert "Sample aa of" in result.output
    assert "Traceback" not in result.output


@pytest.mark.parametrize(
    ("command", "reason"),
    {
        ("segment", "n" * 300, "-o", "out"): "which does not exist",
        ("segment", "n" * 300 + ".zip", "-o", "out"): "which does not exist",
        (
            *("segment", "first.png", "-o", "out"),
            *("--model", "n" * 300),
        ): "Expected the name of a model",
        (
            *("segment", "first.png", "-o", "n" * 300),
            *("--model", "classic"),
        ): "(File name too long)",
        ("evaluate", "n" * 300, "n" * 300): "Expected a folder of label images",
        ("evaluate", "n" * 300 + ".csv", "."): "File name too long",
        ("train", "n" * 300, "-o", "mine.unetnuclei"): "which does not exist",
        ("insights", "n" * 300): "which does not exist",
    }.items(),
    ids=lambda part: (
        " ".join(word[:9] for word in part) if isinstance(part, tuple) else ""
    ),
)
def test_a_name_that_is_too_long_gets_a_sentence(
    run: Run,
    images: Path,
    monkeypatch: pytest.MonkeyPatch,
    command: tuple[str, ...],
    reason: str,
) -> None:
    monkeypatch.chdir(images)
    result = run(*command)
    assert result.exit_code == 1
    assert isinstance(result.exception, SystemExit)
    assert "n" * 300 in result.output
    assert "Received" in result.output
    assert reason in result.output
