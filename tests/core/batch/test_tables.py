"""The csv of stacks: outlines of planes, volumes, or the tracks of nuclei."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import tifffile

from napari_unet_nuclei.core.batch.inputs import find_inputs
from napari_unet_nuclei.core.batch.planning import plan_outputs
from napari_unet_nuclei.core.batch.run import segment_images
from napari_unet_nuclei.core.instances.labels import label_areas
from napari_unet_nuclei.core.segmentation.model import load_model
from napari_unet_nuclei.core.settings.choices import Link, OutputFormat
from napari_unet_nuclei.core.settings.segmentation import SegmentationSettings

if TYPE_CHECKING:
    from pathlib import Path

    from napari_unet_nuclei.core.segmentation.model import Model


@pytest.fixture(scope="module")
def model() -> Model:
    return load_model("classic")


@pytest.fixture
def movie() -> np.ndarray:
    """Two time points of four depths, with two nuclei that move."""
    movie = np.zeros((2, 4, 96, 96), np.uint8)
    for t in range(2):
        y, x = np.ogrid[:96, :96]
        for cy, cx in (30 + 4 * t, 30), (60, 64):
            movie[t, :, np.hypot(y - cy, x - cx) < 10] = 200
    return movie


def table_of(
    folder: Path, movie: np.ndarray, link: Link, model: Model
) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Segment a file with distances in µm, and read its csv and labels."""
    tifffile.imwrite(
        folder / "movie.tif",
        movie,
        imagej=True,
        resolution=(2, 2),
        metadata={"axes": "TZYX", "unit": "um", "spacing": 2.0},
    )
    kinds = (OutputFormat.TIFF, OutputFormat.FEATURES)
    images = find_inputs([folder / "movie.tif"])
    outputs = plan_outputs(images, folder / "out", kinds, [folder])
    settings = SegmentationSettings(link=link, diameter=20)
    (done,) = segment_images(model, images, outputs, settings)
    assert done.error is None
    csv = next((folder / "out").glob("*.csv"))
    read = np.genfromtxt(csv, delimiter=",", names=True, dtype=None, encoding="utf-8")
    labels = tifffile.imread(next((folder / "out").glob("*.tif")))
    return {name: read[name] for name in read.dtype.names}, labels


def test_outlines_have_rows_of_their_own(
    tmp_path: Path, movie: np.ndarray, model: Model
) -> None:
    table, labels = table_of(tmp_path, movie, Link.NONE, model)
    numbers, areas = label_areas(labels)
    assert table["label"].tolist() == numbers.tolist() == list(range(1, 17))
    assert table["area"].tolist() == areas.tolist()
    assert table["t"].tolist() == [0] * 8 + [1] * 8
    assert table["z"].tolist() == [0, 0, 1, 1, 2, 2, 3, 3] * 2


def test_volumes_have_surfaces_in_the_unit_of_the_file(
    tmp_path: Path, movie: np.ndarray, model: Model
) -> None:
    table, labels = table_of(tmp_path, movie, Link.Z, model)
    numbers, volumes = label_areas(labels)
    assert table["label"].tolist() == numbers.tolist() == [1, 2, 3, 4]
    assert table["volume"].tolist() == volumes.tolist()
    assert table["t"].tolist() == [0, 0, 1, 1]
    assert table["n_planes"].tolist() == [4] * 4
    np.testing.assert_allclose(table["volume_um3"], volumes * 2 * 0.5**2)
    np.testing.assert_allclose(table["extent_z_um"], 8)
    assert (table["surface_um2"] > 0).all()
    assert (table["probability"] > 0.5).all()


def test_tracks_have_a_row_for_each_time_point(
    tmp_path: Path, movie: np.ndarray, model: Model
) -> None:
    table, _ = table_of(tmp_path, movie, Link.T, model)
    assert table["label"].tolist() == sorted(list(range(1, 9)) * 2)
    assert table["t"].tolist() == [0, 1] * 8
    assert not table["parent"].any()
    first = table["label"] == 1
    np.testing.assert_allclose(np.diff(table["centroid_y"][first]), 4, atol=0.5)
