from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from napari_unet_nuclei.core.datasets.sample import Sample
from napari_unet_nuclei.core.errors import TrainingError
from napari_unet_nuclei.core.models.bundle import ModelBundle
from napari_unet_nuclei.core.models.config import ModelConfig
from napari_unet_nuclei.core.settings.choices import Architecture
from napari_unet_nuclei.core.settings.training import TrainingSettings
from napari_unet_nuclei.core.training.identity import (
    RunIdentity,
    check_same_run,
    identify_run,
)
from napari_unet_nuclei.core.training.mixture import DataMixture, TrainingSet

if TYPE_CHECKING:
    from typing import Any

STATE = Path("run.state.npz")
SETTINGS = TrainingSettings(epochs=3, arguments={"widths": (4, 8)})
START = ModelBundle(
    name="tiny",
    config=ModelConfig(
        architecture=Architecture.CLASSIC, stride=4, margin=20, diameter=14
    ),
    weights={"conv/kernel": np.arange(4, dtype=np.float16).reshape(2, 2)},
)


def samples(*ids: str) -> list[Sample]:
    return [Sample(i, np.zeros((3, 3)), np.zeros((3, 3), np.int32)) for i in ids]


def identify(
    settings: TrainingSettings = SETTINGS,
    start: ModelBundle | None = START,
    train: str = "abc",
    validation: str = "de",
) -> RunIdentity:
    parts = TrainingSet(
        name="", samples=samples(*train), validation=samples(*validation)
    )
    return identify_run(settings, start, DataMixture([parts], [1.0]))


def test_a_run_is_the_same_after_a_way_through_a_file() -> None:
    now = identify()
    before = RunIdentity(**json.loads(json.dumps(asdict(now))))
    check_same_run(before, now, STATE)


@pytest.mark.parametrize("length", [{"epochs": 9}, {"epochs": None, "minutes": 2.5}])
def test_the_length_of_a_run_may_differ(length: dict[str, Any]) -> None:
    check_same_run(identify(), identify(replace(SETTINGS, **length)), STATE)


@pytest.mark.parametrize(
    ("now", "difference"),
    [
        (
            {"settings": replace(SETTINGS, batch_size=2, seed=5)},
            "batch_size=2, which was 8",
        ),
        (
            {"settings": replace(SETTINGS, arguments={"widths": (8, 16)})},
            r"arguments=\{'widths': \[8, 16\]\}, which was \{'widths': \[4, 8\]\}",
        ),
        ({"start": None}, "no start model, which was the start model 'tiny'"),
        ({"start": replace(START, name="big")}, "the start model 'big', which was"),
        (
            {"start": replace(START, weights={"conv/kernel": np.ones((2, 2))})},
            "the start model 'tiny', whose weights have changed",
        ),
        ({"train": "abcx"}, "'x' among the samples to train on, where it was not"),
        ({"train": "ac"}, "no 'b' among the samples to train on, where it was"),
        ({"train": "acb"}, "the samples to train on in another order"),
        ({"validation": "e"}, "no 'd' among the samples to validate on"),
    ],
)
def test_the_first_difference_is_named(now: dict[str, Any], difference: str) -> None:
    with pytest.raises(
        TrainingError,
        match=rf"wrote run\.state\.npz\. Received: {difference}.*without resume=True",
    ):
        check_same_run(identify(), identify(**now), STATE)


def test_a_start_is_a_difference_too() -> None:
    with pytest.raises(TrainingError, match="start model 'tiny', which was no start"):
        check_same_run(identify(start=None), identify(), STATE)


def test_settings_of_another_version_are_a_difference() -> None:
    before = identify()
    older = {k: v for k, v in before.settings.items() if k != "loss"}
    with pytest.raises(TrainingError, match=r"loss=binary_.*dice, which was None"):
        check_same_run(replace(before, settings=older), identify(), STATE)
    newer = {**before.settings, "rotation": 3}
    with pytest.raises(TrainingError, match="rotation=None, which was 3"):
        check_same_run(replace(before, settings=newer), identify(), STATE)


def test_a_setting_that_a_state_does_not_know_had_its_default() -> None:
    now = identify()
    settings = {k: v for k, v in now.settings.items() if k != "grow"}
    before = replace(now, settings=settings)
    check_same_run(before, now, STATE)
    with pytest.raises(TrainingError, match="grow=1, which was 0"):
        check_same_run(before, identify(replace(SETTINGS, grow=1)), STATE)


def test_what_is_annotated_is_part_of_a_run() -> None:
    """Labels may be the same numbers in another type, but nothing else."""
    same, other = samples("a", "b"), samples("a", "b")
    for each in other:
        each.labels[1] = 1
    painted = [replace(each, labels=np.where(each.labels > 0, 1, -1)) for each in other]

    def identify_labels(train: list[Sample], validation: list[Sample]) -> RunIdentity:
        parts = TrainingSet(name="", samples=train, validation=validation)
        return identify_run(SETTINGS, START, DataMixture([parts], [1.0]))

    before = identify_labels(other, same)
    wider = [replace(each, labels=each.labels.astype(np.int64)) for each in other]
    check_same_run(before, identify_labels(wider, same), STATE)
    message = r"Received: 'b' with other labels, or another annotated area, than before"
    for train in [other[0], painted[1]], [other[0], same[1]]:
        with pytest.raises(TrainingError, match=message):
            check_same_run(before, identify_labels(train, same), STATE)
    with pytest.raises(TrainingError, match="'a' with other labels"):
        check_same_run(before, identify_labels(other, painted), STATE)
    older = replace(before, labels=None)  # from before labels were noted
    check_same_run(older, identify_labels(painted, same), STATE)


def test_the_scale_is_part_of_a_run() -> None:
    with pytest.raises(TrainingError, match="rescale=False, which was True"):
        check_same_run(identify(), identify(replace(SETTINGS, rescale=False)), STATE)


def test_replay_matters_only_where_there_is_something_to_replay() -> None:
    more = replace(SETTINGS, replay=0.75)
    check_same_run(identify(start=None), identify(more, start=None), STATE)
    with pytest.raises(TrainingError, match=r"replay=0\.75, which was 0\.5"):
        check_same_run(identify(), identify(more), STATE)


def test_a_state_from_before_replay_had_none() -> None:
    before = identify()
    older = {k: v for k, v in before.settings.items() if k != "replay"}
    none = identify(replace(SETTINGS, replay=0))
    check_same_run(replace(before, settings=older), none, STATE)
