from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from napari.components import ViewerModel
from napari.layers import Image, Labels

from napari_unet_nuclei.plugin.shared.layer_choice import LayerChoice

if TYPE_CHECKING:
    from napari.layers import Layer
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


class Following:
    """A list of images that follows the active layer, and whether it holds still."""

    def __init__(self) -> None:
        self.viewer = ViewerModel()
        self.is_running = False
        self.choice = LayerChoice(self.viewer, Image)
        self.choice.follow(self.image_of, unless=lambda: self.is_running)

    def image_of(self, layer: Layer) -> Layer | None:
        name = layer.name.removesuffix(" nuclei")
        return next((each for each in self.viewer.layers if each.name == name), None)

    def activate(self, name: str) -> None:
        self.viewer.layers.selection.active = self.viewer.layers[name]

    @property
    def name(self) -> str:
        return str(self.choice.current_choice)


@pytest.fixture
def following(qtbot: QtBot) -> Following:
    scene = Following()
    for name in ("a", "b", "c"):
        scene.viewer.add_image(BLANK, name=name)
    return scene


def test_it_begins_with_the_active_image(qtbot: QtBot) -> None:
    viewer = ViewerModel()
    viewer.add_image(BLANK, name="a")
    viewer.add_image(BLANK, name="b")
    choice = LayerChoice(viewer, Image)
    choice.follow(lambda _: None)
    assert choice.current_choice == "b"


def test_it_follows_the_active_layer(following: Following) -> None:
    assert following.name == "c"
    following.activate("a")
    assert following.name == "a"
    following.viewer.add_labels(BLANK, name="b nuclei")
    assert following.name == "b"
    following.viewer.add_labels(BLANK, name="anything")
    assert following.name == "b"


def test_none_or_several_active_layers_leave_it_as_it_is(following: Following) -> None:
    layers = following.viewer.layers
    following.activate("a")
    layers.selection = {layers["b"], layers["c"]}
    assert following.name == "a"
    layers.selection.active = None
    assert following.name == "a"
    layers["a"].visible = False
    layers["a"].name = "renamed"
    assert following.name == "renamed"


@pytest.mark.parametrize("is_clicked", [False, True])
def test_what_the_user_chooses_in_it_stays(
    following: Following, is_clicked: bool
) -> None:
    layers = following.viewer.layers
    if is_clicked:
        following.choice.native.setCurrentIndex(0)
    else:
        following.choice.choose(layers["a"])
    following.viewer.add_labels(BLANK, name="b nuclei")
    assert following.name == "a"
    # Nobody has asked for what napari activates because it is new.
    following.viewer.add_image(BLANK, name="new")
    assert following.name == "a"
    following.activate("b")
    assert following.name == "b"
    following.activate("c")
    assert following.name == "c"


def test_it_follows_again_after_the_users_choice_is_gone(following: Following) -> None:
    layers = following.viewer.layers
    following.choice.choose(layers["a"])
    layers.remove(layers["a"])
    assert following.name == "c"
    following.activate("b")
    assert following.name == "b"


def test_it_holds_still_during_a_run_and_catches_up(following: Following) -> None:
    following.is_running = True
    following.activate("a")
    assert following.name == "c"
    following.is_running = False
    assert following.name == "c"
    following.choice.catch_up()
    assert following.name == "a"


def test_there_is_nothing_to_catch_up_after_a_choice(following: Following) -> None:
    layers = following.viewer.layers
    following.is_running = True
    following.activate("a")
    following.choice.choose(layers["b"])
    following.is_running = False
    following.choice.catch_up()
    assert following.name == "b"


def test_a_change_is_told_once(following: Following) -> None:
    told: list[object] = []
    following.choice.changed.connect(told.append)
    following.viewer.layers["a"].name = "renamed"
    assert told == []
    following.activate("b")
    assert len(told) == 1


def test_two_lists_follow_for_themselves(following: Following, qtbot: QtBot) -> None:
    layers = following.viewer.layers
    other = LayerChoice(following.viewer, Image)
    other.follow(lambda _: None)
    following.choice.choose(layers["a"])
    assert (following.name, other.current_choice) == ("a", "c")
    with qtbot.waitSignal(other.native.destroyed):
        other.native.deleteLater()
    following.activate("b")
    assert following.name == "b"
