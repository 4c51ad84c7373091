"""One short training that several tests look at, and ways to hurry others."""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from napari_unet_nuclei.core.evaluation.scores import evaluate
from napari_unet_nuclei.core.progress import exhaust, map_steps
from napari_unet_nuclei.core.settings.training import TrainingSettings
from napari_unet_nuclei.core.training import held_out, model_file
from napari_unet_nuclei.core.training import log as run_log
from napari_unet_nuclei.core.training.loop import iter_training
from napari_unet_nuclei.core.training.measuring import Measured

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from pathlib import Path

    from napari_unet_nuclei.core.datasets.sample import Sample
    from napari_unet_nuclei.core.evaluation.scores import Scores
    from napari_unet_nuclei.core.training.steps import TrainingReport, TrainingStep


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


@pytest.fixture(scope="session")
def settings() -> TrainingSettings:
    """Two epochs of six steps, in float32 so that runs can be compared.

    The learning rate is large enough to matter.  Nothing is drawn to be replayed, which
    takes longer than all the rest.
    """
    return TrainingSettings(
        crop_size=32,
        batch_size=2,
        steps_per_epoch=6,
        epochs=2,
        learning_rate=0.2,
        replay=0,
        mixed_precision=False,
    )


@pytest.fixture(scope="session")
def follow() -> Callable[..., Run]:
    """Run a training to its end and note the files after each step."""
    return _follow


def _follow(steps: Generator[TrainingStep, None, TrainingReport], output: Path) -> Run:
    seen, files = [], []

    def note(step: TrainingStep) -> None:
        seen.append(step)
        files.append({path.suffix for path in output.parent.iterdir()})

    return Run(output, seen, files, exhaust(map_steps(note, steps)))


@pytest.fixture
def output(tmp_path: Path) -> Path:
    """Return a model that is not there yet, in a folder that is not either."""
    return tmp_path / "run" / "tuned.unetnuclei"


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Save the seconds of what the test is not about."""
    monkeypatch.setattr(run_log, "write_loss_curve", lambda *_: None)
    monkeypatch.setattr(
        model_file,
        "add_openvino",
        lambda bundle: replace(bundle, openvino=(b"<xml/>", b"")),
    )


@pytest.fixture
def scripted(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Decide what the validations find: ``scripted(0.1, 0.3, …)``."""

    def script(*values: float, name: str = "dsb2018") -> None:
        scores, used = iter(values), []
        some = evaluate(np.eye(3, dtype=int), np.eye(3, dtype=int))
        some = replace(some, n_true=1000)  # so many that scores alone decide

        def score_next(*_: object) -> Scores:
            used.append(next(scores))
            return replace(some, **{name: used[-1]})

        def measure_best(*_: object) -> Measured:
            return Measured(scores=replace(some, **{name: max(used)}))

        def tune(_: object, engine: Any, config: Any, monitor: Any) -> Any:
            """Find no other thresholds, neither for the start nor for the best."""
            measured = measure_best() if used else Measured(scores=score_next())
            return config.splitting, measured

        monkeypatch.setattr(held_out, "score_maps", score_next)
        monkeypatch.setattr(held_out.HeldOutSamples, "tune", tune)
        monkeypatch.setattr(held_out.HeldOutSamples, "measure", measure_best)

    return script


@pytest.fixture(scope="session")
def fine_tuned(
    drawn_samples: list[Sample],
    tiny_path: Path,
    tmp_path_factory: Any,
    settings: TrainingSettings,
    follow: Any,
) -> Run:
    """One complete fine-tuning, shared by the tests that look at its traces."""
    output = tmp_path_factory.mktemp("training") / "tuned.unetnuclei"
    steps = iter_training(
        drawn_samples, output, settings, start=tiny_path, report_every=3
    )
    return follow(steps, output)


@pytest.fixture(scope="session")
def crop_threads() -> Callable[[], list[threading.Thread]]:
    """Find the threads that prepare crops."""
    return lambda: [
        each for each in threading.enumerate() if each.name.startswith("crops")
    ]
