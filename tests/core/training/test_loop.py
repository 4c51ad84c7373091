from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import keras
import numpy as np
import pytest

from napari_unet_nuclei.core.errors import (
    EngineError,
    ModelError,
    OutputError,
    TrainingError,
)
from napari_unet_nuclei.core.evaluation.scores import Scores
from napari_unet_nuclei.core.models.bundle import ModelBundle, read_bundle, write_bundle
from napari_unet_nuclei.core.segmentation.model import load_model
from napari_unet_nuclei.core.settings.choices import (
    Architecture,
    EngineName,
)
from napari_unet_nuclei.core.settings.segmentation import SegmentationSettings
from napari_unet_nuclei.core.training import model_file
from napari_unet_nuclei.core.training.learner import Learner
from napari_unet_nuclei.core.training.loop import iter_training
from napari_unet_nuclei.core.training.schedules import cosine_learning_rate
from napari_unet_nuclei.core.training.state import (
    state_path,
)
from napari_unet_nuclei.core.training.steps import TrainingStep

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from typing import Any

    from numpy.typing import NDArray

    from napari_unet_nuclei.core.datasets.sample import Sample
    from napari_unet_nuclei.core.segmentation.model import Model
    from napari_unet_nuclei.core.settings.training import TrainingSettings


def test_every_report_says_where_training_is(fine_tuned: Any) -> None:
    steps = fine_tuned.steps
    assert all(isinstance(step, TrainingStep) for step in steps)
    assert [step.step for step in steps] == [0, 3, 6, 6, 9, 12, 12]
    assert [step.epoch for step in steps] == [0, 0, 0, 1, 1, 1, 2]
    assert [step.progress for step in steps] == [0, 0.25, 0.5, 0.5, 0.75, 1, 1]
    seconds = [step.seconds for step in steps]
    assert seconds == sorted(seconds)
    # What the model can do beforehand is no part of the time to train.
    assert seconds[0] == 0


def test_losses_are_means_since_the_last_report(fine_tuned: Any) -> None:
    start, *others = fine_tuned.steps
    for name in "loss", "dice", "iou", "accuracy":
        assert getattr(start, name) is None
    for step in others:
        assert math.isfinite(step.loss)
        assert 0 <= step.iou <= step.dice <= 1
        assert 0 < step.accuracy < 1
    first, second, epoch = (step.loss for step in fine_tuned.steps[1:4])
    assert epoch == pytest.approx((first + second) / 2)


def test_the_learning_rate_follows_its_schedule(fine_tuned: Any) -> None:
    for step in fine_tuned.steps[1:]:
        expected = cosine_learning_rate(0.2, step.step - 1, (step.step - 1) / 12)
        assert step.learning_rate == pytest.approx(expected)


def test_epochs_end_with_scores(fine_tuned: Any) -> None:
    scored = [step for step in fine_tuned.steps if step.scores is not None]
    assert [step.step for step in scored] == [0, 6, 12]
    assert all(isinstance(step.scores, Scores) for step in scored)
    assert scored[0].is_best
    assert not any(step.is_best for step in fine_tuned.steps if step.scores is None)


def test_the_best_weights_are_on_disk_from_the_start_on(fine_tuned: Any) -> None:
    at_start, first, *_, last = fine_tuned.files
    assert at_start == first == {".unetnuclei", ".csv"}
    assert last == {".unetnuclei", ".csv", ".png", ".npz"}


def test_a_finished_run_leaves_a_model_a_log_and_a_curve(fine_tuned: Any) -> None:
    names = {path.name for path in fine_tuned.output.parent.iterdir()}
    assert names == {"tuned.unetnuclei", "tuned.csv", "tuned.png"}
    log = fine_tuned.output.with_suffix(".csv").read_text().splitlines()
    assert [line.split(",")[:2] for line in log[1:]] == [
        ["0", "0"],
        ["1", "6"],
        ["2", "12"],
    ]


def test_the_report_sums_up(fine_tuned: Any) -> None:
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


def test_the_model_says_where_it_comes_from(
    fine_tuned: Any, drawn_samples: list[Sample], tiny_bundle: ModelBundle
) -> None:
    config = read_bundle(fine_tuned.output).config
    assert config.architecture is Architecture.CLASSIC
    assert config.arguments["widths"] == [4, 8]
    assert (config.stride, config.margin) == (4, 22)
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


def as_it_is(model: Model, image: NDArray[Any]) -> NDArray[Any]:
    """The maps of an image that is not rescaled."""
    settings = SegmentationSettings(diameter=model.config.diameter)
    return np.stack(model.maps(image, settings).arrays)


def test_a_start_that_stays_the_best_is_kept(
    fine_tuned: Any, tiny_path: Path, drawn_samples: list[Sample]
) -> None:
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


def test_the_model_segments_without_keras_and_with(
    fine_tuned: Any, drawn_samples: list[Sample]
) -> None:
    image = drawn_samples[0].image
    fast, slow = (load_model(fine_tuned.output, name) for name in ("auto", "keras"))
    assert fast.engine.name is EngineName.OPENVINO
    assert fast.segment(image).shape == image.shape
    fast_maps, slow_maps = (as_it_is(model, image) for model in (fast, slow))
    np.testing.assert_allclose(fast_maps, slow_maps, atol=0.01)


@pytest.mark.usefixtures("hurried")
def test_the_same_seed_takes_the_same_steps(
    fine_tuned: Any,
    drawn_samples: list[Sample],
    tiny_path: Path,
    output: Path,
    settings: TrainingSettings,
) -> None:
    steps = iter_training(
        drawn_samples, output, settings, start=tiny_path, report_every=3
    )
    again = [next(steps) for _ in range(4)]
    steps.close()
    assert [step.step for step in again] == [0, 3, 6, 6]
    losses = [step.loss for step in again[1:]]
    assert losses == pytest.approx(fine_tuned.losses[1:4], rel=1e-4)


@pytest.mark.usefixtures("hurried")
def test_a_model_without_its_openvino_form_is_kept(
    drawn_samples: list[Sample],
    tiny_path: Path,
    output: Path,
    monkeypatch: pytest.MonkeyPatch,
    settings: TrainingSettings,
    follow: Callable[..., Any],
) -> None:
    def fail(bundle: ModelBundle) -> ModelBundle:
        raise EngineError("The model has no OpenVINO form.")

    settings = replace(settings, steps_per_epoch=1, epochs=1)
    with monkeypatch.context() as patched:
        patched.setattr(Learner, "openvino_form", lambda *_: None)
        patched.setattr(model_file, "add_openvino_at_once", lambda bundle: bundle)
        patched.setattr(model_file, "add_openvino", fail)
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
def test_a_loss_that_is_no_number_ends_the_run(
    drawn_samples: list[Sample],
    tiny_bundle: ModelBundle,
    output: Path,
    settings: TrainingSettings,
    crop_threads: Callable[..., Any],
) -> None:
    broken = output.with_name("broken.unetnuclei")
    weights = dict(tiny_bundle.weights)
    weights["maps_logits/kernel"] = np.full_like(weights["maps_logits/kernel"], np.nan)
    write_bundle(broken, replace(tiny_bundle, weights=weights))
    steps = iter_training(drawn_samples, output, settings, start=broken)
    assert next(steps).is_best
    with pytest.raises(
        TrainingError, match=r"loss became nan at step 0; the best .* are saved, train"
    ):
        next(steps)
    assert read_bundle(output).name == "tuned"
    assert list(crop_threads()) == []


@pytest.mark.parametrize(
    ("name", "error", "message"),
    [
        ("model.keras", OutputError, r"ends in \.unetnuclei"),
        ("file/model.unetnuclei", OutputError, "file"),
    ],
)
def test_a_model_that_cannot_be_written_is_noticed_at_once(
    drawn_samples: list[Sample],
    tiny_path: Path,
    tmp_path: Path,
    name: str,
    error: type[Any],
    message: str,
    settings: TrainingSettings,
) -> None:
    (tmp_path / "file").touch()
    steps = iter_training(drawn_samples, tmp_path / name, settings, start=tiny_path)
    with pytest.raises(error, match=message):
        next(steps)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"start": "nowhere"}, ModelError, "'nowhere'"),
        ({"validation": []}, TrainingError, "one held-out sample. Received: 5 and 0"),
    ],
)
def test_what_cannot_start_says_why(
    drawn_samples: list[Sample],
    output: Path,
    options: dict[str, Any],
    error: type[Any],
    message: str,
    settings: TrainingSettings,
) -> None:
    with pytest.raises(error, match=message):
        next(iter_training(drawn_samples, output, settings, **options))


def test_there_must_be_samples(
    drawn_samples: list[Sample], output: Path, settings: TrainingSettings
) -> None:
    with pytest.raises(TrainingError, match=r"Received: 0 and 5; check the split"):
        next(iter_training([], output, settings, validation=drawn_samples))
