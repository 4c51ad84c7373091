"""What ``train`` reads: data sets, their splits and where they come from."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING

from napari_unet_nuclei.core.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from napari_unet_nuclei.core.datasets.sample import Sample, SampleSource
    from napari_unet_nuclei.core.datasets.set_splits import SetSplit
    from napari_unet_nuclei.core.settings.training import TrainingSettings
    from napari_unet_nuclei.core.training.mixture import TrainingSet

    Say = Callable[[str], None]


def check_weights(data: Sequence[Path], weights: Sequence[float]) -> None:
    """Refuse weights that are no shares, before data sets are read.

    Raises
    ------
    SettingsError
        If there are some, but not one for each data set, or one is not positive.
    """
    if weights and len(weights) != len(data):
        raise SettingsError(
            f"Expected one --weight for each of the {len(data)} data sets, in their "
            f"order, or none at all. Received: {len(weights)}; give as many."
        )
    for weight in weights:
        if not (math.isfinite(weight) and weight > 0):
            raise SettingsError(
                f"Each --weight must be a positive number. Received: {weight:g}; leave "
                "a data set out to draw nothing from it."
            )


def read_sets(
    data: Sequence[Path], weights: Sequence[float], splits: Sequence[Path], say: Say
) -> list[TrainingSet]:
    """Read what to train on, and what to hold out where that is said.

    Parameters
    ----------
    data : sequence of Path
        Data sets.
    weights : sequence of float
        One for each, or none.
    splits : sequence of Path
        Split files.
    say : callable
        Is told what is read and what is left out.

    Returns
    -------
    list of TrainingSet
        One for each data set, in the same order.

    Raises
    ------
    DatasetError, ImageError
        If one cannot be read, or a split is about none of them.
    """
    from napari_unet_nuclei.core.datasets.opening import open_samples
    from napari_unet_nuclei.core.datasets.set_splits import (
        assign_splits,
        read_set_splits,
    )
    from napari_unet_nuclei.core.datasets.sources import read_source
    from napari_unet_nuclei.core.training.mixture import TrainingSet

    sources = [open_samples(path) for path in data]
    names = _name_sets(sources)
    found = assign_splits(
        [each for path in splits for each in read_set_splits(path)],
        [(n, each.sample_ids) for n, each in zip(names, sources, strict=True)],
    )
    sets = []
    for index, (path, name, source) in enumerate(
        zip(data, names, sources, strict=True)
    ):
        say(f"Reading {name}")
        split = found[index]
        if split is None and splits:
            say(f"No split is about {name}: a part of its images is held out")
        samples, validation = _read_parts(source, split, say)
        sets.append(
            TrainingSet(
                name=name,
                samples=samples,
                validation=validation,
                weight=weights[index] if weights else None,
                source=read_source(path),
            )
        )
    return sets


def _name_sets(sources: Sequence[SampleSource]) -> list[str]:
    """Return the names of data sets; a second one of the same name gets a number."""
    from napari_unet_nuclei.core.shown_text import as_text

    names: list[str] = []
    for source in sources:
        name = as_text(source.name)
        numbered = (f"{name} ({number})" for number in range(2, len(sources) + 1))
        names.append(next(n for n in (name, *numbered) if n not in names))
    return names


def _read_parts(
    source: SampleSource, split: SetSplit | None, say: Say
) -> tuple[list[Sample], list[Sample] | None]:
    """Read the samples to train on, and those to hold out where a split names them."""
    if split is None:
        return _read(source, source.sample_ids, say), None
    if both := {*split.train} & {*split.validation}:
        say(
            f"In train and in val of {split.path}: {', '.join(sorted(both))}. "
            "Scores of images that are trained on are too high."
        )
    return _read(source, split.train, say), _read(source, split.validation, say)


def _read(source: SampleSource, ids: Iterable[str], say: Say) -> list[Sample]:
    """Read the good samples and name the bad ones."""
    from napari_unet_nuclei.core.datasets.opening import read_good_samples

    samples, problems = read_good_samples(source, ids)
    for problem in problems:
        say(f"Left out: {problem.reason}")
    return samples


def describe_data(
    sets: Sequence[TrainingSet], settings: TrainingSettings, say: Say
) -> None:
    """Say what is trained on."""
    from napari_unet_nuclei.core.instances.annotation_counts import (
        AnnotationCounts,
        count_annotation,
    )

    counts = (
        count_annotation(sample.labels)
        for each in sets
        for sample in (*each.samples, *(each.validation or ()))
    )
    say(sum(counts, start=AnnotationCounts()).describe())
    for sentence in describe_sets(sets, settings):
        say(sentence)


def describe_sets(sets: Sequence[TrainingSet], settings: TrainingSettings) -> list[str]:
    """Say in a sentence each what several data sets contribute; nothing of one."""
    from napari_unet_nuclei.core.training.mixture import mix_sets

    if len(sets) == 1:
        return []
    data = mix_sets(sets, settings)
    return [
        f"{each.name}: {len(each.samples)} images to train on, "
        f"{len(each.validation or ())} held out, {share:.0%} of the crops"
        for each, share in zip(data.sets, data.shares, strict=True)
    ]
