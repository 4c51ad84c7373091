"""Held-out samples: choosing them, scoring a model and its thresholds on them.

Keras is not imported here; training hands in an engine.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from napari_unet_nuclei.core.errors import TrainingError
from napari_unet_nuclei.core.evaluation.scores import Scores, evaluate_image, summarise
from napari_unet_nuclei.core.instances.splitting import split_instances
from napari_unet_nuclei.core.progress import exhaust
from napari_unet_nuclei.core.segmentation.scaled import iter_plane_maps
from napari_unet_nuclei.core.settings.choices import Monitor, Stain
from napari_unet_nuclei.core.settings.segmentation import SegmentationSettings
from napari_unet_nuclei.core.settings.training import MIN_SAMPLES_TO_HOLD_OUT
from napari_unet_nuclei.core.training.steps import is_better

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from napari_unet_nuclei.core.datasets.sample import Sample
    from napari_unet_nuclei.core.engines.engine import Engine
    from napari_unet_nuclei.core.instances.maps import Maps, SplittingParameters
    from napari_unet_nuclei.core.models.config import ModelConfig

_MIN_QUARTER = 32
_MIN_GAIN = 0.005  # less is noise, and not worth other thresholds than usual
_GRID = {
    "seed_threshold": (0.3, 0.4, 0.5, 0.6),
    "threshold": (0.4, 0.5, 0.6),
}


def hold_out(
    samples: Sequence[Sample], fraction: float, seed: int
) -> tuple[list[Sample], list[Sample]]:
    """Split samples into those to train on and those to validate on.

    With fewer than `MIN_SAMPLES_TO_HOLD_OUT` each is cut into quarters first, so that
    even a single annotated image can be learned from and checked, and quarters without
    nuclei are taken for not annotated.  Of more samples, those without nuclei are
    trained on.

    Parameters
    ----------
    samples : sequence of Sample
        All samples.
    fraction : float in (0, 1)
        Part to hold out; at least one is, and at least one is not.
    seed : int
        Seed of the choice.

    Returns
    -------
    train, validation : list of Sample
        Two disjoint parts with nuclei in both.

    Raises
    ------
    TrainingError
        If there are not enough annotated nuclei for two parts.
    """
    pieces = list(samples)
    empty = [piece for piece in pieces if not _has_nuclei(piece)]
    if len(pieces) < MIN_SAMPLES_TO_HOLD_OUT:
        pieces = [quarter for sample in pieces for quarter in _quarters(sample)]
        empty = []
    empty = [piece for piece in empty if piece.labels.max() == 0]  # not all ignored
    annotated = [piece for piece in pieces if _has_nuclei(piece)]
    if len(annotated) < 2:
        raise TrainingError(
            "Training needs nuclei in at least two quarters of an image or in two "
            f"images, one part to learn from and one to check. Received: "
            f"{len(annotated)}; annotate more nuclei."
        )
    order = np.random.default_rng(seed).permutation(len(annotated))
    n_held = min(max(1, round(fraction * len(annotated))), len(annotated) - 1)
    return (
        [annotated[i] for i in sorted(order[n_held:])] + empty,
        [annotated[i] for i in sorted(order[:n_held])],
    )


def _has_nuclei(sample: Sample) -> bool:
    return int(sample.labels.max()) > 0


def _quarters(sample: Sample) -> list[Sample]:
    """Cut a sample at its middle, along each axis that is long enough."""
    halves = [
        (slice(0, length // 2), slice(length // 2, length))
        if length >= 2 * _MIN_QUARTER
        else (slice(0, length),)
        for length in sample.labels.shape
    ]
    return [
        replace(
            sample,
            sample_id=f"{sample.sample_id}[{y.start}:{y.stop},{x.start}:{x.stop}]",
            image=sample.image[y, x],
            labels=sample.labels[y, x],
        )
        for y in halves[0]
        for x in halves[1]
    ]


def predict_samples(
    engine: Engine, config: ModelConfig, samples: Sequence[Sample]
) -> list[Maps]:
    """Evaluate a network on the image of each sample, as it is.

    Parameters
    ----------
    engine : Engine
        Runtime that holds the network.
    config : ModelConfig
        Its geometry.
    samples : sequence of Sample
        Images to evaluate.

    Returns
    -------
    list of Maps
        One for each sample.
    """
    as_it_is = SegmentationSettings(diameter=config.diameter, stain=Stain.NONE)
    return [
        exhaust(iter_plane_maps(engine, config, sample.image, as_it_is))
        for sample in samples
    ]


def score_maps(
    maps: Sequence[Maps],
    samples: Sequence[Sample],
    parameters: SplittingParameters,
) -> Scores:
    """Split maps and compare the nuclei with the true ones.

    Parameters
    ----------
    maps : sequence of Maps
        Output of :func:`predict_samples`.
    samples : sequence of Sample
        The samples they belong to.
    parameters : SplittingParameters
        How to split.

    Returns
    -------
    Scores
        Scores over all samples.
    """
    settings = SegmentationSettings()
    return summarise(
        [
            evaluate_image(
                sample.labels,
                split_instances(
                    plane_maps,
                    parameters,
                    min_area=settings.smallest_area(plane_maps.scale),
                ),
            )
            for sample, plane_maps in zip(samples, maps, strict=True)
        ]
    )


def tune_splitting(
    maps: Sequence[Maps],
    samples: Sequence[Sample],
    start: SplittingParameters,
    monitor: Monitor = Monitor.DSB2018,
) -> tuple[SplittingParameters, Scores]:
    """Find the thresholds with the best score, one after the other.

    Parameters
    ----------
    maps : sequence of Maps
        Output of :func:`predict_samples`.
    samples : sequence of Sample
        The samples they belong to.
    start : SplittingParameters
        Thresholds to beat.
    monitor : Monitor
        Score that says what is better.

    Returns
    -------
    parameters : SplittingParameters
        The best found; the start when nothing beats it.
    scores : Scores
        What they reach.
    """
    return find_thresholds(partial(score_maps, maps, samples), start, monitor)


def find_thresholds(
    score: Callable[[SplittingParameters], Scores],
    start: SplittingParameters,
    monitor: Monitor,
) -> tuple[SplittingParameters, Scores]:
    """Find the thresholds with the best score, however that is computed.

    Parameters
    ----------
    score : callable
        Returns the scores that thresholds reach.
    start, monitor
        As in :func:`tune_splitting`.

    Returns
    -------
    parameters, scores
        As from :func:`tune_splitting`.
    """
    best, best_scores = start, score(start)
    for name, values in _GRID.items():
        for value in values:
            parameters = replace(best, **{name: value})
            if parameters == best:
                continue
            scores = score(parameters)
            if is_better(scores, best_scores, monitor, by=_MIN_GAIN):
                best, best_scores = parameters, scores
    return best, best_scores
