"""What the numbers in a label file stand for: nuclei, a mask, grey levels, classes.

A nucleus is a connected region of one number.  Where a file means something else it
is read so, if that is beyond doubt, and refused in a sentence otherwise.  How the
numbers are stored belongs to ``label_coding``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import ndimage

from napari_unet_nuclei.core.errors import LabelsError
from napari_unet_nuclei.core.instances.labels import label_areas

if TYPE_CHECKING:
    from numpy.typing import NDArray

_FEWEST_GRADED = 65  # px; fewer say nothing
_GRADED_PART = 0.02  # of the foreground; a rim of 1 px around nuclei of 200 px
_FEWEST_LEVELS = 3
_PARTS_A_LEVEL = 1.25  # a nucleus is one part, a grey level occurs in many places
_FULL_SCALES = (255, 65535)
_USED_AGAIN = 0.8  # of the numbers have several parts
_SPECK = 0.1  # of the usual area of a nucleus; smaller parts are slips of the pen
_TOUCHING_CLASSES = 0.9  # of the parts touch one of another number
_MOST_USED_AGAIN = 255  # numbers in a channel
_FEWEST_HOLES = 3
_FAINTEST = 0.04  # of the largest value; compression leaves less
_FEWEST_FLAT = 3  # px that have nothing but their own value around them
_SQUARE = np.ones((3, 3), bool)


def check_no_grey_levels(labels: NDArray[np.int32], name: str) -> None:
    """Refuse images, anti-aliased masks, and labels that were resized smoothly.

    Parameters
    ----------
    labels : (Y, X) ndarray of int32
        Numbers as read.
    name : str
        What the error message calls it.

    Raises
    ------
    LabelsError
        If many pixels lie between neighbours of higher and of lower numbers, and the
        same numbers come again elsewhere.
    """
    if _has_grey_levels(labels):
        raise LabelsError(
            f"{name} must hold the numbers of nuclei, or one value inside of them. "
            f"Received: {label_areas(labels)[0].size:,} grey levels that pass into one "
            "another, as in an image or an anti-aliased mask. Threshold a mask at half "
            "of its largest value; resize labels to the nearest pixel."
        )


def _has_grey_levels(labels: NDArray[np.int32]) -> bool:
    n_foreground = int(np.count_nonzero(labels))
    fewest = max(_FEWEST_GRADED, _GRADED_PART * n_foreground)
    thin = (labels > 0) & ~_in_squares(labels)
    if np.count_nonzero(thin) < fewest:  # true of nearly all labels
        return False
    between = (
        thin
        & (ndimage.maximum_filter(labels, 3) > labels)
        & (ndimage.minimum_filter(labels, 3) < labels)
    )
    if np.count_nonzero(between) < fewest:
        return False
    levels = np.unique(labels[between])
    if levels.size < _FEWEST_LEVELS:
        return False  # rims of a class
    parts = _find_parts(np.where(np.isin(labels, levels), labels, 0))
    if parts.max() >= _PARTS_A_LEVEL * levels.size:
        return True
    numbers, areas = label_areas(labels)  # a single soft nucleus repeats few levels
    return numbers[-1] in _FULL_SCALES and bool(np.all(areas[:-1] < areas[-1]))


def _in_squares(labels: NDArray[np.int32]) -> NDArray[np.bool_]:
    """Say of each pixel whether it lies in a square of 2 px of one number."""
    top = labels[:-1, :-1] == labels[:-1, 1:]
    bottom = labels[1:, :-1] == labels[1:, 1:]
    square = top & bottom & (labels[:-1, :-1] == labels[1:, :-1])
    inside = np.zeros(labels.shape, bool)
    for rows in (slice(None, -1), slice(1, None)):
        for columns in (slice(None, -1), slice(1, None)):
            inside[rows, columns] |= square
    return inside


def _find_parts(labels: NDArray[np.int32]) -> NDArray[np.int32]:
    """Return numbered parts of one number each, whose pixels may touch at corners."""
    from skimage.measure import label  # loads half of scikit-image

    return np.asarray(label(labels, connectivity=2), np.int32)


def number_nuclei(planes: NDArray[np.int32], name: str) -> NDArray[np.int32]:
    """Return labels in which each nucleus has a number of its own.

    Parameters
    ----------
    planes : (N, Y, X) ndarray of int32
        The planes of one file, numbers as read.
    name : str
        What the error message calls the file.

    Returns
    -------
    (N, Y, X) ndarray of int32
        One value in all places is a mask, whose 4-connected components are nuclei.
        Numbers that are used again, nearly all of them in several places of a plane,
        keep touching nuclei separate, as in BBBC039; each of their parts is a
        nucleus.  Any other numbers are those of nuclei, and stay.

    Raises
    ------
    LabelsError
        If the background has a number, or numbers are classes.
    """
    for plane in planes:
        _check_background(plane, name)
    numbers, _ = label_areas(planes)
    if numbers.size <= 1:
        return np.stack([ndimage.label(plane, output=np.int32)[0] for plane in planes])
    if numbers.size > _MOST_USED_AGAIN:
        return planes
    parts = np.stack([_find_parts(plane) for plane in planes])
    return parts if _are_used_again(planes, parts, name) else planes


def find_one_nucleus(values: NDArray[Any], name: str) -> NDArray[np.bool_]:
    """Return where the nucleus of a mask with soft or hard edges lies.

    Parameters
    ----------
    values : (Y, X) ndarray of bool, int or float
        0 outside of the nucleus.
    name : str
        What the error message calls the mask.

    Returns
    -------
    (Y, X) ndarray of bool
        True where the value is at least half of the largest.

    Raises
    ------
    LabelsError
        If a value in between fills a region, as the numbers of several nuclei do.
    """
    if values.dtype == np.bool_:
        return values
    if values.min() < 0:  # minus one, of signed masks
        return np.asarray(values != 0)
    # By ratio, as twice an integer may not fit its type.
    part = values.astype(np.float64) / (values.max() or 1)
    between = (part >= _FAINTEST) & (part <= 1 - _FAINTEST)
    if between.any():
        flat = ndimage.maximum_filter(values, 3) == ndimage.minimum_filter(values, 3)
        if np.count_nonzero(between & flat) >= _FEWEST_FLAT:
            raise LabelsError(
                f"{name} must be the mask of one nucleus. Received: regions of "
                "different values, as in labels. Save one mask per nucleus, or put the "
                "images into images/ and the labels into labels/."
            )
    return np.asarray(part >= 1 / 2)


def _check_background(labels: NDArray[np.int32], name: str) -> None:
    """Refuse a number that fills the plane from edge to edge, around all else."""
    numbers, areas = label_areas(labels)
    if not areas.size or 2 * areas.max() <= labels.size:
        return
    rest = labels != numbers[areas.argmax()]
    edges = (rest[0], rest[-1], rest[:, 0], rest[:, -1])
    if any(edge.all() for edge in edges):
        return
    holes, n_holes = ndimage.label(rest, _SQUARE)
    at_edge = np.concatenate([holes[0], holes[-1], holes[:, 0], holes[:, -1]])
    n_inside = n_holes - np.count_nonzero(np.unique(at_edge))
    if n_inside >= _FEWEST_HOLES:
        raise LabelsError(
            f"{name} must have the value 0 in the background. Received: "
            f"{numbers[areas.argmax()]} all around {n_inside:,} spots, as where nuclei "
            "are 0 or classes are counted from 1. Give the background the value 0."
        )


def _are_used_again(
    planes: NDArray[np.int32], parts: NDArray[np.int32], name: str
) -> bool:
    n_numbers = n_parts = n_split = n_touching = 0
    for plane, plane_parts in zip(planes, parts, strict=True):
        _, areas = label_areas(plane_parts)
        if not areas.size:
            continue
        owners = np.zeros(areas.size + 1, np.int32)
        owners[plane_parts.ravel()] = plane.ravel()
        numbers, rows = np.unique(owners[1:], return_inverse=True)
        largest = np.zeros(numbers.size, np.int64)
        np.maximum.at(largest, rows, areas)
        is_part = areas >= _SPECK * np.median(largest)
        n_numbers += numbers.size
        n_parts += int(np.count_nonzero(is_part))
        n_split += int(np.count_nonzero(np.bincount(rows[is_part]) > 1))
        touching = _touching(plane_parts)
        n_touching += int(np.count_nonzero(is_part[touching - 1]))
    if n_parts < 2 * n_numbers or n_split < _USED_AGAIN * n_numbers:
        return False
    if n_touching >= _TOUCHING_CLASSES * n_parts:
        raise LabelsError(
            f"{name} must give each nucleus a number of its own. Received: numbers "
            "that come again in places which touch one another, as in a map of classes "
            "such as inside and boundary. Number the nuclei, or save a mask of them."
        )
    return True


def _touching(parts: NDArray[np.int32]) -> NDArray[np.int32]:
    """Which parts are beside another, or diagonally beside it."""
    highest = ndimage.maximum_filter(parts, 3)
    lowest = ndimage.minimum_filter(np.where(parts > 0, parts, parts.max() + 1), 3)
    meet = (parts > 0) & ((highest > parts) | (lowest < parts))
    return np.asarray(np.unique(parts[meet]), np.int32)
