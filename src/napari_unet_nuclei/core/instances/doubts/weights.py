"""How much each reason for doubt weighs: logistic regressions of few numbers.

``benchmarks/doubt_fit.py`` has made the numbers; ``benchmarks/doubt_queue.py`` says on
other images what they are worth.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy.special import expit

from napari_unet_nuclei.core.instances.doubts.reasons import DoubtReason, Suspicion

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from napari_unet_nuclei.core.instances.doubts.spots import Spots

    TraitsByReason = Mapping[DoubtReason, NDArray[np.float64]]

_WORTH_SAYING = np.log(1.5)  # what makes a mistake so many times likelier
_N_REASONS = 2  # that are said at most


class Weight(NamedTuple):
    """What a reason adds to the log-odds of a mistake.

    Parameters
    ----------
    slope : float
        For each unit of the trait.
    typical : float
        The trait of the median nucleus, which adds nothing.
    """

    slope: float
    typical: float


class Rule(NamedTuple):
    """How likely a mistake of one kind is.

    Parameters
    ----------
    base : float
        Log-odds for a nucleus of which nothing is special.
    weights : dict of DoubtReason to Weight
        What speaks for the mistake.
    """

    base: float
    weights: dict[DoubtReason, Weight]


class Weighed(NamedTuple):
    """Doubts of N nuclei, as in `DoubtfulNuclei`."""

    doubt: NDArray[np.float64]
    suspicions: tuple[Suspicion, ...]
    reasons: tuple[tuple[DoubtReason, ...], ...]


# 150 images of the training part of DSB2018, seen by resnet and by classic.
_BY_MAPS = {
    Suspicion.MERGED: Rule(
        -5.08,
        {
            DoubtReason.BOUNDARY_ACROSS: Weight(0.66, -2.04),
            DoubtReason.DENTED: Weight(7.82, 0.06),
            DoubtReason.LARGE: Weight(1.69, 0.0),
        },
    ),
    Suspicion.SPLIT: Rule(
        -4.53,
        {
            DoubtReason.UNCLEAR_CONTACT: Weight(1.82, -3.0),
            DoubtReason.SMALL: Weight(0.66, 0.0),
        },
    ),
    Suspicion.SPURIOUS: Rule(-5.85, {DoubtReason.LOW_PROBABILITY: Weight(3.86, -2.76)}),
}
_BY_SHAPE = {
    Suspicion.MERGED: Rule(
        -4.52,
        {
            DoubtReason.DENTED: Weight(13.12, 0.06),
            DoubtReason.LARGE: Weight(2.29, 0.0),
        },
    ),
    Suspicion.SPLIT: Rule(
        -5.61,
        {
            DoubtReason.UNCLEAR_CONTACT: Weight(1.24, -3.0),
            DoubtReason.SMALL: Weight(0.98, 0.0),
        },
    ),
    Suspicion.SPURIOUS: Rule(-4.43, {DoubtReason.SMALL: Weight(1.33, 0.0)}),
}
_MISSED = -1.55, Weight(3.63, 0.61), Weight(0.4, -1.81)  # peak and size of a spot


def rules_for(traits: TraitsByReason) -> dict[Suspicion, Rule]:
    """Choose rules by what is known of the nuclei: a network may have few maps."""
    rules = dict(_BY_SHAPE)
    if DoubtReason.BOUNDARY_ACROSS in traits:
        for suspicion in (Suspicion.MERGED, Suspicion.SPLIT):
            rules[suspicion] = _BY_MAPS[suspicion]
    if DoubtReason.LOW_PROBABILITY in traits:
        rules[Suspicion.SPURIOUS] = _BY_MAPS[Suspicion.SPURIOUS]
    return rules


def weigh(
    traits: TraitsByReason, rules: Mapping[Suspicion, Rule], n_nuclei: int
) -> Weighed:
    """Weigh what speaks for each mistake.

    Parameters
    ----------
    traits : mapping of DoubtReason to (N,) ndarray of float
        What was measured.
    rules : mapping of Suspicion to Rule
        One for each kind of mistake.
    n_nuclei : int
        N.

    Returns
    -------
    Weighed
        The doubt is the probability of at least one kind of mistake, as if they had
        nothing to do with one another.
    """
    if not n_nuclei:
        return Weighed(np.zeros(0), (), ())
    kinds = list(rules)
    odds = np.stack([_log_odds(traits, rules[kind]) for kind in kinds])
    likeliest = odds.argmax(axis=0)
    reasons: list[tuple[DoubtReason, ...]] = [()] * n_nuclei
    for number, kind in enumerate(kinds):
        chosen = np.flatnonzero(likeliest == number)
        said = _reasons(traits, rules[kind], chosen)
        for position, each in zip(chosen.tolist(), said, strict=True):
            reasons[position] = each
    return Weighed(
        doubt=1 - expit(-odds).prod(axis=0),
        suspicions=tuple(kinds[number] for number in likeliest.tolist()),
        reasons=tuple(reasons),
    )


def doubt_spots(spots: Spots) -> NDArray[np.float64]:
    """Return how likely each is a nucleus that was missed, (M,) in [0, 1]."""
    base, peak, size = _MISSED
    odds = base + peak.slope * (spots.peaks - peak.typical)
    return np.asarray(expit(odds + size.slope * (spots.sizes - size.typical)))


def _additions(traits: TraitsByReason, rule: Rule) -> NDArray[np.float64]:
    """Return what each reason adds to the log-odds, (reasons, N)."""
    return np.stack(
        [
            weight.slope * (traits[reason] - weight.typical)
            for reason, weight in rule.weights.items()
        ]
    )


def _log_odds(traits: TraitsByReason, rule: Rule) -> NDArray[np.float64]:
    return np.asarray(rule.base + _additions(traits, rule).sum(axis=0))


def _reasons(
    traits: TraitsByReason, rule: Rule, chosen: NDArray[np.intp]
) -> list[tuple[DoubtReason, ...]]:
    """Return what speaks most for a mistake, and whether the border cuts it."""
    names = list(rule.weights)
    additions = _additions(traits, rule)[:, chosen]
    order = np.argsort(-additions, axis=0, kind="stable")[:_N_REASONS]
    is_worth = np.take_along_axis(additions, order, 0) > _WORTH_SAYING
    is_cut = traits[DoubtReason.CUT_BY_BORDER][chosen] > 0
    border = [(DoubtReason.CUT_BY_BORDER,) if cut else () for cut in is_cut.tolist()]
    said = [
        tuple(names[n] for n, worth in zip(each, worths, strict=True) if worth)
        for each, worths in zip(order.T.tolist(), is_worth.T.tolist(), strict=True)
    ]
    return [first + last for first, last in zip(said, border, strict=True)]
