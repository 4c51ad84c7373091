"""Parts of one nucleus that were cut apart become one again."""

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
    disc,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

_MAX_GAP = 0.5  # of the diameter of the smallest part


def merge_nuclei(labels: NDArray[np.integer], numbers: Sequence[int]) -> Edit:
    """Make one nucleus of several.

    A narrow gap of background between them is bridged, and holes are filled.

    Parameters
    ----------
    labels : (Y, X) ndarray of int
        Numbered nuclei, 0 = background.
    numbers : sequence of int
        Which nuclei; what they become has the first number.

    Returns
    -------
    Edit
        The box that holds them, with one connected nucleus in their place.

    Raises
    ------
    EditError
        If there are fewer than two, or if they lie apart.

    Examples
    --------
    >>> labels = np.array([[1, 1, 2, 2, 0]])
    >>> merge_nuclei(labels, [2, 1]).applied_to(labels).tolist()
    [[2, 2, 2, 2, 0]]
    """
    numbers = list(dict.fromkeys(numbers))
    if len(numbers) < 2:
        raise EditError("Two nuclei are needed to merge them: touch another one.")
    labels = np.asarray(labels)
    tight = labels[box_of(labels, numbers)]
    areas = [np.count_nonzero(tight == number) for number in numbers]
    smallest = 2 * math.sqrt(min(areas) / math.pi)
    reach = max(1, math.ceil(_MAX_GAP * smallest / 2))
    box = box_of(labels, numbers, margin=reach + 1)
    inside = labels[box]
    parts = np.isin(inside, numbers)
    merged = _connect(parts, (inside == 0) | parts, reach)
    if merged is None:
        named = " and ".join(map(str, numbers))
        raise EditError(
            f"Nuclei {named} do not touch: only neighbours can become one nucleus."
        )
    corrected = inside.copy()
    corrected[merged] = numbers[0]
    return Edit(box, corrected, (numbers[0],))


def _connect(
    parts: NDArray[np.bool_], free: NDArray[np.bool_], reach: int
) -> NDArray[np.bool_] | None:
    """Bridge gaps with as few pixels as it takes; ``None`` if they are too wide."""
    merged = parts
    for radius in range(reach + 1):
        if radius:
            padded = np.pad(parts, radius)  # or the closing ends at the edge
            closed = ndimage.binary_closing(padded, disc(radius))
            merged = parts | (closed[radius:-radius, radius:-radius] & free)
        if np.count_nonzero(components(merged)[1]) == 1:
            return np.asarray(merged | (ndimage.binary_fill_holes(merged) & free))
    return None
