from __future__ import annotations

import numpy as np
import pytest
import tifffile
from PIL import Image

from napari_unet_nuclei.core.errors import DatasetError
from napari_unet_nuclei.core.label_files import write_labels_tiff
from napari_unet_nuclei.core.labelled_folder import LabelledFolder, is_labelled_folder

LABELS = np.array([[1, 1, 0, 2], [0, 0, 2, 0], [3, 0, 0, 5]])


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "images").mkdir()
    (tmp_path / "labels").mkdir()
    for name in ("b.png", "a.png"):
        Image.new("L", (4, 3), 9).save(tmp_path / "images" / name)
    write_labels_tiff(tmp_path / "labels/a.tif", LABELS)
    write_labels_tiff(tmp_path / "labels/b.tif", np.zeros((3, 4), int))
    return tmp_path


def test_images_and_labels_are_matched_by_name(folder):
    assert is_labelled_folder(folder)
    source = LabelledFolder(str(folder))
    assert source.name == folder.name
    assert source.sample_ids == ("a", "b")
    sample = source.read_sample("a")
    np.testing.assert_array_equal(sample.image, np.full((3, 4), 9))
    np.testing.assert_array_equal(sample.labels, LABELS)
    assert sample.labels.dtype == np.int32
    assert not source.read_labels("b").any()


def test_the_singular_names_will_do(folder):
    (folder / "images").rename(folder / "image")
    (folder / "labels").rename(folder / "label")
    np.testing.assert_array_equal(LabelledFolder(folder).read_labels("a"), LABELS)


def test_masks_of_the_same_names_will_do(folder):
    (folder / "labels").rename(folder / "masks")
    np.testing.assert_array_equal(LabelledFolder(folder).read_labels("a"), LABELS)


def test_the_folder_of_one_dsb2018_sample_is_none(folder):
    (folder / "labels").rename(folder / "masks")
    (folder / "images/b.png").unlink()
    assert not is_labelled_folder(folder)


@pytest.mark.parametrize("value", [1, 255, 65535])
def test_a_mask_is_split_into_connected_parts(folder, value):
    mask = np.array([[1, 1, 0, 0], [0, 0, 1, 0], [1, 0, 1, 1]], np.uint16) * value
    tifffile.imwrite(folder / "labels/a.tif", mask)
    expected = [[1, 1, 0, 0], [0, 0, 2, 0], [3, 0, 2, 2]]
    labels = LabelledFolder(folder).read_labels("a")
    assert labels.dtype == np.int32
    assert labels.tolist() == expected


def test_a_folder_without_the_pair_is_refused(tmp_path):
    (tmp_path / "images").mkdir()
    (tmp_path / "label").mkdir()
    assert not is_labelled_folder(tmp_path)
    with pytest.raises(DatasetError, match=r"sub-folders images and labels. Received"):
        LabelledFolder(tmp_path)


def test_a_folder_without_images_is_refused(tmp_path):
    (tmp_path / "images").mkdir()
    (tmp_path / "labels").mkdir()
    with pytest.raises(DatasetError, match=r"Expected images in .* no image file"):
        LabelledFolder(tmp_path)


def test_a_label_file_without_image_is_named(folder):
    write_labels_tiff(folder / "labels/c.tif", LABELS)
    source = LabelledFolder(folder)
    assert source.sample_ids == ("a", "b", "c")
    with pytest.raises(DatasetError, match=r"Sample c of .* one image .*: none"):
        source.read_sample("c")


def test_two_files_of_one_name_are_named(folder):
    Image.new("L", (4, 3)).save(folder / "images/a.bmp")
    write_labels_tiff(folder / "labels/b.tiff", LABELS)
    source = LabelledFolder(folder)
    with pytest.raises(DatasetError, match=r"one image .* Received: a\.bmp, a\.png\."):
        source.read_image("a")
    reason = r"b of .* one label file .* Received: b\.tif, b\.tiff"
    with pytest.raises(DatasetError, match=reason):
        source.read_sample("b")


def test_an_unknown_sample_is_named(folder):
    with pytest.raises(DatasetError, match=r"one of the 2 samples of .* Received: c"):
        LabelledFolder(folder).read_sample("c")


def test_an_image_without_labels_is_named(folder):
    (folder / "labels/a.tif").unlink()
    with pytest.raises(DatasetError, match=r"Sample a of .*one label file .*d: none\."):
        LabelledFolder(folder).read_sample("a")


def test_labels_of_another_size_are_refused(folder):
    write_labels_tiff(folder / "labels/a.tif", LABELS.T)
    with pytest.raises(DatasetError, match=f"^{folder}: Sample a needs an image"):
        LabelledFolder(folder).read_sample("a")
