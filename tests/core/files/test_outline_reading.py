"""ROIs and GeoJSON → labels: what was written here comes back bit for bit."""

from __future__ import annotations

import io
import json
import zipfile
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import roifile

from napari_unet_nuclei.core.datasets.synthetic import draw_nuclei
from napari_unet_nuclei.core.errors import LabelsError
from napari_unet_nuclei.core.files.geojson import write_geojson
from napari_unet_nuclei.core.files.imagej_rois import write_rois
from napari_unet_nuclei.core.files.outline_labels import fits_image, paint_outlines
from napari_unet_nuclei.core.files.outline_reading import (
    is_outline_file,
    read_outlines,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

SQUARE = [[1, 2], [4, 2], [4, 5], [1, 5], [1, 2]]  # x and y
FORMATS = pytest.mark.parametrize(
    ("write", "file"), [(write_rois, "a.zip"), (write_geojson, "a.geojson")]
)


def difficult() -> NDArray[np.int32]:
    """Return touching nuclei with far numbers, one in pieces and with a hole."""
    labels = np.asarray(draw_nuclei(2, (60, 80), 12)[1], np.int32)
    labels[2:12, 2:12] = 70_000
    labels[4:7, 4:7] = 0
    labels[5, 5] = 70_000
    labels[20:23, 70:78] = 70_000
    return labels


def geojson(content: object, **options: Any) -> Any:
    stored = read_outlines(json.dumps(content).encode(), "a.geojson")
    return paint_outlines(stored, **options)


def feature(
    coordinates: Any, kind: str = "Polygon", **properties: Any
) -> dict[str, Any]:
    geometry = {"type": kind, "coordinates": coordinates}
    return {"type": "Feature", "geometry": geometry, "properties": properties}


@FORMATS
def test_labels_come_back(
    write: Callable[..., None], file: str, tmp_path: Path
) -> None:
    labels = difficult()
    write(tmp_path / file, labels)
    painted = paint_outlines(read_outlines(tmp_path / file), labels.shape)
    np.testing.assert_array_equal(painted.labels, labels)
    assert painted.notes == ()
    assert is_outline_file(tmp_path / file)


@FORMATS
@pytest.mark.parametrize("axes", ["ZYX", "TYX", "TZYX"])
def test_stacks_come_back(
    write: Callable[..., None], file: str, axes: str, tmp_path: Path
) -> None:
    """Of nuclei that go through several planes, and without the size of the image."""
    labels = np.zeros((3, 2, 9, 12)[-len(axes) :], np.int32)
    labels[..., 2:5, 3:7] = 5
    labels[-1, ..., 5:, 8:] = 3
    labels[0, ..., 5:, 8:] = 21
    write(tmp_path / file, labels, axes=axes)
    painted = paint_outlines(read_outlines(tmp_path / file))
    np.testing.assert_array_equal(painted.labels, labels)
    assert painted.axes == axes


@FORMATS
def test_no_nuclei(write: Callable[..., None], file: str, tmp_path: Path) -> None:
    write(tmp_path / file, np.zeros((4, 5), np.int32))
    stored = read_outlines(tmp_path / file)
    assert not paint_outlines(stored, (4, 5)).labels.any()
    with pytest.raises(LabelsError, match="tell how large their image is"):
        paint_outlines(stored)


@pytest.mark.parametrize(
    "wrap",
    [
        lambda one: {"type": "FeatureCollection", "features": [one]},
        lambda one: [one],
        lambda one: one,
        lambda one: one["geometry"],
        lambda one: {"type": "GeometryCollection", "geometries": [one["geometry"]]},
    ],
)
def test_every_form_of_geojson(wrap: Callable[[Any], Any]) -> None:
    expected = np.zeros((6, 7), np.int32)
    expected[2:5, 1:4] = 1
    painted = geojson(wrap(feature([SQUARE])), shape=(6, 7))
    np.testing.assert_array_equal(painted.labels, expected)


def test_pieces_overlap_without_a_hole() -> None:
    shifted = [[x + 1, y] for x, y in SQUARE]
    painted = geojson([feature([[SQUARE], [shifted]], "MultiPolygon")], shape=(6, 7))
    assert painted.labels[2:5, 1:5].all()
    assert painted.notes == ()


def test_what_cannot_be_read_is_said_by_number() -> None:
    small = [[2, 3], [3, 3], [3, 4], [2, 4]]
    bowtie = [[10, 10], [14, 14], [14, 10], [10, 14]]
    far = [[90, 90], [95, 90], [95, 95]]
    painted = geojson(
        [
            feature([SQUARE]),
            feature([0, 0], "Point"),
            feature([small]),
            feature([bowtie]),
            feature([far]),
            feature([[[x - 3, y] for x, y in SQUARE]]),
            feature([[[0, "?"]]]),
            "nonsense",
            feature([[[6.1, 6.1], [6.2, 6.1], [6.2, 6.2]]]),
            None,
        ],
        shape=(20, 20),
    )
    assert set(np.unique(painted.labels)) == {0, 1, 3, 4, 6}
    assert np.count_nonzero(painted.labels == 3) == 1
    assert sorted(painted.notes) == [
        "Cut at the border of the image: object 6.",
        "Damaged, so left out: objects 7, 8 and 10.",
        "Outlines that cross themselves; check their shape: object 4.",
        "Outside of the image, so left out: object 5.",
        "Overlapping larger ones, which lost 1 px² to them: object 3.",
        "Points, lines or nothing, which have no area, so left out: object 2.",
        "Too small for a pixel, or covered by smaller ones, so left out: object 9.",
    ]


def test_qupaths_cells_and_annotations() -> None:
    whole = [[0, 0], [7, 0], [7, 6], [0, 6]]
    cell = feature([whole], objectType="cell")
    cell["nucleusGeometry"] = {"type": "Polygon", "coordinates": [SQUARE]}
    region = feature([whole], objectType="annotation")
    painted = geojson([region, cell], shape=(6, 7))
    assert np.count_nonzero(painted.labels) == 9
    assert painted.notes == (
        "Annotations beside detections, so left out: object 1.",
        "Cells, of which the nucleus was read: object 2.",
    )
    assert geojson([region], shape=(6, 7)).labels.all()


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["4", "9"], {4, 9}),
        (["4", "4"], {1, 2}),  # twice in one plane
        (["4", "PathCell"], {1, 2}),
        (["0", "4"], {1, 2}),
        (["99999999999", "4"], {1, 2}),
        (["1204-2210", "1320-1111"], {1, 2}),  # places, as ImageJ names ROIs
        (["", ""], {1, 2}),
    ],
)
def test_names_that_are_numbers_are_kept(names: list[str], expected: set[int]) -> None:
    rings = [SQUARE, [[x + 5, y] for x, y in SQUARE]]
    features = [
        feature([ring], name=name) for ring, name in zip(rings, names, strict=True)
    ]
    assert set(np.unique(geojson(features).labels)) == {0, *expected}


@pytest.mark.parametrize("content", [b"", b"{", b'{"a": 1}', b"3", b"[" * 100_000])
def test_no_geojson(content: bytes) -> None:
    with pytest.raises(LabelsError, match=r"Received: a\.geojson, which holds none"):
        read_outlines(content, "a.geojson")


@pytest.mark.parametrize("content", [b"", b"PK\3\4nothing", b"Iout" + bytes(20)])
def test_no_roi(content: bytes) -> None:
    with pytest.raises(LabelsError, match=r"Received: a\.zip, which cannot be read"):
        read_outlines(content, "a.zip")


def test_a_zip_of_something_else(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("a.tif", b"")
    assert not is_outline_file(tmp_path / "a.zip")
    with pytest.raises(LabelsError, match=r"no file that ends in \.roi"):
        read_outlines(tmp_path / "a.zip")
    with pytest.raises(LabelsError, match="No such file"):
        read_outlines(tmp_path / "b.roi")


def test_outlines_that_do_not_fit_an_image() -> None:
    stored = read_outlines(json.dumps([feature([SQUARE])]).encode(), "a.geojson")
    assert fits_image(stored, (5, 4))
    assert fits_image(stored, (2, 9, 3), "ZYX")  # reaches over the border
    assert not fits_image(stored, (2, 4))
    deep = feature([SQUARE])
    deep["geometry"]["plane"] = {"c": 0, "z": 3, "t": 0}
    stored = read_outlines(json.dumps([deep]).encode(), "a.geojson")
    assert fits_image(stored, (4, 9, 9), "ZYX")
    assert fits_image(stored, (4, 9, 9), "TYX")  # of one stack, whatever its axis is
    assert not fits_image(stored, (9, 9))
    painted = paint_outlines(stored, (9, 9))
    assert painted.notes == (
        "In planes that the image does not have, so left out: object 1.",
    )


def test_an_image_that_is_too_large_to_be_true() -> None:
    far = feature([[[0, 0], [1e9, 0], [1e9, 1e9]]])
    with pytest.raises(LabelsError, match="at most 1,073,741,824 pixels"):
        geojson([far])
    assert geojson([far], shape=(4, 4)).labels.any()


def zipped(*rois: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for number, content in enumerate(rois):
            archive.writestr(f"{number}.roi", content)
    return file.getvalue()


def test_damaged_rois_do_not_stop_the_others() -> None:
    good = roifile.ImagejRoi.frompoints(np.array(SQUARE[:4])).tobytes()
    painted = paint_outlines(read_outlines(zipped(b"x", good, good[:70]), "a.zip"))
    assert set(np.unique(painted.labels)) == {0, 2}
    assert painted.notes == ("Damaged, so left out: objects 1 and 3.",)


@FORMATS
def test_the_axis_of_a_stack_may_have_another_name(
    write: Callable[..., None], file: str, tmp_path: Path
) -> None:
    labels = np.stack([difficult(), np.roll(difficult(), 3, axis=1)])
    write(tmp_path / file, labels, axes="TYX")
    painted = paint_outlines(read_outlines(tmp_path / file), labels.shape, "ZYX")
    np.testing.assert_array_equal(painted.labels, labels)
