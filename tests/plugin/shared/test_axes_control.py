"""The field of axes on a viewer without a window."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from napari.components import ViewerModel
from napari.layers import Image

from napari_unet_nuclei.core.errors import SettingsError
from napari_unet_nuclei.plugin.shared.axes_choice import ChannelChoice
from napari_unet_nuclei.plugin.shared.axes_control import AxesControl
from napari_unet_nuclei.plugin.shared.canvas import chosen_channel
from napari_unet_nuclei.plugin.shared.layer_axes import image_axes
from napari_unet_nuclei.plugin.shared.layer_choice import LayerChoice
from napari_unet_nuclei.plugin.shared.theme import PROBLEM

if TYPE_CHECKING:
    from pytestqt.qtbot import QtBot


class Scene:
    """A viewer, a list of its images, the field and what a user does with it."""

    def __init__(self, qtbot: QtBot) -> None:
        self.viewer = ViewerModel()
        self.images = LayerChoice(self.viewer, Image)
        self.n_changes = 0
        self.axes = AxesControl(self.viewer, self.images, self._count)
        self._qtbot = qtbot
        qtbot.addWidget(self.images.native)
        qtbot.addWidget(self.axes.native)

    def _count(self) -> None:
        self.n_changes += 1

    def add(self, *shape: int, **kwargs: Any) -> Any:
        return self.viewer.add_image(np.zeros(shape, np.uint8), rgb=False, **kwargs)

    def type(self, text: str) -> None:
        field = self.axes.field.native
        field.clear()
        self._qtbot.keyClicks(field, text)

    @property
    def words(self) -> str:
        return str(self.axes.words.value)

    @property
    def is_coloured(self) -> bool:
        return bool(self.axes.field.native.property(PROBLEM))


@pytest.fixture
def scene(qtbot: QtBot) -> Scene:
    return Scene(qtbot)


def test_without_an_image_there_is_nothing_to_say(scene: Scene) -> None:
    assert (scene.axes.field.value, scene.words) == ("", "")
    assert not scene.axes.field.enabled
    image = scene.add(40, 50)
    assert scene.axes.field.enabled
    scene.viewer.layers.remove(image)
    assert (scene.axes.field.value, scene.words) == ("", "")


def test_what_was_understood_is_shown(scene: Scene) -> None:
    scene.add(12, 40, 50)
    assert scene.axes.field.value == "ZYX"
    assert scene.words == "ZYX, 12 planes of 40 × 50 px"


def test_a_doubt_is_said(scene: Scene) -> None:
    scene.add(3, 40, 50)
    assert scene.words.endswith("write CYX if the axis of length 3 holds channels.")


def test_what_is_typed_counts_at_each_letter(scene: Scene) -> None:
    image = scene.add(3, 40, 50)
    scene.type("c")
    assert scene.is_coloured
    assert "Received: 1, C" in scene.words
    assert scene.axes.field.tooltip == scene.words
    with pytest.raises(SettingsError, match="Received: 1, C"):
        scene.axes.check()
    scene._qtbot.keyClicks(scene.axes.field.native, "yx")
    assert not scene.is_coloured
    assert scene.words == "CYX, 40 × 50 px; channel 2 of 3"
    assert image_axes(image) == "CYX"
    scene.axes.check()
    assert scene.n_changes >= 3


def test_an_empty_field_goes_back_to_what_the_image_says(scene: Scene) -> None:
    image = scene.add(12, 40, 50)
    scene.type("tyx")
    assert image_axes(image) == "TYX"
    scene.axes.field.native.clear()
    assert image_axes(image) == "ZYX"
    assert not scene.is_coloured
    scene.axes.field.native.editingFinished.emit()
    assert scene.axes.field.value == "ZYX"


def test_each_layer_keeps_its_axes(scene: Scene) -> None:
    first, second = scene.add(12, 40, 50), scene.add(12, 40, 50)
    scene.images.choose(first)
    scene.type("tyx")
    scene.images.choose(second)
    assert scene.axes.field.value == "ZYX"
    scene.images.choose(first)
    assert scene.axes.field.value == "TYX"
    assert first.metadata == {"nuclei_axes": "TYX"}


def test_axes_that_fit_no_more_are_forgotten(scene: Scene) -> None:
    image = scene.add(12, 40, 50)
    scene.type("tyx")
    image.data = np.zeros((40, 50), np.uint8)
    assert scene.words == "YX, 40 × 50 px"
    image.data = np.zeros((2, 2, 2, 8, 8), np.uint8)
    assert "Name them in the field Axes" in scene.words
    assert scene.is_coloured
    scene.type("tczyx")
    assert scene.words.startswith("TCZYX, 2 time points of 2 planes of 8 × 8 px")


def test_names_given_in_napari_are_shown(scene: Scene) -> None:
    image = scene.add(12, 40, 50)
    image.axis_labels = ("t", "y", "x")
    assert scene.words == "TYX, 12 time points of 40 × 50 px"


def test_the_channel_goes_with_the_slider_until_one_is_chosen(scene: Scene) -> None:
    image = scene.add(3, 12, 40, 50, axis_labels=tuple("czyx"))
    assert scene.words.endswith("; channel 2 of 3")  # napari shows the middle
    scene.viewer.dims.set_point(0, 2)
    assert scene.words.endswith("; channel 3 of 3")
    scene.axes.channel.value = 0
    assert scene.words.endswith("; channel 1 of 3")
    scene.viewer.dims.set_point(0, 1)
    assert chosen_channel(image, "CZYX", scene.viewer.dims) == 0
    scene.axes.channel.value = ChannelChoice.COLOURS
    assert scene.words.endswith("; 3 channels as colours")
    assert chosen_channel(image, "CZYX", scene.viewer.dims) is None
    scene.axes.channel.value = ChannelChoice.SHOWN
    assert scene.words.endswith("; channel 2 of 3")


def test_only_what_has_channels_offers_them(scene: Scene) -> None:
    scene.axes.native.show()
    scene.add(12, 40, 50)
    assert not scene.axes.channel.visible
    scene.type("cyx")
    assert scene.axes.channel.visible
    texts = [scene.axes.channel.native.itemText(index) for index in range(3)]
    assert texts == ["channel shown", "channel 1", "channel 2"]  # 12 are no colours
    scene.viewer.layers.clear()
    scene.viewer.add_image(np.zeros((40, 50, 3), np.uint8), rgb=True)
    assert not scene.axes.channel.visible


def test_a_canvas_that_shows_channels_is_told(scene: Scene) -> None:
    scene.add(40, 50, 3)
    hint = "The canvas shows its channels; roll it (Ctrl+E) to see Y and X."
    assert scene.words == f"YXC, 40 × 50 px; 3 channels as colours. {hint}"
    scene.viewer.dims.order = (2, 0, 1)
    assert hint not in scene.words
    scene.viewer.dims.order = (0, 1, 2)
    assert hint in scene.words
    scene.viewer.dims.ndisplay = 3
    assert hint not in scene.words


def test_two_fields_of_one_layer_agree(scene: Scene, qtbot: QtBot) -> None:
    scene.add(3, 40, 50)
    other = AxesControl(scene.viewer, scene.images)
    qtbot.addWidget(other.native)
    scene.type("cyx")
    assert other.field.value == "CYX"
    other.channel.value = 2
    assert scene.axes.channel.value == 2


def test_a_destroyed_field_hears_no_more(scene: Scene, qtbot: QtBot) -> None:
    image = scene.add(3, 40, 50)
    other = AxesControl(scene.viewer, scene.images)
    with qtbot.waitSignal(other.native.destroyed):
        other.native.deleteLater()
    image.axis_labels = tuple("cyx")
    scene.viewer.dims.set_point(0, 2)


@pytest.mark.parametrize("kept", ["green", -1, 3, [1], None])
def test_a_channel_that_there_is_not_is_the_one_shown(scene: Scene, kept: Any) -> None:
    image = scene.add(3, 40, 50, axis_labels=("c", "y", "x"))
    image.metadata = {"nuclei_channel": kept}
    assert scene.words.endswith("; channel 2 of 3")
