"""``train`` where a part of the images is annotated."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image

from napari_unet_nuclei.cli.annotation_options import AnnotationOptions
from napari_unet_nuclei.cli.training_data import read_sets
from napari_unet_nuclei.core.errors import DatasetError
from napari_unet_nuclei.core.files.labels import write_labels_tiff
from napari_unet_nuclei.core.instances.annotation import annotated_area
from napari_unet_nuclei.core.training import loop

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from typer.testing import Result

    from napari_unet_nuclei.core.training.mixture import TrainingSet

    Run = Callable[..., Result]

OPTIONS = (
    *("--from", "classic", "--epochs", 1, "--steps-per-epoch", 1),
    *("--crop-size", 64, "--batch-size", 4),
)


@pytest.fixture
def mask(labelled: Path, tmp_path: Path) -> Path:
    """The left half of the first image of the data set."""
    shape = np.asarray(Image.open(labelled / "images" / "0.png")).shape[:2]
    area = np.zeros(shape, np.uint8)
    area[:, : shape[1] // 2] = 255
    path = tmp_path / "areas" / "0.png"
    path.parent.mkdir()
    Image.fromarray(area).save(path)
    return path


def read(labelled: Path, say: Any = print, **options: Any) -> list[TrainingSet]:
    """Read a data set with options of the command."""
    sets = read_sets([labelled], [], [], say)
    return AnnotationOptions(**options).apply(sets, say)


def test_training_gets_rings_around_what_is_painted(
    run: Run, labelled: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trained: dict[str, Any] = {}

    def iter_training(sets: list[TrainingSet], *_: Any, **__: Any) -> Any:
        trained["sets"] = sets
        raise DatasetError("Enough.")
        yield

    monkeypatch.setattr(loop, "iter_training", iter_training)
    split = tmp_path / "split.json"
    split.write_text(json.dumps({"train": ["0"], "val": ["1"]}))
    options = ("--ignore-unpainted", "--split", split, *OPTIONS)
    result = run("train", labelled, "-o", tmp_path / "mine.unetnuclei", *options)
    assert "Enough." in result.output
    assert " nuclei painted in 2 images; " in result.output
    (plain,) = read(labelled)
    (each,) = trained["sets"]
    for found, before in zip(
        (*each.samples, *each.validation), plain.samples, strict=True
    ):
        expected = annotated_area(before.labels, "painted")
        assert (expected == -1).any()
        np.testing.assert_array_equal(found.labels, expected)


def test_a_run_on_what_is_painted_ends_with_a_model(
    run: Run, labelled: Path, tmp_path: Path
) -> None:
    model = tmp_path / "mine.unetnuclei"
    result = run("train", labelled, "-o", model, "--ignore-unpainted", *OPTIONS)
    assert result.exit_code == 0, result.output
    assert "% of the pixels count." in " ".join(result.output.split())
    assert model.is_file()


def test_an_area_is_for_the_image_of_its_name(labelled: Path, mask: Path) -> None:
    said: list[str] = []
    (each,) = read(labelled, said.append, area=[mask.parent])
    first, second = (sample.labels for sample in each.samples)
    half = first.shape[1] // 2
    assert (first[:, half:] == -1).all()
    assert first[:, :half].min() == second.min() == 0
    assert said[-1] == f"Without a mask in {mask.parent}, 1 image counts whole: 1"


def test_each_data_set_may_have_an_area(labelled: Path, mask: Path) -> None:
    other = mask.with_name("1.png")
    Image.fromarray(255 - np.asarray(Image.open(mask))).save(other)
    sets = read_sets([labelled, labelled], [], [], print)
    options = AnnotationOptions(area=[mask, other])
    left, right = (each.samples[0].labels for each in options.apply(sets, print))
    np.testing.assert_array_equal(left == -1, right != -1)


def test_an_image_that_cannot_be_used_is_left_out(labelled: Path) -> None:
    empty = np.zeros((160, 160), np.int32)
    write_labels_tiff(labelled / "labels" / "1.tif", empty)
    said: list[str] = []
    (each,) = read(labelled, said.append, ignore_unpainted=True)
    assert [sample.sample_id for sample in each.samples] == ["0"]
    assert said[-1].startswith("Left out: 1: At least one nucleus must be painted")


def test_masks_for_none_of_the_images_are_refused(labelled: Path, mask: Path) -> None:
    mask.rename(mask.with_name("other.png"))
    with pytest.raises(DatasetError, match=r"called like images, such as 0\.png"):
        read(labelled, area=[mask.parent])


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--area", "a.png", "--ignore-unpainted"], "area is annotated, or that only"),
        (["--area", "a.png", "--area", "b.png"], "one for each of the 1 data sets"),
        (["--area", "none.png"], "none.png, which does not exist. Check the path."),
    ],
)
def test_a_wrong_area_gets_a_sentence(
    run: Run, labelled: Path, tmp_path: Path, options: list[str], sentence: str
) -> None:
    model = tmp_path / "mine.unetnuclei"
    result = run("train", labelled, "-o", model, *options)
    assert result.exit_code == 1
    assert sentence in " ".join(result.output.split())
    assert not model.exists()
