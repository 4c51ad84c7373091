"""Labels layer and image layers → what is measured."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from napari_unet_nuclei.core.errors import ImageError, LabelsError
from napari_unet_nuclei.core.images.axes import PlaneStack, leading_axes
from napari_unet_nuclei.core.images.channel_stacks import column_ending, split_channels
from napari_unet_nuclei.plugin.measure.label_planes import ImageUnder, LabelPlanes
from napari_unet_nuclei.plugin.shared.axes_choice import axes_by_name, n_channels
from napari_unet_nuclei.plugin.shared.layer_axes import full_resolution, level_of
from napari_unet_nuclei.plugin.shared.layers import image_array, layer_calibration
from napari_unet_nuclei.plugin.shared.pairing import Confidence, pair
from napari_unet_nuclei.plugin.shared.placement import axes_of_labels
from napari_unet_nuclei.plugin.shared.result_maps import maps_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from napari.layers import Image, Labels
    from numpy.typing import NDArray

    from napari_unet_nuclei.core.images.calibration import Calibration
    from napari_unet_nuclei.core.settings.measurements import MeasurementSettings


def labels_data(layer: Labels) -> Any:
    """Return the labels of a layer as they are now, at full resolution."""
    return full_resolution(layer.data, is_multiscale=layer.multiscale)


def measured_axes(layer: Labels, images: Sequence[Image] = ()) -> str:
    """Return what the axes of a labels layer mean.

    Parameters
    ----------
    layer : napari.layers.Labels
        The labels.
    images : sequence of napari.layers.Image
        Images that they belong to; the axes of the first count.

    Returns
    -------
    str
        One letter an axis out of T, Z, C, Y and X.

    Raises
    ------
    LabelsError
        If they could be anything.
    """
    axes = axes_of_labels(images[0], layer) if images else None
    axes = axes or axes_by_name(layer.axis_labels)
    if axes is None or len(axes) != layer.ndim:
        raise LabelsError(
            "Expected labels with the axes Y and X, or a stack of them over T and Z. "
            f"Received: {layer.name!r} with {layer.ndim} axes. Name them in the "
            "layer's axis_labels."
        )
    return axes


def calibration_of(layer: Labels, axes: str) -> Calibration:
    """Return how large a pixel of a labels layer is."""
    return layer_calibration({"scale": layer.scale, "units": layer.units}, axes)


def can_be_measured_in(image: Image, labels: Labels) -> bool:
    """Whether labels have the size of an image, so that they can belong to it."""
    try:
        found = pair(image, labels, level=level_of(image, labels))
    except ImageError:
        return False
    return found.confidence is not Confidence.IMPOSSIBLE


def make_planes(
    layer: Labels, images: Sequence[Image], settings: MeasurementSettings
) -> LabelPlanes:
    """Return what is measured of a labels layer.

    Parameters
    ----------
    layer : napari.layers.Labels
        The labels.
    images : sequence of napari.layers.Image
        Images of the same size; the first one is that in which they were found.
    settings : MeasurementSettings
        What to measure.

    Returns
    -------
    LabelPlanes
        Without the layers themselves.

    Raises
    ------
    LabelsError, ImageError, SettingsError
        If axes are not clear, or an image does not fit the labels.
    """
    for image in images:
        found = pair(image, layer, level=level_of(image, layer))
        if found.confidence is Confidence.IMPOSSIBLE:
            raise LabelsError(found.reason)
    axes = measured_axes(layer, images)
    shape = tuple(int(length) for length in labels_data(layer).shape)
    length = dict(zip(axes, shape, strict=True))
    if length.get("C", 1) != 1:
        raise LabelsError(
            "Expected the labels of one channel, or of all together. Received: "
            f"{layer.name!r} with labels of {length['C']} channels. Split the layer."
        )
    names = _endings([image.name for image in images])
    return LabelPlanes(
        axes=axes,
        shape=shape,
        images=tuple(
            _image_under(image, layer, axes, length, name)
            for image, name in zip(images, names, strict=True)
        ),
        foreground=_foreground_of(layer, axes, length),
        calibration=calibration_of(layer, axes),
        settings=settings,
    )


def _endings(names: Sequence[str]) -> list[str]:
    """Return what columns of each image end in; nothing where there is only one."""
    if len(names) < 2:
        return [""] * len(names)
    endings = [column_ending(name) or "image" for name in names]
    return [
        ending if endings.count(ending) == 1 else f"{ending}_{number}"
        for number, ending in enumerate(endings)
    ]


def _image_under(
    image: Image, layer: Labels, axes: str, length: Mapping[str, int], name: str
) -> ImageUnder:
    pixels, image_letters = image_array(image)
    if image.multiscale:
        pixels = image.data[level_of(image, layer)]
    channels = split_channels(pixels, image_letters, is_rgb=image.rgb)
    return ImageUnder(
        stack=PlaneStack(
            pixels, image_letters, _channel_of(layer, image_letters, pixels.shape)
        ),
        channels={
            "_".join(filter(None, (name, channel))): stack
            for channel, stack in channels.items()
        },
        offset=_offset(image, image_letters, pixels.shape, layer, axes, length),
    )


def _channel_of(layer: Labels, axes: str, shape: Iterable[int]) -> int | None:
    """Return the channel in which nuclei were found, else colours or the first one."""
    n = n_channels(axes, tuple(shape))
    channel = layer.metadata.get("channel")
    if isinstance(channel, int) and 0 <= channel < n:
        return channel
    return None if n in (0, 1, 3, 4) else 0


def _offset(
    image: Image,
    image_letters: str,
    shape: Sequence[int],
    layer: Labels,
    axes: str,
    length: Mapping[str, int],
) -> dict[str, int]:
    """Return where labels of a single plane lie in a stack."""
    long = dict(zip(image_letters, shape, strict=True))
    single = [
        axis
        for axis in leading_axes(axes)
        if length[axis] == 1 and long.get(axis, 1) > 1
    ]
    if not single:
        return {}
    letters = image_letters[: image.ndim]
    world = np.zeros(image.ndim)
    corner = np.asarray(layer.data_to_world(np.zeros(layer.ndim)))
    for axis, place in zip(axes, corner, strict=True):
        if axis in letters:
            world[letters.index(axis)] = place
    place = dict(zip(letters, image.world_to_data(world), strict=True))
    return {
        axis: int(np.clip(round(float(place[axis])), 0, long[axis] - 1))
        for axis in single
    }


def _foreground_of(
    layer: Labels, axes: str, length: Mapping[str, int]
) -> Callable[[tuple[int, ...]], NDArray[Any] | None] | None:
    """Return what finds the maps of a plane, where a run has left them."""
    maps = maps_of(layer)
    if maps is None or len(maps.axes) != len(axes):
        return None
    shape = length["Y"], length["X"]
    leading = leading_axes(axes)

    def find(index: tuple[int, ...]) -> NDArray[Any] | None:
        by_axis = dict.fromkeys(axes, 0) | dict(zip(leading, index, strict=True))
        found = maps.at([by_axis.get(axis, 0) for axis in maps.axes])
        if found is None or found.foreground.shape != shape:
            return None
        return found.foreground

    return find
