from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from napari_unet_nuclei.plugin.finetune.messages import (
    compare_with_start,
    describe_step,
)
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
    assert describe_step(step) == (
        "Epoch 1 · loss 0.410 · held-out score 0.71, the best so far"
    )
    bare = parse_event(json.dumps({**STEP, "loss": None, "scores": None}))
    assert isinstance(bare, StepEvent)
    assert describe_step(bare) == "Epoch 1"
    last = replace(bare, progress=1.0)
    assert describe_step(last) == "Finishing"
    first = replace(step, epoch=0)
    assert describe_step(first) == (
        "The model to beat scores 0.71 on the held-out part"
    )


def fine_tuned(start_score: float | None, is_better: bool) -> FineTuned:
    return FineTuned(
        name="mine",
        start="resnet",
        score=0.78,
        start_score=start_score,
        is_better=is_better,
        held_out="quarters",
    )


@pytest.mark.parametrize(
    ("result", "sentence"),
    [
        (
            fine_tuned(0.71, True),
            "mine is better than resnet: 0.71 → 0.78 on held-out quarters. Choose it "
            "under Segment nuclei.",
        ),
        (
            fine_tuned(0.8, False),
            "Nothing better than resnet was found (it scores 0.80 on held-out "
            "quarters), so no model was added. Label more nuclei or train longer.",
        ),
        (fine_tuned(None, True), "mine is ready: score 0.78 on held-out quarters."),
    ],
)
def test_the_new_model_is_compared_with_the_old(
    result: FineTuned, sentence: str
) -> None:
    assert compare_with_start(result) == sentence
