"""The drop-down list of the channels of an image.

Which channel is chosen is kept in ``layer_axes``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from magicgui.widgets import ComboBox

from napari_unet_nuclei.plugin.shared.axes_choice import (
    ChannelChoice,
    can_be_colours,
    n_channels,
)
from napari_unet_nuclei.plugin.shared.layer_axes import channel_choice, image_shape

if TYPE_CHECKING:
    from napari.layers import Image

_SHOWN = ("channel shown", ChannelChoice.SHOWN)
_COLOURS = ("all, as colours", ChannelChoice.COLOURS)


class ChannelList(ComboBox):
    """Lists the channels of an image; hidden where there is nothing to choose."""

    def __init__(self) -> None:
        super().__init__(
            choices=[_SHOWN],
            tooltip="The channel with the nuclei: the one the slider shows, unless you "
            "choose one here",
            visible=False,
        )

    def offer(self, image: Image | None, axes: str | None) -> None:
        """List the channels of an image, without a signal, and select its own.

        Parameters
        ----------
        image : napari.layers.Image, optional
            The image, if one is chosen.
        axes : str, optional
            Its axes, if they are known.
        """
        if image is None or axes is None:
            self.visible = False
            return
        choices = _channels_of(image, axes)
        self.visible = bool(choices)
        if choices:
            with self.changed.blocked():
                self.native.clear()  # or new entries would come last
                self.choices = choices
                self.value = channel_choice(image, axes)


def _channels_of(image: Image, axes: str) -> list[tuple[str, ChannelChoice | int]]:
    n = 0 if image.rgb else n_channels(axes, image_shape(image))
    if n < 2:
        return []
    colours = [_COLOURS] if can_be_colours(n) else []
    channels = [(f"channel {index + 1}", index) for index in range(n)]
    return [_SHOWN, *colours, *channels]
