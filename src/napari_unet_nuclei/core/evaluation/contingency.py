"""Which pixels true and predicted nuclei share: the table every comparison needs.

scikit-image counts, over the pixels that both images call nuclei: with the
background, which no score needs as a nucleus, it takes twice as long.  Scores that
are computed from the table live in ``scores`` and ``pixel_scores``, mistakes that are
read off it in ``mistakes``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from skimage.metrics import contingency_table

from napari_unet_nuclei.core.errors import LabelsError
from napari_unet_nuclei.core.instances.labels import (
    IGNORED,
    check_labels,
    compact_labels,
    hide_ignored,
)

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


@dataclass(frozen=True, eq=False, kw_only=True)
class Contingency:
    """Areas of nuclei and of what they share, for one image.

    Parameters
    ----------
    true_labels, predicted_labels : (T,) and (P,) ndarray of int
        Numbers of the nuclei as in the label images, ascending.
    true_areas, predicted_areas : (T,) and (P,) ndarray of int
        Their areas, in px².
    rows, columns : (K,) ndarray of int
        Pairs of nuclei that share pixels, as positions in ``true_labels`` and
        ``predicted_labels``; each pair once.
    intersections : (K,) ndarray of int
        The area each pair shares, in px².
    n_pixels : int
        Annotated pixels of the image; no other pixel counts in any area.
    """

    true_labels: NDArray[Any]
    predicted_labels: NDArray[Any]
    true_areas: NDArray[Any]
    predicted_areas: NDArray[Any]
    rows: NDArray[Any]
    columns: NDArray[Any]
    intersections: NDArray[np.int64]
    n_pixels: int

    @property
    def ious(self) -> NDArray[np.float64]:
        """Intersection over union of each pair."""
        areas = self.true_areas[self.rows] + self.predicted_areas[self.columns]
        ious: NDArray[np.float64] = self.intersections / (areas - self.intersections)
        return ious


def cross_tabulate(truth: ArrayLike, prediction: ArrayLike) -> Contingency:
    """Areas of the nuclei of two label images and of what they share.

    Parameters
    ----------
    truth, prediction : (Y, X) ndarray of integers
        Label images, 0 = background.  The truth may be -1 where it is not annotated;
        what is predicted there does not count.  A predicted nucleus of which more than
        half lies there counts only if it matches a true one in what is left of it.

    Returns
    -------
    Contingency
        Takes time in proportion to the number of pixels, not of nuclei.

    Raises
    ------
    LabelsError
        If the shapes differ or an array is not a label image.
    """
    truth = check_labels(truth, name="truth", may_ignore=True)
    prediction = check_labels(prediction, name="prediction")
    if truth.shape != prediction.shape:
        raise LabelsError(
            "The true and the predicted labels of an image must have the same shape. "
            f"Received: truth {truth.shape}, prediction {prediction.shape}. Compare "
            "labels of the same image at the same scale."
        )
    is_ignored = truth == IGNORED
    n_ignored = int(np.count_nonzero(is_ignored))
    if n_ignored:
        truth, prediction = _hide_unjudged(truth, prediction, is_ignored)
    true, predicted = _count(truth), _count(prediction)
    shared = (true.compact > 0) & (predicted.compact > 0)
    rows, columns, intersections = _count_pairs(
        true.compact[shared], predicted.compact[shared]
    )
    return Contingency(
        true_labels=true.labels,
        predicted_labels=predicted.labels,
        true_areas=true.areas,
        predicted_areas=predicted.areas,
        rows=np.searchsorted(true.present, rows),
        columns=np.searchsorted(predicted.present, columns),
        intersections=intersections,
        n_pixels=truth.size - n_ignored,
    )


def _hide_unjudged(
    truth: NDArray[np.int32], prediction: NDArray[np.int32], ignored: NDArray[np.bool_]
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Return only pixels that are annotated, and only nuclei that can be judged."""
    truth, seen = hide_ignored(truth), np.where(ignored, 0, prediction)
    compact, numbers = compact_labels(prediction)
    rest, areas = (
        np.bincount(labels.ravel(), minlength=numbers.size + 1)
        for labels in (np.where(ignored, 0, compact), compact)
    )
    is_hidden = 2 * rest < areas
    is_hidden[0] = False
    if not is_hidden.any():
        return truth, seen
    matched = _find_matched(cross_tabulate(truth, seen))
    is_hidden[1:] &= ~np.isin(numbers, matched)
    return truth, np.where(is_hidden[compact], 0, seen)


def _find_matched(table: Contingency) -> NDArray[Any]:
    """Return the predicted nuclei that share more than half with a true one."""
    areas = table.true_areas[table.rows] + table.predicted_areas[table.columns]
    is_match = 2 * table.intersections > areas - table.intersections
    return np.asarray(table.predicted_labels[table.columns[is_match]])


def _count_pairs(
    truth: NDArray[Any], prediction: NDArray[Any]
) -> tuple[NDArray[Any], NDArray[Any], NDArray[np.int64]]:
    """Return each pair of numbers that occurs at the same place, and how often."""
    if not truth.size:  # of which SciPy cannot tell the shape of a table
        return truth, prediction, np.zeros(0, np.int64)
    pairs = contingency_table(truth, prediction).tocoo()
    return pairs.row, pairs.col, pairs.data.astype(np.int64)


class _Nuclei(NamedTuple):
    """The nuclei of one label image, and the image in numbers cheap to count."""

    compact: NDArray[Any]  # (Y, X), no number exceeds the number of pixels
    present: NDArray[Any]  # numbers of nuclei in it, ascending
    labels: NDArray[Any]  # the same nuclei as numbered by the caller
    areas: NDArray[Any]


def _count(labels: NDArray[np.int32]) -> _Nuclei:
    compact: NDArray[Any] = labels
    names = None
    if labels.max() > labels.size:
        names, positions = np.unique(labels, return_inverse=True)
        compact = positions.reshape(labels.shape)
        if names[0] != 0:
            names = np.concatenate([[0], names])
            compact = compact + 1
    areas = np.bincount(compact.ravel())
    areas[0] = 0
    present = np.flatnonzero(areas)
    return _Nuclei(
        compact=compact,
        present=present,
        labels=present if names is None else names[present],
        areas=areas[present],
    )
