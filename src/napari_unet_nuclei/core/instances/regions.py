"""Nuclei of a region take the place of those that were there.

Only pixels and numbers: what a region is drawn as, and how its nuclei are found,
belongs elsewhere.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from napari_unet_nuclei.core.errors import LabelsError
from napari_unet_nuclei.core.instances.editing.edit import widened

if TYPE_CHECKING:
    from numpy.typing import NDArray

MARGIN = 128
"""Pixels around a region that are seen too, so that nuclei at its edge are whole."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Region:
    """Part of an image, within a window that has a margin around it.

    Parameters
    ----------
    inside : (h, w) ndarray of bool
        Pixels of the window that belong to the region.
    top, left : int, in px
        Where the window begins in the image.
    """

    inside: NDArray[np.bool_]
    top: int
    left: int

    @classmethod
    def of_mask(cls, mask: NDArray[np.bool_], margin: int = MARGIN) -> Region:
        """Return the region of a mask.

        Parameters
        ----------
        mask : (Y, X) ndarray of bool
            Which pixels of the image belong to it.
        margin : int, in px
            Around its bounding box, as far as the image goes.

        Raises
        ------
        LabelsError
            If it holds no pixel.
        """
        lines = [np.flatnonzero(mask.any(axis=axis)) for axis in (1, 0)]
        if not lines[0].size:
            raise LabelsError(
                "Expected a region that holds a pixel of the image. Received: an empty "
                "one. Draw it on the image."
            )
        tight = tuple(slice(int(line[0]), int(line[-1]) + 1) for line in lines)
        rows, columns = widened((tight[0], tight[1]), margin, mask.shape)
        return cls(inside=mask[rows, columns], top=rows.start, left=columns.start)

    @classmethod
    def of_box(
        cls, box: tuple[slice, slice], shape: tuple[int, int], margin: int = MARGIN
    ) -> Region:
        """Return the region of a box.

        Parameters
        ----------
        box : tuple of slice
            Its rows and columns, inside of the image.
        shape : tuple of int, in px
            Height and width of the image.
        margin : int, in px
            As in `of_mask`.
        """
        rows, columns = widened(box, margin, shape)
        inside = np.zeros((rows.stop - rows.start, columns.stop - columns.start), bool)
        part = (
            slice(each.start - window.start, each.stop - window.start)
            for each, window in zip(box, (rows, columns), strict=True)
        )
        inside[tuple(part)] = True
        return cls(inside=inside, top=rows.start, left=columns.start)

    @property
    def window(self) -> tuple[slice, slice]:
        """Rows and columns of the window."""
        height, width = self.inside.shape
        return slice(self.top, self.top + height), slice(self.left, self.left + width)


class Replaced(NamedTuple):
    """Labels with the nuclei of a region in them.

    Parameters
    ----------
    labels : (…, Y, X) ndarray of int32
        All nuclei.
    n_fresh : int
        How many of them are new.
    """

    labels: NDArray[np.int32]
    n_fresh: int


def replace_in_region(
    before: NDArray[np.integer], fresh: NDArray[np.int32], region: Region
) -> Replaced:
    """Put the nuclei of a region in the place of those that were there.

    Nuclei are taken and replaced whole, by where most of them lies, so that none is cut
    at the edge of the region.

    Parameters
    ----------
    before : (…, Y, X) ndarray of int
        Nuclei of the image.
    fresh : (…, h, w) ndarray of int32
        What was found in the window of the region, with numbers from 1.
    region : Region
        Where they are replaced.

    Returns
    -------
    Replaced
        Nuclei that stay keep their numbers, those of the region have higher ones, in
        the order that they had.

    Notes
    -----
    A nucleus belongs to the region if at least half of it lies inside, or on nuclei
    that do.  What was there stays unless it belongs to the region too, or nuclei of the
    region cover at least half of it; of any other, they take what they cover.

    Examples
    --------
    >>> before = np.array([[1, 1, 0, 2, 2, 2, 0, 3]])
    >>> fresh = np.array([[1, 1, 0, 2, 2, 2, 2, 0]], np.int32)
    >>> inside = np.array([[0, 0, 0, 0, 1, 1, 1, 0]], bool)
    >>> region = Region(inside=inside, top=0, left=0)
    >>> replace_in_region(before, fresh, region).labels.tolist()
    [[1, 1, 0, 4, 4, 4, 4, 3]]
    """
    labels = np.maximum(before, 0).astype(np.int32)
    view = labels[(..., *region.window)]
    inside = np.broadcast_to(region.inside, view.shape)
    areas = np.bincount(labels.reshape(-1), minlength=1)
    is_replaced = _is_mostly(view, inside, areas)
    fresh_areas = np.bincount(fresh.reshape(-1), minlength=1)
    is_taken = _is_mostly(fresh, inside | is_replaced[view], fresh_areas)
    taken = is_taken[fresh]
    is_replaced |= _is_mostly(view, taken, areas)
    if np.bincount(view.reshape(-1), minlength=areas.size)[is_replaced].sum() < (
        areas[is_replaced].sum()
    ):
        labels[is_replaced[labels]] = 0  # some reach out of the window
    view[is_replaced[view]] = 0
    numbers = (areas.size - 1 + np.cumsum(is_taken)).astype(np.int32)
    view[taken] = numbers[fresh[taken]]
    return Replaced(labels, int(np.count_nonzero(is_taken)))


def _is_mostly(
    labels: NDArray[np.int32], where: NDArray[np.bool_], areas: NDArray[np.intp]
) -> NDArray[np.bool_]:
    """Whether at least half of each nucleus lies somewhere, by its number."""
    n_there = np.bincount(labels[where], minlength=areas.size)
    is_there = (n_there > 0) & (2 * n_there >= areas)
    is_there[0] = False
    return np.asarray(is_there)
