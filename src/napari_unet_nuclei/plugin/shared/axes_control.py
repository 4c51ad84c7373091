"""The field that shows which axes an image has, and can be edited.

What axes mean is in ``axes_choice``, which layer has which in ``layer_axes``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from magicgui.widgets import Container, LineEdit
from magicgui.widgets.bases import Widget

from napari_unet_nuclei.core.errors import ImageError, SettingsError
from napari_unet_nuclei.plugin.shared.axes_text import describe_axes, read_typed_axes
from napari_unet_nuclei.plugin.shared.canvas import chosen_channel, shows_channels
from napari_unet_nuclei.plugin.shared.channel_list import ChannelList
from napari_unet_nuclei.plugin.shared.error_messages import describe_error
from napari_unet_nuclei.plugin.shared.layer_axes import (
    image_axes,
    image_shape,
    remember_axes,
    remember_channel,
    understood_axes,
)
from napari_unet_nuclei.plugin.shared.layer_events import LayerEvents
from napari_unet_nuclei.plugin.shared.status_line import StatusLine
from napari_unet_nuclei.plugin.shared.theme import PROBLEM, mark

if TYPE_CHECKING:
    from collections.abc import Callable

    import napari.viewer
    from napari.layers import Image

    from napari_unet_nuclei.plugin.shared.axes_choice import ChannelChoice
    from napari_unet_nuclei.plugin.shared.layer_choice import LayerChoice

_TOOLTIP = (
    "One letter for each axis of the image: T time, Z depth, C channels, Y, X. Clear "
    "the field to go back to what names and shape say."
)
_MARGINS = (0, 0, 0, 0)


class AxesControl(Container[Widget]):
    """Axes and channel of the chosen image, and what follows from them in words.

    Keeps in step: the field with the axes of the layer, the words with the field and
    with the slider of the channels.  What is chosen is kept with the layer.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
        Whose sliders say which channel is shown.
    image : LayerChoice
        The list in which the image is chosen.
    on_change : callable
        Called after axes or channel have been chosen.
    """

    def __init__(
        self,
        viewer: napari.viewer.Viewer,
        image: LayerChoice,
        on_change: Callable[[], object] = lambda: None,
    ) -> None:
        self._viewer = viewer
        self._image_list = image
        self._on_change = on_change
        self._image: Image | None = None
        self._problem: SettingsError | None = None
        self._is_remembering = False
        self._layer_events = LayerEvents(
            ("data", "axis_labels", "metadata"), self._follow_layer
        )
        self.field = LineEdit(tooltip=_TOOLTIP)
        self.channel = ChannelList()
        self.words = StatusLine()
        row = Container[Widget](
            widgets=[self.field, self.channel], layout="horizontal", labels=False
        )
        row.margins = _MARGINS
        super().__init__(widgets=[row, self.words], labels=False, label="Axes")
        self.tooltip = _TOOLTIP
        self.margins = _MARGINS
        self.native.layout().setSpacing(2)
        self.field.native.setMinimumWidth(70)
        for control in (self.field, self.channel):
            control.native.setMinimumHeight(control.native.sizeHint().height())
        self._connect()
        self.refresh()

    def check(self) -> None:
        """Refuse to go on with axes that do not fit.

        Raises
        ------
        SettingsError
            What is wrong with the text of the field.
        """
        if self._problem is not None:
            raise self._problem

    @property
    def is_doubtful(self) -> bool:
        """Whether the user should look: the axes are guessed, or cannot be used."""
        if self._image is None:
            return False
        try:
            return self._problem is not None or bool(understood_axes(self._image).doubt)
        except ImageError:
            return True

    def refresh(self, *_: Any) -> None:
        """Show axes and channels of the layer that is chosen now."""
        self._image = self._image_list.layer
        self._layer_events.watch(self._image)
        self._problem = None
        self.field.enabled = self._image is not None
        with self.field.changed.blocked():
            if self.field.value != (axes := self._axes() or ""):
                self.field.value = axes
        self.channel.offer(self._image, self._axes())
        self._say()

    def _connect(self) -> None:
        self.field.changed.connect(self._take_typed)
        self.field.native.editingFinished.connect(self._end_typing)
        self.channel.changed.connect(self._take_channel)
        self._image_list.changed.connect(self.refresh)
        for event in self._dims_events:
            event.connect(self._say)
        self.native.destroyed.connect(self._disconnect)

    def _disconnect(self) -> None:
        for event in self._dims_events:
            event.disconnect(self._say)
        self._layer_events.watch(None)

    @property
    def _dims_events(self) -> list[Any]:
        dims = self._viewer.dims.events
        return [dims.point, dims.order, dims.ndisplay]

    def _axes(self) -> str | None:
        """Return the axes of the image, if there is one and they are clear."""
        try:
            return None if self._image is None else image_axes(self._image)
        except ImageError:
            return None

    def _follow_layer(self, *_: Any) -> None:
        if not self._is_remembering:
            self.refresh()
            self._on_change()

    def _take_typed(self, text: str) -> None:
        image, self._problem = self._image, None
        if image is None:
            return
        try:
            axes = (
                read_typed_axes(text, image_shape(image), is_rgb=image.rgb)
                if text.strip()
                else None  # back to what names and shape say
            )
        except SettingsError as error:
            self._problem = error
        else:
            self._remember(remember_axes, image, axes)
            self.channel.offer(image, self._axes())
        self._say()
        self._on_change()

    def _end_typing(self) -> None:
        if self._problem is None:
            self.refresh()

    def _take_channel(self, choice: ChannelChoice | int | None) -> None:
        if self._image is None or choice is None:
            return
        self._remember(remember_channel, self._image, choice)
        self._say()
        self._on_change()

    def _remember(self, keep: Callable[..., object], image: Image, value: Any) -> None:
        """Keep a choice in the metadata of the layer, which announces it at once."""
        self._is_remembering = True
        try:
            keep(image, value)
        finally:
            self._is_remembering = False

    def _say(self, *_: Any) -> None:
        """Say what was understood, or what is wrong."""
        problem: Exception | None = self._problem
        text = ""
        if self._image is not None and problem is None:
            try:
                text = self._describe(self._image)
            except ImageError as error:
                problem = error
        if problem is not None:
            text = describe_error(problem)
        self.words.value = text
        self.words.visible = bool(text)
        for control in (self.words, self.field):
            mark(control.native, PROBLEM, is_set=problem is not None)
        self.field.tooltip = _TOOLTIP if problem is None else text

    def _describe(self, image: Image) -> str:
        understood, dims = understood_axes(image), self._viewer.dims
        axes = understood.axes
        channel = chosen_channel(image, axes, dims)
        text = describe_axes(axes, image_shape(image), channel, is_rgb=image.rgb)
        hints = [understood.doubt.removesuffix(".")] if understood.doubt else []
        if shows_channels(image, axes, dims):
            hints.append(
                "The canvas shows its channels; roll it (Ctrl+E) to see Y and X"
            )
        return f"{'. '.join([text, *hints])}." if hints else text
