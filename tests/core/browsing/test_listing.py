"""Which images are listed, of every kind of place."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import numpy as np
import pytest
import tifffile

from napari_unet_nuclei.core.browsing.listing import list_images
from napari_unet_nuclei.core.datasets.dsb2018_writing import write_dsb2018_sample
from napari_unet_nuclei.core.errors import DatasetError, ImageError
from napari_unet_nuclei.core.files.labels import write_labels_tiff

if TYPE_CHECKING:
    from pathlib import Path

LABELS = np.zeros((40, 60), np.int32)
LABELS[3:9, 4:12] = 1
LABELS[20:30, 30:40] = 2


def test_a_folder_is_listed_with_what_cannot_be_read(folder: Path) -> None:
    listed = list_images(folder)
    assert listed.names == ["a", "b", "broken", "c"]
    assert not listed.is_data_set
    first, _, broken, _ = listed.images
    assert first.title == "a.tif"
    assert first.n_bytes == (folder / "a.tif").stat().st_size
    assert first.read().pixels.shape == (40, 60)
    assert first.read_labels() is None
    with pytest.raises(ImageError, match=r"broken\.tif"):
        broken.read()


def test_labels_beside_images_belong_to_them(folder: Path) -> None:
    tifffile.imwrite(folder / "a_masks.tif", LABELS.astype(np.uint16))
    listed = list_images(folder)
    assert listed.names == ["a", "b", "broken", "c"]
    first, second, *_ = listed.images
    labels = first.read_labels()
    assert labels is not None
    np.testing.assert_array_equal(labels, LABELS)
    assert second.read_labels() is None
    assert [first.has_labels, second.has_labels] == [True, False]


def test_images_and_labels_in_folders_of_their_own(
    folder: Path, tmp_path: Path
) -> None:
    (tmp_path / "set").mkdir()
    (folder / "broken.tif").unlink()
    shutil.move(folder, tmp_path / "set" / "images")
    write_labels_tiff(tmp_path / "set" / "labels" / "b.tif", LABELS)
    listed = list_images(tmp_path / "set")
    assert listed.names == ["a", "b", "c"]
    assert listed.is_data_set
    labels = listed.images[1].read_labels()
    assert labels is not None
    assert labels.max() == 2
    assert listed.images[0].read_labels() is None


def test_samples_of_dsb2018_with_and_without_masks(tmp_path: Path) -> None:
    image = np.zeros((40, 60), np.uint8)
    for name in ("one", "two"):
        write_dsb2018_sample(tmp_path / "set", name, image, LABELS)
    shutil.rmtree(tmp_path / "set" / "two" / "masks")
    listed = list_images(tmp_path / "set")
    assert listed.names == ["one", "two"]
    labels = listed.images[0].read_labels()
    assert labels is not None
    assert labels.max() == 2
    assert listed.images[1].read_labels() is None
    assert listed.images[1].title == "two"


def test_what_is_left_out_is_said(folder: Path) -> None:
    write_labels_tiff(folder / "a_masks.tif", LABELS)
    (folder / "more").mkdir()
    shutil.copy(folder / "b.tif", folder / "more")
    notes = " ".join(list_images(folder).notes)
    assert "Skipped 1 result of an earlier run" in notes
    assert "were not entered: more" in notes


def test_a_place_without_images_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="which does not exist"):
        list_images(tmp_path / "nowhere")
    with pytest.raises(DatasetError, match="which holds none"):
        list_images(tmp_path)
