"""Which images of a batch differ from the others most."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

_TO_SIGMA = 1.4826  # a median absolute deviation of a normal distribution, inverted
_MEAN_TO_SIGMA = 1.2533  # the same for the mean, where half of the values are equal
_MOST = 99.0


def outlier_scores(
    columns: Sequence[ArrayLike], groups: Sequence[str]
) -> NDArray[np.float64]:
    """Say how far images lie from the middle of their group.

    Parameters
    ----------
    columns : sequence of (N,) array_like of float
        Measures of the images; NaN where there is none.
    groups : sequence of str
        The group of each image.

    Returns
    -------
    (N,) ndarray of float64
        The largest distance from the median over the columns, in robust standard
        deviations (median absolute deviations times 1.48), at most 99; 0 where
        nothing is known.

    References
    ----------
    Iglewicz, Hoaglin: How to detect and handle outliers, ASQC 1993, ISBN 087389247X

    Examples
    --------
    >>> outlier_scores([[1.0, 2.0, 3.0, 40.0]], ["a"] * 4).round(1).tolist()
    [1.0, 0.3, 0.3, 25.3]
    """
    names = np.asarray(groups, dtype=object)
    scores = np.zeros(len(names))
    for column in columns:
        values = np.asarray(column, np.float64)
        for group in set(groups):
            chosen = (names == group) & np.isfinite(values)
            if np.count_nonzero(chosen) > 2:
                scores[chosen] = np.maximum(scores[chosen], _distances(values[chosen]))
    return scores


def _distances(values: NDArray[np.float64]) -> NDArray[np.float64]:
    away = np.abs(values - np.median(values))
    spread = float(np.median(away) * _TO_SIGMA or np.mean(away) * _MEAN_TO_SIGMA)
    if spread == 0:
        return away
    distances: NDArray[np.float64] = np.minimum(away / spread, _MOST)
    return distances
