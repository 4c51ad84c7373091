"""Labels layers of every kind, saved and opened again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import dask.array as da
import numpy as np
import pytest
import tifffile
from napari.components import ViewerModel
from napari.layers import Labels

from napari_unet_nuclei.core.files.label_records import LabelRecord
from napari_unet_nuclei.core.files.labels import write_labels_tiff
from napari_unet_nuclei.plugin.files.opening import open_paths
from napari_unet_nuclei.plugin.files.writer import write_png, write_tiff
from napari_unet_nuclei.plugin.shared.layer_records import restore_layer

if TYPE_CHECKING:
    from pathlib import Path

# What napari says of a stack that is rotated out of its planes.
pytestmark = pytest.mark.filterwarnings("ignore:Non-orthogonal slicing")

PLANE = np.array([[1, 1, 0, 2], [0, 0, 2, 2], [5, 0, 0, 0]])
STACK = np.stack([PLANE, PLANE[::-1]])
AFFINE = np.array([[1, 0.2, 3], [0, 1, -4], [0, 0, 1]])

LAYERS: dict[str, dict[str, Any]] = {
    "plain": {"data": PLANE},
    "uint8, of napari's own button": {"data": PLANE.astype(np.uint8)},
    "microns": {"data": PLANE, "scale": (0.5, 0.25), "units": ("um", "um")},
    "shifted": {"data": PLANE, "translate": (7, -3.5)},
    "mirrored": {"data": PLANE, "scale": (-1, 2)},
    "rotated": {"data": PLANE, "rotate": 30, "scale": (2, 2)},
    "sheared": {"data": PLANE, "shear": [0.3]},
    "affine": {"data": PLANE, "affine": AFFINE},
    "zyx": {
        "data": STACK,
        "axis_labels": ("z", "y", "x"),
        "scale": (2, 0.5, 0.5),
        "units": ("um", "um", "um"),
        "translate": (10, 0, 0),
    },
    "tyx": {
        "data": STACK,
        "axis_labels": ("t", "y", "x"),
        "scale": (5, 1, 1),
        "units": ("s", "pixel", "pixel"),
    },
    "one plane of a stack": {
        "data": PLANE[np.newaxis],
        "axis_labels": ("z", "y", "x"),
        "translate": (4, 0, 0),
    },
    "transposed": {
        "data": STACK.transpose(1, 2, 0),
        "axis_labels": ("y", "x", "z"),
        "scale": (0.5, 0.5, 2),
    },
    "single channel": {
        "data": STACK[:, np.newaxis],
        "axis_labels": ("t", "c", "y", "x"),
    },
    "odd names": {"data": PLANE, "axis_labels": ("row", "Spalte")},
    "dask": {"data": da.from_array(STACK, chunks=(1, 3, 4)), "scale": (3, 1, 1)},
    "rotated stack": {"data": STACK, "rotate": (10, 20, 30), "affine": np.eye(4) * 1.0},
}


def open_again(path: str) -> Labels:
    viewer = ViewerModel()
    (layer,) = open_paths(viewer, [path])
    assert isinstance(layer, Labels)
    return layer


def assert_same(back: Labels, layer: Labels) -> None:
    data = layer.data[0] if layer.multiscale else layer.data
    np.testing.assert_array_equal(back.data, np.asarray(data))
    for name in ("scale", "translate", "rotate", "shear"):
        np.testing.assert_allclose(getattr(back, name), getattr(layer, name))
    np.testing.assert_allclose(
        back.affine.affine_matrix, layer.affine.affine_matrix, atol=1e-12
    )
    assert back.units == layer.units
    assert back.axis_labels == layer.axis_labels
    assert back.metadata["model"] == "resnet"
    assert list(back.features.columns) == list(layer.features.columns)
    for column in layer.features:
        np.testing.assert_array_equal(
            np.asarray(back.features[column]), np.asarray(layer.features[column])
        )


def features() -> dict[str, Any]:
    return {
        "index": np.arange(6),
        "area": np.array([np.nan, 2, 3, np.nan, np.nan, 1]),
        "class": np.array(["", "round", "long", "", "", "dé"], dtype=object),
    }


@pytest.mark.parametrize("ending", [".tif", ".ome.tif", "_masks.tif"])
@pytest.mark.parametrize("kind", LAYERS)
def test_a_layer_opens_as_it_was_saved(tmp_path: Path, kind: str, ending: str) -> None:
    layer = Labels(
        **LAYERS[kind], features=features(), metadata={"model": "resnet", "at": None}
    )
    data, meta, _ = layer.as_layer_data_tuple()
    (path,) = write_tiff(str(tmp_path / f"cells{ending}"), data, meta)
    assert_same(open_again(path), layer)


@pytest.mark.parametrize(
    "kind", [kind for kind in LAYERS if np.squeeze(LAYERS[kind]["data"]).ndim == 2]
)
def test_so_does_a_png(tmp_path: Path, kind: str) -> None:
    layer = Labels(**LAYERS[kind], features=features(), metadata={"model": "resnet"})
    data, meta, _ = layer.as_layer_data_tuple()
    (path,) = write_png(str(tmp_path / "cells.png"), data, meta)
    assert_same(open_again(path), layer)


def test_of_several_resolutions_the_finest_is_saved(tmp_path: Path) -> None:
    layer = Labels(
        [np.kron(PLANE, np.ones((64, 64), int)), PLANE],
        multiscale=True,
        scale=(0.1, 0.1),
        metadata={"model": "resnet"},
    )
    data, meta, _ = layer.as_layer_data_tuple()
    (path,) = write_tiff(str(tmp_path / "a.tif"), data, meta)
    assert_same(open_again(path), layer)


def test_a_data_set_is_known_again_without_the_list_of_it(tmp_path: Path) -> None:
    metadata = {"sample_id": "b", "data_set": "/data", "sample_ids": ("a", "b")}
    layer = Labels(PLANE, metadata=metadata)
    data, meta, _ = layer.as_layer_data_tuple()
    (path,) = write_tiff(str(tmp_path / "other_masks.tif"), data, meta)
    assert open_again(path).metadata == {"sample_id": "b", "data_set": "/data"}


def test_a_file_of_an_earlier_version_opens(tmp_path: Path) -> None:
    path = tmp_path / "a_masks.tif"
    write_labels_tiff(path, PLANE)
    back = open_again(str(path))
    np.testing.assert_array_equal(back.data, PLANE)
    assert back.metadata == {"sample_id": "a"}
    assert back.features.empty


def test_a_damaged_table_leaves_the_labels(
    tmp_path: Path, notifications: list[str]
) -> None:
    path = tmp_path / "a_masks.tif"
    (written,) = write_tiff(str(path), PLANE, {"features": features()})
    path.write_bytes(path.read_bytes().replace(b'"features"', b'"featvres"'))
    back = open_again(written)
    np.testing.assert_array_equal(back.data, PLANE)
    assert any(
        "a_masks.tif opened without its table." in each for each in notifications
    )


def test_pixels_that_somebody_else_cropped_lie_where_their_header_says(
    tmp_path: Path,
) -> None:
    layer = Labels(STACK, scale=(2, 0.5, 0.5), units=("um", "um", "um"))
    data, meta, _ = layer.as_layer_data_tuple()
    (path,) = write_tiff(str(tmp_path / "a_masks.tif"), data, meta)
    with tifffile.TiffFile(path) as tiff:
        record = tiff.pages.first.tags[65321].value
    tifffile.imwrite(
        path,
        PLANE[:2].astype(np.uint16),
        imagej=True,
        resolution=(4, 4),
        metadata={"unit": "um"},
        extratags=[(65321, "s", 0, record, True)],
    )
    back = open_again(path)
    np.testing.assert_array_equal(back.data, PLANE[:2])
    np.testing.assert_array_equal(back.scale, (0.25, 0.25))


@pytest.mark.parametrize(
    "change",
    [
        {"axes": "QX"},
        {"axes": "XX"},
        {"axes": None},
        {"shape": [3]},
        {"shape": [3, "4"]},
        {"shape": [30, 40]},
        {"scale": [0, 1]},
        {"scale": [1e308, 1]},
        {"scale": [1e-300, 1]},
        {"rotate": [[5, 0], [0, 0]]},
        {"affine": [[0, 0, 0], [0, 0, 0], [0, 0, 0]]},
        {"affine": [[1, 0, 1e99], [0, 1, 0], [0, 0, 1]]},
        {"units": ["parsnip", "um"]},
        {"units": ["", "("]},
        {"scale": [1, 1, 1]},
        {"scale": "large"},
        {"rotate": [[float("nan"), 0], [0, 1]]},
        {"affine": 3},
        {"units": "um"},
        {"axis_labels": ["z", "y", "x"]},
    ],
)
def test_a_place_that_cannot_be_is_left_out(change: dict[str, Any]) -> None:
    layer = {"axes": "YX", "shape": [3, 4], "translate": [1.0, 2.0]} | change
    labels, kwargs = restore_layer(LabelRecord(layer=layer), PLANE)
    np.testing.assert_array_equal(labels, PLANE)
    assert set(kwargs) <= {"translate"}
    Labels(labels, **kwargs)
