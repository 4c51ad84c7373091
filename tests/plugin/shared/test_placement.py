from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from napari.layers import Image, Labels

from napari_unet_nuclei.plugin.shared.placement import (
    annotated_planes,
    labels_axes,
    move_to_plane,
    spatial_kwargs,
)

if TYPE_CHECKING:
    from typing import Any

GREY = np.zeros((16, 20))


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
        ("YXC", False, "YXC"),
        ("ZYXC", False, "ZYXC"),
        ("CXY", False, "XY"),
    ],
)
def test_channels_leave_an_axis_where_labels_would_be_shifted(
    axes: str, is_rgb: bool, expected: str
) -> None:
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
def test_labels_of_a_plane_lie_in_that_plane(
    shape: tuple[Any, ...], axis_labels: str, plane: tuple[int, ...], is_turned: bool
) -> None:
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
def test_labels_of_all_planes_belong_to_no_single_one(
    shape: tuple[int, ...], axis_labels: str, expected: tuple[int, ...]
) -> None:
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
def test_labels_outside_of_the_stack_belong_to_no_plane(
    place: int, expected: tuple[int, ...] | None
) -> None:
    image = Image(np.zeros((9, 16, 20)), scale=(4, 1, 1))
    labels = Labels(np.zeros((1, 16, 20), int), translate=(4 * place, 0, 0))
    assert annotated_planes(image, labels, 1)[1] == expected


@pytest.mark.parametrize("axis_labels", ["cyx", "czyx", "zcyx", "tczyx", "yxc"])
def test_of_labels_in_every_channel_those_of_one_are_taken(axis_labels: str) -> None:
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
def test_labels_are_turned_as_their_image_is_or_as_they_say(
    axis_labels: str, is_named: bool
) -> None:
    image = Image(np.zeros([8] * len(axis_labels)), axis_labels=tuple(axis_labels))
    data = np.random.default_rng(0).integers(0, 9, image.data.shape)
    # Those of this plugin are named, and have Y and X last.
    names = tuple("zyx"[-len(axis_labels) :]) if is_named else None
    array, _ = annotated_planes(image, Labels(data, axis_labels=names), None)
    order = [axis_labels.index(axis) for axis in "zyx"[-len(axis_labels) :]]
    np.testing.assert_array_equal(array, data if is_named else data.transpose(order))


@pytest.mark.parametrize("channel", [None, 2])
def test_labels_painted_in_another_channel_are_not_lost(channel: int | None) -> None:
    # napari's new labels have the channels of their image, and are painted in one.
    image = Image(np.zeros((40, 50, 3)), rgb=False)
    labels = Labels(np.zeros((40, 50, 3), np.uint8))
    labels.data[5, 6, 1] = 7
    array, plane = annotated_planes(image, labels, channel)
    assert array.shape == (40, 50)
    assert array[5, 6] == 7
    assert plane is None


def test_labels_of_other_channels_than_the_image_has_are_left_as_they_are() -> None:
    image = Image(np.zeros((3, 16, 20)), axis_labels=("c", "y", "x"), rgb=False)
    labels = Labels(np.zeros((2, 16, 20), int))
    array, plane = annotated_planes(image, labels, 2)
    assert array.shape == (2, 16, 20)
    assert plane is None


def test_labels_are_copied_at_full_resolution() -> None:
    levels = [np.ones((16, 20), int), np.ones((8, 10), int)]
    array, _ = annotated_planes(Image(GREY), Labels(levels, multiscale=True), None)
    assert array.shape == (16, 20)
    assert not np.shares_memory(array, levels[0])


def placed_image(shape: Any = (4, 3, 16, 20), **kwargs: Any) -> Image:
    return Image(
        np.zeros(shape),
        scale=(9, 1, 0.5, 0.25),
        translate=(1, 2, 3, 4),
        units=("s", "pixel", "um", "um"),
        axis_labels=("t", "c", "y", "x"),
        rgb=False,
        **kwargs,
    )


def test_a_plane_lies_where_the_image_does() -> None:
    layer = placed_image()
    labels = Labels(np.zeros((16, 20), int), **spatial_kwargs(layer, "YX"))
    assert tuple(labels.scale) == (0.5, 0.25)
    assert tuple(labels.translate) == (3, 4)
    assert [str(unit) for unit in labels.units] == ["micrometer", "micrometer"]
    assert labels.axis_labels == ("y", "x")


def test_a_stack_lies_where_the_image_does_without_its_channels() -> None:
    layer = placed_image()
    labels = Labels(np.zeros((4, 16, 20), int), **spatial_kwargs(layer, "TYX"))
    assert tuple(labels.scale) == (9, 0.5, 0.25)
    assert labels.axis_labels == ("t", "y", "x")
    assert str(labels.units[0]) == "second"


def test_the_user_may_know_better_what_the_axes_are() -> None:
    layer = Image(np.zeros((4, 3, 16, 20)), scale=(9, 1, 0.5, 0.25), rgb=False)
    assert tuple(spatial_kwargs(layer, "ZYX")["scale"]) == (1, 0.5, 0.25)
    assert tuple(spatial_kwargs(layer, "ZYX", "zcyx")["scale"]) == (9, 0.5, 0.25)


@pytest.mark.parametrize("axes", [None, "YXC"])
def test_the_axes_of_an_rgb_layer_do_not_count_its_channels(axes: str | None) -> None:
    layer = Image(np.zeros((16, 20, 3), np.uint8), rgb=True, scale=(2, 3))
    kwargs = spatial_kwargs(layer, "YX", axes)
    assert tuple(kwargs["scale"]) == (2, 3)
    assert kwargs["axis_labels"] == layer.axis_labels


def test_turned_and_sheared_images_keep_their_nuclei() -> None:
    affine = np.array([[1, 0, 5], [0.2, 1, 6], [0, 0, 1]])
    layer = Image(
        GREY, scale=(2, 3), rotate=30, shear=[0.3], translate=(7, 8), affine=affine
    )
    labels = Labels(GREY.astype(int), **spatial_kwargs(layer, "YX"))
    for corner in [(0, 0), (15, 3)]:
        np.testing.assert_allclose(
            labels.data_to_world(corner), layer.data_to_world(corner)
        )


def test_a_layer_can_be_put_in_place_later() -> None:
    layer = placed_image(shear=np.eye(4), rotate=np.eye(4))
    labels = Labels(GREY.astype(int))
    for name, value in spatial_kwargs(layer, "YX").items():
        setattr(labels, name, value)
    np.testing.assert_allclose(labels.data_to_world((1, 1)), (3.5, 4.25))
