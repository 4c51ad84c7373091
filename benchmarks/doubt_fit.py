"""Fits the weights of doubts that are in core/instances/doubts/weights.py.

Usage: python benchmarks/doubt_fit.py stage1_train.zip dsb2018_split.json:train
           [--images 150] [--seed 0] [--models resnet classic]

Takes some images of a part at random, segments them with each model and fits one
logistic regression for each kind of mistake, by the reasons that may speak for it.
Prints the rules to be copied.  The images were among those that the models learned
from, so there are fewer mistakes in them than in new ones; that changes how large
doubts are, and hardly their order.
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

import numpy as np
from doubt_cases import Case, iter_cases
from scipy.optimize import minimize

from napari_unet_nuclei.core.datasets.opening import open_samples
from napari_unet_nuclei.core.datasets.splits import read_split
from napari_unet_nuclei.core.instances.doubts.reasons import DoubtReason, Suspicion
from napari_unet_nuclei.core.instances.doubts.spots import find_spots
from napari_unet_nuclei.core.instances.doubts.traits import Traits, measure_traits

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

BY_MAPS = {
    Suspicion.MERGED: (
        *(DoubtReason.BOUNDARY_ACROSS, DoubtReason.DENTED, DoubtReason.LARGE),
    ),
    Suspicion.SPLIT: (DoubtReason.UNCLEAR_CONTACT, DoubtReason.SMALL),
    Suspicion.SPURIOUS: (DoubtReason.LOW_PROBABILITY,),
}
BY_SHAPE = {
    Suspicion.MERGED: (DoubtReason.DENTED, DoubtReason.LARGE),
    Suspicion.SPLIT: (DoubtReason.UNCLEAR_CONTACT, DoubtReason.SMALL),
    Suspicion.SPURIOUS: (DoubtReason.SMALL,),
}
_PENALTY = 1.0  # on the square of slopes, in units of a standard deviation


def fit(values: NDArray[np.float64], outcome: NDArray[np.bool_]) -> tuple[float, ...]:
    """Fit log-odds that are linear in centred columns: base, then slopes."""
    typical, spread = np.median(values, axis=0), values.std(axis=0)
    columns = np.insert((values - typical) / spread, 0, 1, axis=1)

    def loss(weights: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        odds = columns @ weights
        slopes = np.append(0, weights[1:])
        error = 1 / (1 + np.exp(-odds)) - outcome
        total = np.logaddexp(0, odds).sum() - odds[outcome].sum()
        total += _PENALTY / 2 * (slopes**2).sum()
        return total, columns.T @ error + _PENALTY * slopes

    start = np.zeros(columns.shape[1])
    base, *slopes = minimize(loss, start, jac=True, method="L-BFGS-B").x
    return base, *(np.array(slopes) / spread)


def print_rules(
    title: str,
    reasons: dict[Suspicion, tuple[DoubtReason, ...]],
    cases: Sequence[tuple[Case, Traits]],
) -> None:
    """Fit and print the rule of each kind of mistake."""
    print(f"{title} = {{")
    for kind, chosen in reasons.items():
        values = np.concatenate(
            [
                np.stack([traits.by_reason[reason] for reason in chosen], axis=1)
                for _, traits in cases
            ]
        )
        outcome = np.concatenate(
            [np.isin(traits.label, case.numbers(kind)) for case, traits in cases]
        )
        base, *slopes = fit(values, outcome)
        print(f"    Suspicion.{kind.name}: Rule({base:.2f}, {{")
        for reason, slope, typical in zip(
            chosen, slopes, np.median(values, axis=0), strict=True
        ):
            weight = f"Weight({slope:.2f}, {typical:.2f})"
            print(f"        DoubtReason.{reason.name}: {weight},")
        print(f"    }}),  # {outcome.sum()} of {outcome.size}")
    print("}")


def print_spots(cases: Sequence[Case]) -> None:
    """Fit and print how likely a nucleus was missed at a spot."""
    values, outcome = [], []
    for case in cases:
        spots = find_spots(case.labels, case.maps, areas_of(case))
        values.append(np.stack([spots.peaks, spots.sizes], axis=1))
        there = case.truth[tuple(spots.places.T)]
        outcome.append(np.isin(there, case.missed))
    every, right = np.concatenate(values), np.concatenate(outcome)
    base, *slopes = fit(every, right)
    weights = [
        f"Weight({slope:.2f}, {typical:.2f})"
        for slope, typical in zip(slopes, np.median(every, axis=0), strict=True)
    ]
    print(f"MISSED: {base:.2f}, {weights}  # {right.sum()} of {right.size}")


def areas_of(case: Case) -> NDArray[np.intp]:
    """Return the areas of the nuclei found, in px²."""
    return measure_traits(case.labels, None).area


def main() -> None:
    """Segment, fit and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data")
    parser.add_argument("split", help="FILE:PART")
    parser.add_argument("--images", type=int, default=150)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--models", nargs="+", default=["resnet", "classic"])
    arguments = parser.parse_args()
    source = open_samples(arguments.data)
    ids = list(read_split(arguments.split))
    np.random.default_rng(arguments.seed).shuffle(ids)
    cases = []
    for model in arguments.models:
        chosen = (source.read_sample(each) for each in ids[: arguments.images])
        cases += list(iter_cases(chosen, model))
        print(f"{model}: {len(cases)} images seen", flush=True)
    found = [case for case in cases if case.labels.any()]
    by_maps = [(case, measure_traits(case.labels, case.maps)) for case in found]
    by_shape = [(case, measure_traits(case.labels, None)) for case in found]
    print_rules("_BY_MAPS", BY_MAPS, by_maps)
    print_rules("_BY_SHAPE", BY_SHAPE, by_shape)
    print_spots(cases)


if __name__ == "__main__":
    main()
