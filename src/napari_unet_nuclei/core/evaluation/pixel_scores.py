"""How well pixels, not nuclei, are segmented: accuracy and Rand score.

For data such as cell membranes, where outlines matter and there are no nuclei to
match.  Scores of nuclei are in ``scores``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_unet_nuclei.core.evaluation.contingency import Contingency


@dataclass(frozen=True, kw_only=True)
class PixelScores:
    """Scores of the pixels of an image, or their means over many.

    Parameters
    ----------
    accuracy : float in [0, 1]
        Part of the pixels that are foreground in both or background in both; 1 when
        no pixel is annotated.
    rand : float in [0, 1]
        Foreground-restricted Rand F-score: of pairs of true foreground pixels,
        whether they belong to the same object.  1 when there is no true object
        and none was predicted.
    """

    accuracy: float
    rand: float


def score_pixels(table: Contingency) -> PixelScores:
    """Scores of the pixels of one image.

    Parameters
    ----------
    table : Contingency
        True and predicted objects of the image.

    Returns
    -------
    PixelScores
        Pixels that are wrongly predicted to be background count as objects of
        their own.

    References
    ----------
    .. [1] Arganda-Carreras et al., Crowdsourcing the creation of image
           segmentation algorithms for connectomics.
           https://doi.org/10.3389/fnana.2015.00142
    """
    n_true, n_predicted = int(table.true_areas.sum()), int(table.predicted_areas.sum())
    n_both = int(table.intersections.sum())
    n_wrong = n_true + n_predicted - 2 * n_both

    # Pixels that belong together, by squares of areas: in both, in each.
    found = np.bincount(table.columns, weights=table.intersections)
    n_alone = n_true - n_both
    together = _sum_of_squares(table.intersections) + n_alone
    either = _sum_of_squares(table.true_areas) + _sum_of_squares(found) + n_alone
    no_object = 0.0 if n_predicted else 1.0
    return PixelScores(
        accuracy=1 - n_wrong / max(table.n_pixels, 1),
        rand=2 * together / either if n_true else no_object,
    )


def average_pixels(images: Sequence[PixelScores]) -> PixelScores:
    """Means over images.

    Parameters
    ----------
    images : sequence of PixelScores
        At least one.

    Returns
    -------
    PixelScores
        Every image counts the same, however large.
    """
    return PixelScores(
        accuracy=sum(image.accuracy for image in images) / len(images),
        rand=sum(image.rand for image in images) / len(images),
    )


def _sum_of_squares(areas: np.ndarray) -> float:
    areas = areas.astype(np.float64)
    return float(areas @ areas)
