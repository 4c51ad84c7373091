"""Which axes and channel an image layer has, as far as it or the user says.

What is chosen is kept in the metadata of the layer.  What names, shapes and letters
mean is in ``axes_choice``.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_unet_nuclei.core.errors import ImageError, SettingsError
from napari_unet_nuclei.plugin.shared.axes_choice import (
    ChannelChoice,
    UnderstoodAxes,
    can_be_colours,
    default_channel,
    n_channels,
    understand_axes,
)
from napari_unet_nuclei.plugin.shared.axes_text import read_typed_axes

if TYPE_CHECKING:
    from collections.abc import Mapping

    from napari.layers import Image, Labels

_AXES_KEY = "nuclei_axes"
_CHANNEL_KEY = "nuclei_channel"


def image_axes(layer: Image) -> str:
    """Return what the axes of an image layer mean; see ``layers.image_array``."""
    return understood_axes(layer).axes


def understood_axes(layer: Image) -> UnderstoodAxes:
    """Return what the axes of an image layer mean, and what else they could.

    Parameters
    ----------
    layer : napari.layers.Image
        The layer.

    Returns
    -------
    UnderstoodAxes
        What the user has chosen for this layer, else what names and shape say.

    Raises
    ------
    ImageError
        If the axes could be anything.
    """
    shape = image_shape(layer)
    chosen = layer.metadata.get(_AXES_KEY)
    if chosen is not None:
        try:
            axes = read_typed_axes(str(chosen), shape, is_rgb=layer.rgb)
            return UnderstoodAxes(axes=axes)
        except SettingsError:
            pass  # the pixels have been replaced since
    understood = understand_axes(layer.axis_labels, shape, is_rgb=layer.rgb)
    if understood is None:
        labels = ", ".join(layer.axis_labels)
        raise ImageError(
            "Expected an image layer with axes out of T, Z, C, Y and X. Received: "
            f"{layer.name!r} with the axes {labels}. Name them in the field Axes, or "
            "in the layer's axis_labels."
        )
    return understood


def image_shape(layer: Image, level: int = 0) -> tuple[int, ...]:
    """Return the shape of an image layer, colours last, at its finest resolution."""
    data = layer.data[level] if layer.multiscale else layer.data
    return tuple(int(length) for length in data.shape)


def level_factors(metadata: Mapping[str, Any]) -> tuple[float, float]:
    """Return how many pixels of its image a pixel of labels is high and wide.

    Parameters
    ----------
    metadata : mapping
        Those of the labels, which may come from a file of any program.

    Returns
    -------
    (float, float)
        Pixels of the finest resolution, 1 where the labels do not say.
    """
    factors = metadata.get("level_factors")
    if not isinstance(factors, (list, tuple)) or len(factors) != 2:
        return 1, 1
    y, x = (
        factor if isinstance(factor, (int, float)) and 0 < factor < math.inf else 1
        for factor in factors
    )
    return y, x


def level_of(image: Image, labels: Labels) -> int:
    """Return the resolution of an image in which nuclei were found.

    Parameters
    ----------
    image : napari.layers.Image
        The image.
    labels : napari.layers.Labels
        Their layer.

    Returns
    -------
    int
        From 0, the finest, which it is too where the labels do not say.
    """
    if not image.multiscale:
        return 0
    axes = image_axes(image)
    wanted = np.asarray(image_shape(image), float)
    for axis, factor in zip("YX", level_factors(labels.metadata), strict=True):
        wanted[axes.index(axis)] /= factor
    shapes = [image_shape(image, level) for level in range(len(image.data))]
    fitting = (
        level for level, shape in enumerate(shapes) if np.allclose(shape, wanted)
    )
    return next(fitting, 0)


def remember_axes(layer: Image, axes: str | None) -> None:
    """Keep with a layer what its axes are; ``None`` goes back to a guess."""
    _remember(layer, _AXES_KEY, axes)


def channel_choice(layer: Image, axes: str) -> ChannelChoice | int:
    """Return which channel of an image to segment.

    Parameters
    ----------
    layer : napari.layers.Image
        The image.
    axes : str
        Its axes.

    Returns
    -------
    ChannelChoice or int
        What was chosen for this layer where it has such a channel, else the default.
    """
    shape = image_shape(layer)
    chosen = layer.metadata.get(_CHANNEL_KEY)
    n = n_channels(axes, shape)
    if layer.rgb or chosen is None or n == 0:
        return default_channel(axes, shape)
    if isinstance(chosen, int):
        return chosen if 0 <= chosen < n else default_channel(axes, shape)
    if chosen not in list(ChannelChoice):  # metadata may come from any program
        return default_channel(axes, shape)
    choice = ChannelChoice(chosen)
    is_possible = choice is ChannelChoice.SHOWN or can_be_colours(n)
    return choice if is_possible else ChannelChoice.SHOWN


def remember_channel(layer: Image, choice: ChannelChoice | int | None) -> None:
    """Keep with a layer which channel is meant; ``None`` goes back to the default."""
    _remember(layer, _CHANNEL_KEY, str(choice) if isinstance(choice, str) else choice)


def _remember(layer: Image, key: str, value: object) -> None:
    kept = {name: each for name, each in layer.metadata.items() if name != key}
    layer.metadata = kept if value is None else {**kept, key: value}


def full_resolution(data: Any, *, is_multiscale: bool) -> Any:
    """Return the finest level of the data of a layer."""
    return data[0] if is_multiscale else data
