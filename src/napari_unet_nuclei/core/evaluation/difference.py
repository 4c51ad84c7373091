"""Where two label images of one image differ, for people to see."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING

import numpy as np

from napari_unet_nuclei.core.evaluation.contingency import cross_tabulate

if TYPE_CHECKING:
    from numpy.typing import NDArray

_LEAST_IOU = 0.5


class Agreement(IntEnum):
    """What of a pixel two label images agree on; background is 0."""

    BOTH = 1
    ONLY_FIRST = 2
    ONLY_SECOND = 3
    CUT_DIFFERENTLY = 4


@dataclass(frozen=True, kw_only=True, eq=False)
class Difference:
    """Where two label images differ.

    Parameters
    ----------
    map : (…, Y, X) ndarray of uint8
        A value of `Agreement`, or 0, for each pixel.
    n_both, n_first, n_second : int
        Nuclei that both have, and those that only one of them has.
    """

    map: NDArray[np.uint8]
    n_both: int
    n_first: int
    n_second: int


def find_difference(first: NDArray[np.int32], second: NDArray[np.int32]) -> Difference:
    """Find out where two label images of one image differ.

    Two nuclei are the same if they share more than half of what they cover together
    (IoU above 0.5).

    Parameters
    ----------
    first, second : (Y, X) ndarray of int32, or stacks (…, Y, X)
        Labels, 0 = background; no number occurs in two planes.

    Returns
    -------
    Difference
        Nuclei that both have are drawn as the first has them.

    Raises
    ------
    LabelsError
        If the shapes differ or an array is not a label image.

    Examples
    --------
    >>> first = np.array([[1, 1, 0, 2, 2, 0, 0]])
    >>> found = find_difference(first, np.array([[5, 5, 0, 0, 0, 0, 6]]))
    >>> found.map.tolist(), found.n_both, found.n_first, found.n_second
    ([[1, 1, 0, 2, 2, 0, 3]], 1, 1, 1)
    """
    tall = first.reshape(-1, first.shape[-1])
    table = cross_tabulate(tall, second.reshape(-1, second.shape[-1]))
    is_same = table.ious > _LEAST_IOU
    same_first = table.true_labels[table.rows[is_same]]
    same_second = table.predicted_labels[table.columns[is_same]]
    is_alone = (first > 0) & ~np.isin(first, same_first)
    is_other = (second > 0) & ~np.isin(second, same_second)
    drawn = np.zeros(first.shape, np.uint8)
    drawn[is_other] = Agreement.ONLY_SECOND
    drawn[is_alone] = Agreement.ONLY_FIRST
    drawn[is_alone & is_other] = Agreement.CUT_DIFFERENTLY
    drawn[np.isin(first, same_first)] = Agreement.BOTH
    n_both = int(np.count_nonzero(is_same))
    return Difference(
        map=drawn,
        n_both=n_both,
        n_first=table.true_labels.size - n_both,
        n_second=table.predicted_labels.size - n_both,
    )
