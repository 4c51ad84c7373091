"""What a trained model says about itself: its geometry, and where it comes from."""

from __future__ import annotations

from dataclasses import asdict, replace
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import keras

from napari_unet_nuclei.core.instances.annotation_counts import (
    AnnotationCounts,
    count_annotation,
)
from napari_unet_nuclei.core.instances.maps import SplittingParameters
from napari_unet_nuclei.core.models.config import MAPS, ModelConfig
from napari_unet_nuclei.core.training.set_scores import summarise_sets
from napari_unet_nuclei.core.training.start_scale import measure_sizes
from napari_unet_nuclei.core.training.steps import summarise_scores
from napari_unet_nuclei.core.training.verdict import make_verdict

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from napari_unet_nuclei.core.datasets.sample import Sample
    from napari_unet_nuclei.core.evaluation.scores import Scores
    from napari_unet_nuclei.core.models.bundle import ModelBundle
    from napari_unet_nuclei.core.settings.training import TrainingSettings
    from napari_unet_nuclei.core.training.identity import RunIdentity
    from napari_unet_nuclei.core.training.learner import Learner
    from napari_unet_nuclei.core.training.mixture import DataMixture
    from napari_unet_nuclei.core.training.steps import TrainingReport
    from napari_unet_nuclei.core.training.verdict import HeldOutComparison


def describe_model(
    learner: Learner,
    data: DataMixture,
    settings: TrainingSettings,
    start: ModelBundle | None,
    identity: RunIdentity,
) -> ModelConfig:
    """Describe a model that is going to be trained.

    Parameters
    ----------
    learner : Learner
        Its network.
    data : DataMixture
        What it learns from.
    settings : TrainingSettings
        Recipe.
    start : ModelBundle, optional
        Model it begins as, whose thresholds it takes over.
    identity : RunIdentity
        What the run is made of.

    Returns
    -------
    ModelConfig
        Everything but the weights and the results.
    """
    geometry = learner.geometry
    return ModelConfig(
        architecture=learner.architecture,
        arguments=learner.arguments,
        maps=MAPS[: learner.n_maps],
        stride=geometry.stride,
        margin=geometry.margin,
        splitting=SplittingParameters() if start is None else start.config.splitting,
        **vars(measure_sizes(data, settings, start)),
        n_symmetries=settings.augmentation.n_symmetries,
        provenance={
            "package": version("napari-unet-nuclei"),
            "keras": keras.__version__,
            "backend": keras.backend.backend(),
            "settings": asdict(settings),
            "start": None if start is None else start.name,
            "train": identity.train,
            "validation": identity.validation,
            "annotated": _describe_parts(data),
            "data_sets": [
                {"name": each.name, "share": round(share, 4), "source": each.source}
                for each, share in zip(data.sets, data.shares, strict=True)
                if each.name
            ],
        },
    )


def with_results(
    config: ModelConfig, report: TrainingReport, *, is_stopped: bool = False
) -> ModelConfig:
    """Add what has come of a run to where its model comes from.

    Parameters
    ----------
    config : ModelConfig
        What is known before.
    report : TrainingReport
        How the run ended.
    is_stopped : bool
        Whether it was stopped before its end.

    Returns
    -------
    ModelConfig
        The same with length and scores among its provenance.
    """
    results = {
        "n_steps": report.n_steps,
        "n_epochs": report.n_epochs,
        "seconds": round(report.seconds),
        "minutes": round(report.seconds / 60, 1),
        "scores": _round_scores(report.scores),
        "start_scores": _round_scores(report.start_scores),
        "set_scores": {
            name: _round(scores)
            for name, scores in summarise_sets(report.scores).items()
        },
        "note": report.note,
        "is_stopped": is_stopped,
    }
    if report.comparison is not None:
        results |= _describe_comparison(report.comparison)
    return replace(config, provenance={**config.provenance, **results})


def _describe_parts(data: DataMixture) -> dict[str, Any]:
    parts = {"train": data.samples, "validation": data.validation}
    return {name: _describe_annotation(samples) for name, samples in parts.items()}


def _describe_annotation(samples: Sequence[Sample]) -> dict[str, Any]:
    """Count what is annotated, over all samples, and of those that are in part."""
    counts = [count_annotation(sample.labels) for sample in samples]
    of_all = sum(counts, start=AnnotationCounts())
    return {
        "n_nuclei": of_all.n_nuclei,
        "n_pixels": of_all.n_annotated,
        "part": round(of_all.part, 4),
        "parts": {
            sample.sample_id: round(each.part, 4)
            for sample, each in zip(samples, counts, strict=True)
            if each.n_annotated < each.n_pixels
        },
    }


def _describe_comparison(found: HeldOutComparison) -> dict[str, Any]:
    verdict = make_verdict(found)
    intervals = {
        "score": found.interval,
        "start_score": found.start_interval,
        "gain": found.gain,
    }
    return {
        "verdict": verdict.sentence,
        "is_certain": verdict.is_certain,
        "intervals": {
            name: None if each is None else [round(bound, 4) for bound in each]
            for name, each in intervals.items()
        },
    }


def _round_scores(scores: Scores | None) -> dict[str, float] | None:
    if scores is None:
        return None
    return _round(summarise_scores(scores))


def _round(scores: Mapping[str, float]) -> dict[str, float]:
    return {name: round(value, 4) for name, value in scores.items()}
