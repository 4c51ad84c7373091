"""A model and its thresholds, scored on held-out samples.

Which samples are held out is decided in
:mod:`~napari_unet_nuclei.core.training.holding_out`.  Keras is not imported here;
training hands in an engine.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from napari_unet_nuclei.core.evaluation.scores import Scores, evaluate_image, summarise
from napari_unet_nuclei.core.instances.splitting import split_instances
from napari_unet_nuclei.core.progress import exhaust
from napari_unet_nuclei.core.segmentation.scaled import iter_plane_maps
from napari_unet_nuclei.core.settings.choices import Monitor, Stain
from napari_unet_nuclei.core.settings.segmentation import SegmentationSettings
from napari_unet_nuclei.core.training.steps import is_better

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from napari_unet_nuclei.core.datasets.sample import Sample
    from napari_unet_nuclei.core.engines.engine import Engine
    from napari_unet_nuclei.core.instances.maps import Maps, SplittingParameters
    from napari_unet_nuclei.core.models.config import ModelConfig

_MIN_GAIN = 0.005  # less is noise, and not worth other thresholds than usual
_GRID = {
    "seed_threshold": (0.3, 0.4, 0.5, 0.6),
    "threshold": (0.4, 0.5, 0.6),
}


def predict_samples(
    engine: Engine, config: ModelConfig, samples: Sequence[Sample]
) -> list[Maps]:
    """Evaluate a network on the image of each sample, at the scale it was trained at.

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
    diameter = config.image_diameter or config.diameter
    as_it_is = SegmentationSettings(diameter=diameter, stain=Stain.NONE)
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
