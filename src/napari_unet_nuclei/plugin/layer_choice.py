"""What the user points at: a layer in a drop-down list, a channel on the canvas.

What the pixels and axes of a layer mean is known to ``layers``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from magicgui.widgets import ComboBox

if TYPE_CHECKING:
    from collections.abc import Sequence

    import napari.viewer
    from napari.layers import Image, Layer


class LayerChoice(ComboBox):
    """Keeps in step with the layer list; a renamed layer stays chosen.

    magicgui's own layer list works only inside a window.  Layers are told apart
    by their ids, because napari hands plugins a new proxy at every look.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
        Whose layers to list.
    layer_type : type
        Kind of layer, such as ``napari.layers.Image``.
    **kwargs
        Options of every magicgui widget: ``label``, ``tooltip``, …
    """

    def __init__(
        self, viewer: napari.viewer.Viewer, layer_type: type[Layer], **kwargs: Any
    ) -> None:
        self._viewer = viewer
        self._layer_type = layer_type
        super().__init__(
            choices=lambda _: [(layer.name, layer.unique_id) for layer in self._layers],
            **kwargs,
        )
        for event in self._layer_events:
            event.connect(self.reset_choices)
        self.native.destroyed.connect(self._disconnect)

    @property
    def layer(self) -> Layer | None:
        """The chosen layer, if there is one."""
        for layer in self._layers:
            if layer.unique_id == self.value:
                return layer
        return None

    @property
    def _layers(self) -> list[Layer]:
        return [
            layer
            for layer in self._viewer.layers
            if isinstance(layer, self._layer_type)
        ]

    @property
    def _layer_events(self) -> list[Any]:
        events = self._viewer.layers.events
        return [events.inserted, events.removed, events.reordered, events.renamed]

    def _disconnect(self) -> None:
        for event in self._layer_events:
            event.disconnect(self.reset_choices)

    def choose(self, layer: Layer) -> None:
        """Choose a layer that is in the list."""
        self.value = layer.unique_id

    def reset_choices(self, *_: Any) -> None:
        """List the layers anew and keep the choice."""
        before = self.value
        super().reset_choices()
        if before in self.choices and self.value != before:
            self.value = before


def shown_channel(layer: Image, axes: str, point: Sequence[float]) -> int | None:
    """Return the channel of an image that the viewer shows.

    Parameters
    ----------
    layer : napari.layers.Image
        The image.
    axes : str
        Its axes, as ``layers.image_array`` returns them.
    point : sequence of float
        Where the viewer's sliders are, in world coordinates.

    Returns
    -------
    int or None
        The channel, from 0; ``None`` for a grey or RGB image.
    """
    if layer.rgb or "C" not in axes:
        return None
    return _shown_index(layer, axes.index("C"), point)


def shown_plane(
    layer: Image, axes: str, point: Sequence[float]
) -> tuple[int, ...] | None:
    """Return which plane of a stack the viewer shows.

    Parameters
    ----------
    layer : napari.layers.Image
        The image.
    axes : str
        Its axes, as ``layers.image_array`` returns them.
    point : sequence of float
        Where the viewer's sliders are, in world coordinates.

    Returns
    -------
    tuple of int, or None
        Its place along each axis before Y and X, channels left out; ``None`` for an
        image of a single plane.
    """
    leading = [index for index, axis in enumerate(axes) if axis not in "CYX"]
    return tuple(_shown_index(layer, index, point) for index in leading) or None


def _shown_index(layer: Image, axis: int, point: Sequence[float]) -> int:
    position = round(float(layer.world_to_data(point)[axis]))
    return int(np.clip(position, 0, layer.data.shape[axis] - 1))
