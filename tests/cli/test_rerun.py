from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import tifffile

from napari_unet_nuclei.core.batch.rerunning import read_run
from napari_unet_nuclei.core.files.label_reading import read_labels
from napari_unet_nuclei.core.files.label_records import LabelRecord, read_record
from napari_unet_nuclei.core.files.labels import write_labels_tiff
from napari_unet_nuclei.core.models.bundle import read_bundle, write_bundle
from napari_unet_nuclei.core.models.store import find_model

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from typer.testing import Result

OPTIONS: dict[str, list[object]] = {
    "nothing set": [],
    "sliders": ["--threshold", 0.4, "--separation", 0.5, "--min-area", 40],
    "a diameter, and flips": ["--diameter", 30, "--tta"],
    "what acts at once": ["--max-area", 900, "--drop-border", "--no-smooth"],
    "a stain": ["--stain", "none"],
}


@pytest.mark.parametrize("kind", ["tiff", "png"])
@pytest.mark.parametrize("options", OPTIONS.values(), ids=[*OPTIONS])
def test_labels_are_made_again_bit_for_bit(
    run: Callable[..., Result],
    images: Path,
    tmp_path: Path,
    options: list[object],
    kind: str,
) -> None:
    made = ("segment", images, "-o", tmp_path / "out", "--model", "classic")
    assert run(*made, "--format", kind, *options).exit_code == 0
    suffix = ".tif" if kind == "tiff" else ".png"
    labels, new = tmp_path / "out" / f"first{suffix}", tmp_path / "again.tif"
    result = run("rerun", labels, "--image", images / "first.png", "-o", new)
    assert result.exit_code == 0, result.output
    assert "identical" in result.output
    np.testing.assert_array_equal(read_labels(new), read_labels(labels))


def test_a_stack_with_linked_planes_is_made_again(
    run: Callable[..., Result], images: Path, tmp_path: Path
) -> None:
    from skimage.io import imread

    planes = np.stack([imread(images / "first.png")] * 3)
    tifffile.imwrite(tmp_path / "stack.tif", planes, photometric="minisblack")
    options = ["--axes", "ZYX", "--link", "z", "--model", "classic"]
    made = run("segment", tmp_path / "stack.tif", "-o", tmp_path / "out", *options)
    assert made.exit_code == 0, made.output
    result = run("rerun", tmp_path / "out" / "stack.tif")
    assert result.exit_code == 0, result.output


@pytest.mark.parametrize("link", ["z", "maps"])
def test_the_distance_between_planes_that_was_given_is_used_again(
    run: Callable[..., Result], images: Path, tmp_path: Path, link: str
) -> None:
    from skimage.io import imread

    planes = np.stack([imread(images / "first.png")[:64, :64]] * 3)
    stack = tmp_path / "stack.tif"
    plain = {"axes": "ZYX"}
    tifffile.imwrite(stack, planes, photometric="minisblack", metadata=plain)
    options = ["--link", link, "--spacing", 2.5, "--model", "classic"]
    made = run("segment", stack, "-o", tmp_path / "out", *options)
    assert made.exit_code == 0, made.output
    assert read_run(tmp_path / "out" / "stack.tif").spacing == 2.5
    result = run("rerun", tmp_path / "out" / "stack.tif")
    assert result.exit_code == 0, result.output


@pytest.mark.parametrize("series", ["1", "all"])
def test_one_of_several_images_in_a_file_is_found_again(
    run: Callable[..., Result], images: Path, tmp_path: Path, series: str
) -> None:
    from skimage.io import imread

    image = imread(images / "first.png")
    several = tmp_path / "several.tif"
    with tifffile.TiffWriter(several) as file:
        for part in (image, image[:80, :70]):
            file.write(part, photometric="minisblack")
    options = ["--series", series, "--model", "classic"]
    made = run("segment", several, "-o", tmp_path / "out", *options)
    assert made.exit_code == 0, made.output
    labels = sorted((tmp_path / "out").glob("*.tif"))[-1]
    assert read_labels(labels).shape == (80, 70)
    for chosen in ([], ["--image", several]):
        result = run("rerun", labels, *chosen)
        assert result.exit_code == 0, result.output


def test_the_image_may_lie_in_a_zip_or_a_data_set(
    run: Callable[..., Result], images: Path, tmp_path: Path
) -> None:
    from zipfile import ZipFile

    samples = tmp_path / "samples"
    (samples / "first" / "images").mkdir(parents=True)
    shutil.copy(images / "first.png", samples / "first" / "images")
    with ZipFile(tmp_path / "photos.zip", "w") as file:
        file.write(images / "first.png", "first.png")
    for number, source in enumerate((tmp_path / "photos.zip", samples)):
        out = tmp_path / f"out{number}"
        made = run("segment", source, "-o", out, "--model", "classic")
        assert made.exit_code == 0, made.output
        result = run("rerun", out / "first.tif", "--image", source)
        assert result.exit_code == 0, result.output
    labels = tmp_path / "out0" / "first.tif"
    result = run("rerun", labels, "--image", tmp_path / "none")
    assert result.exit_code == 1
    assert "does not exist" in result.output


@pytest.mark.parametrize("odd", ["model_sha256", "axes", "channel", "spacing"])
def test_a_file_that_says_nonsense_of_its_origin_is_refused(
    run: Callable[..., Result], images: Path, tmp_path: Path, odd: str
) -> None:
    labels = segmented(run, images, tmp_path)
    record = read_record(labels)
    assert record is not None
    origin = {**record.provenance, odd: [3]}
    write_labels_tiff(
        labels, read_labels(labels), record=LabelRecord(provenance=origin)
    )
    result = run("rerun", labels, "--image", images / "first.png")
    assert result.exit_code == 1
    assert f"({odd} is [3])" in result.output


def segmented(run: Any, images: Path, tmp_path: Path) -> Path:
    out = tmp_path / "out"
    result = run("segment", images / "first.png", "-o", out, "--model", "classic")
    assert result.exit_code == 0, result.output
    return out / "first.tif"


def test_the_image_is_found_beside_the_labels_or_above(
    run: Callable[..., Result], images: Path, tmp_path: Path
) -> None:
    labels = segmented(run, images, images)
    result = run("rerun", labels)
    assert result.exit_code == 0, result.output
    elsewhere = segmented(run, images, tmp_path / "elsewhere")
    result = run("rerun", elsewhere)
    assert result.exit_code == 1
    assert "--image" in result.output


def test_what_was_changed_is_counted_and_explained(
    run: Callable[..., Result], images: Path, tmp_path: Path
) -> None:
    labels = segmented(run, images, tmp_path)
    record = read_record(labels)
    assert record is not None
    changed = read_labels(labels)
    changed[:2, :5] = 99
    origin = {**record.provenance, "corrected_by_hand": "1 nucleus painted"}
    origin["package"] = "napari-unet-nuclei 0.0.1"
    write_labels_tiff(labels, changed, record=LabelRecord(provenance=origin))
    result = run("rerun", labels, "--image", images / "first.png")
    assert result.exit_code == 1
    assert "10 pixels differ" in result.output
    said = " ".join(result.output.split())
    assert "corrected: 1 nucleus painted" in said
    assert "made with napari-unet-nuclei 0.0.1" in said


def test_the_very_model_is_used_whatever_it_is_called(
    run: Callable[..., Result],
    images: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from napari_unet_nuclei.core.models import store

    folder = tmp_path / "models"
    folder.mkdir()
    monkeypatch.setattr(store, "user_model_folder", lambda: folder)
    mine = folder / "mine.unetnuclei"
    write_bundle(mine, read_bundle(find_model("classic")))
    out = tmp_path / "out"
    made = run("segment", images / "first.png", "-o", out, "--model", "mine")
    assert made.exit_code == 0, made.output
    labels = out / "first.tif"
    assert read_run(labels).model_sha256 == read_bundle(mine).sha256
    mine.rename(folder / "renamed.unetnuclei")
    result = run("rerun", labels, "--image", images / "first.png")
    assert result.exit_code == 0, result.output
    (folder / "renamed.unetnuclei").unlink()
    result = run("rerun", labels, "--image", images / "first.png")
    assert result.exit_code == 1
    assert "sha256" in result.output


def test_labels_that_do_not_say_how_they_were_made_are_refused(
    run: Callable[..., Result], images: Path, tmp_path: Path
) -> None:
    plain = tmp_path / "plain.tif"
    tifffile.imwrite(plain, np.ones((8, 8), np.uint16))
    odd = tmp_path / "odd.tif"
    record = LabelRecord(provenance={"image": "a", "model": "b", "settings": 3})
    write_labels_tiff(odd, np.ones((8, 8), np.int32), record=record)
    for path in (plain, odd, images / "first.png", tmp_path / "missing.tif"):
        result = run("rerun", path)
        assert result.exit_code == 1
        assert "Expected" in result.output or "no such" in result.output.lower()


def test_an_image_of_another_size_is_refused(
    run: Callable[..., Result], images: Path, tmp_path: Path
) -> None:
    labels = segmented(run, images, tmp_path)
    other = tmp_path / "other.tif"
    tifffile.imwrite(other, np.zeros((40, 50), np.uint8))
    result = run("rerun", labels, "--image", other)
    assert result.exit_code == 1
    assert "shape" in result.output
