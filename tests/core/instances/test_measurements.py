from __future__ import annotations

import csv
from typing import TYPE_CHECKING

import numpy as np
import pytest
from skimage.measure import regionprops_table

from napari_unet_nuclei.core.datasets.synthetic import draw_nuclei
from napari_unet_nuclei.core.errors import ImageError, LabelsError, OutputError
from napari_unet_nuclei.core.instances.measurements import (
    measure_nuclei,
    write_features_csv,
)

if TYPE_CHECKING:
    from pathlib import Path

COLUMNS = ["label", "area", "centroid_y", "centroid_x", "mean_intensity"]
DIAMETER = "diameter"


def test_measurements_by_hand() -> None:
    labels = np.array([[0, 2, 2], [5, 0, 2]])
    image = np.array([[9, 1, 2], [7, 9, 6]], np.uint8)
    features = measure_nuclei(labels, image, foreground=image / 10)
    assert list(features) == [*COLUMNS, "probability", DIAMETER]
    assert features["label"].tolist() == [2, 5]
    assert features["area"].tolist() == [3, 1]
    assert features["centroid_y"].tolist() == pytest.approx([1 / 3, 1])
    assert features["centroid_x"].tolist() == pytest.approx([5 / 3, 0])
    assert features["mean_intensity"].tolist() == pytest.approx([3, 7])
    assert features["probability"].tolist() == pytest.approx([0.3, 0.7])


def test_measurements_equal_those_of_regionprops() -> None:
    image, labels = draw_nuclei(0, (128, 160), 12)
    labels[labels == 4] = 0
    names = ("label", "area", "centroid", "mean_intensity", "equivalent_diameter_area")
    expected = regionprops_table(labels, image, properties=names)
    features = measure_nuclei(labels, image)
    assert list(features) == [*COLUMNS, DIAMETER]
    for ours, theirs in zip(features.values(), expected.values(), strict=True):
        np.testing.assert_allclose(ours, theirs)


def test_colours_are_averaged_and_alpha_does_not_count() -> None:
    labels = np.array([[1, 1, 0]])
    image = np.array([[[3, 6, 9, 255], [0, 3, 6, 255], [0, 0, 0, 0]]], np.uint8)
    assert measure_nuclei(labels, image)["mean_intensity"].tolist() == [4.5]


def test_intensities_keep_their_scale() -> None:
    labels = np.ones((2, 2), np.int32)
    image = np.full((2, 2), 60_000, np.uint16)
    assert measure_nuclei(labels, image)["mean_intensity"].tolist() == [60_000]


def test_no_nuclei_make_empty_columns() -> None:
    features = measure_nuclei(np.zeros((4, 4), int), np.zeros((4, 4)), np.zeros((4, 4)))
    assert list(features) == [*COLUMNS, "probability", DIAMETER]
    assert all(column.shape == (0,) for column in features.values())


def test_huge_labels_cost_no_memory() -> None:
    features = measure_nuclei(np.array([[2**31 - 1, 0, 7]]), np.array([[1, 2, 3]]))
    assert features["label"].tolist() == [7, 2**31 - 1]
    assert features["mean_intensity"].tolist() == [3, 1]
    assert features["area"].tolist() == [1, 1]


def test_image_must_be_as_large_as_the_labels() -> None:
    with pytest.raises(LabelsError, match=r"image \(3, 4\), labels \(4, 3\)"):
        measure_nuclei(np.ones((4, 3), int), np.ones((3, 4)))


def test_foreground_must_be_as_large_as_the_labels() -> None:
    labels = np.ones((4, 3), int)
    with pytest.raises(LabelsError, match=r"foreground \(3, 4\), labels \(4, 3\)"):
        measure_nuclei(labels, np.ones((4, 3)), np.ones((3, 4)))


def test_stacks_are_refused() -> None:
    with pytest.raises(ImageError, match="shape"):
        measure_nuclei(np.ones((4, 4), int), np.ones((5, 4, 4, 4)))


def test_csv_holds_a_header_and_a_row_for_each_nucleus(tmp_path: Path) -> None:
    path = tmp_path / "nuclei.csv"
    features = measure_nuclei(np.array([[1, 1, 3]]), np.array([[1, 2, 0.25]]))
    write_features_csv(path, features)
    assert path.read_text() == (
        "label,area,centroid_y,centroid_x,mean_intensity,diameter\n"
        "1,2,0,0.5,1.5,1.595769\n3,1,0,2,0.25,1.128379\n"
    )
    assert [entry.name for entry in tmp_path.iterdir()] == ["nuclei.csv"]


def test_csv_of_no_nuclei_holds_the_header(tmp_path: Path) -> None:
    path = tmp_path / "nuclei.csv"
    write_features_csv(path, measure_nuclei(np.zeros((2, 2), int), np.zeros((2, 2))))
    assert list(csv.reader(path.read_text().splitlines())) == [[*COLUMNS, DIAMETER]]


def test_csv_that_cannot_be_written_is_reported(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match=r"nuclei\.csv"):
        write_features_csv(tmp_path / "file" / "nuclei.csv", {"label": np.ones(1)})
