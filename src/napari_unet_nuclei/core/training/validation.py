"""A model and its thresholds, scored on held-out samples.

Which samples are held out is decided in
:mod:`~napari_unet_nuclei.core.training.holding_out`.  Keras is not imported here;
training hands in an engine.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from napari_unet_nuclei.core.evaluation.outcomes import ImageOutcome, find_outcome
from napari_unet_nuclei.core.evaluation.scores import Scores, evaluate_image, summarise
from napari_unet_nuclei.core.instances.splitting import split_instances
from napari_unet_nuclei.core.progress import exhaust
from napari_unet_nuclei.core.segmentation.scaled import iter_plane_maps
from napari_unet_nuclei.core.settings.choices import Monitor, Stain
from napari_unet_nuclei.core.settings.segmentation import SegmentationSettings
from napari_unet_nuclei.core.training.measuring import Measured

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from napari_unet_nuclei.core.datasets.sample import Sample
    from napari_unet_nuclei.core.engines.engine import Engine
    from napari_unet_nuclei.core.instances.maps import Maps, SplittingParameters
    from napari_unet_nuclei.core.models.config import ModelConfig

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
    plain, scale = SegmentationSettings(stain=Stain.NONE), config.scale
    return [
        exhaust(iter_plane_maps(engine, config, sample.image, plain, scale=scale))
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
    nuclei = _split(maps, parameters)
    return summarise(
        [
            evaluate_image(sample.labels, found)
            for sample, found in zip(samples, nuclei, strict=True)
        ]
    )


def find_outcomes(
    maps: Sequence[Maps],
    samples: Sequence[Sample],
    parameters: SplittingParameters,
) -> list[ImageOutcome]:
    """Split maps and find out what became of each true nucleus.

    Parameters
    ----------
    maps, samples, parameters
        As in :func:`score_maps`.

    Returns
    -------
    list of ImageOutcome
        One for each sample.
    """
    nuclei = _split(maps, parameters)
    return [
        find_outcome(sample.labels, found)
        for sample, found in zip(samples, nuclei, strict=True)
    ]


def _split(
    maps: Sequence[Maps], parameters: SplittingParameters
) -> Iterator[NDArray[np.int32]]:
    """Yield the nuclei of each sample, split as `segment` would."""
    settings = SegmentationSettings()
    for plane_maps in maps:
        min_area = settings.smallest_area(plane_maps.scale)
        yield split_instances(plane_maps, parameters, min_area=min_area)


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
        The best found; the start when nothing beats it by more than chance.
    scores : Scores
        What they reach.
    """

    def measure(parameters: SplittingParameters) -> Measured:
        outcomes = find_outcomes(maps, samples, parameters)
        scores = summarise([outcome.scores for outcome in outcomes])
        return Measured(scores=scores, outcomes=[outcomes], shares=[1.0])

    parameters, measured = find_thresholds(measure, start, monitor)
    return parameters, measured.scores


def find_thresholds(
    measure: Callable[[SplittingParameters], Measured],
    start: SplittingParameters,
    monitor: Monitor,
) -> tuple[SplittingParameters, Measured]:
    """Find the thresholds with the best score, however that is measured.

    Parameters
    ----------
    measure : callable
        Returns what thresholds reach.
    start, monitor
        As in :func:`tune_splitting`.

    Returns
    -------
    parameters : SplittingParameters
        As from :func:`tune_splitting`.
    measured : Measured
        What they reach.
    """
    best, best_measured = start, measure(start)
    for name, values in _GRID.items():
        for value in values:
            parameters = replace(best, **{name: value})
            if parameters == best:
                continue
            measured = measure(parameters)
            if measured.is_worth_changing(best_measured, monitor):
                best, best_measured = parameters, measured
    return best, best_measured
