"""What every correction returns, and the few pixels it needs to look at."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy import ndimage

from napari_unet_nuclei.core.errors import UNetNucleiError
from napari_unet_nuclei.core.instances.editing.locating import places_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

_FEW = 8  # nuclei that are found sooner one by one

Box = tuple[slice, slice]
"""Rows and columns."""


class EditError(UNetNucleiError, ValueError):
    """A correction cannot be made as it was asked for."""


class Edit(NamedTuple):
    """What a correction changes.

    Parameters
    ----------
    box : tuple of slices
        Rows and columns; nothing changes outside.
    labels : (y, x) ndarray of int
        The new labels inside.
    numbers : tuple of int
        The nuclei that the correction is about: those it leaves behind, or has
        deleted.
    """

    box: Box
    labels: NDArray[np.integer]
    numbers: tuple[int, ...]

    def applied_to(self, labels: NDArray[np.integer]) -> NDArray[np.integer]:
        """Return labels with this correction, (Y, X); a copy."""
        corrected = labels.copy()
        corrected[self.box] = self.labels
        return corrected

    def changes(
        self, labels: NDArray[np.integer]
    ) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.integer]]:
        """Return rows, columns and new labels of the pixels that change."""
        rows, columns = np.nonzero(labels[self.box] != self.labels)
        values = self.labels[rows, columns]
        return rows + self.box[0].start, columns + self.box[1].start, values


def box_of(labels: NDArray[np.integer], numbers: Iterable[int], margin: int = 0) -> Box:
    """Return the rows and columns that hold some nuclei.

    Parameters
    ----------
    labels : (Y, X) ndarray of int
        Numbered nuclei, 0 = background.
    numbers : iterable of int
        Which of them.
    margin : int, in px
        How much more on each side, as far as the image goes.

    Returns
    -------
    tuple of slices
        With starts and stops.

    Raises
    ------
    EditError
        If one of the numbers is 0 or does not occur.
    """
    wanted = list(dict.fromkeys(numbers))
    if len(wanted) > _FEW:
        return widened(_box_of_many(labels, wanted), margin, labels.shape)
    tops, bottoms, lefts, rights = [], [], [], []
    for number in wanted:
        is_here = labels == number
        rows = np.flatnonzero(is_here.any(axis=1))
        if number == 0 or not rows.size:
            raise EditError(f"There is no nucleus {number} in the shown plane.")
        inside = is_here[rows[0] : rows[-1] + 1].any(axis=0)
        columns = np.flatnonzero(inside)
        tops.append(int(rows[0]))
        bottoms.append(int(rows[-1]) + 1)
        lefts.append(int(columns[0]))
        rights.append(int(columns[-1]) + 1)
    if not tops:
        raise EditError("There is no nucleus there.")
    box = slice(min(tops), max(bottoms)), slice(min(lefts), max(rights))
    return widened(box, margin, labels.shape)


def _box_of_many(labels: NDArray[np.integer], numbers: list[int]) -> Box:
    """Find all nuclei in one look at the plane."""
    places = places_of(labels, numbers)
    there = np.unique(np.asarray(labels).reshape(-1)[places])
    missing = set(numbers).difference(there.tolist())
    if missing:
        raise EditError(f"There is no nucleus {min(missing)} in the shown plane.")
    rows, columns = np.divmod(places, labels.shape[1])
    return (
        slice(int(rows.min()), int(rows.max()) + 1),
        slice(int(columns.min()), int(columns.max()) + 1),
    )


def widened(box: Box, margin: int, shape: tuple[int, ...]) -> Box:
    """Return a box with more on each side, as far as the image goes."""
    rows, columns = (
        slice(max(part.start - margin, 0), min(part.stop + margin, length))
        for part, length in zip(box, shape, strict=True)
    )
    return rows, columns


def components(mask: NDArray[np.bool_]) -> tuple[NDArray[np.int32], NDArray[np.intp]]:
    """Return numbers of what is connected by sides, and their areas.

    Parameters
    ----------
    mask : (Y, X) ndarray of bool
        What to divide.

    Returns
    -------
    numbers : (Y, X) ndarray of int32
        1, 2, 3 …, 0 outside.
    areas : (n + 1,) ndarray of int
        Area of each; the first is 0, for the outside.
    """
    numbers, n = ndimage.label(mask)
    areas = np.bincount(numbers.ravel(), minlength=n + 1)
    areas[0] = 0
    return numbers.astype(np.int32, copy=False), areas


def largest_component(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return the largest part of a mask that is connected by sides."""
    numbers, areas = components(mask)
    return np.asarray((numbers == areas.argmax()) & mask)


def disc(radius: int) -> NDArray[np.bool_]:
    """Return a mask of all pixels within a distance from the one in the middle."""
    y, x = np.ogrid[-radius : radius + 1, -radius : radius + 1]
    return np.asarray(y**2 + x**2 <= radius**2)
