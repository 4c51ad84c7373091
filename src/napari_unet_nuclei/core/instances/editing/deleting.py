"""Nuclei that are none are deleted, one by one or many at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from napari_unet_nuclei.core.instances.editing.edit import Edit, box_of
from napari_unet_nuclei.core.instances.editing.locating import places_of
from napari_unet_nuclei.core.instances.editing.paths import pixels_inside

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray


def delete_nuclei(labels: NDArray[np.integer], numbers: Sequence[int]) -> Edit:
    """Turn nuclei into background.

    Parameters
    ----------
    labels : (Y, X) ndarray of int
        Numbered nuclei, 0 = background.
    numbers : sequence of int
        Which nuclei.

    Returns
    -------
    Edit
        The box that holds them, without them.

    Raises
    ------
    EditError
        If one of them does not occur.

    Examples
    --------
    >>> labels = np.array([[1, 1, 0, 2]])
    >>> delete_nuclei(labels, [1]).applied_to(labels).tolist()
    [[0, 0, 0, 2]]
    """
    box = box_of(labels, numbers)
    inside = labels[box].copy()
    inside[np.isin(inside, np.asarray(numbers))] = 0
    return Edit(box, inside, tuple(numbers))


def nuclei_inside(labels: NDArray[np.integer], outline: ArrayLike) -> list[int]:
    """Return the nuclei of which at least half lies inside an outline.

    Parameters
    ----------
    labels : (Y, X) ndarray of int
        Numbered nuclei, 0 = background.
    outline : (N, 2) array_like of float, in px
        Rows and columns of its corners, such as those of a box.

    Returns
    -------
    list of int
        Their numbers, ascending.
    """
    found = pixels_inside(outline, labels.shape)
    if found is None:
        return []
    box, mask = found
    numbers, areas = np.unique(labels[box][mask], return_counts=True)
    is_nucleus = numbers > 0
    names, inside = numbers[is_nucleus], areas[is_nucleus]
    places = places_of(labels, names.tolist())  # of all at once
    which = np.searchsorted(names, np.asarray(labels).reshape(-1)[places])
    is_half = 2 * inside >= np.bincount(which, minlength=names.size)
    return [int(name) for name in names[is_half]]
