"""Nuclei as runs of their rows: areas, centroids and means without a list of pixels.

There are tens of times fewer runs than pixels.  Components of a mask belong in
``runs``, what else is measured in ``measurements`` and ``more_measurements``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from typing import Any

    from numpy.typing import NDArray


class NucleusRuns:
    """Where the nuclei of a label image are.

    Parameters
    ----------
    labels : (Y, X) ndarray of int32
        Numbered nuclei, 0 = background.

    Attributes
    ----------
    label : (N,) ndarray of int32
        Numbers of the nuclei, ascending.
    area : (N,) ndarray of int, in px²
        Their pixels.
    """

    def __init__(self, labels: NDArray[np.int32]) -> None:
        flat = labels.ravel()
        is_last = np.ones(flat.size, np.bool_)
        np.not_equal(flat[1:], flat[:-1], out=is_last[:-1])
        is_last.reshape(labels.shape)[:, -1:] = True  # none goes on in the next row
        stops = np.flatnonzero(is_last) + 1
        starts = np.append(0, stops[:-1])[: stops.size]  # of the background too
        numbers = flat[starts]
        is_nucleus = numbers > 0
        starts = starts[is_nucleus]
        self._lengths = stops[is_nucleus] - starts
        self._is_inside = flat > 0
        self._firsts = np.cumsum(self._lengths) - self._lengths  # of these pixels
        self._rows, self._columns = np.divmod(starts, max(labels.shape[1], 1))
        self.label, self._nuclei = _sort_out(numbers[is_nucleus])
        self.area = self._sum(self._lengths).astype(np.intp)

    def centroids(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return mean row and column of each nucleus, in px."""
        middles = self._columns + (self._lengths - 1) / 2
        return (
            self._sum(self._rows * self._lengths) / self.area,
            self._sum(middles * self._lengths) / self.area,
        )

    def means(self, values: NDArray[Any]) -> NDArray[np.float64]:
        """Average an image over each nucleus.

        Parameters
        ----------
        values : (Y, X) ndarray
            The image.

        Returns
        -------
        (N,) ndarray of float64
            In the order of ``label``.
        """
        if not self.label.size:
            return np.zeros(0)
        # Most of an image is background, so that reading the rest first is faster.
        inside = values.ravel()[self._is_inside]
        sums = np.add.reduceat(inside, self._firsts, dtype=np.float64)
        return self._sum(sums) / self.area

    def _sum(self, of_runs: NDArray[Any]) -> NDArray[np.float64]:
        sums = np.bincount(self._nuclei, weights=of_runs, minlength=self.label.size)
        return np.asarray(sums, np.float64)


def _sort_out(
    numbers: NDArray[np.int32],
) -> tuple[NDArray[np.int32], NDArray[np.intp]]:
    """Sort out the distinct numbers, and the place of each among them."""
    largest = int(numbers.max(initial=0))
    if largest > 2 * numbers.size:
        label, places = np.unique(numbers, return_inverse=True)
        return label, places
    # Counting takes a tenth of the time of sorting.
    present = np.bincount(numbers, minlength=1) > 0
    label = np.flatnonzero(present).astype(np.int32)
    return label, (np.cumsum(present) - 1)[numbers]
