"""What of each nucleus tells whether it may be a mistake, one number for each reason.

Numbers grow with the doubt and have no unit, so that they mean the same at any size
of nuclei.  What they weigh belongs in :mod:`.weights`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from napari_unet_nuclei.core.cancellation import check_cancelled
from napari_unet_nuclei.core.instances.doubts.reasons import DoubtReason
from napari_unet_nuclei.core.instances.doubts.shapes import (
    Sides,
    find_cut,
    find_sides,
    measure_hulls,
)
from napari_unet_nuclei.core.instances.labels import compact_labels

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_unet_nuclei.core.instances.maps import Maps

_MOST_CONFIDENT = 0.995  # mean probability, above which all are alike
_LEAST_RIDGE = 0.02  # of a diameter
_LEAST_CONTACT = 0.05


class Traits(NamedTuple):
    """Nuclei of an image, and how much each reason applies to each.

    Parameters
    ----------
    label : (N,) ndarray of int32
        The nuclei, ascending.
    area : (N,) ndarray of int, in px²
        How large they are.
    by_reason : dict of DoubtReason to (N,) ndarray of float64
        Those of the maps are missing where there are no maps.
    """

    label: NDArray[np.int32]
    area: NDArray[np.intp]
    by_reason: dict[DoubtReason, NDArray[np.float64]]


def measure_traits(labels: NDArray[np.int32], maps: Maps | None) -> Traits:
    """Measure what may be doubtful about each nucleus.

    Parameters
    ----------
    labels : (Y, X) C-contiguous ndarray of int32
        0 = background.
    maps : Maps, optional
        What the labels were made from.

    Returns
    -------
    Traits
        One number for each reason and nucleus.
    """
    compact, numbers = labels, None
    if labels.max() > labels.size:  # then counting would take more than sorting
        compact, numbers = compact_labels(labels)
    flat = compact.ravel()
    pixels = np.flatnonzero(flat)
    ids = flat[pixels]
    n_pixels = np.bincount(ids, minlength=1)
    present = np.flatnonzero(n_pixels)
    label = present if numbers is None else numbers[present - 1]
    if not label.size:
        return Traits(label.astype(np.int32), n_pixels[present], {})
    rows = np.cumsum(n_pixels > 0) - 1
    check_cancelled()
    found = _Found(compact, pixels, rows[ids], rows, n_pixels[present])
    return Traits(label.astype(np.int32), found.area, _by_reason(found, maps))


class _Found(NamedTuple):
    """The nuclei, their pixels, and which pixel is of which."""

    labels: NDArray[np.int32]
    pixels: NDArray[np.intp]  # as indices into the flattened labels
    owners: NDArray[np.intp]  # position of the nucleus of each
    rows: NDArray[np.intp]  # position of each label among the nuclei
    area: NDArray[np.intp]

    @property
    def diameter(self) -> NDArray[np.float64]:
        """That of a disc as large as each, in px."""
        return np.asarray(np.sqrt(4 / np.pi * self.area))

    def total(self, values: NDArray[np.float32]) -> NDArray[np.float64]:
        """Sum values of all pixels over each nucleus."""
        sums = np.bincount(self.owners, weights=values, minlength=self.area.size)
        return np.asarray(sums, np.float64)


def _by_reason(
    found: _Found, maps: Maps | None
) -> dict[DoubtReason, NDArray[np.float64]]:
    n_nuclei = found.area.size
    sides = find_sides(found.labels)
    hull = measure_hulls(found.labels, found.rows, sides, n_nuclei)
    size = np.log(found.area / np.median(found.area))
    check_cancelled()
    is_cut = find_cut(found.labels, found.rows, n_nuclei)
    boundary = None if maps is None else maps.boundary
    traits = {
        DoubtReason.DENTED: 1 - np.minimum(found.area / hull, 1),
        DoubtReason.LARGE: np.maximum(size, 0),
        DoubtReason.SMALL: np.maximum(-size, 0),
        DoubtReason.CUT_BY_BORDER: is_cut.astype(np.float64),
        DoubtReason.UNCLEAR_CONTACT: _contact(found, sides, boundary),
    }
    check_cancelled()
    if maps is not None:
        mean = found.total(maps.foreground.ravel()[found.pixels]) / found.area
        doubt = np.log1p(-np.minimum(mean, _MOST_CONFIDENT))
        traits[DoubtReason.LOW_PROBABILITY] = doubt
    if maps is not None and boundary is not None:
        # Ridges are as wide as the network saw them.
        ridge = _inside(found, sides, boundary) / found.diameter * maps.scale
        traits[DoubtReason.BOUNDARY_ACROSS] = np.log(ridge + _LEAST_RIDGE)
    return traits


def _contact(
    found: _Found, sides: Sides, boundary: NDArray[np.float32] | None
) -> NDArray[np.float64]:
    """Length along which each nucleus touches others, less where a boundary is."""
    first, second = (found.labels.ravel()[each] for each in sides[:2])
    is_contact = (first > 0) & (second > 0)
    openness = np.ones(int(is_contact.sum()), np.float32)
    if boundary is not None:
        values = boundary.ravel()
        openness -= values[sides.first[is_contact]] / 2
        openness -= values[sides.second[is_contact]] / 2
    n_nuclei = found.area.size
    length = np.zeros(n_nuclei)
    for each in (first, second):
        owners = found.rows[each[is_contact]]
        length += np.bincount(owners, weights=openness, minlength=n_nuclei)
    return np.asarray(np.log(length / found.diameter + _LEAST_CONTACT))


def _inside(
    found: _Found, sides: Sides, boundary: NDArray[np.float32]
) -> NDArray[np.float64]:
    """Sum of the boundary map over each nucleus, without the pixels at its outline."""
    is_inside = np.ones(found.labels.size, np.bool_)
    is_inside[sides.first] = is_inside[sides.second] = False
    return found.total(boundary.ravel()[found.pixels] * is_inside[found.pixels])
