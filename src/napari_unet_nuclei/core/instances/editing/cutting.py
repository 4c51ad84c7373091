"""One nucleus that is two is split, by a stroke through it or between two points."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

from napari_unet_nuclei.core.instances.editing.edit import (
    Edit,
    EditError,
    box_of,
    components,
    largest_component,
)
from napari_unet_nuclei.core.instances.editing.paths import (
    inside_image,
    nuclei_along,
    pixel_at,
    pixels_on,
)

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from napari_unet_nuclei.core.instances.editing.edit import Box
    from napari_unet_nuclei.core.instances.maps import Maps

_BAND = 0.12  # of the diameter: how far from a stroke the maps may move the border
_BOUNDARY_WEIGHT = 0.5  # as when maps are split
_LEAST_LIKE = 0.6  # IoU of the smaller part with what was drawn: else that is obeyed
_LEAST_SHARE = 0.3  # of the smaller half by distance: less is no half of a nucleus


def split_along(
    labels: NDArray[np.integer],
    path: ArrayLike,
    new_number: int,
    maps: Maps | None = None,
) -> Edit:
    """Split the nucleus that a stroke goes through.

    The border runs along the stroke; near it, it follows the boundary in the maps,
    unless that would give away a good part of what was cut off.

    Parameters
    ----------
    labels : (Y, X) ndarray of int
        Numbered nuclei, 0 = background.
    path : (N, 2) array_like of float, in px
        Rows and columns of the stroke.  An end inside the nucleus is drawn on in its
        direction.
    new_number : int
        Number of the smaller part; the larger one keeps its own.
    maps : Maps, optional
        What a network made of the image.

    Returns
    -------
    Edit
        Two connected nuclei in place of one.

    Raises
    ------
    EditError
        If the stroke goes through no nucleus, or cuts nothing off.

    Examples
    --------
    >>> labels = np.ones((3, 5), int)
    >>> split_along(labels, [(-1, 3), (3, 3)], 2).applied_to(labels)[0].tolist()
    [1, 1, 1, 1, 2]
    """
    crossed = nuclei_along(labels, path)
    if not crossed:
        raise EditError("The stroke crosses no nucleus: draw it through the one.")
    number = max(crossed, key=lambda each: crossed[each])
    box = box_of(labels, [number], margin=1)
    mask = labels[box] == number
    stroke = _drawn_on(np.asarray(path, float) - _corner(box), mask)
    sides = _sides_of(stroke, mask)
    if sides is None:
        raise EditError(
            f"The stroke cuts nothing off nucleus {number}: draw it from edge to edge."
        )
    height = _height(mask, maps, box)
    parts = drawn = _flood(height, sides, mask)
    if maps is not None:
        parts = _flood(height, _away_from_stroke(sides, mask), mask)
        if _likeness(parts, drawn) < _LEAST_LIKE:
            parts = drawn
    return _make_edit(labels, box, number, parts, new_number)


def split_between(
    labels: NDArray[np.integer],
    first: ArrayLike,
    second: ArrayLike,
    new_number: int,
    maps: Maps | None = None,
) -> Edit:
    """Split a nucleus between two points in it.

    The border follows the boundary in the maps; without maps, the shape: it runs where
    the nucleus is narrow.  Where this would leave a sliver, it runs midway.

    Parameters
    ----------
    labels : (Y, X) ndarray of int
        Numbered nuclei, 0 = background.
    first, second : (2,) array_like of float, in px
        Row and column of a point in each of the halves.
    new_number : int
        Number of the smaller part; the larger one keeps its own.
    maps : Maps, optional
        What a network made of the image.

    Returns
    -------
    Edit
        Two connected nuclei in place of one.

    Raises
    ------
    EditError
        If the points do not lie in the same nucleus, or in the same pixel of it.
    """
    pixels = [pixel_at(point, labels.shape) for point in (first, second)]
    points = [pixel for pixel in pixels if pixel is not None]
    found = {int(labels[point]) for point in points}
    number = max(found, default=0)
    if number <= 0 or len(found) != 1 or len(set(points)) != 2:
        raise EditError(
            "Both points must lie in the nucleus to split, one in each half of it."
        )
    box = box_of(labels, [number], margin=1)
    mask = labels[box] == number
    markers = np.zeros(mask.shape, np.int32)
    for marker, (row, column) in enumerate(points, 1):
        markers[row - box[0].start, column - box[1].start] = marker
    parts = _flood(_height(mask, maps, box), markers, mask)
    midway = _nearest(markers, mask)
    if _smaller(parts) < _LEAST_SHARE * _smaller(midway):
        parts = midway
    return _make_edit(labels, box, number, parts, new_number)


def _sides_of(
    stroke: NDArray[np.float64], mask: NDArray[np.bool_]
) -> NDArray[np.int32] | None:
    """Mark both sides of a stroke, 1 the larger one; ``None`` if there is only one."""
    is_cut = np.zeros_like(mask)
    is_cut[tuple(inside_image(pixels_on(stroke), mask.shape).T)] = True
    pieces, areas = components(mask & ~is_cut)
    if areas.size < 3:
        return None
    sides = np.zeros(mask.shape, np.int32)
    for side, piece in enumerate(np.argsort(-areas, kind="stable")[:2], 1):
        sides[pieces == piece] = side
    return sides


def _away_from_stroke(
    sides: NDArray[np.int32], mask: NDArray[np.bool_]
) -> NDArray[np.int32]:
    """Leave of both sides what the maps cannot give to the other one."""
    diameter = 2 * math.sqrt(np.count_nonzero(mask) / math.pi)
    width = max(2.0, _BAND * diameter)
    is_far = ndimage.distance_transform_edt(~(mask & (sides == 0))) > width
    markers = np.zeros_like(sides)
    for side in (1, 2):
        core = (sides == side) & is_far
        markers[core if core.any() else sides == side] = side
    return markers


def _likeness(parts: NDArray[np.int32], drawn: NDArray[np.int32]) -> float:
    """IoU of the smaller part that was drawn with what has become of it."""
    either = np.count_nonzero((parts == 2) | (drawn == 2))
    return np.count_nonzero((parts == 2) & (drawn == 2)) / either


def _corner(box: Box) -> NDArray[np.float64]:
    return np.array([part.start for part in box], float)


def _drawn_on(
    path: NDArray[np.float64], mask: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Draw a stroke on at both ends, until it has left the nucleus."""
    path = path.reshape(-1, 2)
    ends = [path]
    for at, towards in ((0, -1), (-1, 0)):
        end = path[at]
        away = np.linalg.norm(path - end, axis=1)
        # The direction of the last few pixels, as the very last one is often a slip.
        nearby = path[away >= min(away.max(), 4)]
        if not len(nearby) or not away.any():
            continue
        step = end - nearby[-1 if towards == 0 else 0]
        step /= np.linalg.norm(step) or 1
        point = end
        while (pixel := pixel_at(point, mask.shape)) is not None and mask[pixel]:
            point = point + step / 2
        ends.insert(0 if at == 0 else len(ends), point[np.newaxis])
    return np.concatenate(ends)


def _height(
    mask: NDArray[np.bool_], maps: Maps | None, box: Box
) -> NDArray[np.float32]:
    """Lowest where a nucleus is deepest; a ridge where two meet."""
    if maps is None or maps.distance is None:
        depth = ndimage.distance_transform_edt(np.pad(mask, 1))[1:-1, 1:-1]
        depth = depth / max(float(depth.max()), 1.0)
    else:
        depth = maps.distance[box]
    if maps is not None and maps.boundary is not None:
        depth = depth * (1 - _BOUNDARY_WEIGHT * maps.boundary[box])
    smooth = ndimage.gaussian_filter(np.asarray(depth, np.float32), 1.0)
    return np.asarray(-smooth, np.float32)


def _flood(
    height: NDArray[np.float32], markers: NDArray[np.int32], mask: NDArray[np.bool_]
) -> NDArray[np.int32]:
    from skimage.segmentation import watershed  # loads half of scikit-image

    flooded: NDArray[np.int32] = watershed(height, markers, mask=mask)
    return flooded


def _nearest(markers: NDArray[np.int32], mask: NDArray[np.bool_]) -> NDArray[np.int32]:
    """Give each pixel to the marker that is nearer."""
    rows, columns = ndimage.distance_transform_edt(
        markers == 0, return_distances=False, return_indices=True
    )
    return np.where(mask, markers[rows, columns], 0).astype(np.int32)


def _smaller(parts: NDArray[np.int32]) -> int:
    return int(np.bincount(parts.ravel(), minlength=3)[1:3].min())


def _make_edit(
    labels: NDArray[np.integer],
    box: Box,
    number: int,
    parts: NDArray[np.int32],
    new_number: int,
) -> Edit:
    """Make of two parts an edit: each connected, and together all of the nucleus."""
    mask = labels[box] == number
    areas = np.bincount(parts[mask], minlength=3)
    one = largest_component(parts == 1 + int(areas[2] < areas[1]))
    other = largest_component(mask & ~one)
    # What is left touches one of them, unless the nucleus had several pieces.
    pieces, _ = components(mask & ~other)
    one = pieces == pieces[one][0]
    is_larger = np.count_nonzero(one) > np.count_nonzero(mask) / 2
    inside = labels[box].copy()
    inside[mask & (one != is_larger)] = new_number
    return Edit(box, inside, (number, new_number))
