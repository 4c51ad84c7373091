"""Measurements that follow corrections, at the cost of the corrected pixels alone.

Every measurement here is a number of pixels or a mean over them, or follows from the
number, so a pixel that changes hands is taken off one nucleus and added to another.
Measuring from scratch belongs in ``measurements``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_unet_nuclei.core.instances.distinct import distinct
from napari_unet_nuclei.core.instances.measurements import equivalent_diameters

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from napari_unet_nuclei.core.instances.measurements import Features

_MOVED = 1e-6  # px; a centroid that is nearer than this is where it was


@dataclass(frozen=True, kw_only=True)
class Corrections:
    """How many nuclei differ from those that were found.

    Parameters
    ----------
    n_added, n_removed, n_changed : int
        Nuclei with a new label, labels that are gone, and nuclei of another shape.
    """

    n_added: int
    n_removed: int
    n_changed: int

    def __bool__(self) -> bool:
        """Whether there is any."""
        return bool(self.n_added or self.n_removed or self.n_changed)


def correct_features(
    features: Features,
    before: NDArray[np.integer],
    after: NDArray[np.integer],
    values: Mapping[str, NDArray[Any]],
) -> Features:
    """Update the measurements after some pixels have changed their label.

    Parameters
    ----------
    features : dict of str to (N,) ndarray
        What `measure_nuclei` returns: means over pixels, and what their number tells.
    before, after : (K,) ndarray of int
        Labels of the pixels that were changed, 0 = background.
    values : mapping of str to (K,) ndarray
        What columns average, at these pixels; others become NaN where changed.

    Returns
    -------
    dict of str to (M,) ndarray
        The same columns; new labels have rows, labels that are gone have none.

    Examples
    --------
    >>> found = {"label": [1], "area": [2], "centroid_x": [4.5]}
    >>> features = {name: np.array(column) for name, column in found.items()}
    >>> one, more = np.array([1]), {"centroid_x": np.array([5])}
    >>> correct_features(features, one, 0 * one, more)["centroid_x"].tolist()
    [4.0]
    """
    pixels = np.append(before, after)
    touched = distinct(pixels)
    positions = np.searchsorted(touched, pixels)
    signs = np.repeat((-1, 1), (before.size, after.size))
    changed = touched[touched != 0]
    label = distinct(features["label"], changed)
    old_rows = np.searchsorted(label, features["label"])
    rows = np.searchsorted(label, changed)

    def change(weights: NDArray[Any]) -> NDArray[np.float64]:
        summed: NDArray[Any] = np.bincount(positions, weights=weights)
        return np.asarray(summed[touched != 0], np.float64)

    area = np.zeros(label.size, np.int64)
    area[old_rows] = features["area"]
    area[rows] += np.rint(change(signs)).astype(np.int64)

    def correct(name: str) -> NDArray[np.float64]:
        column = np.full(label.size, np.nan)
        column[old_rows] = features[name]
        column[rows] = np.nan
        if name in values:
            sums = np.bincount(old_rows, features[name] * features["area"], label.size)
            sums = sums[rows] + change(signs * np.tile(values[name], 2))
            column[rows] = sums / np.maximum(area[rows], 1)
        return column

    known: Features = {"label": label, "area": area}
    known["diameter"] = equivalent_diameters(area)
    known |= {name: correct(name) for name in features if name not in known}
    return {name: known[name][area > 0] for name in features}


def count_corrections(found: Features, corrected: Features) -> Corrections:
    """Compare the nuclei that there are with those that were found.

    Parameters
    ----------
    found, corrected : dict of str to ndarray
        Their measurements, by ascending ``label``.

    Returns
    -------
    Corrections
        A nucleus whose label was changed counts as one removed and one added.
    """
    _, old, new = np.intersect1d(
        found["label"], corrected["label"], assume_unique=True, return_indices=True
    )
    is_changed = found["area"][old] != corrected["area"][new]
    for name in found:
        if name.startswith("centroid_"):
            moved = np.abs(found[name][old] - corrected[name][new])
            is_changed |= moved > _MOVED
    return Corrections(
        n_added=corrected["label"].size - new.size,
        n_removed=found["label"].size - old.size,
        n_changed=int(is_changed.sum()),
    )
