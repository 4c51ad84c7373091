"""GeoJSON and ImageJ's ROIs: filled again, they are the labels that were written."""

from __future__ import annotations

import json
import uuid
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import roifile
from PIL import Image, ImageDraw

from napari_unet_nuclei.core.datasets.synthetic import draw_nuclei
from napari_unet_nuclei.core.errors import LabelsError, OutputError
from napari_unet_nuclei.core.files.geojson import write_geojson
from napari_unet_nuclei.core.files.imagej_rois import write_rois

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from numpy.typing import NDArray

WRITERS = pytest.mark.parametrize("write", [write_rois, write_geojson])


def difficult() -> NDArray[np.int32]:
    """Return nuclei that touch each other and the border, one in pieces with a hole."""
    labels = np.asarray(draw_nuclei(2, (60, 80), 12)[1], np.int32)
    labels[2:12, 2:12] = 90
    labels[4:7, 4:7] = 0
    labels[20:23, 70:78] = 90
    return labels


def paint(labels: NDArray[np.int32], rings: Iterable[Any], number: int) -> None:
    """Fill rings with a number; what lies in two of them is outside."""
    crossings = np.zeros(labels.shape, int)
    for ring in rings:
        # Of twice the size, so that no centre of a pixel lies on a line.
        canvas = Image.new("1", (2 * labels.shape[1] + 1, 2 * labels.shape[0] + 1))
        corners = [(2 * x, 2 * y) for x, y in np.asarray(ring).tolist()]
        ImageDraw.Draw(canvas).polygon(corners, fill=1)
        crossings += np.asarray(canvas)[1::2, 1::2]
    labels[crossings % 2 == 1] = number


def read_geojson(path: Path) -> list[dict[str, Any]]:
    content = json.loads(path.read_text(encoding="utf-8"))
    assert content["type"] == "FeatureCollection"
    return list(content["features"])


def rings_of(geometry: dict[str, Any]) -> list[list[list[int]]]:
    coordinates = geometry["coordinates"]
    pieces = [coordinates] if geometry["type"] == "Polygon" else coordinates
    return [ring for piece in pieces for ring in piece]


def test_geojson_filled_again_is_the_same(tmp_path: Path) -> None:
    labels, painted = difficult(), np.zeros((60, 80), np.int32)
    write_geojson(tmp_path / "a.geojson", labels)
    features = read_geojson(tmp_path / "a.geojson")
    for feature in features:
        assert feature["type"] == "Feature"
        assert feature["properties"]["objectType"] == "detection"
        assert "plane" not in feature["geometry"]
        rings = rings_of(feature["geometry"])
        assert all(ring[0] == ring[-1] for ring in rings)
        paint(painted, rings, int(feature["properties"]["name"]))
    np.testing.assert_array_equal(painted, labels)
    (in_pieces,) = (each for each in features if each["properties"]["name"] == "90")
    assert in_pieces["geometry"]["type"] == "MultiPolygon"


def test_geojson_has_measurements_that_are_numbers(tmp_path: Path) -> None:
    labels = np.array([[0, 3, 3], [5, 0, 0]], np.int32)
    features = {
        "label": np.array([3, 5]),
        "area": np.array([2, 1]),
        "solidity": np.array([1.5, np.nan]),
        "touches_border": np.array([True, False]),
        "class": np.array(["a", None], object),
    }
    write_geojson(tmp_path / "a.geojson", labels, features=features)
    three, five = read_geojson(tmp_path / "a.geojson")
    assert three["properties"]["measurements"] == {
        "area": 2,
        "solidity": 1.5,
        "touches_border": 1,
    }
    assert five["properties"]["measurements"] == {"area": 1, "touches_border": 0}


def test_rois_filled_again_are_the_same(tmp_path: Path) -> None:
    labels, painted = difficult(), np.zeros((60, 80), np.int32)
    write_rois(tmp_path / "a.zip", labels)
    rois = roifile.roiread(tmp_path / "a.zip")
    for roi in rois:
        paint(painted, roi.coordinates(multi=True), int(roi.name))
        rows, columns = np.nonzero(labels == int(roi.name))
        assert (roi.top, roi.bottom) == (rows.min(), rows.max() + 1)
        assert (roi.left, roi.right) == (columns.min(), columns.max() + 1)
    np.testing.assert_array_equal(painted, labels)
    assert "90" in {roi.name for roi in rois if roi.composite}


def test_rois_of_large_images_keep_their_place(tmp_path: Path) -> None:
    labels = np.zeros((3, 40_000), np.int32)
    labels[1, 39_990:39_995] = 1
    write_rois(tmp_path / "a.zip", labels)
    (roi,) = roifile.roiread(tmp_path / "a.zip")
    assert roi.coordinates()[:, 0].max() == 39_995


@pytest.mark.parametrize("axes", ["ZYX", "TYX", "TZYX"])
def test_planes_of_stacks_are_known(axes: str, tmp_path: Path) -> None:
    labels = np.zeros((2, 3, 4, 5)[-len(axes) :], np.int32)
    labels[..., 1, 1:3] = 7  # in each of its planes
    write_geojson(tmp_path / "a.geojson", labels, axes=axes)
    write_rois(tmp_path / "a.zip", labels, axes=axes)
    features = read_geojson(tmp_path / "a.geojson")
    rois = roifile.roiread(tmp_path / "a.zip")
    planes = [each["geometry"]["plane"] for each in features]
    places = list(np.ndindex(labels.shape[:-2]))
    for axis, *along in zip(axes.lower(), *places, strict=False):
        assert [plane[axis] for plane in planes] == along
        assert [getattr(roi, f"{axis}_position") - 1 for roi in rois] == along
    if len(axes) == 3:
        assert [roi.position - 1 for roi in rois] == [place for (place,) in places]
    assert len({roi.name for roi in rois}) == len(places)


@WRITERS
def test_no_nuclei_make_a_file_that_can_be_read(
    write: Callable[..., None], tmp_path: Path
) -> None:
    path = tmp_path / ("a.zip" if write is write_rois else "a.geojson")
    write(path, np.zeros((4, 5), np.int32))
    if write is write_rois:
        assert roifile.roiread(path) == []
    else:
        assert read_geojson(path) == []


@WRITERS
def test_what_is_there_is_kept_on_request(
    write: Callable[..., None], tmp_path: Path
) -> None:
    path = tmp_path / str(uuid.uuid4())
    path.write_text("mine")
    with pytest.raises(OutputError, match="new file"):
        write(path, difficult(), may_replace=False)
    assert path.read_text() == "mine"


@WRITERS
def test_labels_of_other_axes_are_refused(
    write: Callable[..., None], tmp_path: Path
) -> None:
    with pytest.raises(LabelsError, match="axes CYX"):
        write(tmp_path / "a", np.zeros((2, 3, 4), np.int32), axes="CYX")
    assert not list(tmp_path.iterdir())
