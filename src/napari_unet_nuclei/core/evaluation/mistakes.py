"""Which nuclei went wrong, and how: merged, split, missed or spurious.

Told by overlap alone, so that each mistake has a name whatever the intersection
over union.  Scores are in ``scores``, pictures in ``figures``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from napari_unet_nuclei.core.evaluation.contingency import Contingency


@dataclass(frozen=True, kw_only=True)
class Mistakes:
    """The nuclei of one image that went wrong, by their labels.

    Parameters
    ----------
    merges : tuple of int
        Predicted nuclei that cover more than half of each of two or more true
        ones.
    splits : tuple of int
        True nuclei that contain more than half of each of two or more predicted
        ones.
    misses : tuple of int
        True nuclei of which more than half is predicted background.
    spurious : tuple of int
        Predicted nuclei of which more than half is true background.
    """

    merges: tuple[int, ...]
    splits: tuple[int, ...]
    misses: tuple[int, ...]
    spurious: tuple[int, ...]

    @property
    def counts(self) -> MistakeCounts:
        """How many there are of each kind."""
        return MistakeCounts(
            merges=len(self.merges),
            splits=len(self.splits),
            misses=len(self.misses),
            spurious=len(self.spurious),
        )


@dataclass(frozen=True, kw_only=True)
class MistakeCounts:
    """Number of mistakes of each kind, in one image or in many.

    Parameters
    ----------
    merges, splits, misses, spurious : int
        As in `Mistakes`.
    """

    merges: int = 0
    splits: int = 0
    misses: int = 0
    spurious: int = 0

    def __add__(self, other: MistakeCounts) -> MistakeCounts:
        return MistakeCounts(
            merges=self.merges + other.merges,
            splits=self.splits + other.splits,
            misses=self.misses + other.misses,
            spurious=self.spurious + other.spurious,
        )


def find_mistakes(table: Contingency) -> Mistakes:
    """Nuclei of one image that are merged, split, missed or spurious.

    Parameters
    ----------
    table : Contingency
        True and predicted nuclei of the image.

    Returns
    -------
    Mistakes
        Labels of the nuclei, ascending.

    References
    ----------
    .. [1] Caicedo et al., Evaluation of deep learning strategies for nucleus
           segmentation in fluorescence images.  Names the same four mistakes, by
           intersection over union.  https://doi.org/10.1002/cyto.a.23863
    """
    rows, columns, shared = table.rows, table.columns, table.intersections
    true_areas, predicted_areas = table.true_areas, table.predicted_areas

    is_covered = 2 * shared > true_areas[rows]
    n_covered = np.bincount(columns[is_covered], minlength=predicted_areas.size)
    is_contained = 2 * shared > predicted_areas[columns]
    n_contained = np.bincount(rows[is_contained], minlength=true_areas.size)

    found = np.bincount(rows, weights=shared, minlength=true_areas.size)
    real = np.bincount(columns, weights=shared, minlength=predicted_areas.size)
    return Mistakes(
        merges=_names(table.predicted_labels, n_covered >= 2),
        splits=_names(table.true_labels, n_contained >= 2),
        misses=_names(table.true_labels, 2 * found < true_areas),
        spurious=_names(table.predicted_labels, 2 * real < predicted_areas),
    )


def count_mistakes(images: Iterable[Mistakes]) -> MistakeCounts:
    """Sum the mistakes of many images.

    Parameters
    ----------
    images : iterable of Mistakes
        What `find_mistakes` returns for each.

    Returns
    -------
    MistakeCounts
        All zero where there is no image.
    """
    return sum((mistakes.counts for mistakes in images), MistakeCounts())


def _names(labels: NDArray[Any], wrong: NDArray[np.bool_]) -> tuple[int, ...]:
    return tuple(labels[wrong].tolist())
