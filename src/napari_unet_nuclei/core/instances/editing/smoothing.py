"""Ragged outlines become smooth, and holes are filled."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

from napari_unet_nuclei.core.instances.editing.edit import (
    Edit,
    box_of,
    largest_component,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

_WIDTH = 0.06  # of the diameter: standard deviation of the average over the mask
_MARGIN = 4  # px


def smooth_nuclei(labels: NDArray[np.integer], numbers: Sequence[int]) -> Edit:
    """Fill holes of nuclei, and smooth their outlines.

    Parameters
    ----------
    labels : (Y, X) ndarray of int
        Numbered nuclei, 0 = background.
    numbers : sequence of int
        Which nuclei; each stays as large as it is, but for a few pixels, takes none of
        another one, and becomes connected if it was not.

    Returns
    -------
    Edit
        The box that holds them.

    Raises
    ------
    EditError
        If one of them does not occur.
    """
    box = box_of(labels, numbers, margin=_MARGIN)
    inside = labels[box].copy()
    for number in dict.fromkeys(numbers):
        here = box_of(inside, [number], margin=_MARGIN)
        part = inside[here]
        mask = part == number
        smooth = smooth_mask(mask, (part == 0) | mask)
        part[mask] = 0
        part[smooth] = number
    return Edit(box, inside, tuple(dict.fromkeys(numbers)))


def smooth_mask(mask: NDArray[np.bool_], free: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Smooth a mask inside of what it may take.

    Parameters
    ----------
    mask : (Y, X) ndarray of bool
        A nucleus.
    free : (Y, X) ndarray of bool
        Its pixels and those of the background.

    Returns
    -------
    (Y, X) ndarray of bool
        One connected part; the mask's own largest part if it is too small.
    """
    filled = ndimage.binary_fill_holes(largest_component(mask)) & free
    diameter = 2 * math.sqrt(np.count_nonzero(filled) / math.pi)
    width = max(1.0, _WIDTH * diameter)
    # What another nucleus holds counts half: a shared side stays where it is.
    weights = np.where(free, filled, 0.5).astype(np.float32)
    average = ndimage.gaussian_filter(weights, width, mode="nearest")
    # As many pixels as before: a fixed threshold would make small nuclei smaller.
    area = np.count_nonzero(filled)
    level = np.partition(average[free], -area)[-area]
    smooth = largest_component((average >= level) & free)
    if not area / 2 < np.count_nonzero(smooth) < 2 * area:
        return largest_component(filled)
    return np.asarray(largest_component(ndimage.binary_fill_holes(smooth) & free))
