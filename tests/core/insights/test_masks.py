from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from napari_unet_nuclei.core.datasets.dsb2018_writing import write_dsb2018_sample
from napari_unet_nuclei.core.datasets.opening import open_samples
from napari_unet_nuclei.core.datasets.sample import Sample
from napari_unet_nuclei.core.errors import DatasetError
from napari_unet_nuclei.core.files.labels import write_labels_tiff
from napari_unet_nuclei.core.insights.masks import open_masks, read_label_masks

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from numpy.typing import NDArray

    from napari_unet_nuclei.core.insights.masks import Mask

IMAGE = np.zeros((6, 8), np.uint8)


def paint(mask: Mask, shape: Any = IMAGE.shape) -> NDArray[Any]:
    """The whole mask."""
    pixels = np.zeros(shape, bool)
    pixels[mask.box] = mask.pixels
    return pixels


def write_mask(path: Path, *boxes: Any, colours: int = 0) -> NDArray[Any]:
    mask = np.zeros(IMAGE.shape, np.uint8)
    for box in boxes:
        mask[box] = 255
    if colours:
        mask = np.dstack([mask] * 3 + [np.full(mask.shape, 255, np.uint8)])
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(mask).save(path)
    return mask[..., 0] > 0 if colours else mask > 0


@pytest.fixture
def overlapping(tmp_path: Path) -> tuple[Path, dict[str, NDArray[Any]]]:
    """A data set in which masks overlap, are empty, or are stored in colour."""
    sample = tmp_path / "set" / "aa"
    write_dsb2018_sample(tmp_path / "set", "aa", IMAGE, np.zeros((6, 8), int))
    masks = sample / "masks"
    (masks / "notes.txt").write_text("no mask")
    (masks / ".hidden.png").write_text("no mask")
    expected = {
        "one.png": write_mask(masks / "one.png", np.s_[0:4, 0:4]),
        "three.png": write_mask(masks / "three.png"),
        "two.png": write_mask(masks / "two.png", np.s_[2:6, 2:7], colours=4),
    }
    return tmp_path / "set", expected


def read(path: Path, sample_id: Any = "aa") -> list[Mask]:
    return list(open_masks(path)(open_samples(path).read_sample(sample_id)))


def check(masks: Iterator[Any] | list[Mask], expected: dict[str, NDArray[Any]]) -> None:
    masks = list(masks)
    assert [mask.name for mask in masks] == list(expected)
    for mask in masks:
        np.testing.assert_array_equal(paint(mask), expected[mask.name])
        assert mask.pixels.dtype == bool


def test_masks_of_a_folder_keep_names_and_overlaps(
    overlapping: tuple[Path, dict[str, NDArray[Any]]],
) -> None:
    path, expected = overlapping
    check(read(path), expected)


def test_so_do_those_of_one_sample(
    overlapping: tuple[Path, dict[str, NDArray[Any]]],
) -> None:
    path, expected = overlapping
    check(read(path / "aa"), expected)


@pytest.mark.parametrize("root", [".", "set"])
def test_so_do_those_of_a_zip(
    overlapping: tuple[Path, dict[str, NDArray[Any]]], tmp_path: Path, root: str
) -> None:
    path, expected = overlapping
    base = tmp_path if root == "set" else path
    archive = shutil.make_archive(str(tmp_path / "zipped"), "zip", base, root)
    check(read(Path(archive)), expected)


def test_boxes_are_as_small_as_can_be(
    overlapping: tuple[Path, dict[str, NDArray[Any]]],
) -> None:
    path, _ = overlapping
    one, empty, two = read(path)
    assert one.box == (slice(0, 4), slice(0, 4))
    assert two.box == (slice(2, 6), slice(2, 7))
    assert empty.pixels.size == 0


def test_masks_of_a_folder_with_labels_are_its_labels(tmp_path: Path) -> None:
    labels = np.zeros(IMAGE.shape, np.int32)
    labels[0:2, 0:3], labels[4:6, 5:8] = 3, 70_000
    write_labels_tiff(tmp_path / "labels" / "aa.tif", labels)
    (tmp_path / "images").mkdir()
    Image.fromarray(IMAGE).save(tmp_path / "images" / "aa.png")
    check(read(tmp_path), {"3": labels == 3, "70000": labels == 70_000})


def test_an_image_that_is_one_nucleus_has_one_mask() -> None:
    labels = np.full(IMAGE.shape, 2**31 - 1, np.int32)
    check(read_label_masks(Sample("x", IMAGE, labels)), {str(2**31 - 1): labels > 0})


def test_an_image_without_nuclei_has_none() -> None:
    assert list(read_label_masks(Sample("x", IMAGE, IMAGE.astype(np.int32)))) == []


def test_a_zip_that_is_none_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_text("words")
    with pytest.raises(DatasetError, match=r"a\.zip"):
        open_masks(tmp_path / "a.zip")
