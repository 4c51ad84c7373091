from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from napari_unet_nuclei.core.datasets.dsb2018_writing import write_dsb2018_sample
from napari_unet_nuclei.core.datasets.label_collections import open_collection
from napari_unet_nuclei.core.errors import DatasetError, ImageError, LabelsError
from napari_unet_nuclei.core.files.labels import write_labels_png, write_labels_tiff
from napari_unet_nuclei.core.files.rle import write_rle_csv

if TYPE_CHECKING:
    from collections.abc import Callable


LABELS = np.array([[0, 1, 1], [2, 0, 1]], np.int32)
IMAGE = np.array([[0, 90, 80], [70, 0, 60]], np.uint8)


def test_a_data_set_knows_its_images(tmp_path: Path) -> None:
    write_dsb2018_sample(tmp_path / "set", "a", IMAGE, LABELS)
    collection = open_collection(tmp_path / "set")
    assert collection.names == ("a",)
    assert collection.knows_shape("a")
    labelled = collection.read("a", None)
    np.testing.assert_array_equal(labelled.labels, LABELS)
    np.testing.assert_array_equal(labelled.image, IMAGE)


def test_a_folder_with_images_and_labels_is_a_data_set(tmp_path: Path) -> None:
    write_labels_tiff(tmp_path / "labels" / "a.tif", LABELS)
    (tmp_path / "images").mkdir()
    Image.fromarray(IMAGE).save(tmp_path / "images" / "a.png")
    labelled = open_collection(tmp_path).read("a", None)
    np.testing.assert_array_equal(labelled.labels, LABELS)
    np.testing.assert_array_equal(labelled.image, IMAGE)


def test_masks_in_a_folder_are_numbered(tmp_path: Path) -> None:
    mask = np.array([[0, 255, 255], [255, 0, 255]], np.uint8)
    Image.fromarray(mask).save(tmp_path / "a.png")
    labelled = open_collection(tmp_path).read("a", None)
    np.testing.assert_array_equal(labelled.labels, LABELS)


def test_a_folder_of_label_images_has_none(tmp_path: Path) -> None:
    write_labels_png(tmp_path / "b.png", LABELS)
    write_labels_tiff(tmp_path / "a.tif", LABELS)
    (tmp_path / "a.png").write_text("not read, as there is a TIFF")
    (tmp_path / "a_overlay.png").write_text("not read, as it is a picture")
    (tmp_path / ".c.png").write_text("not read, as it is hidden")
    (tmp_path / "predictions.csv").write_text("not read")
    collection = open_collection(tmp_path)
    assert collection.names == ("a", "b")
    for name in collection.names:
        assert collection.knows_shape(name)
        labelled = collection.read(name, None)
        np.testing.assert_array_equal(labelled.labels, LABELS)
        assert labelled.image is None


def test_a_csv_is_told_the_shape(tmp_path: Path) -> None:
    write_rle_csv(tmp_path / "a.CSV", {"a": LABELS})
    collection = open_collection(tmp_path / "a.CSV")
    assert collection.names == ("a",)
    assert not collection.knows_shape("a")
    np.testing.assert_array_equal(collection.read("a", (2, 3)).labels, LABELS)


def test_a_solution_knows_the_shape(tmp_path: Path) -> None:
    path = tmp_path / "solution.csv"
    path.write_text("ImageId,EncodedPixels,Height,Width\na,3 1 5 2,2,3\na,2 1,2,3\n")
    collection = open_collection(path)
    assert collection.knows_shape("a")
    np.testing.assert_array_equal(collection.read("a", (9, 9)).labels, LABELS)


def test_a_csv_that_is_not_told_says_what_is_missing(tmp_path: Path) -> None:
    write_rle_csv(tmp_path / "a.csv", {"x1": LABELS})
    collection = open_collection(tmp_path / "a.csv")
    with pytest.raises(DatasetError, match=r"Height and Width.*a\.csv.*large x1 is"):
        collection.read("x1", None)


def test_a_folder_that_may_not_be_looked_into_is_named(
    tmp_path: Path, close_folder: Callable[[Path], None]
) -> None:
    (tmp_path / "closed").mkdir()
    close_folder(tmp_path / "closed")
    with pytest.raises(ImageError, match=r"Received: .*closed \(Permission denied\)"):
        open_collection(tmp_path / "closed")


def test_an_empty_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(DatasetError, match=r"empty, which holds none"):
        open_collection(tmp_path / "empty")


@pytest.mark.parametrize("name", ["missing", "file.txt"])
def test_what_holds_no_labels_is_named(tmp_path: Path, name: str) -> None:
    (tmp_path / "file.txt").write_text("words")
    with pytest.raises(DatasetError, match=f"run-length csv. Received: .*{name}"):
        open_collection(tmp_path / name)


@pytest.mark.parametrize(
    ("runs", "reason"),
    [
        ("5 100", "runs inside an image of 6 pixels. Received: '5 100'"),
        ("5", "runs as pairs of start and length, counted from 1. Received: '5'"),
        ("0 2", "runs as pairs of start and length, counted from 1. Received: '0 2'"),
        ("a b", "runs as pairs of start and length, counted from 1. Received: 'a b'"),
    ],
)
def test_runs_that_are_none_name_the_csv(
    tmp_path: Path, runs: str, reason: str
) -> None:
    path = tmp_path / "a.csv"
    path.write_text(f"ImageId,EncodedPixels\nb,{runs}\n")
    with pytest.raises(LabelsError, match=rf"a\.csv: Expected {reason}\. Check"):
        open_collection(path).read("b", (2, 3))


def test_of_overlapping_runs_the_first_keeps_the_pixel(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("ImageId,EncodedPixels\nb,1 2 2 2\nb,3 2\n")
    labels = open_collection(path).read("b", (2, 3)).labels
    assert labels.ravel(order="F").tolist() == [1, 1, 1, 2, 0, 0]


def test_each_plane_of_a_stack_is_a_label_image(tmp_path: Path) -> None:
    planes = np.stack([np.pad(LABELS, 3), np.pad(LABELS[::-1], 3)])
    write_labels_tiff(tmp_path / "a.tif", planes, axes="ZYX")
    collection = open_collection(tmp_path)
    assert collection.names == ("a[0]", "a[1]")
    for name, plane in zip(collection.names, planes, strict=True):
        np.testing.assert_array_equal(collection.read(name, None).labels, plane)


def test_a_zip_of_label_images_is_like_the_folder(tmp_path: Path) -> None:
    write_labels_png(tmp_path / "set" / "b.png", LABELS)
    path = shutil.make_archive(str(tmp_path / "packed"), "zip", tmp_path, "set")
    collection = open_collection(Path(path))
    assert collection.names == ("b",)
    np.testing.assert_array_equal(collection.read("b", None).labels, LABELS)


def test_masks_beside_images_are_the_labels(tmp_path: Path) -> None:
    Image.fromarray(IMAGE).save(tmp_path / "a.png")
    write_labels_tiff(tmp_path / "a_masks.tif", LABELS)
    collection = open_collection(tmp_path)
    assert collection.names == ("a",)
    np.testing.assert_array_equal(collection.read("a", None).labels, LABELS)
