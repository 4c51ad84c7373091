"""What makes two training runs the same, so that one may go on with the other.

The length of a run is no part of it: a run may be made longer.  Nor is whether a
model is written that is no better than its start.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any
from zlib import crc32

import numpy as np

from napari_unet_nuclei.core.errors import TrainingError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from napari_unet_nuclei.core.datasets.sample import Sample
    from napari_unet_nuclei.core.models.bundle import ModelBundle
    from napari_unet_nuclei.core.settings.training import TrainingSettings
    from napari_unet_nuclei.core.training.mixture import DataMixture

_NO_PART = ("epochs", "minutes", "only_better")
_ADDED_LATER = {
    "grow": 0,
    "grey_copies": False,
    "replay": 0,
    "rescale": False,
}  # what runs did before there was a setting for it


@dataclass(frozen=True, kw_only=True)
class RunIdentity:
    """Recipe, start and data of a run, in plain JSON values.

    Parameters
    ----------
    settings : mapping
        Settings by name, without the length of the run and what it writes.
    start : list of str, optional
        Name and sha256 of the weights of the model it began with.
    train, validation : list of str
        Ids of the samples.
    sets : list of [str, float], optional
        Name and share of each data set, where there are several.
    labels : list of int, optional
        Checksum of the labels of each sample, those to train on first: what of it is
        annotated, and how.  ``None`` in a state from before this was noted.
    """

    settings: Mapping[str, Any]
    start: list[str] | None
    train: list[str]
    validation: list[str]
    sets: list[list[Any]] | None = None
    labels: list[int] | None = None

    @property
    def start_name(self) -> str | None:
        """Name of the model it began with."""
        return None if self.start is None else self.start[0]


def identify_run(
    settings: TrainingSettings,
    start: ModelBundle | None,
    data: DataMixture,
) -> RunIdentity:
    """Say what a run is made of.

    Parameters
    ----------
    settings : TrainingSettings
        Its recipe.
    start : ModelBundle, optional
        Model it begins with.
    data : DataMixture
        The training and the validation samples, and the shares of their data sets.

    Returns
    -------
    RunIdentity
        The same before and after a way through JSON.
    """
    values = {k: v for k, v in asdict(settings).items() if k not in _NO_PART}
    if start is None:
        values |= {"replay": 0, "rescale": False}  # neither is possible
    return RunIdentity(
        settings=json.loads(json.dumps(values)),
        start=None if start is None else [start.name, _hash_weights(start)],
        train=[sample.sample_id for sample in data.samples],
        validation=[sample.sample_id for sample in data.validation],
        sets=None
        if data.is_single
        else [
            [each.name, round(share, 6)]
            for each, share in zip(data.sets, data.shares, strict=True)
        ],
        labels=[_sum_labels(each) for each in (*data.samples, *data.validation)],
    )


def _sum_labels(sample: Sample) -> int:
    return crc32(np.ascontiguousarray(sample.labels, np.int32).data)


def _hash_weights(bundle: ModelBundle) -> str:
    digest = hashlib.sha256()
    for path, value in sorted(bundle.weights.items()):
        digest.update(f"{path} {value.dtype} {value.shape}".encode())
        digest.update(value.tobytes())
    return digest.hexdigest()


def check_same_run(before: RunIdentity, now: RunIdentity, state: Path) -> None:
    """Refuse to go on with another run.

    Parameters
    ----------
    before, now : RunIdentity
        The run that was stopped and the one that would go on with it.
    state : Path
        File the first was read from.

    Raises
    ------
    TrainingError
        If they differ; the sentence names the first difference.
    """
    difference = _find_difference(before, now)
    if difference is not None:
        raise TrainingError(
            f"Expected the run that wrote {state}. Received: {difference}. Give the "
            "same data and options, or train without {resume}.",
            resume=True,
        )


def _find_difference(before: RunIdentity, now: RunIdentity) -> str | None:
    if before.start != now.start:
        return _compare_starts(before.start, now.start)
    for name in {**before.settings, **now.settings}:
        old, new = (
            each.settings.get(name, _ADDED_LATER.get(name)) for each in (before, now)
        )
        if old != new:
            return f"{name}={new}, which was {old}"
    if before.sets != now.sets:
        return _compare_sets(before.sets, now.sets)
    return (
        _compare_ids(before.train, now.train, "to train on")
        or _compare_ids(before.validation, now.validation, "to validate on")
        or _compare_labels(before, now)
    )


def _compare_starts(before: list[str] | None, now: list[str] | None) -> str:
    old, new = (
        "no start model" if start is None else f"the start model {start[0]!r}"
        for start in (before, now)
    )
    change = "whose weights have changed" if old == new else f"which was {old}"
    return f"{new}, {change}"


def _compare_sets(before: list[list[Any]] | None, now: list[list[Any]] | None) -> str:
    old, new = (
        "one data set"
        if sets is None
        else ", ".join(f"{name} ({share:.1%} of the crops)" for name, share in sets)
        for sets in (before, now)
    )
    return f"{new}; it was {old}"


def _compare_ids(before: list[str], now: list[str], purpose: str) -> str | None:
    if before == now:
        return None
    for added in sorted(set(now) - set(before)):
        return f"{added!r} among the samples {purpose}, where it was not"
    for missing in sorted(set(before) - set(now)):
        return f"no {missing!r} among the samples {purpose}, where it was"
    return f"the samples {purpose} in another order"


def _compare_labels(before: RunIdentity, now: RunIdentity) -> str | None:
    """Name the first of the same samples whose labels or annotated areas differ."""
    if before.labels is None or now.labels is None:
        return None
    names = (*now.train, *now.validation)
    for name, old, new in zip(names, before.labels, now.labels, strict=True):
        if old != new:
            return f"{name!r} with other labels, or another annotated area, than before"
    return None
