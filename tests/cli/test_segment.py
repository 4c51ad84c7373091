from __future__ import annotations

import csv
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
import tifffile
from PIL import Image

from napari_unet_nuclei.core.datasets.synthetic import draw_nuclei
from napari_unet_nuclei.core.files.label_reading import read_labels
from napari_unet_nuclei.core.files.rle import read_rle_csv
from napari_unet_nuclei.core.files.run_lengths import decode_labels

if TYPE_CHECKING:
    from collections.abc import Callable

    from typer.testing import Result


def test_a_folder_of_images_becomes_label_images(
    run: Callable[..., Result], images: Path, tmp_path: Path
) -> None:
    result = run("segment", images, "-o", tmp_path / "out", "--model", "classic")
    assert result.exit_code == 0, result.output
    assert "in 2 images" in result.output
    for name in ("first", "second"):
        labels = read_labels(tmp_path / "out" / f"{name}.tif")
        assert labels.shape == (128, 160)
        assert 4 <= labels.max() <= 12


def test_images_that_were_rescaled_are_counted(
    run: Callable[..., Result], tmp_path: Path
) -> None:
    image, _ = draw_nuclei(5, (128, 128), 40, diameter=8, touching=0.2)
    Image.fromarray(image).save(tmp_path / "small.png")
    words = ["segment", tmp_path / "small.png", "-o", tmp_path, "--model", "classic"]
    assert "1 rescaled, because of much smaller or larger" in run(*words).output
    assert "rescaled, because" not in run(*words, "--diameter", "8").output


def test_results_to_check_are_named(run: Callable[..., Result], images: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (160, 160), np.uint8)
    Image.fromarray(noise).resize((320, 320)).save(images / "noise.png")
    result = run("segment", images, "-o", images / "out")
    assert result.exit_code == 0
    assert "noise: Low confidence (" in result.output
    assert "first: " not in result.output


def test_every_format_holds_the_same_nuclei(
    run: Callable[..., Result], images: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    formats = "tiff,png,dsb2018,rle,overlay,features"
    image = images / "first.png"
    result = run("segment", image, "-o", out, "--model", "classic", "--format", formats)
    assert result.exit_code == 0, result.output
    labels = read_labels(out / "first.tif")
    assert (read_labels(out / "first.png") == labels).all()
    assert len(list((out / "first" / "masks").iterdir())) == labels.max()
    runs = read_rle_csv(out / "predictions.csv")["first"]
    assert (decode_labels(runs, labels.shape) == labels).all()
    overlay = np.asarray(Image.open(out / "first_overlay.png"))
    assert overlay.shape == (4 * 128, 2 * 4 * 160 + 8, 3)
    with (out / "first_nuclei.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [int(row["label"]) for row in rows] == list(range(1, labels.max() + 1))
    assert [int(row["area"]) for row in rows] == np.bincount(labels.flat)[1:].tolist()


def test_a_bad_image_does_not_stop_the_others(
    run: Callable[..., Result], images: Path, tmp_path: Path
) -> None:
    (images / "letter.png").write_text("Dear colleague")
    result = run("segment", images, "-o", tmp_path / "out", "--model", "classic")
    assert result.exit_code == 1
    assert "1 could not be segmented" in result.output
    assert "letter.png" in result.output
    assert "Traceback" not in result.output
    assert sorted(p.stem for p in (tmp_path / "out").iterdir()) == ["first", "second"]


def test_a_stack_is_segmented_plane_by_plane(
    run: Callable[..., Result], tmp_path: Path
) -> None:
    planes = [draw_nuclei(seed, (96, 96), 5)[0] for seed in range(3)]
    tifffile.imwrite(tmp_path / "stack.tif", np.stack(planes), photometric="minisblack")
    command = ["segment", tmp_path / "stack.tif", "-o", tmp_path / "out"]
    result = run(*command, "--model", "classic", "--axes", "ZYX")
    assert result.exit_code == 0, result.output
    labels = tifffile.imread(tmp_path / "out" / "stack.tif")
    assert labels.shape == (3, 96, 96)
    numbers = [set(np.unique(plane)) - {0} for plane in labels]
    assert not numbers[0] & numbers[1]
    result = run(*command, "--axes", "ZYX", "--format", "overlay")
    assert result.exit_code == 1
    assert "Received: a stack of shape (3, 96, 96)" in result.output


def test_a_stack_needs_no_axes_where_its_header_names_them(
    run: Callable[..., Result], tmp_path: Path
) -> None:
    planes = np.stack([draw_nuclei(seed, (96, 96), 5)[0] for seed in range(3)])
    folder = tmp_path / "mixed"
    folder.mkdir()
    metadata = {"axes": "TYX", "unit": "um", "finterval": 2.0}
    options = {"imagej": True, "resolution": (2, 2), "metadata": metadata}
    tifffile.imwrite(folder / "movie.tif", planes, **options)
    Image.fromarray(planes[0]).save(folder / "plane.png")
    out = tmp_path / "out"
    result = run("segment", folder, "-o", out, "--model", "classic")
    assert result.exit_code == 0, result.output
    with tifffile.TiffFile(out / "movie.tif") as tiff:
        assert tiff.series[0].axes == "TYX"
        assert tiff.imagej_metadata["unit"] == "um"
        assert tiff.imagej_metadata["finterval"] == 2
        assert tiff.pages[0].tags["XResolution"].value == (2, 1)
    command = ["segment", folder, "-o", tmp_path / "z", "--model", "classic"]
    result = run(*command, "--axes", "ZYX")
    assert result.exit_code == 0, result.output
    assert "movie: Its header says TYX: the axes ZYX were used" in result.output
    with tifffile.TiffFile(tmp_path / "z" / "movie.tif") as tiff:
        assert tiff.series[0].axes == "ZYX"


def test_the_images_of_a_file_are_chosen(
    run: Callable[..., Result], tmp_path: Path
) -> None:
    with tifffile.TiffWriter(tmp_path / "a.tif") as writer:
        for seed, size in enumerate((96, 128)):
            writer.write(draw_nuclei(seed, (size, size), 5)[0], metadata=None)
    command = ["segment", tmp_path / "a.tif", "--model", "classic", "-o"]
    result = run(*command, tmp_path / "one")
    assert result.exit_code == 0, result.output
    assert "a: It holds 2 images: the largest was read, number 1" in result.output
    assert read_labels(tmp_path / "one" / "a.tif").shape == (128, 128)
    result = run(*command, tmp_path / "first", "--series", "0")
    assert read_labels(tmp_path / "first" / "a.tif").shape == (96, 96)
    assert "the largest was read" not in result.output
    result = run(*command, tmp_path / "all", "--series", "all")
    assert "in 2 images" in result.output
    names = sorted(path.name for path in (tmp_path / "all").iterdir())
    assert names == ["a_s0.tif", "a_s1.tif"]
    result = run(*command, tmp_path / "third", "--series", "2")
    assert result.exit_code == 1
    assert "one of the 2 images in" in result.output


def test_sub_folders_that_are_not_entered_are_said(
    run: Callable[..., Result], images: Path, tmp_path: Path
) -> None:
    (images / "day2").mkdir()
    (images / "second.png").rename(images / "day2" / "second.png")
    result = run("segment", images, "-o", tmp_path / "out", "--model", "classic")
    assert result.exit_code == 0, result.output
    assert "with images were not entered: day2. Name them" in result.output


@pytest.mark.parametrize("zipped", [False, True])
def test_a_test_set_without_masks_gives_pictures_and_one_csv(
    run: Callable[..., Result], images: Path, tmp_path: Path, zipped: bool
) -> None:
    test_set = tmp_path / "stage1_test"
    for file in images.iterdir():
        (test_set / file.stem / "images").mkdir(parents=True)
        file.rename(test_set / file.stem / "images" / file.name)
    if zipped:
        test_set = Path(shutil.make_archive(str(test_set), "zip", test_set))
    out = tmp_path / "out"
    result = run(
        *("segment", test_set, "-o", out, "--model", "classic"),
        *("--format", "overlay,rle"),
    )
    assert result.exit_code == 0, result.output
    names = ["first_overlay.png", "predictions.csv", "second_overlay.png"]
    assert sorted(path.name for path in out.iterdir()) == names
    runs = read_rle_csv(out / "predictions.csv")
    assert list(runs) == ["first", "second"]
    assert all(runs.values())


def test_a_list_of_ids_chooses_images(
    run: Callable[..., Result], dsb2018: Path, tmp_path: Path
) -> None:
    ids = tmp_path / "ids.txt"
    ids.write_text("bb\ncc\nbb\n")
    out = tmp_path / "out"
    result = run(
        *("segment", dsb2018, "-o", out, "--model", "classic"),
        *("--ids", ids, "--format", "rle"),
    )
    assert result.exit_code == 0, result.output
    runs = read_rle_csv(out / "predictions.csv")
    assert list(runs) == ["bb", "cc"]
    assert runs["bb"]
    assert runs["cc"] == []


def test_a_part_of_a_split_chooses_images(
    run: Callable[..., Result], dsb2018: Path, tmp_path: Path
) -> None:
    split = tmp_path / "split.json"
    split.write_text('{"train": ["bb"], "val": ["aa"]}')
    out = tmp_path / "out"
    result = run(
        *("segment", dsb2018, "-o", out, "--model", "classic"),
        *("--split", f"{split}:val"),
    )
    assert result.exit_code == 0, result.output
    assert [path.name for path in out.iterdir()] == ["aa.tif"]


def test_a_higher_threshold_makes_smaller_nuclei(
    run: Callable[..., Result], images: Path, tmp_path: Path
) -> None:
    sizes = []
    for threshold in ("0.2", "0.9"):
        out = tmp_path / threshold
        result = run(
            *("segment", images / "first.png", "-o", out, "--model", "classic"),
            *("--threshold", threshold),
        )
        assert result.exit_code == 0, result.output
        sizes.append(np.count_nonzero(read_labels(out / "first.tif")))
    assert sizes[0] > sizes[1]


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--threshold", "1.5"], "must lie between 0 and 1"),
        (["--min-area", "-1"], "must be 0 px² or more"),
        (["--diameter", "1"], "between 2 and 2000 px"),
        (["--format", "gif"], "must be among tiff, png"),
        (["--model", "unknown"], "Expected the name of a model"),
        (["--axes", "QYX"], "different letters of T, Z, C, Y, X"),
        (["--ids", "a", "--split", "b:c"], "Received: both"),
        (["--series", "one"], "--series as a number from 0, or all. Received: 'one'"),
        (["--series", "-1"], "--series as a number from 0"),
    ],
)
def test_a_wrong_option_gets_a_sentence(
    run: Callable[..., Result],
    images: Path,
    tmp_path: Path,
    options: list[str],
    sentence: str,
) -> None:
    out = tmp_path / "out"
    result = run("segment", images, "-o", out, *options)
    assert result.exit_code == 1
    assert sentence in result.output
    assert "Traceback" not in result.output


def test_two_images_of_one_name_are_refused(
    run: Callable[..., Result], images: Path, tmp_path: Path
) -> None:
    result = run("segment", images, images / "first.png", "-o", tmp_path / "out")
    assert result.exit_code == 1
    assert "two called 'first'" in result.output


def test_a_missing_input_is_named(run: Callable[..., Result], tmp_path: Path) -> None:
    result = run("segment", tmp_path / "nothing", "-o", tmp_path / "out")
    assert result.exit_code == 1
    assert "which does not exist" in result.output


def test_an_unwritable_folder_is_named(
    run: Callable[..., Result], images: Path, tmp_path: Path
) -> None:
    (tmp_path / "out").write_text("a file where a folder should be")
    result = run("segment", images, "-o", tmp_path / "out", "--model", "classic")
    assert result.exit_code == 1
    assert f"Received: {tmp_path / 'out'}, which is no folder" in result.output
    assert "Traceback" not in result.output


def test_debug_shows_the_traceback(run: Callable[..., Result], tmp_path: Path) -> None:
    result = run("segment", tmp_path / "nothing", "-o", tmp_path, "--debug")
    assert result.exit_code == 1
    assert type(result.exception).__name__ == "DatasetError"


def test_segmenting_imports_neither_keras_nor_tensorflow(
    images: Path, tmp_path: Path
) -> None:
    program = (
        "import sys\n"
        "from napari_unet_nuclei.cli.app import app\n"
        "app(sys.argv[1:], standalone_mode=False)\n"
        "assert not {'keras', 'tensorflow', 'napari', 'qtpy'} & set(sys.modules)\n"
    )
    arguments = ["segment", images / "first.png", "-o", tmp_path / "out"]
    subprocess.run(
        [sys.executable, "-c", program, *map(str, arguments)],
        check=True,
        capture_output=True,
    )
    assert (tmp_path / "out" / "first.tif").exists()
