"""Outlines as labels of a data set, and as one side of a comparison."""

from __future__ import annotations

import logging
import shutil
import zipfile
from typing import TYPE_CHECKING

import numpy as np
import pytest
import tifffile

from napari_unet_nuclei.core.datasets.image_label_folder import ImageLabelFolder
from napari_unet_nuclei.core.datasets.label_collections import open_collection
from napari_unet_nuclei.core.datasets.opening import open_samples
from napari_unet_nuclei.core.datasets.outlined_labels import read_outlined_labels
from napari_unet_nuclei.core.datasets.synthetic import draw_nuclei
from napari_unet_nuclei.core.errors import DatasetError, LabelsError
from napari_unet_nuclei.core.evaluation.comparison import compare
from napari_unet_nuclei.core.files.geojson import write_geojson
from napari_unet_nuclei.core.files.imagej_rois import write_rois
from napari_unet_nuclei.core.files.labels import write_labels_tiff

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

SHAPE = (60, 80)


def nuclei(seed: int = 1) -> NDArray[np.int32]:
    return np.asarray(draw_nuclei(seed, SHAPE, 8)[1], np.int32)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("images", "labels"):
        (tmp_path / name).mkdir()
    for seed, name in enumerate("abc"):
        tifffile.imwrite(
            tmp_path / f"images/{name}.tif", np.full(SHAPE, seed, np.uint8)
        )
    write_rois(tmp_path / "labels/a_rois.zip", nuclei(0))
    write_geojson(tmp_path / "labels/b.geojson", nuclei(1))
    write_labels_tiff(tmp_path / "labels/c.tif", nuclei(2))
    write_geojson(tmp_path / "labels/c_nuclei.geojson", nuclei(3))
    return tmp_path


def test_outlines_are_labels_of_a_data_set(folder: Path) -> None:
    source = open_samples(folder)
    assert source.sample_ids == ("a", "b", "c")
    for seed, name in enumerate("abc"):
        sample = source.read_sample(name)
        np.testing.assert_array_equal(sample.labels, nuclei(seed))


def test_in_a_zip_too(folder: Path) -> None:
    with zipfile.ZipFile(folder / "set.zip", "w") as archive:
        for file in folder.glob("*/*"):
            archive.write(file, file.relative_to(folder))
    source = open_samples(folder / "set.zip")
    np.testing.assert_array_equal(source.read_labels("a"), nuclei(0))


def test_of_stacks_every_plane_is_a_sample(folder: Path) -> None:
    stack = np.stack([nuclei(seed) for seed in range(4, 9)])
    tifffile.imwrite(folder / "images/d.tif", np.zeros(stack.shape, np.uint8))
    write_rois(folder / "labels/d_rois.zip", stack, axes="TYX")
    source = ImageLabelFolder(folder)
    for index in range(5):
        labels = source.read_sample(f"d[{index}]").labels
        np.testing.assert_array_equal(labels, stack[index])


def test_outlines_of_another_image_are_refused(folder: Path) -> None:
    tifffile.imwrite(folder / "images/a.tif", np.zeros((20, 20), np.uint8))
    with pytest.raises(LabelsError, match=r"a_rois\.zip, of which some lie outside"):
        open_samples(folder).read_sample("a")
    with pytest.raises(LabelsError, match="one channel at a time"):
        read_outlined_labels(b"[]", "a", image_shape=(2, 2, 2, 9, 9))


def test_what_is_left_out_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    point = b'{"type": "Point", "coordinates": [3, 3]}'
    with caplog.at_level(logging.WARNING):
        assert not read_outlined_labels(point, "p.geojson", image_shape=(9, 9)).any()
    assert "p.geojson: Points, lines or nothing" in caplog.text


@pytest.mark.parametrize("as_folder", [True, False])
def test_outlines_are_compared_with_labels(folder: Path, as_folder: bool) -> None:
    truth, prediction = folder / "truth", folder / "prediction"
    truth.mkdir()
    write_labels_tiff(truth / "a.tif", nuclei(0))
    if as_folder:
        prediction.mkdir()
        shutil.copy(folder / "labels/a_rois.zip", prediction)
    else:
        prediction = folder / "labels/a_rois.zip"
    sides = open_collection(truth), open_collection(prediction)
    for one, other in (sides, sides[::-1]):
        (compared,) = compare(one, other)
        assert compared.scores.dsb2018 == 1
    with pytest.raises(DatasetError, match="how large their image is"):
        list(compare(sides[1], sides[1]))
