"""Buttons at the lower end of the segment widget, for what is done now and then."""

from __future__ import annotations

from typing import TYPE_CHECKING

from magicgui.widgets import Container, PushButton

if TYPE_CHECKING:
    from collections.abc import Callable


class ToolButtons(Container[PushButton]):
    """*Show maps* and *Copy as command*, sharing the width.

    Parameters
    ----------
    on_maps, on_copy : callable
        Called when one is pressed.
    """

    def __init__(
        self, on_maps: Callable[[], object], on_copy: Callable[[], object]
    ) -> None:
        self.maps = PushButton(
            text="Show maps",
            tooltip="Show what the model makes of the image, as layers: where nuclei "
            "are, where they touch, and how deep inside one each pixel lies",
        )
        self.copy = PushButton(
            text="Copy as command",
            tooltip="Copy the command line that does the same without napari",
        )
        super().__init__(
            widgets=[self.maps, self.copy], layout="horizontal", labels=False
        )
        self.margins = (0, 0, 0, 0)
        self.maps.changed.connect(lambda: on_maps())
        self.copy.changed.connect(lambda: on_copy())
