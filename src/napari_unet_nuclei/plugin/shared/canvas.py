"""What the canvas shows of an image: which channel and plane, and whether Y and X.

``axes`` are everywhere those of the layer as ``layers.image_array`` returns them,
``dims`` the viewer's sliders.  Which layer is chosen is in ``layer_choice``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from napari_unet_nuclei.core.images.axes import leading_axes
from napari_unet_nuclei.plugin.shared.axes_choice import ChannelChoice
from napari_unet_nuclei.plugin.shared.layer_axes import (
    channel_choice,
    image_axes,
    image_shape,
)

if TYPE_CHECKING:
    import napari.viewer
    from napari.components import Dims
    from napari.layers import Image


def chosen_channel(layer: Image, axes: str, dims: Dims) -> int | None:
    """Return the channel of an image to segment, from 0.

    It is the one that the user has chosen for this layer, else the one the viewer
    shows; ``None`` for a grey image and for colours.
    """
    choice = channel_choice(layer, axes)
    if isinstance(choice, ChannelChoice):
        is_shown = choice is ChannelChoice.SHOWN
        return shown_channel(layer, axes, dims) if is_shown else None
    return choice


def shown_channel(layer: Image, axes: str, dims: Dims) -> int | None:
    """Return the channel that the viewer shows, ``None`` for a grey or RGB image."""
    if layer.rgb or "C" not in axes:
        return None
    return _shown_indices(layer, dims)[axes.index("C")]


def shown_plane(layer: Image, axes: str, dims: Dims) -> tuple[int, ...]:
    """Return which plane of a stack the viewer shows.

    It is given by its index along each axis before Y and X, without channels; empty
    for an image of a single plane.
    """
    leading = [axes.index(axis) for axis in leading_axes(axes)]
    if not leading:
        return ()
    indices = _shown_indices(layer, dims)
    return tuple(indices[index] for index in leading)


def shows_channels(layer: Image, axes: str, dims: Dims) -> bool:
    """Return whether the canvas shows the channels of an image instead of its pixels.

    napari shows the last two axes, which are X and C where the channels come last.
    False for RGB, which napari draws in colour.
    """
    if layer.rgb or "C" not in axes or dims.ndisplay != 2:
        return False
    return axes.index("C") + dims.ndim - layer.ndim in dims.displayed


def show_pixels(viewer: napari.viewer.Viewer, layer: Image) -> None:
    """Turn the canvas to Y and X where napari shows the channels of an image instead.

    A canvas that the user has turned, or that other images share, stays as it is.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
        The viewer.
    layer : napari.layers.Image
        The image.
    """
    dims, axes = viewer.dims, image_axes(layer)
    is_shared = any(
        each.unique_id != layer.unique_id and hasattr(each, "rgb")
        for each in viewer.layers
    )
    is_as_it_was = tuple(dims.order) == tuple(range(layer.ndim))
    if shows_channels(layer, axes, dims) and is_as_it_was and not is_shared:
        shown = [axes.index("Y"), axes.index("X")]
        dims.order = (*(each for each in dims.order if each not in shown), *shown)
        viewer.reset_view()


def _shown_indices(layer: Image, dims: Dims) -> list[int]:
    """Return the index that the sliders show along each axis of a layer."""
    if dims.ndim < layer.ndim:  # a layer that is just being added or removed
        return [0] * layer.ndim
    point = np.asarray(dims.point[-layer.ndim :], float)
    units = getattr(dims, "units", None)  # since napari 0.7
    if units is not None:
        # The world has the units of all layers together, a layer its own.
        point *= [
            (1 * world).to(own).magnitude if world.is_compatible_with(own) else 1
            for world, own in zip(units[-layer.ndim :], layer.units, strict=True)
        ]
    last = np.asarray(image_shape(layer)[: layer.ndim]) - 1
    places: list[int] = np.clip(np.rint(layer.world_to_data(point)), 0, last).tolist()
    return [int(place) for place in places]
