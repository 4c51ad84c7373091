from __future__ import annotations

import numpy as np
import pytest
from napari.components import Dims, ViewerModel
from napari.layers import Image

from napari_unet_nuclei.plugin.shared.canvas import (
    show_pixels,
    shown_channel,
    shown_plane,
)

BLANK = np.zeros((4, 5), np.uint8)


def test_grey_and_colour_images_have_no_channel_to_choose() -> None:
    assert shown_channel(Image(BLANK), "YX", Dims(ndim=2)) is None
    colour = Image(np.zeros((4, 5, 3), np.uint8), rgb=True)
    assert shown_channel(colour, "YXC", Dims(ndim=2)) is None


def sliders_at(*point: float) -> Dims:
    """Sliders of a viewer, those of Y and X at 0."""
    dims = Dims(ndim=len(point) + 2, range=[(-9, 999, 0.1)] * (len(point) + 2))
    dims.point = (*point, 0, 0)
    return dims


@pytest.mark.parametrize(("point", "channel"), [(0, 0), (2.1, 1), (99, 2), (-5, 0)])
def test_the_channel_is_the_one_the_slider_shows(point: float, channel: int) -> None:
    layer = Image(np.zeros((3, 4, 5)), scale=(2, 1, 1))
    assert shown_channel(layer, "CYX", sliders_at(point)) == channel


@pytest.mark.parametrize(
    ("shape", "axes", "point", "expected"),
    [
        ((4, 5), "YX", (), ()),
        ((3, 4, 5), "CYX", (1,), ()),
        ((9, 4, 5), "ZYX", (5.8,), (3,)),
        ((9, 4, 5), "ZYX", (77,), (8,)),
        ((9, 4, 5), "ZYX", (3, 5.8), (3,)),  # beside an image of more axes
        ((3, 9, 4, 5), "CZYX", (1, 5.8), (3,)),
        ((4, 9, 4, 5), "TZYX", (6, 5.8), (1, 3)),
        ((9, 3, 4, 5), "ZCYX", (5.8, 1), (3,)),
    ],
)
def test_the_plane_is_the_one_the_sliders_show(
    shape: tuple[int, ...],
    axes: str,
    point: tuple[float, ...],
    expected: tuple[int, ...],
) -> None:
    scale = {"T": 5, "Z": 2, "C": 1, "Y": 1, "X": 1}
    layer = Image(np.zeros(shape), scale=[scale[axis] for axis in axes])
    assert shown_plane(layer, axes, sliders_at(*point)) == expected


def test_planes_of_colour_have_their_channels_behind() -> None:
    layer = Image(np.zeros((9, 4, 5, 3), np.uint8), rgb=True)
    assert shown_plane(layer, "ZYXC", sliders_at(3)) == (3,)


def test_sliders_may_have_other_units_than_the_layer() -> None:
    viewer = ViewerModel()
    units = {unit: {"units": (unit,) * 3, "scale": (4, 1, 1)} for unit in ("um", "nm")}
    layer = viewer.add_image(np.zeros((9, 4, 5)), **units["um"])
    viewer.add_image(np.zeros((9, 4, 5)), **units["nm"])
    if getattr(viewer.dims, "units", None) is None:
        pytest.skip("this napari has no units of the world")
    factor = (1 * layer.units[0]).to(viewer.dims.units[0]).magnitude
    viewer.dims.set_point(0, 12 * factor)
    assert shown_plane(layer, "ZYX", viewer.dims) == (3,)


def test_channels_last_are_shown_as_an_image() -> None:
    viewer = ViewerModel()
    layer = viewer.add_image(np.zeros((40, 50, 3), np.uint16), rgb=False)
    assert viewer.dims.displayed == (1, 2)
    show_pixels(viewer, layer)
    assert viewer.dims.displayed == (0, 1)


@pytest.mark.parametrize(
    ("shape", "order", "has_other"),
    [
        ((40, 50, 3), (1, 2, 0), False),  # the user has turned it
        ((40, 50, 3), (0, 1, 2), True),
        ((3, 40, 50), (0, 1, 2), False),
    ],
)
def test_a_canvas_with_a_reason_is_not_turned(
    shape: tuple[int, ...], order: tuple[int, ...], has_other: bool
) -> None:
    viewer = ViewerModel()
    layer = viewer.add_image(np.zeros(shape, np.uint16), rgb=False)
    if has_other:
        viewer.add_image(np.zeros((40, 50)))
    viewer.dims.order = order
    show_pixels(viewer, layer)
    assert viewer.dims.order == order
