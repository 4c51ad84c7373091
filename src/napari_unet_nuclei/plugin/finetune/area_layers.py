"""A layer that shows an area of an image → the pixels of its labels in that area.

What the area is used for belongs elsewhere.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from napari.layers import Labels, Shapes

from napari_unet_nuclei.core.errors import LabelsError
from napari_unet_nuclei.plugin.shared.layer_axes import full_resolution
from napari_unet_nuclei.plugin.shared.placement import (
    annotated_planes,
    axes_of_labels,
    transforms_of,
)
from napari_unet_nuclei.plugin.shared.surfaces import iter_surfaces

if TYPE_CHECKING:
    from napari.layers import Image
    from numpy.typing import NDArray


def pixels_of_area(
    area: Labels | Shapes,
    image: Image,
    labels: Labels,
    channel: int | None,
) -> NDArray[np.bool_]:
    """Return which pixels of labels lie in an area.

    Parameters
    ----------
    area : napari.layers.Shapes or napari.layers.Labels
        Polygons, rectangles and ellipses, or pixels above 0; those of a layer without
        the leading axes of the labels count in all planes.
    image : napari.layers.Image
        The image that the labels belong to.
    labels : napari.layers.Labels
        Labels of all planes or of one.
    channel : int, optional
        As in `annotated_planes`.

    Returns
    -------
    (…, Y, X) ndarray of bool
        As large as the labels that `annotated_planes` returns.

    Raises
    ------
    LabelsError
        If the area lies outside of the labels.
    """
    painted, plane = annotated_planes(image, labels, channel)
    shape = painted.shape
    if isinstance(area, Shapes):
        area = _draw(area, image, labels)
    found, place = annotated_planes(image, area, channel)
    inside = found > 0
    if inside.ndim < len(shape):  # of one plane, drawn for all
        inside = np.broadcast_to(inside, (*shape[:-2], *inside.shape[-2:]))
    if plane is not None and place is None and inside.shape[:-2] != shape[:-2]:
        inside = inside[plane].reshape(*shape[:-2], *inside.shape[-2:])
    if place is not None and plane is None:
        every = np.zeros((*shape[:-2], *inside.shape[-2:]), bool)
        every[place] = inside.reshape(inside.shape[-2:])
        inside = every
    is_elsewhere = None not in (place, plane) and place != plane
    if inside.shape != shape or is_elsewhere or not inside.any():
        raise LabelsError(
            f"The area {area.name!r} holds no pixel of {labels.name!r}: draw it on the "
            "image, as a polygon, rectangle or ellipse, or choose another area."
        )
    return inside


def _draw(shapes: Shapes, image: Image, labels: Labels) -> Labels:
    """Paint the surfaces of a layer into an empty copy of labels."""
    data = full_resolution(labels.data, is_multiscale=labels.multiscale)
    mask = np.zeros(data.shape, np.uint8)
    axes = axes_of_labels(image, labels) or "TZCYX"[-labels.ndim :]
    rows, columns = axes.index("Y"), axes.index("X")
    others = [axis for axis in range(labels.ndim) if axis not in (rows, columns)]
    n_shared = min(shapes.ndim, labels.ndim)
    for places in iter_surfaces(shapes, labels):
        plane = tuple(
            slice(None)
            if axis < labels.ndim - n_shared
            else round(float(places[0, axis]))
            for axis in others
        )
        _fill(np.moveaxis(mask, others, range(len(others))), plane, places, axes)
    return Labels(mask, name=shapes.name, **transforms_of(labels))


def _fill(
    mask: NDArray[np.uint8],
    plane: tuple[int | slice, ...],
    places: NDArray[np.float64],
    axes: str,
) -> None:
    """Fill a polygon in one plane of a mask, or in all."""
    from skimage.draw import polygon

    lengths = mask.shape[:-2]
    if not all(
        isinstance(index, slice) or 0 <= index < length
        for index, length in zip(plane, lengths, strict=True)
    ):
        return
    rows, columns = polygon(
        places[:, axes.index("Y")], places[:, axes.index("X")], mask.shape[-2:]
    )
    mask[(*plane, rows, columns)] = 1
