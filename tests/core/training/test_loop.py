from __future__ import annotations

import math
import shutil
import threading
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
import pytest

from napari_unet_nuclei.core.datasets.sample import Sample
from napari_unet_nuclei.core.errors import (
    EngineError,
    LabelsError,
    ModelError,
    OutputError,
    SettingsError,
    TrainingError,
)
from napari_unet_nuclei.core.evaluation.scores import Scores, evaluate
from napari_unet_nuclei.core.models.bundle import ModelBundle, read_bundle, write_bundle
from napari_unet_nuclei.core.networks.building import build_model, complete_arguments
from napari_unet_nuclei.core.networks.bundling import (
    get_weights,
    precision,
    without_normalization,
)
from napari_unet_nuclei.core.progress import exhaust, map_steps
from napari_unet_nuclei.core.segmentation.model import load_model
from napari_unet_nuclei.core.settings.choices import (
    Architecture,
    Augmentation,
    EngineName,
    Monitor,
    Schedule,
)
from napari_unet_nuclei.core.settings.segmentation import SegmentationSettings
from napari_unet_nuclei.core.settings.training import TrainingSettings
from napari_unet_nuclei.core.training import best_model, held_out, learner
from napari_unet_nuclei.core.training import loop as training
from napari_unet_nuclei.core.training import run as training_run
from napari_unet_nuclei.core.training.loop import iter_training, train
from napari_unet_nuclei.core.training.schedules import cosine_learning_rate
from napari_unet_nuclei.core.training.state import (
    read_state,
    state_path,
    write_state,
)
from napari_unet_nuclei.core.training.steps import TrainingReport, TrainingStep

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator
    from pathlib import Path

# Two epochs of six steps, in float32 so that runs can be compared, and large enough
# to matter.
SETTINGS = TrainingSettings(
    crop_size=32,
    batch_size=2,
    steps_per_epoch=6,
    epochs=2,
    learning_rate=0.2,
    mixed_precision=False,
)


@dataclass
class Run:
    """What a finished run said and left behind."""

    output: Path
    steps: list[TrainingStep]
    files: list[set[str]]
    report: TrainingReport

    @property
    def losses(self) -> list[float | None]:
        return [step.loss for step in self.steps]


def follow(steps: Generator[TrainingStep, None, TrainingReport], output: Path) -> Run:
    """Run a training to its end and note the files after each step."""
    seen, files = [], []

    def note(step: TrainingStep) -> None:
        seen.append(step)
        files.append({path.suffix for path in output.parent.iterdir()})

    return Run(output, seen, files, exhaust(map_steps(note, steps)))


@pytest.fixture
def output(tmp_path: Path) -> Path:
    return tmp_path / "run" / "tuned.unetnuclei"


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Save the seconds of what the test is not about."""
    monkeypatch.setattr(training_run, "write_loss_curve", lambda *_: None)
    monkeypatch.setattr(
        best_model,
        "add_openvino",
        lambda bundle: replace(bundle, openvino=(b"<xml/>", b"")),
    )


@pytest.fixture
def scripted(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Decide what the validations find: ``scripted(0.1, 0.3, …)``."""

    def script(*values: float, name: str = "dsb2018") -> None:
        scores = iter(values)
        some = evaluate(np.eye(3, dtype=int), np.eye(3, dtype=int))
        monkeypatch.setattr(
            held_out, "score_maps", lambda *_: replace(some, **{name: next(scores)})
        )
        # Other thresholds bring nothing, neither to the best weights nor to the start.
        tuned = iter((max(values), values[0]))
        monkeypatch.setattr(
            held_out,
            "tune_splitting",
            lambda maps, samples, splitting, monitor: (
                splitting,
                replace(some, **{name: next(tuned)}),
            ),
        )

    return script


@pytest.fixture(scope="module")
def fine_tuned(
    drawn_samples: list[Sample], tiny_path: Path, tmp_path_factory: Any
) -> Run:
    """One complete fine-tuning, shared by the tests that look at its traces."""
    output = tmp_path_factory.mktemp("training") / "tuned.unetnuclei"
    steps = iter_training(
        drawn_samples, output, SETTINGS, start=tiny_path, report_every=3
    )
    return follow(steps, output)


def test_every_report_says_where_training_is(fine_tuned):
    steps = fine_tuned.steps
    assert all(isinstance(step, TrainingStep) for step in steps)
    assert [step.step for step in steps] == [0, 3, 6, 6, 9, 12, 12]
    assert [step.epoch for step in steps] == [0, 0, 0, 1, 1, 1, 2]
    assert [step.progress for step in steps] == [0, 0.25, 0.5, 0.5, 0.75, 1, 1]
    seconds = [step.seconds for step in steps]
    assert seconds == sorted(seconds)
    # What the model can do beforehand is no part of the time to train.
    assert seconds[0] == 0


def test_losses_are_means_since_the_last_report(fine_tuned):
    start, *others = fine_tuned.steps
    for name in "loss", "dice", "iou", "accuracy":
        assert getattr(start, name) is None
    for step in others:
        assert math.isfinite(step.loss)
        assert 0 <= step.iou <= step.dice <= 1
        assert 0 < step.accuracy < 1
    first, second, epoch = (step.loss for step in fine_tuned.steps[1:4])
    assert epoch == pytest.approx((first + second) / 2)


def test_the_learning_rate_follows_its_schedule(fine_tuned):
    for step in fine_tuned.steps[1:]:
        expected = cosine_learning_rate(0.2, step.step - 1, (step.step - 1) / 12)
        assert step.learning_rate == pytest.approx(expected)


def test_epochs_end_with_scores(fine_tuned):
    scored = [step for step in fine_tuned.steps if step.scores is not None]
    assert [step.step for step in scored] == [0, 6, 12]
    assert all(isinstance(step.scores, Scores) for step in scored)
    assert scored[0].is_best
    assert not any(step.is_best for step in fine_tuned.steps if step.scores is None)


def test_the_best_weights_are_on_disk_from_the_start_on(fine_tuned):
    at_start, first, *_, last = fine_tuned.files
    assert at_start == first == {".unetnuclei", ".csv", ".png"}
    assert last == {".unetnuclei", ".csv", ".png", ".npz"}


def test_a_finished_run_leaves_a_model_a_log_and_a_curve(fine_tuned):
    names = {path.name for path in fine_tuned.output.parent.iterdir()}
    assert names == {"tuned.unetnuclei", "tuned.csv", "tuned.png"}
    log = fine_tuned.output.with_suffix(".csv").read_text().splitlines()
    assert [line.split(",")[:2] for line in log[1:]] == [
        ["0", "0"],
        ["1", "6"],
        ["2", "12"],
    ]


def test_the_report_sums_up(fine_tuned):
    report = fine_tuned.report
    assert report.output == fine_tuned.output
    assert (report.n_steps, report.n_epochs) == (12, 2)
    assert report.seconds >= fine_tuned.steps[-1].seconds
    assert report.start_scores == fine_tuned.steps[0].scores
    best = max(step.scores.dsb2018 for step in fine_tuned.steps if step.scores)
    # The thresholds are tuned last.
    assert report.scores.dsb2018 >= best
    assert report.is_better_than_start == (
        report.scores.dsb2018 > report.start_scores.dsb2018
    )


def test_the_model_says_where_it_comes_from(fine_tuned, drawn_samples, tiny_bundle):
    config = read_bundle(fine_tuned.output).config
    assert config.architecture is Architecture.CLASSIC
    assert config.arguments["widths"] == [4, 8]
    assert (config.multiple, config.margin) == (4, 22)
    assert config.diameter == pytest.approx(14, abs=4)
    provenance = config.provenance
    ids = [sample.sample_id for sample in drawn_samples]
    assert sorted(provenance["train"] + provenance["validation"]) == ids
    assert len(provenance["validation"]) == 1
    assert provenance["start"] == "tiny"
    assert provenance["settings"]["seed"] == 0
    assert provenance["settings"]["crop_size"] == 32
    assert (provenance["n_steps"], provenance["n_epochs"]) == (12, 2)
    assert provenance["scores"].keys() == provenance["start_scores"].keys()
    assert provenance["keras"] == keras.__version__


def as_it_is(model, image):
    """The maps of an image that is not rescaled."""
    settings = SegmentationSettings(diameter=model.config.diameter)
    return np.stack(model.maps(image, settings).planes)


def test_a_start_that_stays_the_best_is_kept(fine_tuned, tiny_path, drawn_samples):
    """Twelve steps at such a learning rate teach nothing."""
    assert [step.is_best for step in fine_tuned.steps if step.scores] == [1, 0, 0]
    report = fine_tuned.report
    assert report.scores == report.start_scores
    assert not report.is_better_than_start
    start, kept = (load_model(path, "keras") for path in (tiny_path, fine_tuned.output))
    assert kept.config.splitting == start.config.splitting
    # Training goes on without batch normalisation, which changes no map by more than
    # the rounding of weights in a file.
    assert start.config.arguments.get("batch_normalization", True)
    assert not kept.config.arguments["batch_normalization"]
    assert not any("_bn/" in path for path in kept.bundle.weights)
    for sample in drawn_samples:
        before, after = (as_it_is(model, sample.image) for model in (start, kept))
        np.testing.assert_allclose(after, before, atol=2e-3)


@pytest.mark.usefixtures("hurried")
def test_a_fine_tuning_begins_with_the_scores_of_its_start(
    drawn_samples, make_bundle, output
):
    """Of a residual network too, whose normalisation is folded on every path."""
    path = output.with_name("start.unetnuclei")
    write_bundle(path, make_bundle("resnet"))
    steps = iter_training(
        drawn_samples[:3],
        output,
        SETTINGS,
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


def test_the_model_segments_without_keras_and_with(fine_tuned, drawn_samples):
    image = drawn_samples[0].image
    fast, slow = (load_model(fine_tuned.output, name) for name in ("auto", "keras"))
    assert fast.engine.name is EngineName.OPENVINO
    assert fast.segment(image).shape == image.shape
    fast_maps, slow_maps = (as_it_is(model, image) for model in (fast, slow))
    np.testing.assert_allclose(fast_maps, slow_maps, atol=0.01)


@pytest.mark.usefixtures("hurried")
def test_the_same_seed_takes_the_same_steps(
    fine_tuned, drawn_samples, tiny_path, output
):
    steps = iter_training(
        drawn_samples, output, SETTINGS, start=tiny_path, report_every=3
    )
    again = [next(steps) for _ in range(4)]
    steps.close()
    assert [step.step for step in again] == [0, 3, 6, 6]
    losses = [step.loss for step in again[1:]]
    assert losses == pytest.approx(fine_tuned.losses[1:4], rel=1e-4)


@pytest.mark.usefixtures("hurried")
def test_a_stopped_run_goes_on_where_it_stopped(
    fine_tuned, drawn_samples, tiny_path, output
):
    def start(resume: bool) -> Generator[TrainingStep, None, TrainingReport]:
        return iter_training(
            drawn_samples,
            output,
            SETTINGS,
            start=tiny_path,
            resume=resume,
            report_every=3,
        )

    first = start(resume=False)
    # One step into the second epoch, which will have to be repeated.
    before = [next(first) for _ in range(5)]
    first.close()
    assert [thread.name for thread in crop_threads()] == []
    assert load_model(output, "keras").segment(drawn_samples[0].image).shape == (64, 64)
    assert read_bundle(output).openvino is not None
    assert read_state(output).step == 6

    rest = follow(start(resume=True), output)
    expected = fine_tuned.steps[4:]
    assert [(step.step, step.epoch) for step in rest.steps] == [
        (9, 1),
        (12, 1),
        (12, 2),
    ]
    for step, reference in zip(rest.steps, expected, strict=True):
        assert step.learning_rate == pytest.approx(reference.learning_rate)
        assert step.loss == pytest.approx(reference.loss, rel=1e-3)
        assert step.progress == reference.progress
        assert step.seconds > before[3].seconds
    assert (rest.report.n_steps, rest.report.n_epochs) == (12, 2)
    assert rest.report.start_scores == before[0].scores
    assert not state_path(output).exists()
    log = output.with_suffix(".csv").read_text().splitlines()
    assert [line.split(",")[0] for line in log] == ["epoch", "0", "1", "2"]
    weights = read_bundle(output).weights
    for path, value in read_bundle(fine_tuned.output).weights.items():
        np.testing.assert_allclose(weights[path], value, atol=2e-3)


@pytest.mark.parametrize(("tuned_start", "is_better"), [(0.7, True), (0.9, False)])
def test_thresholds_are_tuned_for_the_start_too(
    drawn_samples,
    tiny_path,
    output,
    scripted,
    hurried,
    monkeypatch,
    tuned_start,
    is_better,
):
    """What only other thresholds have brought is no success of the training."""
    scripted(0.5, 0.6)
    some = evaluate(np.eye(3, dtype=int), np.eye(3, dtype=int))
    start = read_bundle(tiny_path)
    tuned = iter((("new", 0.8), ("start", tuned_start)))
    splittings = {
        "new": replace(start.config.splitting, threshold=0.6),
        "start": replace(start.config.splitting, threshold=0.4),
    }

    def tune(*_: object) -> tuple[Any, Scores]:
        name, score = next(tuned)
        return splittings[name], replace(some, dsb2018=score)

    monkeypatch.setattr(held_out, "tune_splitting", tune)
    steps = iter_training(
        drawn_samples, output, replace(SETTINGS, epochs=1), start=tiny_path
    )
    report = exhaust(steps)
    assert report.start_scores is not None
    assert report.start_scores.dsb2018 == tuned_start
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


ONLY_BETTER = replace(SETTINGS, only_better=True, epochs=2)


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
    scripted, drawn_samples, tiny_path, tmp_path, scores, files
):
    output = tmp_path / "own" / "tuned.unetnuclei"
    scripted(*scores)
    output.parent.mkdir()
    report = exhaust(iter_training(drawn_samples, output, ONLY_BETTER, start=tiny_path))
    assert report.is_written == report.is_better_than_start == bool(files)
    assert files_beside(output) == files


@pytest.mark.usefixtures("hurried")
def test_a_model_that_is_not_better_after_all_is_removed(
    scripted, drawn_samples, tiny_path, tmp_path, monkeypatch
):
    """Its weights seemed better, until the start got thresholds that suit it."""
    output = tmp_path / "own" / "tuned.unetnuclei"
    scripted(0.5, 0.6, 0.6)
    some = evaluate(np.eye(3, dtype=int), np.eye(3, dtype=int))
    tuned = iter((0.6, 0.7))
    monkeypatch.setattr(
        held_out,
        "tune_splitting",
        lambda maps, samples, splitting, monitor: (
            splitting,
            replace(some, dsb2018=next(tuned)),
        ),
    )
    output.parent.mkdir()
    steps = iter_training(drawn_samples, output, ONLY_BETTER, start=tiny_path)
    has_been_there = False
    for _ in steps:
        has_been_there |= output.exists()
    assert has_been_there
    assert files_beside(output) == []


@pytest.mark.usefixtures("hurried")
def test_stopping_once_the_start_is_scored_leaves_nothing(
    scripted, drawn_samples, tiny_path, tmp_path
):
    output = tmp_path / "own" / "tuned.unetnuclei"
    scripted(0.5)
    output.parent.mkdir()
    steps = iter_training(drawn_samples, output, ONLY_BETTER, start=tiny_path)
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
    scripted, drawn_samples, tiny_path, tmp_path, scores, files
):
    output = tmp_path / "own" / "tuned.unetnuclei"
    scripted(*scores)
    output.parent.mkdir()
    steps = iter_training(drawn_samples, output, ONLY_BETTER, start=tiny_path)
    for step in steps:
        assert output.exists() == bool(files and step.epoch)  # killed, it leaves none
        if step.epoch == 1:
            break
    steps.close()
    assert files_beside(output) == files


@pytest.mark.usefixtures("hurried")
def test_a_run_that_is_killed_has_no_log_or_state_of_another_beside_its_model(
    drawn_samples, tiny_path, output, monkeypatch
):
    output.parent.mkdir()
    companions = [output.with_suffix(each) for each in (".csv", ".png", ".state.npz")]
    for path in companions:
        path.write_text("of another run")
    found = []
    write = best_model.write_bundle

    def note(path: Path, bundle: ModelBundle) -> None:
        found.append([each.exists() for each in companions])
        write(path, bundle)

    monkeypatch.setattr(best_model, "write_bundle", note)
    steps = iter_training(drawn_samples, output, SETTINGS, start=tiny_path)
    next(steps)
    steps.close()
    assert found[0] == [False, False, False]


def crop_threads() -> Iterator[threading.Thread]:
    return (each for each in threading.enumerate() if each.name.startswith("crops"))


def test_there_must_be_something_to_resume(drawn_samples, tiny_path, output):
    steps = iter_training(drawn_samples, output, SETTINGS, start=tiny_path, resume=True)
    with pytest.raises(TrainingError, match="nothing to resume"):
        next(steps)


@pytest.fixture(scope="module")
def stopped_run(
    drawn_samples: list[Sample], tiny_path: Path, tmp_path_factory: Any
) -> Path:
    """A run that was stopped after its first epoch; not to be changed."""
    output = tmp_path_factory.mktemp("stopped") / "tuned.unetnuclei"
    settings = replace(SETTINGS, steps_per_epoch=1)
    steps = iter_training(drawn_samples, output, settings, start=tiny_path)
    assert [next(steps).epoch, next(steps).epoch] == [0, 1]
    steps.close()
    return output


@pytest.fixture
def stopped(stopped_run: Path, output: Path, hurried: None) -> Path:
    shutil.copytree(stopped_run.parent, output.parent)
    return output


def test_a_run_that_is_resumed_may_be_longer(drawn_samples, tiny_path, stopped):
    settings = replace(SETTINGS, steps_per_epoch=1, epochs=3)
    run = follow(
        iter_training(drawn_samples, stopped, settings, start=tiny_path, resume=True),
        stopped,
    )
    assert [step.epoch for step in run.steps] == [2, 3]
    assert run.report.n_steps == 3


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"batch_size": 4}, "batch_size=4, which was 2"),
        ({"validation_fraction": 0.4}, "validation_fraction=0.4, which was 0.1"),
    ],
)
def test_another_run_is_not_resumed(
    drawn_samples, tiny_path, stopped, changes, message
):
    settings = replace(SETTINGS, steps_per_epoch=1, **changes)
    before = state_path(stopped).read_bytes()
    steps = iter_training(
        drawn_samples, stopped, settings, start=tiny_path, resume=True
    )
    with pytest.raises(TrainingError, match=f"{message}.*without resume=True"):
        next(steps)
    assert state_path(stopped).read_bytes() == before


def test_the_weights_of_another_network_are_not_resumed(
    drawn_samples, tiny_path, stopped
):
    state = read_state(stopped)
    write_state(stopped, replace(state, model={"conv/kernel": np.zeros(3)}))
    settings = replace(SETTINGS, steps_per_epoch=1)
    steps = iter_training(
        drawn_samples, stopped, settings, start=tiny_path, resume=True
    )
    with pytest.raises(ModelError, match="do not belong to this network"):
        next(steps)


@pytest.mark.usefixtures("hurried")
def test_a_model_without_its_openvino_form_is_kept(
    drawn_samples, tiny_path, output, monkeypatch
):
    def fail(bundle: ModelBundle) -> ModelBundle:
        raise EngineError("The model has no OpenVINO form.")

    settings = replace(SETTINGS, steps_per_epoch=1, epochs=1)
    with monkeypatch.context() as patched:
        patched.setattr(best_model, "add_openvino", fail)
        run = follow(
            iter_training(drawn_samples, output, settings, start=tiny_path), output
        )
    assert run.report.warning == ("The model has no OpenVINO form.")
    bundle = read_bundle(output)
    assert bundle.openvino is None
    assert bundle.config.provenance["n_steps"] == 1
    assert load_model(output).engine.name is EngineName.KERAS
    # Nothing is left to train, so that resuming only finishes the model.
    again = follow(
        iter_training(drawn_samples, output, settings, start=tiny_path, resume=True),
        output,
    )
    assert again.steps == []
    assert again.report.warning is None
    assert again.report.scores == run.report.scores
    assert not state_path(output).exists()


@pytest.mark.usefixtures("hurried")
def test_a_plateau_lowers_the_learning_rate(drawn_samples, tiny_path, output, scripted):
    scripted(0.2, 0.3, 0.1, 0.1, 0.1, 0.1)
    settings = replace(
        SETTINGS,
        steps_per_epoch=1,
        epochs=5,
        schedule=Schedule.PLATEAU,
        plateau_patience=2,
        plateau_factor=0.1,
    )
    run = follow(
        iter_training(drawn_samples, output, settings, start=tiny_path), output
    )
    rates = [step.learning_rate for step in run.steps[1:]]
    # Still warming up: a hundredth more each step.
    expected = [0.002 * n for n in (1, 2, 3, 0.4, 0.5)]
    assert rates == pytest.approx(expected)


@pytest.mark.usefixtures("hurried")
def test_only_better_weights_are_saved_and_patience_has_an_end(
    drawn_samples, tiny_path, output, scripted
):
    scripted(0.2, 0.1, 0.3, 0.3, 0.25)
    settings = replace(
        SETTINGS, steps_per_epoch=1, epochs=50, learning_rate=10.0, patience=2
    )
    steps = iter_training(drawn_samples, output, settings, start=tiny_path)
    kernels, flags = [], []
    for step in steps:
        flags.append(step.is_best)
        kernels.append(read_bundle(output).weights["maps_logits/kernel"])
    assert flags == [True, False, True, False, False]
    assert not np.array_equal(kernels[1], kernels[2])
    final = read_bundle(output).weights["maps_logits/kernel"]
    for same, other in (0, 1), (2, 3), (2, 4):
        np.testing.assert_array_equal(kernels[same], kernels[other])
    np.testing.assert_array_equal(final, kernels[2])
    assert not state_path(output).exists()


@pytest.mark.usefixtures("hurried")
def test_another_score_can_be_monitored(drawn_samples, tiny_path, output, scripted):
    scripted(0.2, 0.3, 0.3, 0.25, name="dice")
    settings = replace(
        SETTINGS, steps_per_epoch=1, epochs=50, patience=2, monitor=Monitor.DICE
    )
    steps = iter_training(drawn_samples, output, settings, start=tiny_path)
    assert [step.is_best for step in steps] == [True, True, False, False]


@pytest.mark.usefixtures("hurried")
@pytest.mark.parametrize("augmentation", Augmentation)
def test_a_model_knows_which_flips_it_has_learned(
    drawn_samples, tiny_path, output, scripted, augmentation
):
    scripted(0.2, 0.3)
    settings = replace(SETTINGS, steps_per_epoch=1, epochs=1, augmentation=augmentation)
    run = follow(
        iter_training(drawn_samples, output, settings, start=tiny_path), output
    )
    expected = {"all": 8, "flips": 8, "elastic": 2, "none": 1}
    assert read_bundle(run.report.output).config.n_symmetries == expected[augmentation]


@pytest.mark.usefixtures("hurried")
def test_a_loss_that_is_no_number_ends_the_run(drawn_samples, tiny_bundle, output):
    broken = output.with_name("broken.unetnuclei")
    weights = dict(tiny_bundle.weights)
    weights["maps_logits/kernel"] = np.full_like(weights["maps_logits/kernel"], np.nan)
    write_bundle(broken, replace(tiny_bundle, weights=weights))
    steps = iter_training(drawn_samples, output, SETTINGS, start=broken)
    assert next(steps).is_best
    with pytest.raises(
        TrainingError, match=r"loss became nan at step 0; the best .* are saved, train"
    ):
        next(steps)
    assert read_bundle(output).name == "tuned"
    assert list(crop_threads()) == []


@pytest.mark.parametrize(
    ("is_wanted", "is_fast", "expected"),
    [
        (True, True, "bfloat16"),
        (True, False, "float32"),
        (False, True, "float32"),
    ],
)
def test_bfloat16_is_used_where_it_is_fast(is_wanted, is_fast, expected, monkeypatch):
    monkeypatch.setattr(learner, "multiplies_bfloat16", lambda: is_fast)
    settings = replace(
        SETTINGS, arguments={"widths": (4, 8)}, mixed_precision=is_wanted
    )
    network = learner.Learner(settings, None)
    assert network._model.layers[1].compute_dtype == expected
    assert network._model.layers[1].variable_dtype == "float32"


@pytest.mark.usefixtures("hurried")
def test_a_model_is_trained_from_scratch(drawn_samples, output, monkeypatch):
    """Mixed precision, explicit validation, fewer steps than an average takes."""
    monkeypatch.setattr(learner, "multiplies_bfloat16", lambda: True)
    architecture = Architecture.RESNET
    settings = replace(
        SETTINGS,
        architecture=architecture,
        arguments={"widths": (4, 8)},
        steps_per_epoch=3,
        epochs=1,
        ema_momentum=0,
        mixed_precision=True,
    )
    policy = keras.config.dtype_policy()
    run = follow(
        iter_training(
            drawn_samples[:3], output, settings, validation=drawn_samples[3:]
        ),
        output,
    )
    assert keras.config.dtype_policy() == policy
    assert [step.epoch for step in run.steps] == [1]
    assert run.steps[0].is_best
    assert run.report.start_scores is None
    assert run.report.is_better_than_start
    bundle = read_bundle(output)
    assert bundle.config.architecture is architecture
    assert bundle.config.arguments.keys() == complete_arguments(architecture, {}).keys()
    assert bundle.config.provenance["start"] is None
    assert bundle.config.provenance["validation"] == ["drawn3", "drawn4"]
    # What is saved has been trained.
    keras.utils.set_random_seed(settings.seed)
    with precision("mixed_bfloat16"):
        untrained = get_weights(build_model(architecture, settings.arguments))
    moved = bundle.weights["maps_logits/bias"] - untrained["maps_logits/bias"]
    assert np.abs(moved).min() > 0


@pytest.mark.usefixtures("hurried")
@pytest.mark.parametrize("how", ["to its end", "stopped"])
def test_a_part_of_the_start_is_kept(how, drawn_samples, tiny_path, output, scripted):
    results = {}
    for keep in 0.0, 0.5:
        scripted(0.1, 0.2, 0.3)  # the start, and two epochs that are better
        settings = replace(SETTINGS, start_weight=keep)
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


@pytest.mark.usefixtures("hurried")
def test_the_clock_can_limit_a_run(drawn_samples, tiny_path, output, monkeypatch):
    # The start stays the best, and its thresholds are tuned already.
    monkeypatch.delattr(held_out, "tune_splitting")
    settings = replace(SETTINGS, epochs=None, minutes=1e-6)
    run = follow(
        iter_training(drawn_samples, output, settings, start=tiny_path), output
    )
    # The first step takes longer than that.
    assert run.report.n_steps == 1
    assert run.steps[-1].progress == 1
    assert run.steps[-1].epoch == 1


@pytest.mark.parametrize(
    ("name", "error", "message"),
    [
        ("model.keras", OutputError, r"ends in \.unetnuclei"),
        ("file/model.unetnuclei", OutputError, "file"),
    ],
)
def test_a_model_that_cannot_be_written_is_noticed_at_once(
    drawn_samples, tiny_path, tmp_path, name, error, message
):
    (tmp_path / "file").touch()
    steps = iter_training(drawn_samples, tmp_path / name, SETTINGS, start=tiny_path)
    with pytest.raises(error, match=message):
        next(steps)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"start": "nowhere"}, ModelError, "'nowhere'"),
        ({"validation": []}, TrainingError, "one held-out sample. Received: 5 and 0"),
    ],
)
def test_what_cannot_start_says_why(drawn_samples, output, options, error, message):
    with pytest.raises(error, match=message):
        next(iter_training(drawn_samples, output, SETTINGS, **options))


def test_only_a_start_can_be_kept(drawn_samples, output):
    settings = replace(SETTINGS, start_weight=0.5)
    with pytest.raises(TrainingError, match=r"start_weight=0\.5 without one; name one"):
        next(iter_training(drawn_samples, output, settings))


def test_there_must_be_samples(drawn_samples, output):
    with pytest.raises(TrainingError, match=r"Received: 0 and 5; check the split"):
        next(iter_training([], output, SETTINGS, validation=drawn_samples))


def test_arguments_must_fit_the_network(drawn_samples, output):
    settings = replace(SETTINGS, arguments={"depth": 3})
    with pytest.raises(ModelError, match="depth"):
        next(iter_training(drawn_samples, output, settings))


@pytest.fixture
def handed_on(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Catch what ``train`` hands on instead of training for minutes."""
    caught: dict[str, Any] = {}

    def catch(samples, output, settings, *, start):  # type: ignore[no-untyped-def]
        caught.update(samples=samples, output=output, settings=settings, start=start)
        return "report"
        yield

    monkeypatch.setattr(training, "iter_training", catch)
    return caught


def test_train_takes_pairs_of_arrays(handed_on):
    image, labels = np.zeros((5, 6)), np.ones((5, 6), np.int64)
    ready = Sample("ready", image, labels.astype(np.int32))
    pairs = [(image, labels), (image.tolist(), labels.tolist()), ready]
    assert train(pairs, "a.unetnuclei", "classic") == "report"
    first, second, third = handed_on["samples"]
    assert [first.sample_id, second.sample_id] == ["sample0", "sample1"]
    assert third is ready
    for sample in first, second:
        assert sample.labels.dtype == np.int32
        assert sample.image.shape == (5, 6)
    assert str(handed_on["output"]) == "a.unetnuclei"
    assert handed_on["start"] is None
    settings = handed_on["settings"]
    assert settings.architecture is Architecture.CLASSIC
    assert (settings.minutes, settings.epochs) == (5, None)


def test_train_has_a_length_and_a_seed(handed_on):
    train([], "a.unetnuclei", start="resnet", epochs=3, seed=7)
    settings = handed_on["settings"]
    assert (settings.minutes, settings.epochs, settings.seed) == (None, 3, 7)
    assert handed_on["start"] == "resnet"


@pytest.mark.parametrize(
    ("pair", "error", "message"),
    [
        ((np.zeros((5, 6)), np.full((5, 6), -1)), LabelsError, "labels of sample0"),
        ((np.zeros((5, 6)), np.full((5, 6), 0.5)), LabelsError, "whole numbers"),
    ],
)
def test_train_checks_labels(handed_on, pair, error, message):
    with pytest.raises(error, match=message):
        train([pair], "a.unetnuclei")


def test_train_checks_settings(handed_on):
    with pytest.raises(SettingsError, match="'vgg'"):
        train([], "a.unetnuclei", "vgg")
    with pytest.raises(SettingsError, match="either how many"):
        train([], "a.unetnuclei", minutes=1, epochs=1)
