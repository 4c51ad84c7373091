from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from napari.layers import Image

from napari_unet_nuclei.plugin.shared.axes_choice import ChannelChoice
from napari_unet_nuclei.plugin.shared.channel_list import ChannelList
from napari_unet_nuclei.plugin.shared.layer_axes import remember_channel

if TYPE_CHECKING:
    from pytestqt.qtbot import QtBot


@pytest.fixture
def channels(qtbot: QtBot) -> ChannelList:
    channels = ChannelList()
    qtbot.addWidget(channels.native)
    return channels


def image(*shape: int) -> Image:
    return Image(np.zeros(shape, np.uint8), rgb=False)


def test_the_channel_of_the_image_is_selected_without_a_signal(
    channels: ChannelList,
) -> None:
    heard: list[object] = []
    channels.changed.connect(heard.append)
    two = image(2, 40, 50)
    remember_channel(two, 1)
    channels.offer(two, "CYX")
    assert channels.value == 1
    assert list(channels.choices) == [ChannelChoice.SHOWN, 0, 1]
    channels.offer(image(3, 40, 50), "CYX")
    assert channels.value is ChannelChoice.SHOWN
    assert ChannelChoice.COLOURS in channels.choices
    assert heard == []


@pytest.mark.parametrize(
    ("shape", "axes"), [((12, 40, 50), "ZYX"), ((1, 40, 50), "CYX"), ((40, 50), None)]
)
def test_without_a_choice_the_list_is_hidden(
    channels: ChannelList, shape: tuple[int, ...], axes: str | None
) -> None:
    channels.native.show()
    channels.offer(image(3, 40, 50), "CYX")
    assert channels.visible
    channels.offer(image(*shape), axes)
    assert not channels.visible
