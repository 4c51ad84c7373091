from __future__ import annotations

import json
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import psutil
import pytest

from napari_unet_nuclei.core.datasets.synthetic import draw_nuclei
from napari_unet_nuclei.core.errors import OutputError, TrainingError
from napari_unet_nuclei.core.models.bundle import read_bundle
from napari_unet_nuclei.core.progress import exhaust
from napari_unet_nuclei.plugin.finetune.annotated_image import AnnotatedImage
from napari_unet_nuclei.plugin.finetune.training_events import StatusEvent, StepEvent
from napari_unet_nuclei.plugin.finetune.training_process import (
    FineTuned,
    FineTuneRequest,
    StillRunning,
    iter_fine_tuning,
)
from napari_unet_nuclei.plugin.shared.error_messages import describe_error

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    FakeTraining = Callable[..., Callable[..., list[str]]]

SCORES = {"dsb2018": 0.5, "ap50": 0.6, "pq": 0.5, "dice": 0.8}


def step(epoch: int, is_best: bool) -> str:
    values = {"epoch": epoch, "progress": 0.5, "seconds": 1.0, "loss": 0.3}
    return json.dumps({"event": "step", **values, "scores": SCORES, "is_best": is_best})


STARTING = '{"event": "status", "message": "Starting Keras"}'
FINISHED = json.dumps(
    {
        "event": "finished",
        "output": "x.unetnuclei",
        "scores": SCORES,
        "start_scores": {**SCORES, "dsb2018": 0.4},
        "is_better_than_start": True,
        "n_steps": 3,
        "seconds": 2.0,
        "warning": None,
    }
)


@pytest.fixture
def request_with(
    image: NDArray[np.uint8], tmp_path: Path, fake_training: FakeTraining
) -> Callable[..., FineTuneRequest]:
    def make(*lines: str) -> FineTuneRequest:
        pair = AnnotatedImage(
            image=image, axes="YX", labels=(image > 80).astype(np.uint8)
        )
        return FineTuneRequest(
            pairs=[pair],
            start=tmp_path / "start.unetnuclei",
            output=tmp_path / "folder" / "new.unetnuclei",
            minutes=1,
            command=fake_training(*lines),
        )

    return make


def child_of(request: FineTuneRequest) -> int:
    return int(request.output.with_suffix(".pid").read_text())


def files_of(request: FineTuneRequest) -> list[str]:
    suffixes = [path.suffix for path in request.output.parent.iterdir()]
    return sorted(suffix for suffix in suffixes if suffix != ".pid")


def test_events_come_one_by_one_and_the_result_at_last(
    request_with: Callable[..., FineTuneRequest],
) -> None:
    request = request_with(STARTING, "noise", step(0, True), "SAVE", FINISHED)
    events = []
    steps = iter_fine_tuning(request)
    while True:
        try:
            events.append(next(steps))
        except StopIteration as stop:
            result = stop.value
            break
    told = [event for event in events if not isinstance(event, StillRunning)]
    assert told[0] == StatusEvent(message="Starting Keras")
    assert isinstance(told[1], StepEvent)
    assert result == FineTuned(
        name="new",
        start="start",
        score=0.5,
        start_score=0.4,
        is_better=True,
        held_out="quarters",
    )
    assert not psutil.pid_exists(child_of(request))
    assert files_of(request) == [".csv", ".npz", ".unetnuclei"]


def follow_until_waiting(request: FineTuneRequest) -> Any:
    """Follow a run until its process has said all it will say."""
    steps = iter_fine_tuning(request)
    has_spoken = False
    for event in steps:
        if not isinstance(event, StillRunning):
            has_spoken = True
        elif has_spoken:
            return steps
    raise AssertionError("it ended too early")


@pytest.mark.parametrize(
    ("epoch", "files"),
    [(0, []), (1, [".csv", ".npz", ".unetnuclei"])],
    ids=["before", "after"],
)
def test_closing_ends_the_process_and_keeps_only_better_weights(
    request_with: Callable[..., FineTuneRequest], epoch: int, files: list[str]
) -> None:
    request = request_with("SAVE", step(epoch, True), "WAIT")
    before = set(tempfile.gettempdir())
    steps = follow_until_waiting(request)
    assert psutil.pid_exists(child_of(request))
    steps.close()
    assert not psutil.pid_exists(child_of(request))
    assert files_of(request) == files
    assert set(tempfile.gettempdir()) == before


def test_a_stubborn_process_is_killed(
    request_with: Callable[..., FineTuneRequest],
) -> None:
    request = replace(request_with(step(1, True), "STUBBORN"), grace_seconds=0.2)
    steps = follow_until_waiting(request)
    steps.close()
    assert not psutil.pid_exists(child_of(request))


def test_a_process_with_nothing_to_complete_does_not_keep_napari_from_quitting(
    request_with: Callable[..., FineTuneRequest],
) -> None:
    request = request_with(step(0, False), "STUBBORN")
    steps = follow_until_waiting(request)
    start = time.monotonic()
    steps.close()
    assert time.monotonic() - start < 10
    assert not psutil.pid_exists(child_of(request))


@pytest.mark.parametrize("ending", ["EXIT 1", "WAIT"])
def test_no_lock_of_a_process_that_was_killed_stays(
    request_with: Callable[..., FineTuneRequest], ending: str
) -> None:
    request = request_with("LOCK", STARTING, ending)
    with suppress(TrainingError):
        follow_until_waiting(request).close()
    assert child_of(request)
    assert files_of(request) == []


def test_the_process_says_why_it_cannot_go_on(
    request_with: Callable[..., FineTuneRequest],
) -> None:
    request = request_with('{"event": "error", "message": "Too few."}', "EXIT 1")
    with pytest.raises(TrainingError, match=r"^Too few\.$"):
        exhaust(iter_fine_tuning(request))


def test_what_the_process_says_is_in_the_words_of_the_widget(
    request_with: Callable[..., FineTuneRequest],
) -> None:
    error = {
        "event": "error",
        "message": "Must be positive. Received: --minutes 0",
        "template": "Must be positive. Received: {minutes}",
        "settings": {"minutes": 0},
    }
    with pytest.raises(TrainingError) as caught:
        exhaust(iter_fine_tuning(request_with(json.dumps(error), "EXIT 1")))
    assert describe_error(caught.value) == "Must be positive. Received: time (min) 0"


def test_a_model_that_is_not_better_leaves_nothing(
    request_with: Callable[..., FineTuneRequest],
) -> None:
    """Its weights seemed better, until the start got thresholds that suit it."""
    end = json.dumps({**json.loads(FINISHED), "is_better_than_start": False})
    request = request_with(STARTING, step(1, True), "SAVE", end)
    assert not exhaust(iter_fine_tuning(request)).is_better
    assert files_of(request) == []


def test_a_process_that_dies_has_last_words(
    request_with: Callable[..., FineTuneRequest],
) -> None:
    with pytest.raises(TrainingError, match="exit code 3: second / third / last words"):
        exhaust(iter_fine_tuning(request_with(STARTING, "EXIT 3")))


def test_a_process_that_ends_without_a_result_is_an_error(
    request_with: Callable[..., FineTuneRequest],
) -> None:
    with pytest.raises(TrainingError, match="ended without a result"):
        exhaust(iter_fine_tuning(request_with(STARTING)))


def test_a_program_that_is_not_there_is_an_error(
    request_with: Callable[..., FineTuneRequest],
) -> None:
    request = replace(request_with(), command=lambda *_: ["/nowhere/python"])
    with pytest.raises(TrainingError, match="cannot be started"):
        exhaust(iter_fine_tuning(request))


def test_no_model_is_overwritten(
    request_with: Callable[..., FineTuneRequest],
) -> None:
    request = request_with(FINISHED)
    request.output.parent.mkdir()
    request.output.write_bytes(b"precious")
    with pytest.raises(OutputError, match="name that no model has"):
        exhaust(iter_fine_tuning(request))
    assert request.output.read_bytes() == b"precious"


def test_a_folder_that_cannot_be_made_is_an_error(
    request_with: Callable[..., FineTuneRequest], tmp_path: Path
) -> None:
    (tmp_path / "folder").write_bytes(b"")
    with pytest.raises(OutputError, match="cannot write its files"):
        exhaust(iter_fine_tuning(request_with(FINISHED)))


@pytest.mark.slow
def test_a_real_process_trains_a_real_network(real_model: Path, tmp_path: Path) -> None:
    image, labels = draw_nuclei(1, (128, 128), 20)
    request = FineTuneRequest(
        pairs=[AnnotatedImage(image=image, axes="YX", labels=labels)],
        start=real_model,
        output=tmp_path / "tuned.unetnuclei",
        minutes=0.02,
    )
    result = exhaust(iter_fine_tuning(request))
    assert result.start == "real"
    assert 0 <= result.score <= 1
    if result.is_better:
        assert read_bundle(request.output).openvino is not None
    else:
        assert list(tmp_path.glob("tuned*")) == []
    assert "keras" not in sys.modules


@pytest.mark.parametrize("suffix", [".unetnuclei", ".csv", ".png", ".state.npz"])
def test_files_of_another_model_are_refused_and_stay(
    request_with: Callable[..., FineTuneRequest], suffix: str
) -> None:
    request = request_with(STARTING, FINISHED)
    path = request.output.with_suffix(suffix)
    path.parent.mkdir()
    path.write_text("precious")
    with pytest.raises(OutputError, match="nor a file that belongs to one"):
        exhaust(iter_fine_tuning(request))
    assert path.read_text() == "precious"


def test_a_model_that_was_written_before_an_error_stays(
    request_with: Callable[..., FineTuneRequest],
) -> None:
    """There was room for it, but not for the state that is written after it."""
    full = '{"event": "error", "message": "No space left."}'
    request = request_with(STARTING, step(0, True), "SAVE", full, "EXIT 1")
    with pytest.raises(TrainingError, match="No space left"):
        exhaust(iter_fine_tuning(request))
    assert files_of(request) == [".csv", ".npz", ".unetnuclei"]


def test_a_model_that_another_window_is_making_is_not_removed(
    request_with: Callable[..., FineTuneRequest],
) -> None:
    """The other one has claimed the name after it was seen to be free here."""
    refusal = '{"event": "error", "message": "Expected to be the only one."}'
    request = request_with("SAVE", refusal)
    with pytest.raises(TrainingError, match="only one"):
        exhaust(iter_fine_tuning(request))
    assert files_of(request) == [".csv", ".npz", ".unetnuclei"]
