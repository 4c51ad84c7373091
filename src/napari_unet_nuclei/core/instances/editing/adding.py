"""Nuclei that were missed are added: grown at a point, or drawn."""

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
    widened,
)
from napari_unet_nuclei.core.instances.editing.paths import pixel_at, pixels_inside
from napari_unet_nuclei.core.instances.editing.smoothing import smooth_mask

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from napari_unet_nuclei.core.instances.editing.edit import Box

_LEAST_PROBABILITY = 0.02  # below, the network has seen nothing at all
_NEAR = 2  # px around a click in which the highest probability counts
_PARTS_OF_PEAK = np.linspace(0.5, 0.95, 16)  # local thresholds, from the lowest
_LEAST_SOLIDITY = 0.85
_MOST_AREA = 4.0  # times that of a typical nucleus
_LEAST_AREA = 6  # px²
_DRAWN_OVER = 0.25  # of an outline: if others hold more, they are meant to lose it
_LEAST_REST = 0.3  # of a nucleus that was drawn over; less goes with it
_STRAIGHT = 0.95  # of a line's length: its ends are so far apart
_CORNERS = 32  # of a circle
_HALF_STEPS = (  # from the middle of a pixel to its corners
    (-0.5, -0.5),
    (-0.5, 0.5),
    (0.5, -0.5),
    (0.5, 0.5),
)


def grow_nucleus(
    labels: NDArray[np.integer],
    foreground: NDArray[np.float32],
    point: ArrayLike,
    new_number: int,
    typical_area: float,
) -> Edit:
    """Add a missed nucleus, as large as the foreground around a point goes.

    It is what is connected with the point above a local threshold: the lowest, from
    half of the probability there, at which it is compact and not much larger than
    other nuclei.

    Parameters
    ----------
    labels : (Y, X) ndarray of int
        Numbered nuclei, 0 = background; they stay as they are.
    foreground : (Y, X) ndarray of float32, values in [0, 1]
        Probability of belonging to a nucleus.
    point : (2,) array_like of float, in px
        Row and column inside the nucleus.
    new_number : int
        Its number.
    typical_area : float, in px²
        Area of a typical nucleus.

    Returns
    -------
    Edit
        One connected nucleus more.

    Raises
    ------
    EditError
        If the point lies in a nucleus or outside of the image, or if the network has
        seen nothing there.
    """
    row, column = _checked(labels, point)
    most_area = _MOST_AREA * typical_area
    radius = math.ceil(2 * math.sqrt(most_area / math.pi)) + 2
    at = slice(row, row + 1), slice(column, column + 1)
    box = widened(at, radius, labels.shape)
    corrected = labels[box].copy()
    where = row - box[0].start, column - box[1].start
    grown = _grow(foreground[box], corrected <= 0, where, most_area)
    corrected[grown] = new_number
    return Edit(box, corrected, (new_number,))


def draw_nucleus(
    labels: NDArray[np.integer], outline: ArrayLike, new_number: int
) -> Edit:
    """Add a nucleus that was drawn, by its outline or straight across it.

    A straight line is the diameter of a round one.  It takes nothing of those that are
    there, unless they hold more than a quarter of it: then it was drawn over them.
    What is left of these stays if it is as large as a nucleus.

    Parameters
    ----------
    labels : (Y, X) ndarray of int
        Numbered nuclei, 0 = background.
    outline : (N, 2) array_like of float, in px
        Rows and columns of its corners; it is closed from the last to the first.
    new_number : int
        Its number.

    Returns
    -------
    Edit
        One connected nucleus more, and connected rests of those it was drawn over.

    Raises
    ------
    EditError
        If the outline lies outside of the image.

    Examples
    --------
    >>> labels = np.zeros((4, 4), int)
    >>> outline = [(0, 0), (0, 2), (2, 2), (2, 0)]
    >>> draw_nucleus(labels, outline, 7).applied_to(labels).tolist()
    [[7, 7, 7, 0], [7, 7, 7, 0], [7, 7, 7, 0], [0, 0, 0, 0]]
    """
    found = pixels_inside(_drawn(outline), labels.shape)
    if found is None:
        raise EditError("The outline lies outside of the image.")
    box, mask = found[0], largest_component(found[1])  # a thin one may fall apart
    inside = labels[box]
    taken = mask & (inside > 0)
    if np.count_nonzero(taken) > _DRAWN_OVER * np.count_nonzero(mask):
        return _draw_over(labels, box, mask, new_number)
    corrected = inside.copy()
    corrected[largest_component(mask & ~taken)] = new_number
    return Edit(box, corrected, (new_number,))


def _drawn(path: ArrayLike) -> NDArray[np.float64]:
    """Return an outline, which is a circle where only a diameter was drawn."""
    points = np.asarray(path, float).reshape(-1, 2)
    first, last = points[0], points[-1]
    diameter = float(np.linalg.norm(last - first))
    length = float(np.linalg.norm(np.diff(points, axis=0), axis=1).sum())
    if diameter < max(_STRAIGHT * length, 1.0):
        return points
    angles = np.linspace(0, 2 * np.pi, _CORNERS, endpoint=False)
    around = np.stack([np.sin(angles), np.cos(angles)], axis=1)
    return np.asarray((first + last) / 2 + diameter / 2 * around)


def _draw_over(
    labels: NDArray[np.integer], box: Box, mask: NDArray[np.bool_], new_number: int
) -> Edit:
    """Take the pixels of a drawn nucleus from those it was drawn over."""
    names = np.unique(labels[box][mask])
    others = names[names > 0].tolist()
    around = box_of(labels, others)
    rows, columns = (
        slice(min(one.start, other.start), max(one.stop, other.stop))
        for one, other in zip(box, around, strict=True)
    )
    corrected = labels[rows, columns].copy()
    top, left = (
        inner.start - outer.start
        for inner, outer in zip(box, (rows, columns), strict=True)
    )
    drawn = np.zeros(corrected.shape, np.bool_)
    drawn[top : top + mask.shape[0], left : left + mask.shape[1]] = mask
    for number in others:
        whole = corrected == number
        rest = whole & ~drawn
        corrected[whole] = 0
        if rest.any():
            rest = largest_component(rest)
        if np.count_nonzero(rest) >= _LEAST_REST * np.count_nonzero(whole):
            corrected[rest] = number
    corrected[drawn] = new_number
    return Edit((rows, columns), corrected, (new_number, *others))


def _checked(labels: NDArray[np.integer], point: ArrayLike) -> tuple[int, int]:
    """Return the pixel of a point, which must be free."""
    pixel = pixel_at(point, labels.shape)
    if pixel is None:
        raise EditError("Click inside the image to add a nucleus.")
    if labels[pixel] > 0:
        raise EditError(f"There is nucleus {labels[pixel]} already: click beside it.")
    return pixel


def _grow(
    probability: NDArray[np.float32],
    free: NDArray[np.bool_],
    where: tuple[int, int],
    most_area: float,
) -> NDArray[np.bool_]:
    """Return what is compact at the lowest local threshold."""
    at = slice(where[0], where[0] + 1), slice(where[1], where[1] + 1)
    near = widened(at, _NEAR, free.shape)
    peak = float(np.where(free, probability, 0)[near].max())
    if peak < _LEAST_PROBABILITY:
        raise EditError(
            "The network has seen nothing there: draw around the nucleus, or straight "
            "across it if it is round."
        )
    for part in _PARTS_OF_PEAK:
        grown = _grown(probability > part * peak, free, where, near)
        if grown is not None and _is_compact(grown, most_area):
            return grown
    raise EditError("No compact nucleus stands out there: draw around it instead.")


def _grown(
    mask: NDArray[np.bool_],
    free: NDArray[np.bool_],
    where: tuple[int, int],
    near: tuple[slice, slice],
) -> NDArray[np.bool_] | None:
    """Return the component at a point, or beside it, with its outline smoothed."""
    numbers, areas = components(mask & free)
    number = numbers[where]
    if number == 0:  # between two pixels of a noisy map
        around = np.unique(numbers[near])
        number = max(around.tolist(), key=lambda each: areas[each])
    if areas[number] < _LEAST_AREA:
        return None
    return smooth_mask(numbers == number, free)


def _is_compact(mask: NDArray[np.bool_], most_area: float) -> bool:
    """Whether it is no larger than a nucleus, round, and not cut by the window."""
    area = np.count_nonzero(mask)
    if not _LEAST_AREA <= area <= most_area:
        return False
    return bool(area >= _LEAST_SOLIDITY * _hull_area(mask))


def _hull_area(mask: NDArray[np.bool_]) -> float:
    """Area of the convex hull of the corners of all pixels, in px²."""
    edge = mask & ~ndimage.binary_erosion(mask)
    points = np.argwhere(edge).astype(float)
    corners = np.concatenate([points + offset for offset in _HALF_STEPS])
    from scipy.spatial import ConvexHull

    return float(ConvexHull(corners).volume)
