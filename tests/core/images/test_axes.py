from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import dask.array as da
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_unet_nuclei.core import hardware
from napari_unet_nuclei.core.errors import ImageError, SettingsError
from napari_unet_nuclei.core.images.axes import (
    KNOWN_AXES,
    PlaneStack,
    check_axes,
    guess_axes,
    leading_axes,
)

if TYPE_CHECKING:
    from typing import Any

SIZES = {"T": 2, "Z": 5, "C": 3, "Y": 6, "X": 7}


def test_axes_come_out_in_capitals() -> None:
    assert check_axes("zYx", 3) == "ZYX"
    assert check_axes("yx") == "YX"


@pytest.mark.parametrize("axes", ["", "ZY", "X", "YXX", "YXQ", "YX "])
def test_axes_that_make_no_sense_are_refused(axes: str) -> None:
    with pytest.raises(SettingsError, match=f"different letters.*axes='{axes}'"):
        check_axes(axes)


def test_samples_are_channels() -> None:
    assert check_axes("YXS", 3) == "YXC"
    image = np.random.default_rng(0).random((6, 7, 3))
    np.testing.assert_array_equal(PlaneStack(image, "YXS").single_plane(), image)
    with pytest.raises(SettingsError, match=r"C or S, not .*axes='CYXS'"):
        check_axes("CYXS")


@pytest.mark.parametrize("shape", [(1, 6, 7), (1, 1, 6, 7), (1, 6, 7, 3), (1, 1, 6, 1)])
@pytest.mark.parametrize("channel", [None, 0])
@pytest.mark.parametrize("is_lazy", [False, True])
def test_single_axes_before_an_image_are_no_question(
    shape: tuple[int, ...], channel: int | None, is_lazy: bool
) -> None:
    image = np.random.default_rng(0).random(shape)
    stack = PlaneStack(da.from_array(image) if is_lazy else image, channel=channel)
    assert stack.axes == "YX"
    assert stack.leading_shape == ()
    expected = image.reshape([n for n in shape[:-2] if n > 1] + list(shape[-2:]))
    if expected.shape[-1] in (1, 3) and channel is not None:
        expected = expected[..., 0]
    np.testing.assert_array_equal(stack.single_plane().squeeze(), expected.squeeze())


@pytest.mark.parametrize("path", ["a.tif", b"a.tif", Path("a.tif")])
def test_a_path_is_no_image(path: Path | bytes | str) -> None:
    with pytest.raises(ImageError, match=r"Received: the path 'a\.tif'. Read"):
        PlaneStack(path)


def test_every_axis_of_the_image_must_be_named() -> None:
    with pytest.raises(SettingsError, match=r"each of the 4 axes.*axes='ZYX'"):
        check_axes("ZYX", 4)
    with pytest.raises(SettingsError, match=r"each of the 2 axes.*axes='ZYX'"):
        PlaneStack(np.zeros((4, 5)), "ZYX")


@pytest.mark.parametrize(
    ("shape", "axes"),
    [((6, 7), "YX"), ((6, 7, 1), "YXC"), ((6, 7, 3), "YXC"), ((6, 7, 4), "YXC")],
)
def test_images_without_axes_are_understood(shape: tuple[int, ...], axes: str) -> None:
    assert guess_axes(shape) == axes


@pytest.mark.parametrize(
    ("axes", "leading"), [("YX", ""), ("CYX", ""), ("TCZYX", "TZ"), ("YZXC", "Z")]
)
def test_planes_follow_each_other_along_neither_channels_nor_y_nor_x(
    axes: str, leading: str
) -> None:
    assert leading_axes(axes) == leading


@pytest.mark.parametrize("shape", [(), (7,), (6, 7, 2), (5, 6, 7), (2, 6, 7, 3)])
def test_ambiguous_shapes_are_refused(shape: tuple[Any, ...]) -> None:
    with pytest.raises(ImageError, match="name its axes"):
        guess_axes(shape)
    with pytest.raises(ImageError, match="name its axes"):
        PlaneStack(np.zeros(shape))


@given(
    chosen=st.sets(st.sampled_from("TZC")),
    order=st.permutations(KNOWN_AXES),
    lower=st.booleans(),
)
@settings(max_examples=60, deadline=None)
def test_any_order_of_the_axes_gives_the_same_planes(
    chosen: Any, order: Any, lower: Any
) -> None:
    standard = [axis for axis in "TZYXC" if axis in chosen | {"Y", "X"}]
    image = np.arange(np.prod([SIZES[axis] for axis in standard])).reshape(
        [SIZES[axis] for axis in standard]
    )
    axes = [axis for axis in order if axis in standard]
    moved = image.transpose([standard.index(axis) for axis in axes])
    text = "".join(axes)
    stack = PlaneStack(moved, text.lower() if lower else text)
    leading = tuple(SIZES[axis] for axis in standard if axis in "TZ")
    # Time comes before depth only if it does so in the image.
    if "T" in axes and "Z" in axes and axes.index("Z") < axes.index("T"):
        leading = leading[::-1]
        image = image.swapaxes(0, 1)
    assert stack.leading_shape == leading
    assert stack.plane_shape == (SIZES["Y"], SIZES["X"])
    assert len(stack) == np.prod(leading)
    expected = image.reshape(-1, *image.shape[len(leading) :])
    np.testing.assert_array_equal(np.stack(list(stack)), expected)


def test_planes_are_views() -> None:
    image = np.zeros((2, 3, 4, 5))
    for stack in PlaneStack(image, "CZYX", channel=1), PlaneStack(image[0], "ZYX"):
        assert all(np.shares_memory(image, plane) for plane in stack)


@pytest.mark.parametrize("channel", [0, 1])
def test_one_channel_can_be_chosen(channel: int) -> None:
    image = np.random.default_rng(0).random((2, 6, 7))
    stack = PlaneStack(image, "CYX", channel)
    assert len(stack) == 1
    assert stack.leading_shape == ()
    np.testing.assert_array_equal(stack.single_plane(), image[channel])


def test_too_many_channels_need_a_choice() -> None:
    with pytest.raises(ImageError, match=r"has 2 channels.*channel=0 … 1"):
        PlaneStack(np.zeros((2, 6, 7)), "CYX")


@pytest.mark.parametrize(
    ("axes", "channel", "largest"), [("CYX", 2, 1), ("CYX", -1, 1), ("ZYX", 1, 0)]
)
def test_a_channel_that_is_not_there_is_refused(
    axes: str, channel: int, largest: int
) -> None:
    with pytest.raises(SettingsError, match=f"between 0 and {largest}.*{channel}"):
        PlaneStack(np.zeros((2, 6, 7)), axes, channel)


def test_the_only_channel_of_a_grey_image_can_be_chosen() -> None:
    assert PlaneStack(np.zeros((6, 7)), channel=0).plane_shape == (6, 7)


def test_a_stack_is_no_single_plane() -> None:
    image = np.zeros((2, 6, 7))
    assert PlaneStack(image[:1], "ZYX").single_plane().shape == (6, 7)
    advice = "only TIFF holds stacks, .* leave out the other formats"
    with pytest.raises(ImageError, match=rf"single 2-D image.*\(2, 6, 7\); {advice}"):
        PlaneStack(image, "ZYX").single_plane()


def test_an_empty_stack_has_no_planes() -> None:
    stack = PlaneStack(np.zeros((0, 6, 7)), "TYX")
    assert len(stack) == 0
    assert list(stack) == []


@pytest.mark.parametrize(("axes", "channel"), [("ZCYX", 1), ("YXZC", 0), ("CZXY", 2)])
@pytest.mark.parametrize("is_scarce", [False, True])
def test_arrays_that_are_read_as_they_are_indexed(
    axes: str, channel: int, is_scarce: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if is_scarce:
        monkeypatch.setattr(hardware, "free_memory", lambda: 0)
    image = np.random.default_rng(0).random([SIZES[axis] for axis in axes])
    stack = PlaneStack(da.from_array(image, chunks=2), axes, channel)
    expected = np.moveaxis(image, [axes.index(axis) for axis in "ZCYX"], range(4))
    np.testing.assert_array_equal(list(stack), expected[:, channel])
    plane = PlaneStack(da.from_array(expected[0, 0], chunks=2)).single_plane()
    np.testing.assert_array_equal(plane, expected[0, 0])


@pytest.mark.parametrize(("axes", "channel"), [("ZCYX", 1), ("YXZC", None), ("TYX", 0)])
def test_one_plane_alone(axes: str, channel: int | None) -> None:
    image = np.random.default_rng(0).random([SIZES[axis] for axis in axes])
    for array in image, da.from_array(image, chunks=2):
        stack = PlaneStack(array, axes, channel)
        (only,) = stack.only((1,))
        np.testing.assert_array_equal(only, stack.plane((1,)))


def test_an_array_of_unknown_size_is_read_at_once() -> None:
    some = da.from_array(np.arange(12.0).reshape(4, 3), chunks=2)
    unknown = some[some[:, 0] > 2]
    assert PlaneStack(unknown).plane_shape == (3, 3)


def test_nested_lists_are_images_too() -> None:
    assert PlaneStack([[0, 1, 2], [3, 4, 5]]).plane_shape == (2, 3)
