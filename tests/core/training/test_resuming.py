from __future__ import annotations

import shutil
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from napari_unet_nuclei.core.errors import (
    ModelError,
    TrainingError,
)
from napari_unet_nuclei.core.models.bundle import read_bundle
from napari_unet_nuclei.core.segmentation.model import load_model
from napari_unet_nuclei.core.training import run
from napari_unet_nuclei.core.training.loop import iter_training
from napari_unet_nuclei.core.training.state import (
    read_state,
    state_path,
    write_state,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from pathlib import Path

    from napari_unet_nuclei.core.datasets.sample import Sample
    from napari_unet_nuclei.core.settings.training import TrainingSettings
    from napari_unet_nuclei.core.training.steps import TrainingReport, TrainingStep


@pytest.mark.usefixtures("hurried")
def test_a_stopped_run_goes_on_where_it_stopped(
    fine_tuned: Any,
    drawn_samples: list[Sample],
    tiny_path: Path,
    output: Path,
    settings: TrainingSettings,
    follow: Callable[..., Any],
    crop_threads: Callable[..., Any],
) -> None:
    def start(resume: bool) -> Generator[TrainingStep, None, TrainingReport]:
        return iter_training(
            drawn_samples,
            output,
            settings,
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


def test_there_must_be_something_to_resume(
    drawn_samples: list[Sample],
    tiny_path: Path,
    output: Path,
    settings: TrainingSettings,
) -> None:
    steps = iter_training(drawn_samples, output, settings, start=tiny_path, resume=True)
    with pytest.raises(TrainingError, match="nothing to resume"):
        next(steps)


@pytest.fixture(scope="module")
def stopped_run(
    drawn_samples: list[Sample],
    tiny_path: Path,
    tmp_path_factory: Any,
    settings: TrainingSettings,
) -> Path:
    """A run that was stopped after its first epoch; not to be changed."""
    output = tmp_path_factory.mktemp("stopped") / "tuned.unetnuclei"
    settings = replace(settings, steps_per_epoch=1)
    steps = iter_training(drawn_samples, output, settings, start=tiny_path)
    assert [next(steps).epoch, next(steps).epoch] == [0, 1]
    steps.close()
    return output


@pytest.fixture
def stopped(stopped_run: Path, output: Path, hurried: None) -> Path:
    shutil.copytree(stopped_run.parent, output.parent)
    return output


def test_a_run_that_is_resumed_may_be_longer(
    drawn_samples: list[Sample],
    tiny_path: Path,
    stopped: Path,
    settings: TrainingSettings,
    follow: Callable[..., Any],
) -> None:
    settings = replace(settings, steps_per_epoch=1, epochs=3)
    longer = follow(
        iter_training(drawn_samples, stopped, settings, start=tiny_path, resume=True),
        stopped,
    )
    assert [step.epoch for step in longer.steps] == [2, 3]
    assert longer.report.n_steps == 3


def test_a_halved_learning_rate_stays_halved(
    drawn_samples: list[Sample],
    tiny_path: Path,
    stopped: Path,
    settings: TrainingSettings,
    follow: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    write_state(stopped, replace(read_state(stopped), n_rollbacks=2))
    monkeypatch.setattr(run, "scheduled_learning_rate", lambda *_, **__: 0.08)
    settings = replace(settings, steps_per_epoch=1, epochs=2)
    resumed = follow(
        iter_training(drawn_samples, stopped, settings, start=tiny_path, resume=True),
        stopped,
    )
    assert resumed.steps[-1].learning_rate == pytest.approx(0.02)
    assert "0.25 of the learning rate" in resumed.report.note


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"batch_size": 4}, "batch_size=4, which was 2"),
        ({"validation_fraction": 0.4}, "validation_fraction=0.4, which was 0.1"),
    ],
)
def test_another_run_is_not_resumed(
    drawn_samples: list[Sample],
    tiny_path: Path,
    stopped: Path,
    changes: dict[str, Any],
    message: str,
    settings: TrainingSettings,
) -> None:
    settings = replace(settings, steps_per_epoch=1, **changes)
    before = state_path(stopped).read_bytes()
    steps = iter_training(
        drawn_samples, stopped, settings, start=tiny_path, resume=True
    )
    with pytest.raises(TrainingError, match=f"{message}.*without resume=True"):
        next(steps)
    assert state_path(stopped).read_bytes() == before


def test_the_weights_of_another_network_are_not_resumed(
    drawn_samples: list[Sample],
    tiny_path: Path,
    stopped: Path,
    settings: TrainingSettings,
) -> None:
    state = read_state(stopped)
    write_state(stopped, replace(state, model={"conv/kernel": np.zeros(3)}))
    settings = replace(settings, steps_per_epoch=1)
    steps = iter_training(
        drawn_samples, stopped, settings, start=tiny_path, resume=True
    )
    with pytest.raises(ModelError, match="do not belong to this network"):
        next(steps)
