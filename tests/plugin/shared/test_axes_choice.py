from __future__ import annotations

import doctest
from typing import TYPE_CHECKING

import pytest

from napari_unet_nuclei.plugin.shared import axes_choice
from napari_unet_nuclei.plugin.shared.axes_choice import (
    ChannelChoice,
    default_channel,
    understand_axes,
)

if TYPE_CHECKING:
    from typing import Any


def no_names(shape: tuple[int, ...]) -> list[str]:
    """Names that napari gives axes nobody has named."""
    return [str(index - len(shape)) for index in range(len(shape))]


@pytest.mark.parametrize(
    ("shape", "axes", "doubt"),
    [
        ((40, 50), "YX", ""),
        ((12, 40, 50), "ZYX", ""),
        ((7, 12, 40, 50), "TZYX", ""),
        # Channels last, which napari does not call colours for their type.
        ((40, 50, 1), "YXC", ""),
        ((40, 50, 3), "YXC", ""),
        ((40, 50, 4), "YXC", ""),
        ((12, 40, 50, 3), "ZYXC", ""),
        ((7, 12, 40, 50, 3), "TZYXC", ""),
        ((40, 50, 5), "YXC", "read as 5 channels"),
        ((40, 50, 6), "ZYX", ""),
        ((16, 20, 3), "ZYX", ""),  # as small as this, napari sees no colours either
        # Short axes first may be planes or channels.
        ((3, 40, 50), "ZYX", "write CYX if the axis of length 3 holds channels"),
        ((2, 12, 40, 50), "TZYX", "write CZYX if the axis of length 2 holds channels"),
        ((12, 3, 40, 50), "TZYX", "write ZCYX if the axis of length 3 holds channels"),
        (
            (2, 3, 40, 50),
            "TZYX",
            "CZYX if the axis of length 2 holds channels or ZCYX if the axis of length "
            "3 holds channels",
        ),
        ((1, 40, 50), "ZYX", ""),
        # Of five axes, one of length 1 can be left out.
        ((7, 12, 1, 40, 50), "TZCYX", ""),
        ((7, 1, 12, 40, 50), "TCZYX", ""),
        ((1, 7, 12, 40, 50), "CTZYX", ""),
    ],
)
def test_axes_without_names_are_told_by_their_lengths(
    shape: tuple[Any, ...], axes: str, doubt: str
) -> None:
    understood = understand_axes(no_names(shape), shape)
    assert understood is not None
    assert understood.axes == axes
    assert doubt in understood.doubt
    assert bool(doubt) == bool(understood.doubt)


def test_five_long_axes_could_be_anything() -> None:
    shape = (7, 2, 12, 40, 50)
    assert understand_axes(no_names(shape), shape) is None


@pytest.mark.parametrize(
    ("labels", "shape", "axes"),
    [
        ("zyx", (40, 50, 3), "ZYX"),
        ("yxc", (40, 50, 9), "YXC"),
        ("cyx", (3, 40, 50), "CYX"),
        (("Time", "-2", "-1"), (3, 40, 50), "TYX"),
    ],
)
def test_names_leave_no_doubt(
    labels: str | tuple[str, ...], shape: tuple[int, ...], axes: str
) -> None:
    understood = understand_axes(list(labels), shape)
    assert (understood.axes, understood.doubt) == (axes, "")


def test_one_axis_without_a_name_may_still_be_channels() -> None:
    understood = understand_axes(["-3", "y", "x"], (3, 40, 50))
    assert understood.axes == "ZYX"
    assert "write CYX" in understood.doubt
    understood = understand_axes(["z", "-3", "y", "x"], (12, 3, 40, 50))
    assert "write ZCYX" in understood.doubt


@pytest.mark.parametrize(
    ("axes", "shape", "expected"),
    [
        ("YXC", (40, 50, 3), ChannelChoice.COLOURS),
        ("YXC", (40, 50, 5), ChannelChoice.SHOWN),
        ("CYX", (3, 40, 50), ChannelChoice.SHOWN),
    ],
)
def test_channels_behind_the_pixels_are_colours(
    axes: str, shape: tuple[int, ...], expected: ChannelChoice
) -> None:
    assert default_channel(axes, shape) is expected


def test_the_examples_are_right() -> None:
    assert doctest.testmod(axes_choice).failed == 0
