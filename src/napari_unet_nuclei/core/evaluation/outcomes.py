"""What became of each true nucleus of an image: found, missed, beside how many others.

Scores of a whole image are in :mod:`~napari_unet_nuclei.core.evaluation.scores`; from
the outcomes of single nuclei the same scores follow for any choice of these nuclei.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage, spatial

from napari_unet_nuclei.core.evaluation.contingency import cross_tabulate
from napari_unet_nuclei.core.evaluation.scores import THRESHOLDS, score_image

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from napari_unet_nuclei.core.evaluation.contingency import Contingency
    from napari_unet_nuclei.core.evaluation.scores import ImageScores


@dataclass(frozen=True, eq=False, kw_only=True)
class ImageOutcome:
    """The scores of an image, and of each true nucleus in it.

    Parameters
    ----------
    scores : ImageScores
        Those of the image.
    ious : (n,) ndarray of float64, values in [0, 1]
        IoU of each true nucleus with the predicted one that matches it at .5; 0 where
        none does.
    n_predicted : (n,) ndarray of int64
        Predicted nuclei that belong to each true one: because they overlap it most, or
        overlap none and it is the nearest.
    """

    scores: ImageScores
    ious: NDArray[np.float64]
    n_predicted: NDArray[np.int64]

    def average_precision(
        self, counts: NDArray[np.int64], thresholds: Sequence[float]
    ) -> float:
        """Score an image in which each nucleus occurs so many times.

        Parameters
        ----------
        counts : (n,) ndarray of int64
            How often each true nucleus occurs, with the predicted ones that belong to
            it; 1 for each gives the average precision of the image itself.
        thresholds : sequence of float
            IoU to exceed.

        Returns
        -------
        float in [0, 1]
            Mean of the average precision TP / (TP + FP + FN) over the thresholds.
        """
        n_all = int(counts.sum() + (counts * self.n_predicted).sum())
        if not n_all:
            return 1.0
        tps = [int(counts[self.ious > threshold].sum()) for threshold in thresholds]
        return sum(tp / (n_all - tp) for tp in tps) / len(thresholds)


def find_outcome(
    truth: NDArray[np.int32],
    prediction: NDArray[np.int32],
    table: Contingency | None = None,
) -> ImageOutcome:
    """Find out what became of each true nucleus.

    Parameters
    ----------
    truth, prediction : (Y, X) ndarray of int32
        Labels, 0 = background; the truth may be -1 where it is not annotated.
    table : Contingency, optional
        What they share, where that is known already.

    Returns
    -------
    ImageOutcome
        The same nuclei count as in `evaluate_image`.

    Raises
    ------
    LabelsError
        If the shapes differ or an array is not a label image.

    Examples
    --------
    >>> truth = np.array([[1, 1, 0, 2, 2, 0, 0]])
    >>> outcome = find_outcome(truth, np.array([[5, 5, 0, 0, 0, 0, 6]]))
    >>> outcome.ious.tolist(), outcome.n_predicted.tolist()
    ([1.0, 0.0], [1, 1])
    """
    table = cross_tabulate(truth, prediction) if table is None else table
    n_true = table.true_labels.size
    ious = table.ious
    best = np.zeros(n_true)
    matched = ious > THRESHOLDS[0]
    best[table.rows[matched]] = ious[matched]
    owners = _find_owners(table, truth, prediction) if n_true else np.zeros(0, int)
    return ImageOutcome(
        scores=score_image(table),
        ious=best,
        n_predicted=np.bincount(owners, minlength=n_true).astype(np.int64),
    )


def _find_owners(
    table: Contingency, truth: NDArray[np.int32], prediction: NDArray[np.int32]
) -> NDArray[np.intp]:
    """Return the position of the true nucleus that each predicted one belongs to."""
    owners = np.full(table.predicted_labels.size, -1, np.intp)
    order = np.argsort(table.intersections, kind="stable")
    owners[table.columns[order]] = table.rows[order]  # the largest is written last
    alone = owners < 0
    if alone.any():
        tree = spatial.cKDTree(_centres(truth, table.true_labels))
        places = _centres(prediction, table.predicted_labels[alone])
        owners[alone] = tree.query(places)[1]
    return owners


def _centres(
    labels: NDArray[np.int32], numbers: NDArray[np.int32]
) -> NDArray[np.float64]:
    return np.array(ndimage.center_of_mass(labels > 0, labels, numbers))
