"""A training that is cancelled, at each of its stages."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from napari_unet_nuclei.core.cancellation import Cancelled, cancellable
from napari_unet_nuclei.core.engines.openvino import OpenVinoEngine
from napari_unet_nuclei.core.models.bundle import read_bundle
from napari_unet_nuclei.core.progress import exhaust
from napari_unet_nuclei.core.segmentation.model import load_model
from napari_unet_nuclei.core.settings.choices import EngineName
from napari_unet_nuclei.core.training import best_model, conclusion
from napari_unet_nuclei.core.training.crops import batches
from napari_unet_nuclei.core.training.held_out import HeldOutSamples
from napari_unet_nuclei.core.training.learner import Learner
from napari_unet_nuclei.core.training.loop import iter_training

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from napari_unet_nuclei.core.datasets.sample import Sample
    from napari_unet_nuclei.core.settings.training import TrainingSettings


class CancelAt:
    """Cancels at a call of a function, and counts those that there are."""

    def __init__(self, n_calls: int = 1) -> None:
        self.n_calls = 0
        self._at = n_calls
        self._is_cancelled = threading.Event()

    def within(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Make a function that cancels before it does what it did."""

        def run(*args: Any, **kwargs: Any) -> Any:
            self.n_calls += 1
            if self.n_calls == self._at:
                self._is_cancelled.set()
            return function(*args, **kwargs)

        return run

    def is_cancelled(self) -> bool:
        return self._is_cancelled.is_set()


@pytest.fixture
def train_until(
    drawn_samples: list[Sample],
    tiny_path: Path,
    output: Path,
    settings: TrainingSettings,
) -> Callable[..., None]:
    """Fine-tune for two epochs of two steps, until that is cancelled."""

    def train(cancel: CancelAt, **changes: Any) -> None:
        changed = replace(settings, steps_per_epoch=2, **changes)
        steps = iter_training(
            drawn_samples, output, changed, start=tiny_path, report_every=100
        )
        with cancellable(cancel.is_cancelled), pytest.raises(Cancelled):
            exhaust(steps)
        assert cancel.is_cancelled()

    return train


def let_all_be_better(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let each epoch be better than all before, whatever so few steps bring."""
    monkeypatch.setattr(best_model, "is_preferred", lambda *_: True)
    monkeypatch.setattr(best_model, "replaces_start", lambda *_: True)
    monkeypatch.setattr(best_model.BestModel, "is_better_than_start", True)


def files_of(output: Path) -> set[str]:
    return {each.name for each in output.parent.glob("*")}


def test_nothing_is_left_where_the_start_was_not_scored_yet(
    train_until: Callable[..., None], output: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cancel = CancelAt()
    monkeypatch.setattr(
        OpenVinoEngine, "predict", cancel.within(OpenVinoEngine.predict)
    )
    train_until(cancel)
    assert cancel.n_calls == 1
    assert files_of(output) == set()


@pytest.mark.parametrize("only_better", [True, False])
def test_crops_are_not_prepared_further(
    train_until: Callable[..., None],
    output: Path,
    only_better: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cancel = CancelAt()
    prepare = cancel.within(batches.prepare_sample)
    monkeypatch.setattr(batches, "prepare_sample", prepare)
    train_until(cancel, only_better=only_better)
    assert cancel.n_calls == 1
    assert output.exists() is not only_better
    assert not only_better or files_of(output) == set()


def test_no_further_step_is_taken(
    train_until: Callable[..., None], output: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cancel = CancelAt()
    monkeypatch.setattr(Learner, "train_on", cancel.within(Learner.train_on))
    train_until(cancel)
    assert cancel.n_calls == 1
    assert read_bundle(output).openvino is not None


@pytest.mark.parametrize(("n_predictions", "n_epochs"), [(2, 0), (3, 1), (4, 2)])
def test_validation_and_tuning_are_left_with_the_best_so_far(
    train_until: Callable[..., None],
    output: Path,
    drawn_samples: list[Sample],
    n_predictions: int,
    n_epochs: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    let_all_be_better(monkeypatch)
    cancel = CancelAt(n_predictions)
    monkeypatch.setattr(
        OpenVinoEngine, "predict", cancel.within(OpenVinoEngine.predict)
    )
    train_until(cancel)
    log = output.with_suffix(".csv").read_text().splitlines()
    assert [line.split(",")[0] for line in log[1:]] == [
        str(epoch) for epoch in range(n_epochs + 1)
    ]
    provenance = read_bundle(output).config.provenance
    assert provenance["is_stopped"]
    # What is best so far is measured once more, with intervals, where that is quick.
    assert cancel.n_calls == n_predictions + (n_epochs > 0)
    assert ("verdict" in provenance) == (n_epochs > 0)
    model = load_model(output)
    assert model.engine.name is EngineName.OPENVINO
    assert model.segment(drawn_samples[0].image).shape == (64, 64)


@pytest.mark.parametrize("is_slow", [True, False])
def test_a_run_that_is_stopped_is_measured_only_where_that_is_quick(
    train_until: Callable[..., None],
    output: Path,
    is_slow: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    let_all_be_better(monkeypatch)
    if is_slow:
        monkeypatch.setattr(conclusion, "_SECONDS_TO_MEASURE", 0)
    cancel = CancelAt(3)
    monkeypatch.setattr(Learner, "train_on", cancel.within(Learner.train_on))
    train_until(cancel)
    provenance = read_bundle(output).config.provenance
    assert provenance["is_stopped"]
    assert provenance["n_steps"] == 3
    assert provenance["scores"].keys() == provenance["start_scores"].keys()
    assert ("intervals" in provenance) is not is_slow


def test_the_start_is_mixed_in_once(
    train_until: Callable[..., None], output: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    let_all_be_better(monkeypatch)
    parts = []
    mix = best_model.mix_weights

    def note(weights: Any, start: Any, part: float) -> Any:
        parts.append(part)
        return mix(weights, start, part)

    monkeypatch.setattr(best_model, "mix_weights", note)
    cancel = CancelAt(2)  # the first is for the start
    monkeypatch.setattr(HeldOutSamples, "tune", cancel.within(HeldOutSamples.tune))
    train_until(cancel, start_weight=0.25)
    assert parts == [0.25]
