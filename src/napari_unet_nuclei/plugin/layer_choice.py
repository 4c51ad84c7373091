"""What the user points at: a layer in a drop-down list, a channel on the canvas.

What the pixels and axes of a layer mean is known to ``layers``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from magicgui.widgets import ComboBox

if TYPE_CHECKING:
    import napari.viewer
    from napari.components import Dims
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


def shown_channel(layer: Image, axes: str, dims: Dims) -> int | None:
    """Return the channel of an image that the viewer shows.

    Parameters
    ----------
    layer : napari.layers.Image
        The image.
    axes : str
        Its axes, as ``layers.image_array`` returns them.
    dims : napari.components.Dims
        The viewer's sliders.

    Returns
    -------
    int or None
        The channel, from 0; ``None`` for a grey or RGB image.
    """
    if layer.rgb or "C" not in axes:
        return None
    return _shown_indices(layer, dims)[axes.index("C")]


def shown_plane(layer: Image, axes: str, dims: Dims) -> tuple[int, ...]:
    """Return which plane of a stack the viewer shows.

    Parameters
    ----------
    layer : napari.layers.Image
        The image.
    axes : str
        Its axes, as ``layers.image_array`` returns them.
    dims : napari.components.Dims
        The viewer's sliders.

    Returns
    -------
    tuple of int
        Its place along each axis before Y and X, channels left out; empty for an
        image of a single plane.
    """
    leading = [index for index, axis in enumerate(axes) if axis not in "CYX"]
    if not leading:
        return ()
    indices = _shown_indices(layer, dims)
    return tuple(indices[index] for index in leading)


def _shown_indices(layer: Image, dims: Dims) -> list[int]:
    """Place of the sliders along each axis of a layer."""
    point = np.asarray(dims.point[-layer.ndim :], float)
    units = getattr(dims, "units", None)  # since napari 0.7
    if units is not None:
        # The world has the units of all layers together, a layer its own.
        point *= [
            (1 * world).to(own).magnitude if world.is_compatible_with(own) else 1
            for world, own in zip(units[-layer.ndim :], layer.units, strict=True)
        ]
    last = np.asarray(layer.data.shape[: layer.ndim]) - 1
    places: list[int] = np.clip(np.rint(layer.world_to_data(point)), 0, last).tolist()
    return [int(place) for place in places]
