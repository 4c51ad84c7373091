"""A batch and a training set with bad files in them: the others are worked on."""

from __future__ import annotations

import shutil
import zipfile
from typing import TYPE_CHECKING

import numpy as np
import pytest
import tifffile
from PIL import Image

from napari_unet_nuclei.core.label_files import read_labels
from napari_unet_nuclei.core.model_store import read_bundle
from napari_unet_nuclei.core.synthetic import draw_nuclei

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
    report = result.output.split("could not be segmented")[1]
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
    assert "Received: 2 (cc.png, second.png)" in result.output


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
    assert read_bundle(model).openvino is not None
    output = result.output
    assert "images/bad.png (OSError: image file is truncated" in output
    assert "Sample lonely of" in output
    assert "labels/odd.tif must hold whole numbers" in output


def test_training_on_nothing_good_says_why(run: Run, dsb2018: Path) -> None:
    for masks in dsb2018.glob("*/masks"):
        shutil.rmtree(masks)
    result = run("train", dsb2018, "-o", dsb2018.parent / "mine.unetnuclei")
    assert result.exit_code == 1
    assert "at least one good sample in stage1_train" in result.output
    assert "Sample aa of" in result.output
    assert "Traceback" not in result.output


@pytest.mark.parametrize(
    "command",
    [
        ("segment", "n" * 300, "-o", "out", "--model", "classic"),
        ("segment", "n" * 300 + ".zip", "-o", "out", "--model", "classic"),
        ("segment", "first.png", "-o", "out", "--model", "n" * 300),
        ("segment", "first.png", "-o", "n" * 300, "--model", "classic"),
        ("evaluate", "n" * 300, "n" * 300),
        ("evaluate", "n" * 300 + ".csv", "."),
        ("train", "n" * 300, "-o", "mine.unetnuclei"),
        ("insights", "n" * 300),
    ],
    ids=lambda command: " ".join(word[:9] for word in command),
)
def test_a_name_that_is_too_long_gets_a_sentence(
    run: Run, images: Path, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...]
) -> None:
    monkeypatch.chdir(images)
    result = run(*command)
    assert result.exit_code == 1
    assert isinstance(result.exception, SystemExit)
    assert "n" * 300 in result.output
    assert "Received" in result.output
