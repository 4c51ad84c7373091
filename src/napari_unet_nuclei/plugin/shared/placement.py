"""Where the labels of an image lie: on top of it, in their plane, in their channel.

napari aligns layers at their last axes and places them by their transforms.  What the
axes of a layer mean is in ``layer_axes``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from napari_unet_nuclei.core.images.axes import leading_axes
from napari_unet_nuclei.plugin.shared.axes_choice import axes_by_name, named_axes
from napari_unet_nuclei.plugin.shared.layer_axes import (
    full_resolution,
    image_axes,
    image_shape,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from napari.layers import Image, Labels, Layer
    from numpy.typing import NDArray

_PLACEMENT = ("scale", "translate", "rotate", "shear", "affine", "units", "axis_labels")


def labels_axes(axes: str, *, is_rgb: bool) -> str:
    """Name the axes of the labels of an image.

    napari aligns layers at their last axes, so labels have the axes of their image in
    its order.  Channels that come first are left out; others leave an axis of length
    1, or planes would lie along the slider of the channels.

    Parameters
    ----------
    axes : str
        Those of the image, as ``layers.image_array`` returns them.
    is_rgb : bool
        Whether the channels are colours, which have no slider.

    Returns
    -------
    str
        The axes of the image but for channels that come first or are colours.
    """
    return axes.removesuffix("C") if is_rgb else axes.removeprefix("C")


def spatial_kwargs(
    layer: Image, wanted: str, axes: str | None = None
) -> dict[str, Any]:
    """Return the placement of a result on top of the image it comes from.

    Parameters
    ----------
    layer : napari.layers.Image
        The image.
    wanted : str
        Axes of the result, such as ``"YX"`` for one plane, more for a stack.
    axes : str, optional
        Axes of the image where they differ from what ``layers.image_array`` says.

    Returns
    -------
    dict
        ``scale``, ``translate``, ``rotate``, ``shear``, ``affine``, ``units`` and
        ``axis_labels`` of a layer with these axes of the image.
    """
    axes = (axes or image_axes(layer)).upper()
    if layer.rgb:
        axes = axes.removesuffix("C")
    n = len(axes)
    kept = [axes.index(axis) for axis in wanted]
    shear = np.asarray(layer.shear)
    if shear.ndim == 1:  # napari leaves out all but the upper triangle
        matrix = np.eye(layer.ndim)
        matrix[np.triu_indices(layer.ndim, 1)] = shear
        shear = matrix
    affine = _last_axes(layer.affine.affine_matrix, n + 1)
    homogeneous = [*kept, n]
    units = [*["pixel"] * (n - layer.ndim), *layer.units][-n:]
    is_named = axes_by_name(layer.axis_labels) == axes
    return {
        "scale": np.diag(_last_axes(np.diag(layer.scale), n))[kept],
        "translate": np.pad(layer.translate, (max(n - layer.ndim, 0), 0))[-n:][kept],
        "rotate": _last_axes(np.asarray(layer.rotate), n)[np.ix_(kept, kept)],
        "shear": _last_axes(shear, n)[np.ix_(kept, kept)],
        "affine": affine[np.ix_(homogeneous, homogeneous)],
        "units": tuple(units[index] for index in kept),
        "axis_labels": (
            tuple(layer.axis_labels[index] for index in kept)
            if is_named
            else tuple(wanted.lower())  # the image's names say something else
        ),
    }


def transforms_of(layer: Layer) -> dict[str, Any]:
    """Return what puts another layer with the same axes where a layer lies."""
    return {name: getattr(layer, name) for name in _PLACEMENT}


def carry_points(
    points: Iterable[Sequence[float] | NDArray[Any]], source: Layer, target: Layer
) -> NDArray[np.float64]:
    """Return where points of a layer lie in another one.

    Parameters
    ----------
    points : iterable of (axes of the source,) array_like
        Points in pixels of the source.
    source, target : napari.layers.Layer
        Layers that share their last axes; along those that only the target has, the
        points lie at its origin.

    Returns
    -------
    (n, axes of the target) ndarray of float64
        The points in pixels of the target.
    """
    n_shared = min(source.ndim, target.ndim)
    places = []
    for point in points:
        world = np.array(target.data_to_world(np.zeros(target.ndim)), float)
        world[-n_shared:] = np.asarray(source.data_to_world(point))[-n_shared:]
        places.append(target.world_to_data(world))
    return np.asarray(places, float)


def _last_axes(matrix: NDArray[Any], n: int) -> NDArray[Any]:
    """Return a transform for n axes; pixels may be replaced by those of other axes."""
    n_known = len(matrix)
    padded = np.eye(max(n, n_known))
    padded[-n_known:, -n_known:] = matrix
    return padded[-n:, -n:]


def move_to_plane(kwargs: Mapping[str, Any], place: Sequence[float]) -> dict[str, Any]:
    """Put labels of a single plane, or of a single channel, where that is.

    Parameters
    ----------
    kwargs : mapping
        Output of `spatial_kwargs`.
    place : sequence of float
        Where the first pixel of the labels lies, along each leading axis, in pixels of
        the labels.

    Returns
    -------
    dict
        The same with another ``translate``.
    """
    offset = np.zeros(len(kwargs["scale"]))
    offset[: len(place)] = place
    moved = kwargs["rotate"] @ kwargs["shear"] @ (kwargs["scale"] * offset)
    return {**kwargs, "translate": kwargs["translate"] + moved}


def place_labels(
    image: Image,
    labels: NDArray[Any],
    axes: str,
    channel: int | None,
    plane: tuple[int, ...] | None,
    factors: tuple[float, float] = (1.0, 1.0),
) -> tuple[NDArray[Any], dict[str, Any]]:
    """Put labels where they were found.

    Parameters
    ----------
    image : napari.layers.Image
        The image.
    labels : (…, Y, X) ndarray
        Labels of all of its planes, or of one, with leading axes of length 1.
    axes : str
        Axes of the image.
    channel : int, optional
        The channel in which they were found.
    plane : tuple of int, optional
        The plane they belong to, if it is only one.
    factors : tuple of float
        Height and width of their pixels, in px of the image.

    Returns
    -------
    labels : ndarray
        The same, with an axis for the channel where napari needs one.
    kwargs : dict
        Placement of a layer of them on top of the image; see `spatial_kwargs`.
    """
    wanted = labels_axes(axes, is_rgb=image.rgb)
    leading = leading_axes(axes)
    found = [*leading, "Y", "X"]
    labels = labels.transpose([found.index(axis) for axis in wanted if axis != "C"])
    place = dict.fromkeys(wanted, 0.0)
    if plane is not None:
        place |= dict(zip(leading, plane, strict=True))
    kwargs = spatial_kwargs(image, wanted, axes)
    for axis, factor in zip("YX", factors, strict=True):
        kwargs["scale"][wanted.index(axis)] *= factor
        place[axis] = (factor - 1) / 2 / factor  # its middle, in px of the labels
    if "C" in wanted:
        where = wanted.index("C")
        labels = np.expand_dims(labels, where)
        if channel is None:  # one pixel of theirs reaches over all channels
            n_channels = image_shape(image)[axes.index("C")]
            kwargs["scale"][where] *= n_channels
            place["C"] = (n_channels - 1) / 2 / n_channels
        else:
            place["C"] = channel
    return labels, move_to_plane(kwargs, [place[axis] for axis in wanted])


def annotated_planes(
    image: Image, labels: Labels, channel: int | None
) -> tuple[NDArray[Any], tuple[int, ...] | None]:
    """Return the labels of an image with its planes first, Y and X last.

    Parameters
    ----------
    image : napari.layers.Image
        The image.
    labels : napari.layers.Labels
        Its labels, with or without an axis of channels, or those of one of its
        planes, put there by `move_to_plane`.
    channel : int, optional
        Channel whose labels are wanted, where there are labels of several; the labels
        of all channels together where it has none, or where the channels are colours.

    Returns
    -------
    labels : ndarray
        A copy at full resolution; channels left out, Y and X last.
    plane : tuple of int, or None
        The plane they belong to, by its place along each axis before Y and X;
        ``None`` for labels of all of the image, and for those that lie outside.
    """
    array = np.array(full_resolution(labels.data, is_multiscale=labels.multiscale))
    axes = image_axes(image)[: image.ndim]  # without the channels of colours
    leading = leading_axes(axes)
    of_labels = axes_of_labels(image, labels)
    if of_labels is None:
        return array, None
    length = dict(zip(axes, image_shape(image), strict=False))
    corner = np.zeros(image.ndim)
    corner[[axes.index(axis) for axis in of_labels]] = labels.data_to_world(
        np.zeros(labels.ndim)
    )
    if "C" in of_labels:
        where = of_labels.index("C")
        if array.shape[where] not in (1, length["C"]):
            return array, None
        array = _of_channel(array, where, channel)
        of_labels = of_labels.replace("C", "")
    array = array.transpose([of_labels.index(axis) for axis in [*leading, *"YX"]])
    first = dict(zip(axes, image.world_to_data(corner), strict=True))
    plane = tuple(round(float(first[axis])) for axis in leading)
    is_plane = any(length[axis] > 1 for axis in leading) and all(
        n == 1 and 0 <= position < length[axis]
        for n, position, axis in zip(array.shape, plane, leading, strict=False)
    )
    return array, plane if is_plane else None


def _of_channel(labels: NDArray[Any], where: int, channel: int | None) -> NDArray[Any]:
    """Take labels out of their channels; napari paints in the one that is shown."""
    if labels.shape[where] > 1 and channel is not None:
        of_one: NDArray[Any] = labels.take(channel, where)
        if of_one.any():
            return of_one
    together: NDArray[Any] = labels.max(axis=where)
    return together


def axes_of_labels(image: Image, labels: Labels) -> str | None:
    """Name the axes of labels as those of an image.

    Parameters
    ----------
    image : napari.layers.Image
        The image.
    labels : napari.layers.Labels
        Labels with the axes of the image, or with all but its channels.

    Returns
    -------
    str or None
        By their own names where they have any, else in the order of the image;
        ``None`` for any other number of axes.
    """
    axes = image_axes(image)[: image.ndim]  # without the channels of colours
    for candidate in (axes, axes.replace("C", "")):
        if len(candidate) == labels.ndim:
            return named_axes(labels.axis_labels, candidate) or candidate
    return None
