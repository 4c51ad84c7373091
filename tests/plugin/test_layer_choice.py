from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from napari.components import ViewerModel
from napari.layers import Image, Labels

from napari_unet_nuclei.plugin.layer_choice import (
    LayerChoice,
    shown_channel,
    shown_plane,
)

if TYPE_CHECKING:
    from pytestqt.qtbot import QtBot

BLANK = np.zeros((4, 5), np.uint8)


def test_it_lists_layers_of_one_kind(qtbot: QtBot) -> None:
    viewer = ViewerModel()
    choice = LayerChoice(viewer, Image)
    assert choice.layer is None
    viewer.add_labels(BLANK)
    assert choice.layer is None
    image = viewer.add_image(BLANK, name="cells")
    assert choice.layer is image
    assert choice.current_choice == "cells"
    assert LayerChoice(viewer, Labels).layer is viewer.layers[0]


def test_the_choice_survives_new_renamed_and_removed_layers(qtbot: QtBot) -> None:
    viewer = ViewerModel()
    choice = LayerChoice(viewer, Image)
    first, second = (viewer.add_image(BLANK, name=name) for name in "ab")
    choice.choose(second)
    second.name = "renamed"
    assert choice.layer is second
    assert choice.current_choice == "renamed"
    viewer.add_image(BLANK)
    assert choice.layer is second
    viewer.layers.remove(second)
    assert choice.layer is first


def test_a_destroyed_list_hears_no_more_of_layers(qtbot: QtBot) -> None:
    viewer = ViewerModel()
    choice = LayerChoice(viewer, Image)
    with qtbot.waitSignal(choice.native.destroyed):
        choice.native.deleteLater()
    viewer.add_image(BLANK)


def test_grey_and_colour_images_have_no_channel_to_choose() -> None:
    assert shown_channel(Image(BLANK), "YX", (0, 0)) is None
    colour = Image(np.zeros((4, 5, 3), np.uint8), rgb=True)
    assert shown_channel(colour, "YXC", (0, 0)) is None


@pytest.mark.parametrize(
    ("shape", "axes", "expected"),
    [
        ((4, 5), "YX", None),
        ((3, 4, 5), "CYX", None),
        ((9, 4, 5), "ZYX", (3,)),
        ((2, 9, 3, 4, 5), "TZCYX", (1, 3)),
    ],
)
def test_the_plane_is_the_one_the_sliders_show(
    shape: tuple[int, ...], axes: str, expected: tuple[int, ...] | None
) -> None:
    scale = {"T": 5, "Z": 2, "C": 1, "Y": 1, "X": 1}
    layer = Image(np.zeros(shape), scale=[scale[axis] for axis in axes])
    point = [{"T": 6, "Z": 5.8}.get(axis, 0) for axis in axes]
    assert shown_plane(layer, axes, point) == expected


@pytest.mark.parametrize(("point", "channel"), [(0, 0), (2.1, 1), (99, 2), (-5, 0)])
def test_the_channel_is_the_one_the_slider_shows(point: float, channel: int) -> None:
    layer = Image(np.zeros((3, 4, 5)), scale=(2, 1, 1))
    assert shown_channel(layer, "CYX", (point, 0, 0)) == channel
