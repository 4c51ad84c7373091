from __future__ import annotations

from typing import TYPE_CHECKING

import dask.array as da
import numpy as np
import pytest
from napari.components import ViewerModel
from napari.layers import Image, Labels
from npe2 import PluginManifest

from napari_unet_nuclei.core.errors import ImageError, LabelsError
from napari_unet_nuclei.plugin.shared.layers import (
    foreign_columns,
    found_features,
    image_array,
    labels_array,
    labels_features,
    labels_layer_metadata,
    layer_calibration,
    set_features,
)

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any

    from numpy.typing import NDArray

GREY = np.zeros((16, 20))


@pytest.mark.parametrize(
    ("shape", "labels", "axes"),
    [
        ((16, 20), None, "YX"),
        ((5, 16, 20), None, "ZYX"),
        ((2, 5, 16, 20), None, "TZYX"),
        ((5, 16, 20), ("t", "-2", "-1"), "TYX"),
        ((5, 16, 20), ("Time", "y", "x"), "TYX"),
        ((5, 16, 20), ("z", "row", "column"), "ZYX"),
        ((3, 16, 20), ("c", "y", "x"), "CYX"),
        ((16, 20, 5), ("y", "x", "channel"), "YXC"),
        ((2, 5, 3, 16, 20), ("t", "z", "c", "y", "x"), "TZCYX"),
        ((5, 16, 20), ("position", "y", "x"), "ZYX"),
        # What contradicts itself is no help.
        ((5, 16, 20), ("y", "y", "x"), "ZYX"),
        ((16, 20), ("z", "x"), "YX"),
    ],
)
def test_axes_come_from_names_then_from_positions(
    shape: tuple[Any, ...], labels: tuple[Any, ...] | None, axes: str
) -> None:
    layer = Image(np.zeros(shape), axis_labels=labels, rgb=False)
    pixels, found = image_array(layer)
    assert pixels is layer.data
    assert found == axes


@pytest.mark.parametrize(
    ("shape", "axes"), [((16, 20, 3), "YXC"), ((5, 16, 20, 4), "ZYXC")]
)
def test_the_channels_of_an_rgb_layer_are_the_last_axis(
    shape: tuple[int, ...], axes: str
) -> None:
    pixels, found = image_array(Image(np.zeros(shape, np.uint8), rgb=True))
    assert pixels.shape == shape
    assert found == axes


def test_three_columns_are_no_channels_when_the_layer_says_so() -> None:
    assert image_array(Image(np.zeros((16, 20, 3)), rgb=False))[1] == "ZYX"


@pytest.mark.parametrize(
    "layer",
    [
        Image(np.zeros((2, 2, 2, 16, 20)), name="five"),
        Image(np.zeros((2, 16, 20, 3)), rgb=True, axis_labels="cyx", name="five"),
    ],
)
def test_axes_that_could_be_anything_are_named(layer: Image) -> None:
    with pytest.raises(ImageError, match=r"Received: 'five' .* in the layer's axis_la"):
        image_array(layer)


def test_of_a_multiscale_layer_the_finest_level_is_taken() -> None:
    layer = Image([np.zeros((16, 20)), np.zeros((8, 10))], multiscale=True)
    assert image_array(layer)[0].shape == (16, 20)


def test_a_dask_array_is_not_computed() -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise AssertionError

    lazy = da.map_blocks(fail, chunks=((1, 1), (8,), (8,)), dtype=float)
    layer = Image(lazy, contrast_limits=(0, 1), visible=False)
    assert image_array(layer)[0] is lazy


def test_labels_remember_the_sample() -> None:
    metadata = {"sample_id": "a", "data_set": "/data", "sample_ids": ("a", "b")}
    layer = Image(GREY, name="image", metadata=metadata)
    expected = {"sample_id": "a", "image": "image", "data_set": "/data", "model": "m"}
    expected["image_id"] = str(layer.unique_id)
    assert labels_layer_metadata(layer, model="m") == expected


def test_labels_remember_the_file(npe2pm: Any, tmp_path: Path) -> None:
    path = str(tmp_path / "cells.1.npy")
    np.save(path, GREY)
    npe2pm.register(PluginManifest.from_distribution("napari"))
    (layer,) = ViewerModel().open(path, plugin="napari")
    expected = {"sample_id": "cells.1", "image": layer.name, "image_path": path}
    expected["image_id"] = str(layer.unique_id)
    assert labels_layer_metadata(layer) == expected


def test_labels_remember_at_least_the_name() -> None:
    layer = Image(GREY, name="drawn")
    expected = {"sample_id": "drawn", "image": "drawn"}
    expected["image_id"] = str(layer.unique_id)
    assert labels_layer_metadata(layer) == expected


def features(label: list[Any]) -> dict[str, NDArray[Any]]:
    label = np.asarray(label, np.int32)
    return {
        "label": label,
        "area": label * 10,
        "probability": label / 100,
        "is_touching": label > 1,
    }


@pytest.mark.parametrize(("numbers", "rows"), [([1, 2, 4], 5), ([7, 2**31 - 1], 2)])
def test_the_status_bar_shows_the_features_of_the_nucleus(
    numbers: list[int], rows: int
) -> None:
    data = np.array([[0, *numbers]], np.int32)
    layer = Labels(data, features=labels_features(features(numbers)))
    assert len(layer.features) == rows
    for column, number in enumerate(numbers, start=1):
        status = layer.get_status((0, column))["value"]
        assert str(number) in status
        assert f"is_touching: {number > 1}" in status
    assert "area" not in layer.get_status((0, 0))["value"]


def test_row_n_is_label_n_for_the_features_table() -> None:
    table = labels_features(features([1, 3]))
    assert "index" not in table
    np.testing.assert_array_equal(table["area"], [np.nan, 10, np.nan, 30])
    assert table["is_touching"].tolist() == [None, False, None, True]


@pytest.mark.parametrize(
    ("numbers", "index", "n_rows"),
    [
        ([1, 2, 5], None, 6),
        ([1, 2, 6, 9], list(range(10)), 10),
        ([1, 2, 20_000], [1, 2, 20_000], 3),
        ([-1000, -1, 2], [-1000, -1, 2], 3),
    ],
    ids=["few gaps", "more gaps than nuclei", "far apart", "below 0"],
)
def test_the_labels_are_named_where_rows_are_empty(
    numbers: list[int], index: list[int] | None, n_rows: int
) -> None:
    table = labels_features(features(numbers))
    assert len(table["area"]) == n_rows
    assert (table["index"].tolist() if "index" in table else None) == index


def test_the_first_column_is_called_what_it_is() -> None:
    layer = Labels(GREY.astype(int))
    set_features(layer, features([1, 2]))
    assert layer.features.to_csv().splitlines()[0].split(",")[:2] == ["label", "area"]


def test_columns_of_others_follow_their_labels() -> None:
    layer = Labels(GREY.astype(int))
    set_features(layer, features([1, 2, 3]))
    layer.features = layer.features.assign(
        kind=["", "a", "b", "c"], n=[0, 1, 2, 3], score=[0, 0.1, 0.2, 0.3]
    )
    assert foreign_columns(layer, features([1])) == ["kind", "n", "score"]
    for numbers in ([1, 3], [1, 3, 20_000], [1, 3, 4]):
        set_features(layer, features(numbers))
        table = layer.features
        rows = table.set_index("index") if "index" in table else table
        assert rows["kind"][[1, 3]].tolist() == ["a", "c"]
        assert rows["n"][[1, 3]].tolist() == [1, 3]
        assert rows["score"][[1, 3]].tolist() == [0.1, 0.3]
    assert np.isnan(rows["n"][4])


def test_a_column_of_an_earlier_table_of_ours_is_nobody_elses() -> None:
    layer = Labels(np.zeros((4, 4), np.uint8))
    set_features(layer, features([1]) | {"z": np.array([2.0])})
    set_features(layer, features([1]) | {"t": np.array([2.0])})
    assert "z" not in layer.features
    assert not foreign_columns(layer, features([1]))
    layer.features = layer.features.assign(z=[0.0, 2.0])
    assert not foreign_columns(layer, features([1]))


def test_features_are_found_again() -> None:
    layer = Labels(GREY.astype(int))
    assert found_features(layer) is None
    measured = {"label": np.array([1, 4]), "area": np.array([3, 5])}
    measured |= {"centroid_y": np.array([1.0, 2]), "centroid_x": np.array([0.5, 2])}
    set_features(layer, measured)
    found = found_features(layer)
    assert list(found) == list(measured)
    for name, column in measured.items():
        np.testing.assert_array_equal(found[name], column)


def test_without_nuclei_only_the_background_is_left() -> None:
    table = labels_features(features([]))
    np.testing.assert_array_equal(table["area"], [np.nan])
    assert len(Labels(GREY.astype(int), features=table).features) == 1


@pytest.mark.parametrize(
    ("data", "meta", "shape", "axes"),
    [
        ([[1, 2]], {}, (1, 2), "YX"),
        (np.ones((2, 3, 4), int), {"axis_labels": ("t", "y", "x")}, (2, 3, 4), "TYX"),
        ([np.ones((4, 4)), np.ones((2, 2))], {"multiscale": True}, (4, 4), "YX"),
        (da.ones((2, 3), dtype=int), {"multiscale": False}, (2, 3), "YX"),
    ],
)
def test_writers_get_plain_labels(
    data: Any, meta: dict[Any, Any], shape: tuple[int, ...], axes: str
) -> None:
    labels, found = labels_array(data, meta)
    assert isinstance(labels, np.ndarray)
    assert labels.shape == shape
    assert found == axes


@pytest.mark.parametrize(
    ("shape", "labels"), [((4,), None), ((1,) * 5, None), ((4, 4), ("z", "y", "x"))]
)
def test_labels_with_axes_that_nobody_knows_are_refused(
    shape: tuple[Any, ...], labels: tuple[str, ...] | None
) -> None:
    with pytest.raises(LabelsError, match=r"the axes Y and X, .* Received: shape \("):
        labels_array(np.ones(shape, int), {"axis_labels": labels})


@pytest.mark.parametrize(
    ("meta", "axes", "sizes", "units"),
    [
        ({}, "YX", {}, (None, None)),
        ({"scale": (2, -3)}, "YX", {"Y": 2, "X": 3}, (None, None)),
        ({"scale": (2, 3), "units": "µm"}, "YX", {"Y": 2, "X": 3}, ("um", None)),
        (
            {"scale": (2, 3), "units": ("Å", "Å")},
            "YX",
            {"Y": 2, "X": 3},
            ("angstrom", None),
        ),
        (
            {"scale": (2, 3), "units": ("nm", "nm")},
            "YX",
            {"Y": 2, "X": 3},
            ("nm", None),
        ),
        (
            {"scale": (9, 2, 3), "units": ("s", "mm", "mm")},
            "TYX",
            {"Y": 2, "X": 3, "T": 9},
            ("mm", "s"),
        ),
        (
            {"scale": (900, 2, 3), "units": ("nm", "um", "um")},
            "ZYX",
            {"Z": 0.9, "Y": 2, "X": 3},
            ("um", None),
        ),
        (
            {"scale": (9, 1, 1), "units": ("s", "pixel", "pixel")},
            "TYX",
            {"Y": 1, "X": 1, "T": 9},
            (None, "s"),
        ),
        ({"scale": (5, 1, 1)}, "CYX", {"Y": 1, "X": 1}, (None, None)),
    ],
)
def test_pixel_sizes_are_those_in_the_unit_of_the_plane(
    meta: dict[Any, Any], axes: str, sizes: dict[Any, Any], units: tuple[Any, ...]
) -> None:
    calibration = layer_calibration(meta, axes)
    assert calibration.sizes == sizes
    assert (calibration.unit, calibration.time_unit) == units


def test_the_pixel_size_of_a_layer() -> None:
    layer = Labels(GREY.astype(int), scale=(0.5, 0.25), units=("um", "um"))
    _, meta, _ = layer.as_layer_data_tuple()
    calibration = layer_calibration(meta, "YX")
    assert (calibration.sizes, calibration.unit) == ({"Y": 0.5, "X": 0.25}, "um")


def test_a_layer_without_units_has_none() -> None:
    _, meta, _ = Labels(GREY.astype(int)).as_layer_data_tuple()
    calibration = layer_calibration(meta, "YX")
    assert (calibration.sizes, calibration.unit) == ({"Y": 1, "X": 1}, None)
