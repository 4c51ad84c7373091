from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from napari_unet_nuclei.plugin.finetune.messages import (
    describe_cancelled,
    describe_result,
    describe_step,
    describe_time,
)
from napari_unet_nuclei.plugin.finetune.progress_so_far import TrainingProgress
from napari_unet_nuclei.plugin.finetune.training_events import (
    ErrorEvent,
    FinishedEvent,
    StatusEvent,
    StepEvent,
    TrainingEvent,
    parse_event,
)
from napari_unet_nuclei.plugin.finetune.training_process import FineTuned

SCORES = {"dsb2018": 0.71, "ap50": 0.9, "pq": 0.8, "dice": 0.95}
STEP = {
    "event": "step",
    "step": 100,
    "epoch": 1,
    "progress": 0.25,
    "seconds": 90.0,
    "loss": 0.41,
    "dice": 0.9,
    "learning_rate": 1e-3,
    "scores": SCORES,
    "is_best": True,
}
FINISHED = {
    "event": "finished",
    "output": "a.unetnuclei",
    "scores": SCORES,
    "start_scores": {**SCORES, "dsb2018": 0.6},
    "is_better_than_start": True,
    "n_steps": 100,
    "seconds": 300.0,
    "warning": "No OpenVINO form.",
}


@pytest.mark.parametrize(
    ("values", "event"),
    [
        ({"event": "status", "message": "Loading"}, StatusEvent(message="Loading")),
        (
            STEP,
            StepEvent(
                epoch=1, progress=0.25, seconds=90, loss=0.41, score=0.71, is_best=True
            ),
        ),
        (
            {**STEP, "loss": None, "scores": None, "is_best": False},
            StepEvent(
                epoch=1, progress=0.25, seconds=90, loss=None, score=None, is_best=False
            ),
        ),
        (
            FINISHED,
            FinishedEvent(
                output=Path("a.unetnuclei"),
                score=0.71,
                start_score=0.6,
                is_better=True,
                seconds=300,
                warning="No OpenVINO form.",
            ),
        ),
        ({"event": "error", "message": "No."}, ErrorEvent(message="No.")),
        (
            {
                "event": "error",
                "message": "Received: --minutes 0.",
                "template": "Received: {minutes}.",
                "settings": {"minutes": 0},
            },
            ErrorEvent(
                message="Received: --minutes 0.",
                template="Received: {minutes}.",
                settings={"minutes": 0},
            ),
        ),
    ],
)
def test_each_event_is_understood(
    values: dict[str, object], event: TrainingEvent
) -> None:
    assert parse_event(json.dumps(values) + "\n") == event


@pytest.mark.parametrize(
    "line", ["", "WARNING: noise", "3", "[]", "{}", '{"event": "later"}', '{"event":']
)
def test_other_lines_are_passed_over(line: str) -> None:
    assert parse_event(line) is None


def test_a_step_is_told_in_one_line() -> None:
    step = parse_event(json.dumps(STEP))
    assert isinstance(step, StepEvent)
    assert describe_step(step) == ("Epoch 1 · loss 0.410 · score .71, the best so far")
    bare = parse_event(json.dumps({**STEP, "loss": None, "scores": None}))
    assert isinstance(bare, StepEvent)
    assert describe_step(bare) == "Epoch 1"
    last = replace(bare, progress=1.0)
    assert describe_step(last) == "Finishing"
    first = replace(step, epoch=0)
    assert describe_step(first) == "The start model scores .71 on the held-out part"


@pytest.mark.parametrize(
    ("seconds", "done", "text"),
    [
        (5, 0.0, "0:05"),
        (80, 0.2, "1:20, about 4 min left"),
        (290, 0.95, "4:50, less than a minute left"),
        (310, 1.0, "5:10"),
    ],
)
def test_the_time_left_is_told_once_it_is_known(
    seconds: float, done: float, text: str
) -> None:
    assert describe_time(seconds, TrainingProgress(minutes=5, done=done)) == text


def test_progress_remembers_the_start_and_the_best() -> None:
    progress = TrainingProgress(minutes=5)
    for epoch, score, is_best in ((0, 0.6, True), (1, 0.7, True), (2, 0.65, False)):
        values = {**STEP, "epoch": epoch, "is_best": is_best}
        values["scores"] = {**SCORES, "dsb2018": score}
        event = parse_event(json.dumps(values))
        assert isinstance(event, StepEvent)
        progress.add(event)
    assert describe_cancelled("mine", progress) == (
        "Cancelled: mine has the best weights so far (.60 → .70 on the held-out part), "
        "and is chosen now, here and under Segment nuclei."
    )
    assert "(" not in describe_cancelled("mine", TrainingProgress())


def test_notes_and_the_verdict_are_understood() -> None:
    step = parse_event(json.dumps({**STEP, "note": "Rolled back."}))
    assert isinstance(step, StepEvent)
    assert step.note == "Rolled back."
    words = {"verdict": "Better.", "advice": "Label more.", "note": "Rolled back."}
    end = parse_event(json.dumps({**FINISHED, **words}))
    assert isinstance(end, FinishedEvent)
    assert [end.verdict, end.advice, end.note] == list(words.values())


def fine_tuned(start_score: float | None, is_better: bool, **more: str) -> FineTuned:
    return FineTuned(
        name="mine",
        start="resnet",
        score=0.78,
        start_score=start_score,
        is_better=is_better,
        held_out="quarters",
        **more,
    )


@pytest.mark.parametrize(
    ("result", "sentence"),
    [
        (
            fine_tuned(0.71, True, verdict="Better by .07.", advice="Label more."),
            "Better by .07. mine is chosen now, here and under Segment nuclei. Label "
            "more.",
        ),
        (
            fine_tuned(0.8, False, verdict="Nothing better."),
            "Nothing better. No model was added.",
        ),
        (
            fine_tuned(0.71, True),
            "mine is better than resnet: .71 → .78 on held-out quarters. mine is "
            "chosen now, here and under Segment nuclei.",
        ),
        (
            fine_tuned(0.8, False),
            "Training found nothing better than resnet, which scores .80 on held-out "
            "quarters. No model was added.",
        ),
        (
            fine_tuned(None, True),
            "mine scores .78 on held-out quarters. mine is chosen now, here and under "
            "Segment nuclei.",
        ),
    ],
)
def test_the_end_is_told_with_its_reason(result: FineTuned, sentence: str) -> None:
    assert describe_result(result) == sentence
