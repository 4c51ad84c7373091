"""Files of labels that say where nothing is annotated."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import tifffile

from napari_unet_nuclei.core.datasets.opening import open_samples
from napari_unet_nuclei.core.errors import LabelsError
from napari_unet_nuclei.core.files.label_reading import read_labels, read_nuclei
from napari_unet_nuclei.core.files.labels import write_labels_png, write_labels_tiff
from napari_unet_nuclei.plugin.files.label_reader import read_label_file

if TYPE_CHECKING:
    from pathlib import Path

LABELS = np.zeros((12, 16), np.int32)
LABELS[1:5, 1:5], LABELS[1:5, 5:9], LABELS[7:11, 2:9] = 4, 6, 9
LABELS[:, 12:] = -1


@pytest.mark.parametrize("dtype", ["i1", "i2", "i4", "i8", "f4", "f8"])
def test_signed_files_keep_what_is_ignored(tmp_path: Path, dtype: str) -> None:
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, LABELS.astype(dtype))
    for read in (read_labels, read_nuclei):
        labels = read(path)
        assert labels.dtype == np.int32
        np.testing.assert_array_equal(labels, LABELS)


def test_parts_of_a_mask_are_numbered_and_the_ignored_part_is_not(
    tmp_path: Path,
) -> None:
    tifffile.imwrite(tmp_path / "a.tif", np.sign(LABELS).astype(np.int8))
    labels = read_nuclei(tmp_path / "a.tif")
    assert np.unique(labels).tolist() == [-1, 0, 1, 2]
    np.testing.assert_array_equal(labels == -1, LABELS == -1)


@pytest.mark.parametrize("name", ["a.tif", "a.ome.tif"])
def test_written_files_keep_what_is_ignored(tmp_path: Path, name: str) -> None:
    write_labels_tiff(tmp_path / name, LABELS)
    np.testing.assert_array_equal(read_labels(tmp_path / name), LABELS)
    data, _, kind = read_label_file(str(tmp_path / name))
    assert kind == "labels"
    np.testing.assert_array_equal(data, LABELS)


def test_a_png_holds_no_ignored_pixels(tmp_path: Path) -> None:
    with pytest.raises(LabelsError, match="Received: values from -1 to 9"):
        write_labels_png(tmp_path / "a.png", LABELS)


def test_other_negative_numbers_are_refused(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "a.tif", np.where(LABELS < 0, -3, LABELS))
    with pytest.raises(LabelsError, match=r"or be -1 where .* values from -3 to 9"):
        read_labels(tmp_path / "a.tif")


def test_a_mask_whose_nuclei_are_minus_one_is_refused(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "a.tif", -(LABELS > 0).astype(np.int8))
    with pytest.raises(LabelsError, match=r"hold nuclei beside the -1 .* from -1 to 0"):
        read_labels(tmp_path / "a.tif")


def test_samples_keep_what_is_ignored(tmp_path: Path) -> None:
    for kind, pixels in (("images", LABELS.astype(np.uint8)), ("labels", LABELS)):
        (tmp_path / kind).mkdir()
        tifffile.imwrite(tmp_path / kind / "a.tif", pixels)
    sample = open_samples(tmp_path).read_sample("a")
    np.testing.assert_array_equal(sample.labels, LABELS)
