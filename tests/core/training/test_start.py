from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from napari_unet_nuclei.core.errors import (
    TrainingError,
)
from napari_unet_nuclei.core.evaluation.scores import evaluate
from napari_unet_nuclei.core.models.bundle import ModelBundle, read_bundle, write_bundle
from napari_unet_nuclei.core.networks.bundling import (
    without_normalization,
)
from napari_unet_nuclei.core.progress import exhaust
from napari_unet_nuclei.core.segmentation.model import load_model
from napari_unet_nuclei.core.settings.segmentation import SegmentationSettings
from napari_unet_nuclei.core.training import held_out, model_file
from napari_unet_nuclei.core.training.loop import iter_training
from napari_unet_nuclei.core.training.measuring import Measured

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from napari_unet_nuclei.core.datasets.sample import Sample
    from napari_unet_nuclei.core.settings.training import TrainingSettings


@pytest.mark.usefixtures("hurried")
def test_a_fine_tuning_begins_with_the_scores_of_its_start(
    drawn_samples: list[Sample],
    make_bundle: Callable[..., Any],
    output: Path,
    settings: TrainingSettings,
) -> None:
    """Of a residual network too, whose normalisation is folded on every path."""
    path = output.with_name("start.unetnuclei")
    write_bundle(path, make_bundle("resnet"))
    steps = iter_training(
        drawn_samples[:3],
        output,
        settings,
        start=path,
        validation=drawn_samples[3:],
    )
    first = next(steps)
    steps.close()
    start = load_model(path, "keras")
    own_size = SegmentationSettings(diameter=start.config.diameter)
    labels = [start.segment(sample.image, own_size) for sample in drawn_samples[3:]]
    expected = evaluate([sample.labels for sample in drawn_samples[3:]], labels)
    assert first.scores.dice > 0
    assert first.scores.dsb2018 == pytest.approx(expected.dsb2018)
    assert first.scores.dice == pytest.approx(expected.dice, abs=1e-3)


@pytest.mark.parametrize(("tuned_start", "is_better"), [(0.7, True), (0.9, False)])
def test_thresholds_are_tuned_for_the_start_too(
    drawn_samples: list[Sample],
    tiny_path: Path,
    output: Path,
    scripted: Callable[..., Any],
    hurried: None,
    monkeypatch: pytest.MonkeyPatch,
    tuned_start: float,
    is_better: bool,
    settings: TrainingSettings,
) -> None:
    """What only other thresholds have brought is no success of the training.

    Nor is there another score of the start than the first one that was shown.
    """
    scripted(0.5, 0.75)
    some = evaluate(np.eye(3, dtype=int), np.eye(3, dtype=int))
    start = read_bundle(tiny_path)
    tuned = iter((("start", tuned_start), ("new", 0.8)))
    splittings = {
        "new": replace(start.config.splitting, threshold=0.6),
        "start": replace(start.config.splitting, threshold=0.4),
    }

    def tune(*_: object) -> tuple[Any, Measured]:
        name, score = next(tuned)
        if name == "start":
            held_out.score_maps()  # type: ignore[call-arg]  # the first of the script
        return splittings[name], Measured(scores=replace(some, dsb2018=score))

    monkeypatch.setattr(held_out.HeldOutSamples, "tune", tune)
    steps = iter_training(
        drawn_samples, output, replace(settings, epochs=1), start=tiny_path
    )
    first = next(steps)
    assert first.scores is not None
    assert first.scores.dsb2018 == tuned_start
    report = exhaust(steps)
    assert report.start_scores == first.scores
    assert report.comparison is not None
    assert report.comparison.start_score == tuned_start
    assert report.scores.dsb2018 == max(0.8, tuned_start)
    assert report.is_better_than_start == is_better
    written = read_bundle(output)
    assert written.config.splitting == splittings["new" if is_better else "start"]
    assert written.config.provenance["start_scores"]["dsb2018"] == tuned_start
    _, weights = without_normalization(start)
    is_start = all(
        np.allclose(value, weights[path], atol=2e-3)
        for path, value in written.weights.items()
    )
    assert is_start != is_better


@pytest.mark.usefixtures("hurried")
@pytest.mark.parametrize("replay", [0.0, 0.5])
def test_thresholds_stay_while_what_the_start_knew_is_replayed(
    drawn_samples: list[Sample],
    tiny_path: Path,
    output: Path,
    monkeypatch: pytest.MonkeyPatch,
    replay: float,
    settings: TrainingSettings,
) -> None:
    """Those that suit the new images better may suit others worse."""
    some = evaluate(np.eye(3, dtype=int), np.eye(3, dtype=int))
    scores = iter((0.5, 0.6))  # training seems to help
    monkeypatch.setattr(
        held_out, "score_maps", lambda *_: replace(some, dsb2018=next(scores))
    )
    splitting = read_bundle(tiny_path).config.splitting
    other = replace(splitting, threshold=0.65)
    monkeypatch.setattr(
        held_out, "find_thresholds", lambda measure, *_: (other, measure(other))
    )
    settings = replace(settings, epochs=1, batch_size=2, replay=replay)
    exhaust(iter_training(drawn_samples, output, settings, start=tiny_path))
    expected = splitting if replay else other
    assert read_bundle(output).config.splitting == expected


@pytest.fixture(scope="session")
def only_better(settings: TrainingSettings) -> TrainingSettings:
    return replace(settings, only_better=True, epochs=2)


def files_beside(output: Path) -> list[str]:
    """What a user sees in the folder of a model."""
    return sorted(each.name for each in output.parent.glob("[!.]*"))


@pytest.mark.usefixtures("hurried")
@pytest.mark.parametrize(
    ("scores", "files"),
    [
        ((0.5, 0.4, 0.5), []),
        ((0.5, 0.6, 0.4), ["tuned.csv", "tuned.unetnuclei"]),
    ],
    ids=["not better", "better"],
)
def test_only_a_better_model_is_written_where_that_is_wanted(
    scripted: Callable[..., Any],
    drawn_samples: list[Sample],
    tiny_path: Path,
    tmp_path: Path,
    scores: tuple[float, ...],
    files: list[Any],
    only_better: TrainingSettings,
) -> None:
    output = tmp_path / "own" / "tuned.unetnuclei"
    scripted(*scores)
    output.parent.mkdir()
    report = exhaust(iter_training(drawn_samples, output, only_better, start=tiny_path))
    assert report.is_written == report.is_better_than_start == bool(files)
    assert files_beside(output) == files


@pytest.mark.usefixtures("hurried")
def test_a_model_that_is_not_better_after_all_is_removed(
    scripted: Callable[..., Any],
    drawn_samples: list[Sample],
    tiny_path: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    only_better: TrainingSettings,
) -> None:
    """Its weights seemed better, until the start was mixed in."""
    output = tmp_path / "own" / "tuned.unetnuclei"
    scripted(0.5, 0.6, 0.6)
    some = evaluate(np.eye(3, dtype=int), np.eye(3, dtype=int))
    tuned = iter((0.5, 0.4))
    monkeypatch.setattr(
        held_out.HeldOutSamples,
        "tune",
        lambda _, engine, config, monitor: (
            config.splitting,
            Measured(scores=replace(some, dsb2018=next(tuned))),
        ),
    )
    only_better = replace(only_better, start_weight=0.5)
    output.parent.mkdir()
    steps = iter_training(drawn_samples, output, only_better, start=tiny_path)
    has_been_there = False
    for _ in steps:
        has_been_there |= output.exists()
    assert has_been_there
    assert files_beside(output) == []


@pytest.mark.usefixtures("hurried")
def test_stopping_once_the_start_is_scored_leaves_nothing(
    scripted: Callable[..., Any],
    drawn_samples: list[Sample],
    tiny_path: Path,
    tmp_path: Path,
    only_better: TrainingSettings,
) -> None:
    output = tmp_path / "own" / "tuned.unetnuclei"
    scripted(0.5)
    output.parent.mkdir()
    steps = iter_training(drawn_samples, output, only_better, start=tiny_path)
    next(step for step in steps if step.scores is not None)
    assert files_beside(output) == ["tuned.csv"]
    steps.close()
    assert files_beside(output) == []


@pytest.mark.usefixtures("hurried")
@pytest.mark.parametrize(
    ("scores", "files"),
    [
        ((0.5, 0.4), []),
        ((0.5, 0.6), ["tuned.csv", "tuned.state.npz", "tuned.unetnuclei"]),
    ],
    ids=["not better", "better"],
)
def test_stopping_leaves_only_a_better_model_where_that_is_wanted(
    scripted: Callable[..., Any],
    drawn_samples: list[Sample],
    tiny_path: Path,
    tmp_path: Path,
    scores: tuple[float, ...],
    files: list[Any],
    only_better: TrainingSettings,
) -> None:
    output = tmp_path / "own" / "tuned.unetnuclei"
    scripted(*scores)
    output.parent.mkdir()
    steps = iter_training(drawn_samples, output, only_better, start=tiny_path)
    for step in steps:
        assert output.exists() == bool(files and step.epoch)  # killed, it leaves none
        if step.epoch == 1:
            break
    steps.close()
    assert files_beside(output) == files


@pytest.mark.usefixtures("hurried")
def test_a_run_that_is_killed_has_no_log_or_state_of_another_beside_its_model(
    drawn_samples: list[Sample],
    tiny_path: Path,
    output: Path,
    monkeypatch: pytest.MonkeyPatch,
    settings: TrainingSettings,
) -> None:
    output.parent.mkdir()
    companions = [output.with_suffix(each) for each in (".csv", ".png", ".state.npz")]
    for path in companions:
        path.write_text("of another run")
    found = []
    write = model_file.write_bundle

    def note(path: Path, bundle: ModelBundle) -> None:
        found.append([each.exists() for each in companions])
        write(path, bundle)

    monkeypatch.setattr(model_file, "write_bundle", note)
    steps = iter_training(drawn_samples, output, settings, start=tiny_path)
    next(steps)
    steps.close()
    assert found[0] == [False, False, False]


@pytest.mark.usefixtures("hurried")
@pytest.mark.parametrize("how", ["to its end", "stopped"])
def test_a_part_of_the_start_is_kept(
    how: str,
    drawn_samples: list[Sample],
    tiny_path: Path,
    output: Path,
    scripted: Callable[..., Any],
    settings: TrainingSettings,
) -> None:
    results = {}
    for keep in 0.0, 0.5:
        scripted(0.1, 0.2, 0.3)  # the start, and two epochs that are better
        settings = replace(settings, start_weight=keep)
        steps = iter_training(
            drawn_samples[:3],
            output,
            settings,
            validation=drawn_samples[3:],
            start=tiny_path,
        )
        if how == "stopped":
            while next(steps).epoch < 2:
                pass
            steps.close()
        else:
            exhaust(steps)
        results[keep] = read_bundle(output).weights
    _, began_as = without_normalization(read_bundle(tiny_path))
    moved = [np.abs(results[0.0][path] - began_as[path]).max() for path in began_as]
    assert max(moved) > 0.03  # far more than the tolerance below
    for path, kept in results[0.5].items():
        expected = (results[0.0][path] + began_as[path]) / 2
        np.testing.assert_allclose(kept, expected, rtol=0.002, atol=0.001)


def test_only_a_start_can_be_kept(
    drawn_samples: list[Sample], output: Path, settings: TrainingSettings
) -> None:
    settings = replace(settings, start_weight=0.5)
    with pytest.raises(TrainingError, match=r"start_weight=0\.5 without one; name one"):
        next(iter_training(drawn_samples, output, settings))
