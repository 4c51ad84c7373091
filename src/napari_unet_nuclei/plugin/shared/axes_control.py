"""The field that shows what the axes of an image were taken for, and can be edited.

What axes mean is known in ``axes_choice``, whose they are in ``layer_axes``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from magicgui.widgets import ComboBox, Container, LineEdit
from magicgui.widgets.bases import Widget

from napari_unet_nuclei.core.errors import ImageError, SettingsError
from napari_unet_nuclei.plugin.shared.axes_choice import (
    ChannelChoice,
    UnderstoodAxes,
    can_be_colours,
    describe_axes,
    n_channels,
    read_typed_axes,
)
from napari_unet_nuclei.plugin.shared.canvas import chosen_channel, shows_channels
from napari_unet_nuclei.plugin.shared.layer_axes import (
    channel_choice,
    image_shape,
    remember_axes,
    remember_channel,
    understood_axes,
)
from napari_unet_nuclei.plugin.shared.status_line import StatusLine
from napari_unet_nuclei.plugin.shared.theme import PROBLEM, mark
from napari_unet_nuclei.plugin.shared.wording import describe_error

if TYPE_CHECKING:
    from collections.abc import Callable

    import napari.viewer
    from napari.layers import Image

    from napari_unet_nuclei.plugin.shared.layer_choice import LayerChoice

_TOOLTIP = (
    "One letter for each axis of the image: T time, Z depth, C channels, Y, X. Clear "
    "it to go back to what names and shape say."
)
_SHOWN = "channel shown"
_COLOURS = "all, as colours"


class AxesControl(Container[Widget]):
    """Axes and channel of the chosen image, and in words what they come to.

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
        self._watched: Image | None = None
        self._problem: SettingsError | None = None
        self._is_filling = False
        self.field = LineEdit(tooltip=_TOOLTIP)
        self.channel = ComboBox(
            choices=[(_SHOWN, ChannelChoice.SHOWN)],
            tooltip="The channel with the nuclei; goes with the slider unless one is "
            "chosen here",
            visible=False,
        )
        self.words = StatusLine()
        row = Container[Widget](
            widgets=[self.field, self.channel], layout="horizontal", labels=False
        )
        row.margins = (0, 0, 0, 0)
        super().__init__(widgets=[row, self.words], labels=False, label="Axes")
        self.tooltip = _TOOLTIP
        self.margins = (0, 0, 0, 0)
        self.native.layout().setSpacing(2)
        self.field.native.setMinimumWidth(70)
        for control in (self.field, self.channel):
            control.native.setMinimumHeight(control.native.sizeHint().height())
        self.field.changed.connect(self._take_typed)
        self.field.native.editingFinished.connect(self._end_typing)
        self.channel.changed.connect(self._take_channel)
        image.changed.connect(self.refresh)
        for event in self._events:
            event.connect(self._say)
        self.native.destroyed.connect(self._disconnect)
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

    def refresh(self, *_: Any) -> None:
        """Show axes and channels of the layer that is chosen now."""
        self._watch(self._image_list.layer)
        self._problem = None
        self.field.enabled = self._watched is not None
        understood = self._understood
        axes = "" if understood is None else understood.axes
        if self.field.value != axes:
            self._keep(lambda: setattr(self.field, "value", axes))
        self._offer_channels()
        self._say()

    @property
    def _events(self) -> list[Any]:
        dims = self._viewer.dims.events
        return [dims.point, dims.order, dims.ndisplay]

    @property
    def _understood(self) -> UnderstoodAxes | None:
        if self._watched is None:
            return None
        try:
            return understood_axes(self._watched)
        except ImageError:
            return None

    def _watch(self, image: Image | None) -> None:
        """Hear of the layer that is shown here, and of no other."""
        if _id(image) == _id(self._watched):
            return
        for layer, connect in ((self._watched, False), (image, True)):
            if layer is not None:
                for event in _layer_events(layer):
                    if connect:
                        event.connect(self._refresh_unless_typing)
                    else:
                        event.disconnect(self._refresh_unless_typing)
        self._watched = image

    def _disconnect(self) -> None:
        for event in self._events:
            event.disconnect(self._say)
        self._watch(None)

    def _refresh_unless_typing(self, *_: Any) -> None:
        if not self._is_filling:
            self.refresh()
            self._on_change()

    def _take_typed(self, text: str) -> None:
        image = self._watched
        if image is None or self._is_filling:
            return
        self._problem = None
        try:
            axes = (
                read_typed_axes(text, image_shape(image), is_rgb=image.rgb)
                if text.strip()
                else None  # back to what was understood without a word
            )
        except SettingsError as error:
            self._problem = error
        else:
            self._keep(lambda: remember_axes(image, axes))
            self._offer_channels()
        self._say()
        self._on_change()

    def _end_typing(self) -> None:
        if self._problem is None:
            self.refresh()

    def _take_channel(self, choice: ChannelChoice | int | None) -> None:
        image = self._watched
        if image is None or choice is None or self._is_filling:
            return
        self._keep(lambda: remember_channel(image, choice))
        self._say()
        self._on_change()

    def _keep(self, remember: Callable[[], object]) -> None:
        self._is_filling = True
        try:
            remember()
        finally:
            self._is_filling = False

    def _offer_channels(self) -> None:
        image, understood = self._watched, self._understood
        choices: list[tuple[str, ChannelChoice | int]] = []
        if image is not None and understood is not None and not image.rgb:
            n = n_channels(understood.axes, image_shape(image))
            if n > 1:
                choices = [(_SHOWN, ChannelChoice.SHOWN)]
                choices += [(_COLOURS, ChannelChoice.COLOURS)] * can_be_colours(n)
                choices += [(f"channel {each + 1}", each) for each in range(n)]
        self.channel.visible = bool(choices)
        if image is None or understood is None or not choices:
            return
        axes = understood.axes

        def fill() -> None:
            self.channel.native.clear()  # or new entries would come last
            self.channel.choices = choices
            self.channel.value = channel_choice(image, axes)

        self._keep(fill)

    def _say(self, *_: Any) -> None:
        """Say what was understood, or what is wrong."""
        image, text = self._watched, ""
        problem: Exception | None = self._problem
        if image is not None and problem is None:
            try:
                text = self._describe(image)
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
        understood = understood_axes(image)
        channel = chosen_channel(image, understood.axes, self._viewer.dims)
        axes, dims = understood.axes, self._viewer.dims
        text = describe_axes(axes, image_shape(image), channel, is_rgb=image.rgb)
        said = [text, understood.doubt.removesuffix(".")]
        if shows_channels(image, axes, dims):
            said.append(
                "The canvas shows its channels; roll it (Ctrl+E) to see Y and X"
            )
        said = [each for each in said if each]
        return text if len(said) == 1 else f"{'. '.join(said)}."


def _id(layer: Image | None) -> Any:
    """Tell layers apart; napari hands plugins a new proxy at every look."""
    return None if layer is None else layer.unique_id


def _layer_events(layer: Image) -> tuple[Any, ...]:
    events = layer.events
    return events.data, events.axis_labels, events.metadata
