"""The pixels of a few nuclei of a large plane, without a look at all of it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from napari_unet_nuclei.core.instances.measurements import Features

_LEAST_REACH = 4  # px
_MOST_LOOKS = 4  # each twice as wide as the one before


def places_of(
    labels: NDArray[np.integer],
    numbers: Iterable[int],
    features: Features | None = None,
) -> NDArray[np.intp]:
    """Return where some nuclei are.

    Parameters
    ----------
    labels : (Y, X) ndarray of int
        Numbered nuclei, 0 = background.
    numbers : iterable of int
        Which nuclei; those that do not occur are passed over.
    features : dict of str to (N,) ndarray, optional
        Measurements of the nuclei by ascending ``label``: with ``area`` and centroids,
        only the surroundings of the nuclei are searched.

    Returns
    -------
    (K,) ndarray of int
        Indices into the flattened labels.

    Examples
    --------
    >>> places_of(np.array([[0, 3, 3], [5, 0, 7]]), [7, 3]).tolist()
    [1, 2, 5]
    """
    wanted = {int(number) for number in numbers if number > 0}
    found = []
    for number, centre, area in _known(wanted, features):
        places = _search(labels, number, centre, area)
        if places is not None:
            found.append(places)
            wanted.discard(number)
    if wanted:
        found.append(_search_everywhere(labels, wanted))
    return np.concatenate(found) if found else np.zeros(0, np.intp)


def _known(
    wanted: set[int], features: Features | None
) -> list[tuple[int, tuple[float, float], int]]:
    """Return number, centroid and area of those that have been measured."""
    if features is None or not {"area", "centroid_y", "centroid_x"} <= set(features):
        return []
    rows = np.flatnonzero(np.isin(features["label"], np.array(sorted(wanted), int)))
    columns = [features[n][rows] for n in ("label", "centroid_y", "centroid_x", "area")]
    return [
        (int(number), (float(y), float(x)), int(area))
        for number, y, x, area in zip(*columns, strict=True)
        if np.isfinite(y + x)
    ]


def _search(
    labels: NDArray[np.integer], number: int, centre: tuple[float, float], area: int
) -> NDArray[np.intp] | None:
    """Search around a centroid until all pixels are found."""
    reach = math.ceil(1.5 * math.sqrt(area / math.pi)) + _LEAST_REACH
    for _ in range(_MOST_LOOKS):
        top, left = (max(int(middle) - reach, 0) for middle in centre)
        bottom, right = (int(middle) + reach + 1 for middle in centre)
        rows, columns = np.nonzero(labels[top:bottom, left:right] == number)
        if rows.size == area:
            return np.asarray((rows + top) * labels.shape[1] + columns + left)
        reach *= 2
    return None


def _search_everywhere(
    labels: NDArray[np.integer], numbers: set[int]
) -> NDArray[np.intp]:
    wanted = np.array(sorted(numbers), np.intp)
    table = np.zeros(wanted[-1] + 2, np.bool_)  # the last is for all higher numbers
    table[wanted] = True
    return np.flatnonzero(table.take(labels, mode="clip"))
