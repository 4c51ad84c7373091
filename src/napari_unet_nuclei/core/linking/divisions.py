"""Nuclei that divide: which track ends in which two, by overlap alone."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from napari_unet_nuclei.core.instances.labels import label_areas
from napari_unet_nuclei.core.linking.overlaps import count_overlaps

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_unet_nuclei.core.linking.overlaps import Overlaps

_LEAST_SHARED = 0.2  # of a daughter: what lies where the mother was
_LARGEST_DAUGHTER = 0.8  # of the area of the mother
_LEAST_ALIKE = 0.4  # area of the smaller daughter, of that of the larger


def find_divisions(
    pairs: Overlaps, links: Overlaps, areas: NDArray[np.int64]
) -> NDArray[np.bool_]:
    """Find the links that go from a mother to one of two daughters.

    Parameters
    ----------
    pairs : Overlaps
        Outlines of neighbouring planes that share pixels.
    links : Overlaps
        Those of them that are one nucleus.
    areas : (N,) ndarray of int64
        Area of each outline, in px².

    Returns
    -------
    (K,) ndarray of bool
        By link.  Both daughters lie in part where the mother was, are smaller, about as
        large as each other, and are there in the next plane, too.
    """
    goes_to, shared = np.zeros((2, areas.size), np.int64)
    goes_to[links.lower], shared[links.lower] = links.upper, links.shared
    has_begun = np.zeros(areas.size, bool)
    has_begun[links.upper] = True
    mother, daughter = pairs.lower, pairs.upper
    sister = goes_to[mother]
    smaller = np.minimum(areas[daughter], areas[sister])
    larger = np.maximum(areas[daughter], areas[sister])
    divides = (sister > 0) & ~has_begun[daughter]
    divides &= (goes_to[daughter] > 0) & (goes_to[sister] > 0)
    divides &= pairs.shared >= _LEAST_SHARED * areas[daughter]
    divides &= shared[mother] >= _LEAST_SHARED * areas[sister]
    divides &= larger <= _LARGEST_DAUGHTER * areas[mother]
    divides &= smaller >= _LEAST_ALIKE * larger
    return np.isin(links.lower, mother[divides])


def find_parents(labels: NDArray[np.integer]) -> dict[int, int]:
    """Find the track that each track has come from.

    Parameters
    ----------
    labels : (T, Y, X) ndarray of int
        Tracks: nuclei with one number at all time points.

    Returns
    -------
    dict of int to int
        Numbers of daughters and of their mothers.  A mother ends where two tracks or
        more begin at the next time point, each in part where it was.

    Examples
    --------
    >>> movie = np.array([[[1, 1, 1, 1]], [[2, 2, 3, 3]]])
    >>> find_parents(movie)
    {2: 1, 3: 1}
    """
    parents: dict[int, int] = {}
    known: set[int] = set()
    for before, after in pairwise(labels):
        known.update(label_areas(before)[0].tolist())
        numbers, areas = label_areas(after)
        area_of = dict(zip(numbers.tolist(), areas.tolist(), strict=True))
        daughters: dict[int, list[int]] = {}
        for mother, daughter, shared in zip(
            *count_overlaps(before, after), strict=True
        ):
            is_new = daughter not in known and mother not in area_of
            if is_new and shared >= _LEAST_SHARED * area_of[int(daughter)]:
                daughters.setdefault(int(mother), []).append(int(daughter))
        for mother, found in daughters.items():
            if len(found) > 1:
                parents |= dict.fromkeys(found, mother)
    return parents
