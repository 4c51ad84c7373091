"""How well predicted nuclei agree with true ones.

Matching, average precision, panoptic quality and Dice belong here, for one
image, for many and for groups of them.  Reading label images and printing
tables do not; merged and split nuclei are found in ``mistakes``.

A predicted and a true nucleus match at a threshold ``t`` when their
intersection over union (IoU) exceeds ``t``.  No threshold is below one half,
so that a nucleus has at most one match and no assignment has to be solved.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_unet_nuclei.core.errors import LabelsError
from napari_unet_nuclei.core.evaluation.contingency import cross_tabulate

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import ArrayLike

    from napari_unet_nuclei.core.evaluation.contingency import Contingency

THRESHOLDS: tuple[float, ...] = tuple(round(0.5 + 0.05 * n, 2) for n in range(10))
"""IoU thresholds of the DSB2018 score: 0.5, 0.55 … 0.95."""


@dataclass(frozen=True, kw_only=True)
class ImageScores:
    """Counts and scores of one image.

    Parameters
    ----------
    n_true, n_predicted : int
        Nuclei in the true and in the predicted label image.
    tp, fp, fn : tuple of int, one for each of ``THRESHOLDS``
        Matched pairs, predicted nuclei without and true nuclei without a match.
    iou_sum : float
        Sum of the IoU of the pairs that match at 0.5.
    dice : float in [0, 1]
        Overlap of the foregrounds; 1 when both are empty.
    is_annotated : bool
        Whether any pixel is; where none is, there is nothing to score.
    """

    n_true: int
    n_predicted: int
    tp: tuple[int, ...]
    fp: tuple[int, ...]
    fn: tuple[int, ...]
    iou_sum: float
    dice: float
    is_annotated: bool = True

    @property
    def ap(self) -> dict[float, float]:
        """Average precision TP / (TP + FP + FN) at each threshold."""
        return _average_precision(self.tp, self.fp, self.fn)

    @property
    def dsb2018(self) -> float:
        """Mean of the average precision over the thresholds."""
        return sum(self.ap.values()) / len(THRESHOLDS)

    @property
    def pq(self) -> float:
        """Panoptic quality at 0.5."""
        return _panoptic_quality(self.iou_sum, self.tp[0], self.fp[0], self.fn[0])


@dataclass(frozen=True, kw_only=True)
class Scores:
    """Scores of a set of images.

    Parameters
    ----------
    n_images, n_true, n_predicted : int
        Images, and nuclei in all of them.
    ap : dict of float to float
        Average precision at each threshold, computed per image, then averaged.
    pooled_ap : dict of float to float
        Average precision at each threshold of the counts summed over all images.
    dsb2018 : float in [0, 1]
        Mean of ``ap`` over the thresholds: the score of the 2018 Data Science
        Bowl.
    pq : float in [0, 1]
        Panoptic quality at 0.5 of the sums over all images.
    dice : float in [0, 1]
        Overlap of the foregrounds, computed per image, then averaged.
    """

    n_images: int
    n_true: int
    n_predicted: int
    ap: dict[float, float]
    pooled_ap: dict[float, float]
    dsb2018: float
    pq: float
    dice: float


def evaluate(
    truth: ArrayLike | Iterable[ArrayLike], prediction: ArrayLike | Iterable[ArrayLike]
) -> Scores:
    """Scores of predicted label images against true ones.

    Parameters
    ----------
    truth, prediction : (Y, X) ndarray of integers, or a sequence of them
        Label images, 0 = background.  A (N, Y, X) array counts as a sequence of
        N independent images.

    Returns
    -------
    Scores
        Means over the images and scores of the pooled counts.

    Raises
    ------
    LabelsError
        If there is no image, the numbers of images or the shapes of a pair
        differ, or an array is not a label image.

    References
    ----------
    .. [1] Caicedo et al., Nucleus segmentation across imaging experiments: the
           2018 Data Science Bowl. https://doi.org/10.1038/s41592-019-0612-7
    .. [2] Kirillov et al., Panoptic segmentation.
           https://doi.org/10.1109/CVPR.2019.00963

    Examples
    --------
    Of two nuclei, one is found as it is, and one is missed:

    >>> import numpy as np
    >>> truth = np.array([[1, 1, 0, 2, 2]])
    >>> scores = evaluate(truth, np.array([[1, 1, 0, 0, 0]]))
    >>> scores.n_true, scores.n_predicted, scores.ap[0.5], round(scores.dice, 2)
    (2, 1, 0.5, 0.67)
    """
    truths, predictions = _as_sequence(truth), _as_sequence(prediction)
    if len(truths) != len(predictions):
        raise LabelsError(
            "Each true label image needs one prediction. "
            f"Received: {len(truths)} true and {len(predictions)} predicted images. "
            "Pair them by name first."
        )
    return summarise(list(map(evaluate_image, truths, predictions)))


def evaluate_image(truth: ArrayLike, prediction: ArrayLike) -> ImageScores:
    """Scores of one predicted label image against the true one.

    Parameters
    ----------
    truth, prediction : (Y, X) ndarray of integers
        Label images, 0 = background.  Where the truth is -1, nothing is annotated: see
        `cross_tabulate` for what counts.

    Returns
    -------
    ImageScores
        What `summarise` needs to know of this image.

    Raises
    ------
    LabelsError
        If the shapes differ or an array is not a label image.
    """
    return score_image(cross_tabulate(truth, prediction))


def score_image(table: Contingency) -> ImageScores:
    """Scores of one image from the table of its nuclei.

    Parameters
    ----------
    table : Contingency
        True and predicted nuclei of the image.

    Returns
    -------
    ImageScores
        What `summarise` needs to know of this image.
    """
    true_areas, predicted_areas = table.true_areas, table.predicted_areas
    n_true, n_predicted = true_areas.size, predicted_areas.size
    ious = table.ious
    tp = tuple(int(np.count_nonzero(ious > threshold)) for threshold in THRESHOLDS)
    foregrounds = int(true_areas.sum() + predicted_areas.sum())
    return ImageScores(
        n_true=n_true,
        n_predicted=n_predicted,
        tp=tp,
        fp=tuple(n_predicted - n for n in tp),
        fn=tuple(n_true - n for n in tp),
        iou_sum=float(ious[ious > THRESHOLDS[0]].sum()),
        dice=2 * int(table.intersections.sum()) / foregrounds if foregrounds else 1.0,
        is_annotated=table.n_pixels > 0,
    )


def summarise(image_scores: Sequence[ImageScores]) -> Scores:
    """Scores of a set of images from the scores of each.

    Parameters
    ----------
    image_scores : sequence of ImageScores
        At least one of an image that is annotated; others do not count.

    Returns
    -------
    Scores
        Means over the images and scores of the pooled counts.

    Raises
    ------
    LabelsError
        If there is no such image.
    """
    n_given = len(image_scores)
    image_scores = [scores for scores in image_scores if scores.is_annotated]
    n_images = len(image_scores)
    if not n_images:
        blank = f", {n_given} without an annotated pixel" if n_given else ""
        raise LabelsError(
            "At least one pair of label images is needed to compute scores. "
            f"Received: none{blank}. Check the folders or the split."
        )
    aps = [scores.ap for scores in image_scores]
    ap = {t: sum(image_ap[t] for image_ap in aps) / n_images for t in THRESHOLDS}
    tp, fp, fn = (
        tuple(map(sum, zip(*counts, strict=True)))
        for counts in (
            [scores.tp for scores in image_scores],
            [scores.fp for scores in image_scores],
            [scores.fn for scores in image_scores],
        )
    )
    iou_sum = sum(scores.iou_sum for scores in image_scores)
    return Scores(
        n_images=n_images,
        n_true=sum(scores.n_true for scores in image_scores),
        n_predicted=sum(scores.n_predicted for scores in image_scores),
        ap=ap,
        pooled_ap=_average_precision(tp, fp, fn),
        dsb2018=sum(ap.values()) / len(THRESHOLDS),
        pq=_panoptic_quality(iou_sum, tp[0], fp[0], fn[0]),
        dice=sum(scores.dice for scores in image_scores) / n_images,
    )


def summarise_groups(
    image_scores: Sequence[ImageScores], groups: Sequence[str]
) -> dict[str, Scores]:
    """Scores of each group of images.

    Parameters
    ----------
    image_scores : sequence of ImageScores
        One for each image.
    groups : sequence of str
        The group each image belongs to, its staining for instance.

    Returns
    -------
    dict of str to Scores
        Sorted by the name of the group, without those in which nothing is annotated.

    Raises
    ------
    LabelsError
        If the numbers of images and of groups differ.
    """
    if len(image_scores) != len(groups):
        raise LabelsError(
            "Each image needs the name of its group. "
            f"Received: {len(image_scores)} images and {len(groups)} names. Name "
            "the group of every image."
        )
    of_group: dict[str, list[ImageScores]] = {name: [] for name in sorted(set(groups))}
    for scores, name in zip(image_scores, groups, strict=True):
        if scores.is_annotated:
            of_group[name].append(scores)
    return {name: summarise(scores) for name, scores in of_group.items() if scores}


def _as_sequence(labels: Any) -> list[Any]:
    """One label image, or an iterable of them, as a list."""
    return [labels] if getattr(labels, "ndim", None) == 2 else list(labels)


def _average_precision(
    tp: Sequence[int], fp: Sequence[int], fn: Sequence[int]
) -> dict[float, float]:
    """TP / (TP + FP + FN) at each threshold; 1 where there is no nucleus at all."""
    return {
        threshold: true / (true + false + missed) if true + false + missed else 1.0
        for threshold, true, false, missed in zip(THRESHOLDS, tp, fp, fn, strict=True)
    }


def _panoptic_quality(iou_sum: float, tp: int, fp: int, fn: int) -> float:
    """Σ IoU / (TP + ½ FP + ½ FN); 1 where there is no nucleus at all."""
    return iou_sum / (tp + fp / 2 + fn / 2) if tp + fp + fn else 1.0
