from __future__ import annotations

import dask.array as da
import numpy as np
import pytest
from napari.components import ViewerModel
from napari.layers import Image, Labels
from npe2 import PluginManifest

from napari_unet_nuclei.core.errors import ImageError, LabelsError
from napari_unet_nuclei.plugin.layers import (
    annotated_planes,
    image_array,
    labels_array,
    labels_axes,
    labels_features,
    labels_layer_metadata,
    move_to_plane,
    pixel_size,
    spatial_kwargs,
)

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
def test_axes_come_from_names_then_from_positions(shape, labels, axes):
    layer = Image(np.zeros(shape), axis_labels=labels, rgb=False)
    pixels, found = image_array(layer)
    assert pixels is layer.data
    assert found == axes


@pytest.mark.parametrize(
    ("shape", "axes"), [((16, 20, 3), "YXC"), ((5, 16, 20, 4), "ZYXC")]
)
def test_the_channels_of_an_rgb_layer_are_the_last_axis(shape, axes):
    pixels, found = image_array(Image(np.zeros(shape, np.uint8), rgb=True))
    assert pixels.shape == shape
    assert found == axes


def test_three_columns_are_no_channels_when_the_layer_says_so():
    assert image_array(Image(np.zeros((16, 20, 3)), rgb=False))[1] == "ZYX"


@pytest.mark.parametrize(
    "layer",
    [
        Image(np.zeros((2, 2, 2, 16, 20)), name="five"),
        Image(np.zeros((2, 16, 20, 3)), rgb=True, axis_labels="cyx", name="five"),
    ],
)
def test_axes_that_could_be_anything_are_named(layer):
    with pytest.raises(ImageError, match=r"Received: 'five' .* in the layer's axis_la"):
        image_array(layer)


def test_of_a_multiscale_layer_the_finest_level_is_taken():
    layer = Image([np.zeros((16, 20)), np.zeros((8, 10))], multiscale=True)
    assert image_array(layer)[0].shape == (16, 20)


def test_a_dask_array_is_not_computed():
    def fail(*_, **__):
        raise AssertionError

    lazy = da.map_blocks(fail, chunks=((1, 1), (8,), (8,)), dtype=float)
    layer = Image(lazy, contrast_limits=(0, 1), visible=False)
    assert image_array(layer)[0] is lazy


@pytest.mark.parametrize(
    ("axes", "is_rgb", "expected"),
    [
        ("YX", False, "YX"),
        ("YXC", True, "YX"),
        ("ZYXC", True, "ZYX"),
        ("CYX", False, "YX"),
        ("CZYX", False, "ZYX"),
        ("ZCYX", False, "ZCYX"),
        ("TCZYX", False, "TCZYX"),
        ("YXC", False, "YX"),
    ],
)
def test_channels_leave_an_axis_where_labels_would_be_shifted(axes, is_rgb, expected):
    assert labels_axes(axes, is_rgb=is_rgb) == expected


@pytest.mark.parametrize("is_turned", [False, True])
@pytest.mark.parametrize(
    ("shape", "axis_labels", "plane"),
    [
        ((4, 16, 20), "zyx", (3,)),
        ((3, 4, 16, 20), "czyx", (2,)),
        ((4, 3, 16, 20), "zcyx", (2,)),
        ((2, 4, 3, 16, 20), "tzcyx", (1, 2)),
    ],
)
def test_labels_of_a_plane_lie_in_that_plane(shape, axis_labels, plane, is_turned):
    n_axes = len(shape)
    image = Image(
        np.zeros(shape),
        axis_labels=tuple(axis_labels),
        scale=np.linspace(3, 0.5, n_axes),
        translate=np.arange(n_axes) + 7.5,
    )
    if is_turned:
        turned = np.eye(n_axes)
        turned[-2:, -2:] = [[0.8, -0.6], [0.6, 0.8]]
        image.rotate = turned
    axes = labels_axes(axis_labels.upper(), is_rgb=False)
    place = dict(zip("tz"[-len(plane) :], plane, strict=True)) | {"c": 1}
    kwargs = move_to_plane(
        spatial_kwargs(image, axes), [place[axis] for axis in axes[:-2].lower()]
    )
    labels = Labels(np.zeros((*(1 for _ in axes[:-2]), 16, 20), int), **kwargs)
    array, found = annotated_planes(image, labels, 1)
    assert found == plane
    assert array.shape == (*(1 for _ in plane), 16, 20)
    # napari aligns the last axes: a pixel lies where that of the image does.
    in_image = [(place | {"y": 5, "x": 6})[axis] for axis in axis_labels]
    in_labels = labels.world_to_data(image.data_to_world(in_image)[-labels.ndim :])
    np.testing.assert_allclose(in_labels, [*(0 for _ in axes[:-2]), 5, 6], atol=1e-9)


@pytest.mark.parametrize(
    ("shape", "axis_labels", "expected"),
    [
        ((4, 16, 20), "zyx", (4, 16, 20)),
        ((4, 1, 16, 20), "zcyx", (4, 16, 20)),
        ((16, 20), "yx", (16, 20)),
    ],
)
def test_labels_of_all_planes_belong_to_no_single_one(shape, axis_labels, expected):
    n_channels = 3 if "c" in axis_labels else 1
    size = [
        n_channels if axis == "c" else n
        for axis, n in zip(axis_labels, shape, strict=True)
    ]
    image = Image(np.zeros(size), axis_labels=tuple(axis_labels), rgb=False)
    array, plane = annotated_planes(image, Labels(np.zeros(shape, int)), None)
    assert array.shape == expected
    assert plane is None


@pytest.mark.parametrize(("place", "expected"), [(0, (0,)), (8, (8,)), (9, None)])
def test_labels_outside_of_the_stack_belong_to_no_plane(place, expected):
    image = Image(np.zeros((9, 16, 20)), scale=(4, 1, 1))
    labels = Labels(np.zeros((1, 16, 20), int), translate=(4 * place, 0, 0))
    assert annotated_planes(image, labels, 1)[1] == expected


@pytest.mark.parametrize("axis_labels", ["cyx", "czyx", "zcyx", "tczyx", "yxc"])
def test_of_labels_in_every_channel_those_of_one_are_taken(axis_labels):
    sizes = {"t": 2, "z": 4, "c": 3, "y": 16, "x": 20}
    image = Image(
        np.zeros([sizes[axis] for axis in axis_labels]),
        axis_labels=tuple(axis_labels),
        rgb=False,
    )
    labels = Labels(np.random.default_rng(0).integers(0, 9, image.data.shape))
    array, plane = annotated_planes(image, labels, 2)
    expected = np.moveaxis(labels.data, axis_labels.index("c"), 0)[2]
    np.testing.assert_array_equal(array, expected)
    assert plane is None


@pytest.mark.parametrize("axis_labels", ["xy", "yxz", "zxy"])
@pytest.mark.parametrize("is_named", [False, True])
def test_labels_are_turned_as_their_image_is_or_as_they_say(axis_labels, is_named):
    image = Image(np.zeros([8] * len(axis_labels)), axis_labels=tuple(axis_labels))
    data = np.random.default_rng(0).integers(0, 9, image.data.shape)
    # Those of this plugin are named, and have Y and X last.
    names = tuple("zyx"[-len(axis_labels) :]) if is_named else None
    array, _ = annotated_planes(image, Labels(data, axis_labels=names), None)
    order = [axis_labels.index(axis) for axis in "zyx"[-len(axis_labels) :]]
    np.testing.assert_array_equal(array, data if is_named else data.transpose(order))


def test_labels_of_other_channels_than_the_image_has_are_left_as_they_are():
    image = Image(np.zeros((3, 16, 20)), axis_labels=("c", "y", "x"), rgb=False)
    labels = Labels(np.zeros((2, 16, 20), int))
    array, plane = annotated_planes(image, labels, 2)
    assert array.shape == (2, 16, 20)
    assert plane is None


def test_labels_are_copied_at_full_resolution():
    levels = [np.ones((16, 20), int), np.ones((8, 10), int)]
    array, _ = annotated_planes(Image(GREY), Labels(levels, multiscale=True), None)
    assert array.shape == (16, 20)
    assert not np.shares_memory(array, levels[0])


def placed_image(shape=(4, 3, 16, 20), **kwargs):
    return Image(
        np.zeros(shape),
        scale=(9, 1, 0.5, 0.25),
        translate=(1, 2, 3, 4),
        units=("s", "pixel", "um", "um"),
        axis_labels=("t", "c", "y", "x"),
        rgb=False,
        **kwargs,
    )


def test_a_plane_lies_where_the_image_does():
    layer = placed_image()
    labels = Labels(np.zeros((16, 20), int), **spatial_kwargs(layer, "YX"))
    assert tuple(labels.scale) == (0.5, 0.25)
    assert tuple(labels.translate) == (3, 4)
    assert [str(unit) for unit in labels.units] == ["micrometer", "micrometer"]
    assert labels.axis_labels == ("y", "x")


def test_a_stack_lies_where_the_image_does_without_its_channels():
    layer = placed_image()
    labels = Labels(np.zeros((4, 16, 20), int), **spatial_kwargs(layer, "TYX"))
    assert tuple(labels.scale) == (9, 0.5, 0.25)
    assert labels.axis_labels == ("t", "y", "x")
    assert str(labels.units[0]) == "second"


def test_the_user_may_know_better_what_the_axes_are():
    layer = Image(np.zeros((4, 3, 16, 20)), scale=(9, 1, 0.5, 0.25), rgb=False)
    assert tuple(spatial_kwargs(layer, "ZYX")["scale"]) == (1, 0.5, 0.25)
    assert tuple(spatial_kwargs(layer, "ZYX", "zcyx")["scale"]) == (9, 0.5, 0.25)


@pytest.mark.parametrize("axes", [None, "YXC"])
def test_the_axes_of_an_rgb_layer_do_not_count_its_channels(axes):
    layer = Image(np.zeros((16, 20, 3), np.uint8), rgb=True, scale=(2, 3))
    kwargs = spatial_kwargs(layer, "YX", axes)
    assert tuple(kwargs["scale"]) == (2, 3)
    assert kwargs["axis_labels"] == layer.axis_labels


def test_turned_and_sheared_images_keep_their_nuclei():
    affine = np.array([[1, 0, 5], [0.2, 1, 6], [0, 0, 1]])
    layer = Image(
        GREY, scale=(2, 3), rotate=30, shear=[0.3], translate=(7, 8), affine=affine
    )
    labels = Labels(GREY.astype(int), **spatial_kwargs(layer, "YX"))
    for corner in [(0, 0), (15, 3)]:
        np.testing.assert_allclose(
            labels.data_to_world(corner), layer.data_to_world(corner)
        )


def test_a_layer_can_be_put_in_place_later():
    layer = placed_image(shear=np.eye(4), rotate=np.eye(4))
    labels = Labels(GREY.astype(int))
    for name, value in spatial_kwargs(layer, "YX").items():
        setattr(labels, name, value)
    np.testing.assert_allclose(labels.data_to_world((1, 1)), (3.5, 4.25))


def test_labels_remember_the_sample():
    metadata = {"sample_id": "a", "data_set": "/data", "sample_ids": ("a", "b")}
    layer = Image(GREY, name="image", metadata=metadata)
    expected = {"sample_id": "a", "image": "image", "data_set": "/data", "model": "m"}
    assert labels_layer_metadata(layer, model="m") == expected


def test_labels_remember_the_file(npe2pm, tmp_path):
    path = str(tmp_path / "cells.1.npy")
    np.save(path, GREY)
    npe2pm.register(PluginManifest.from_distribution("napari"))
    (layer,) = ViewerModel().open(path, plugin="napari")
    expected = {"sample_id": "cells.1", "image": layer.name, "image_path": path}
    assert labels_layer_metadata(layer) == expected


def test_labels_remember_at_least_the_name():
    layer = Image(GREY, name="drawn")
    assert labels_layer_metadata(layer) == {"sample_id": "drawn", "image": "drawn"}


def features(label):
    label = np.asarray(label, np.int32)
    return {
        "label": label,
        "area": label * 10,
        "probability": label / 100,
        "is_touching": label > 1,
    }


@pytest.mark.parametrize(("numbers", "rows"), [([1, 2, 4], 5), ([7, 2**31 - 1], 3)])
def test_the_status_bar_shows_the_features_of_the_nucleus(numbers, rows):
    data = np.array([[0, *numbers]], np.int32)
    layer = Labels(data, features=labels_features(features(numbers)))
    assert len(layer.features) == rows
    for column, number in enumerate(numbers, start=1):
        status = layer.get_status((0, column))["value"]
        assert str(number) in status
        assert f"is_touching: {number > 1}" in status
    assert "area" not in layer.get_status((0, 0))["value"]


def test_row_n_is_label_n_for_the_features_table():
    table = labels_features(features([1, 3]))
    np.testing.assert_array_equal(table["index"], [0, 1, 2, 3])
    np.testing.assert_array_equal(table["area"], [np.nan, 10, np.nan, 30])
    assert table["is_touching"].tolist() == [None, False, None, True]


def test_without_nuclei_only_the_background_is_left():
    table = labels_features(features([]))
    assert table["index"].tolist() == [0]
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
def test_writers_get_plain_labels(data, meta, shape, axes):
    labels, found = labels_array(data, meta)
    assert isinstance(labels, np.ndarray)
    assert labels.shape == shape
    assert found == axes


@pytest.mark.parametrize(
    ("shape", "labels"), [((4,), None), ((1,) * 5, None), ((4, 4), ("z", "y", "x"))]
)
def test_labels_with_axes_that_nobody_knows_are_refused(shape, labels):
    with pytest.raises(LabelsError, match=r"the axes Y and X, .* Received: shape \("):
        labels_array(np.ones(shape, int), {"axis_labels": labels})


@pytest.mark.parametrize(
    ("meta", "axes", "expected"),
    [
        ({}, "YX", ({}, None)),
        ({"scale": (2, -3)}, "YX", ({"Y": 2, "X": 3}, None)),
        ({"scale": (2, 3), "units": "µm"}, "YX", ({"Y": 2, "X": 3}, "um")),
        ({"scale": (2, 3), "units": ("Å", "Å")}, "YX", ({"Y": 2, "X": 3}, None)),
        ({"scale": (2, 3), "units": ("nm", "nm")}, "YX", ({"Y": 2, "X": 3}, "nm")),
        (
            {"scale": (9, 2, 3), "units": ("s", "mm", "mm")},
            "TYX",
            ({"Y": 2, "X": 3}, "mm"),
        ),
    ],
)
def test_pixel_sizes_are_those_in_the_unit_of_the_plane(meta, axes, expected):
    assert pixel_size(meta, axes) == expected


def test_the_pixel_size_of_a_layer():
    layer = Labels(GREY.astype(int), scale=(0.5, 0.25), units=("um", "um"))
    _, meta, _ = layer.as_layer_data_tuple()
    assert pixel_size(meta, "YX") == ({"Y": 0.5, "X": 0.25}, "um")


def test_a_layer_without_units_has_none():
    _, meta, _ = Labels(GREY.astype(int)).as_layer_data_tuple()
    assert pixel_size(meta, "YX") == ({"Y": 1, "X": 1}, None)
