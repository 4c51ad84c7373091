"""A run on several data sets: scores of each, provenance, and going on with it."""

from __future__ import annotations

import csv
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from napari_unet_nuclei.core.errors import TrainingError
from napari_unet_nuclei.core.evaluation.scores import THRESHOLDS, Scores
from napari_unet_nuclei.core.models.bundle import read_bundle
from napari_unet_nuclei.core.training.crops.batches import CropDataset
from napari_unet_nuclei.core.training.loop import iter_training, train
from napari_unet_nuclei.core.training.mixture import TrainingSet
from napari_unet_nuclei.core.training.outputs import claim_training_outputs
from napari_unet_nuclei.core.training.set_scores import (
    SetScores,
    average_scores,
    summarise_sets,
)
from napari_unet_nuclei.core.training.state import read_state

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from napari_unet_nuclei.core.datasets.sample import Sample
    from napari_unet_nuclei.core.settings.training import TrainingSettings


@pytest.fixture
def sets(drawn_samples: list[Sample]) -> list[TrainingSet]:
    """Two sets whose samples have the same names."""
    first, second = drawn_samples[:2], drawn_samples[2:4]
    return [
        TrainingSet(
            name="organs",
            samples=first[:1],
            validation=first[1:],
            weight=3,
            source={"licence": "CC0-1.0"},
        ),
        TrainingSet(
            name="cells",
            samples=[replace(second[0], sample_id=first[0].sample_id)],
            validation=[replace(second[1], sample_id=first[1].sample_id)],
            weight=1,
        ),
    ]


def make_scores(value: float) -> Scores:
    by_threshold = dict.fromkeys(THRESHOLDS, value)
    return Scores(
        n_images=2,
        n_true=3,
        n_predicted=4,
        ap=by_threshold,
        pooled_ap=by_threshold,
        dsb2018=value,
        pq=value,
        dice=value,
    )


def test_the_score_is_the_weighted_mean_over_sets() -> None:
    by_set = {"a": make_scores(0.4), "b": make_scores(0.8)}
    scores = average_scores(by_set, [0.75, 0.25])
    for value in (scores.dsb2018, scores.dice, scores.pq, scores.ap[0.5]):
        assert value == pytest.approx(0.5)
    assert (scores.n_images, scores.n_true, scores.n_predicted) == (4, 6, 8)
    assert summarise_sets(scores)["b"]["ap50"] == 0.8
    assert summarise_sets(make_scores(0.4)) == summarise_sets(None) == {}


@pytest.mark.usefixtures("hurried")
def test_a_run_on_two_sets_scores_each_and_goes_on(
    sets: list[TrainingSet],
    tiny_path: Path,
    output: Path,
    settings: TrainingSettings,
    follow: Callable[..., Any],
) -> None:
    settings = replace(settings, steps_per_epoch=2)
    steps = iter_training(sets, output, settings, start=tiny_path)
    first, second = next(steps), next(steps)
    steps.close()
    assert isinstance(first.scores, SetScores)
    by_set = first.scores.by_set
    assert list(by_set) == ["organs", "cells"]
    assert first.scores.dice == pytest.approx(
        0.75 * by_set["organs"].dice + 0.25 * by_set["cells"].dice
    )
    state = read_state(output)
    assert state.start_scores == first.scores
    assert state.identity.sets == [["organs", 0.75], ["cells", 0.25]]

    fewer = [replace(each, weight=1) for each in sets]
    refused = iter_training(fewer, output, settings, start=tiny_path, resume=True)
    with pytest.raises(
        TrainingError,
        match=r"organs \(50\.0% of the crops\).*it was organs \(75\.0% of the",
    ):
        next(refused)
    refused = iter_training(sets[:1], output, settings, start=tiny_path, resume=True)
    with pytest.raises(TrainingError, match=r"Received: one data set; it was organs"):
        next(refused)

    # A log with the scores of each set is known as one that training wrote.
    with claim_training_outputs(output, resume=True):
        run = follow(
            iter_training(sets, output, settings, start=tiny_path, resume=True), output
        )
    assert [step.epoch for step in run.steps] == [2]
    with output.with_suffix(".csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 3
    assert float(rows[1]["val_dice:cells"]) == second.scores.by_set["cells"].dice

    provenance = read_bundle(output).config.provenance
    ids = [f"{each.name}/{each.samples[0].sample_id}" for each in sets]
    assert provenance["train"] == ids
    assert provenance["data_sets"] == [
        {"name": "organs", "share": 0.75, "source": {"licence": "CC0-1.0"}},
        {"name": "cells", "share": 0.25, "source": {}},
    ]
    assert provenance["set_scores"].keys() == {"organs", "cells"}


@pytest.mark.usefixtures("hurried")
def test_crops_are_drawn_by_the_shares(
    sets: list[TrainingSet],
    tiny_path: Path,
    output: Path,
    settings: TrainingSettings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    drawn: list[Any] = []
    make = CropDataset.__init__

    def note(self: CropDataset, *arguments: Any, **more: Any) -> None:
        make(self, *arguments, **more)
        drawn.append(self)

    monkeypatch.setattr(CropDataset, "__init__", note)
    steps = iter_training(sets, output, settings, start=tiny_path)
    next(steps)
    next(steps)
    steps.close()
    assert drawn[0]._weights.tolist() == [0.75, 0.25]


def test_samples_beside_sets_are_refused(
    sets: list[TrainingSet],
    drawn_samples: list[Sample],
    output: Path,
    settings: TrainingSettings,
) -> None:
    with pytest.raises(TrainingError, match="make a TrainingSet of these too"):
        next(iter_training([*sets, drawn_samples[4]], output, settings))
    steps = iter_training(sets, output, settings, validation=drawn_samples)
    with pytest.raises(TrainingError, match="bring their own held-out samples"):
        next(steps)


@pytest.mark.usefixtures("hurried")
def test_python_trains_on_sets_too(
    sets: list[TrainingSet], tiny_path: Path, tmp_path: Path
) -> None:
    report = train(sets, tmp_path / "m.unetnuclei", start=tiny_path, minutes=1e-3)
    assert list(report.scores.by_set) == ["organs", "cells"]
