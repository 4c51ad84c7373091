"""Scores on the held-out samples of several data sets, as one and each."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from napari_unet_nuclei.core.evaluation.scores import THRESHOLDS, Scores
from napari_unet_nuclei.core.training.steps import summarise_scores

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence


@dataclass(frozen=True, kw_only=True)
class SetScores(Scores):
    """Means over data sets, weighted by their shares, and the scores of each.

    Parameters
    ----------
    by_set : mapping of str to Scores
        Scores of each data set, by its name; all others are means over these, and
        counts are sums.
    """

    by_set: Mapping[str, Scores] = field(default_factory=dict)


def average_scores(by_set: Mapping[str, Scores], shares: Sequence[float]) -> SetScores:
    """Average the scores of data sets.

    Parameters
    ----------
    by_set : mapping of str to Scores
        Scores of each data set, by its name.
    shares : sequence of float
        What each counts, in the same order, summing to 1.

    Returns
    -------
    SetScores
        Their weighted means, so that a large set does not drown a small one.
    """
    scores = list(by_set.values())

    def average(values: Iterable[float]) -> float:
        return sum(share * each for share, each in zip(shares, values, strict=True))

    return SetScores(
        n_images=sum(each.n_images for each in scores),
        n_true=sum(each.n_true for each in scores),
        n_predicted=sum(each.n_predicted for each in scores),
        ap={t: average(each.ap[t] for each in scores) for t in THRESHOLDS},
        pooled_ap={
            t: average(each.pooled_ap[t] for each in scores) for t in THRESHOLDS
        },
        dsb2018=average(each.dsb2018 for each in scores),
        pq=average(each.pq for each in scores),
        dice=average(each.dice for each in scores),
        by_set=dict(by_set),
    )


def summarise_sets(scores: Scores | None) -> dict[str, dict[str, float]]:
    """Pick the scores that training reports of each data set.

    Parameters
    ----------
    scores : Scores, optional
        Scores of a validation.

    Returns
    -------
    dict of str to dict of str to float
        Scores by name, by the name of the set; empty where there is only one set.
    """
    by_set = scores.by_set if isinstance(scores, SetScores) else {}
    return {name: summarise_scores(each) for name, each in by_set.items()}
