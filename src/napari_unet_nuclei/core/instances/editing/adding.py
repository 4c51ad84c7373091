"""Nuclei that were missed are added: grown at a point, or drawn."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

from napari_unet_nuclei.core.instances.editing.edit import (
    Edit,
    EditError,
    components,
    largest_component,
    widened,
)
from napari_unet_nuclei.core.instances.editing.paths import pixel_at, pixels_inside
from napari_unet_nuclei.core.instances.editing.smoothing import smooth_mask

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

_LEAST_PROBABILITY = 0.02  # below, the network has seen nothing at all
_NEAR = 2  # px around a click in which the highest probability counts
_PARTS_OF_PEAK = np.linspace(0.5, 0.95, 16)  # local thresholds, from the lowest
_LEAST_SOLIDITY = 0.85
_MOST_AREA = 4.0  # times that of a typical nucleus
_LEAST_AREA = 6  # px²
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
    """Add a nucleus that was drawn; it takes nothing of those that are there.

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
        One connected nucleus more.

    Raises
    ------
    EditError
        If the outline holds no background.

    Examples
    --------
    >>> labels = np.zeros((4, 4), int)
    >>> outline = [(0, 0), (0, 2), (2, 2), (2, 0)]
    >>> draw_nucleus(labels, outline, 7).applied_to(labels).tolist()
    [[7, 7, 7, 0], [7, 7, 7, 0], [7, 7, 7, 0], [0, 0, 0, 0]]
    """
    found = pixels_inside(outline, labels.shape)
    if found is None:
        raise EditError("The outline lies outside of the image.")
    box, mask = found
    corrected = labels[box].copy()
    mask = largest_component(mask & (corrected <= 0))
    if not mask.any():
        raise EditError("The outline holds nothing but nuclei that are there already.")
    corrected[mask] = new_number
    return Edit(box, corrected, (new_number,))


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
            "The network has seen nothing there: draw around the nucleus instead."
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
