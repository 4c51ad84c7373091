"""What a run has come to is said in one sentence, with why and what would help."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from napari_unet_nuclei.core.evaluation.intervals import Interval
from napari_unet_nuclei.core.settings.choices import Monitor
from napari_unet_nuclei.core.training.verdict import HeldOutComparison, make_verdict

BETTER = HeldOutComparison(
    model="mine",
    start="resnet",
    monitor=Monitor.AP50,
    n_images=5,
    n_nuclei=200,
    n_steps=400,
    score=0.82,
    start_score=0.79,
    interval=Interval(0.75, 0.9),
    start_interval=Interval(0.7, 0.88),
    gain=Interval(0.01, 0.05),
)
WORSE = replace(BETTER, score=0.79)


def test_a_gain_beyond_chance_is_better_with_scores_and_interval() -> None:
    verdict = make_verdict(BETTER)
    assert verdict.is_better
    assert verdict.is_certain
    assert verdict.sentence == (
        "mine is better than resnet: AP50 .79 → .82 (about .75 to .90) on 5 held-out "
        "images with 200 nuclei; the gain of about .01 to .05 is more than chance."
    )
    assert verdict.advice == "To gain more, label nuclei where it still errs."


@pytest.mark.parametrize("gain", [Interval(-0.02, 0.06), None])
def test_a_gain_that_can_be_chance_may_only_be_better(gain: Interval | None) -> None:
    verdict = make_verdict(replace(BETTER, gain=gain))
    assert verdict.is_better
    assert not verdict.is_certain
    assert verdict.sentence.startswith("mine may be better than resnet: AP50 .79 → .82")
    assert verdict.sentence.endswith("can be chance.")
    assert ("about -.02 to .06" in verdict.sentence) is (gain is not None)
    assert verdict.advice == "Label more nuclei where mine errs."


def test_where_nuclei_are_too_few_to_tell_nearer_maps_may_be_better() -> None:
    found = replace(BETTER, score=0.78, n_images=1, n_nuclei=6, gain=None)
    found = replace(found, loss=0.0993, start_loss=0.1417)
    verdict = make_verdict(found)
    assert verdict.is_better
    assert not verdict.is_certain
    assert verdict.sentence == (
        "mine may be better than resnet: AP50 .79 → .78 (about .75 to .90) on 1 "
        "held-out image with 6 nuclei; so few nuclei cannot tell, but its maps are "
        "nearer to the labels (loss .14 → .10)."
    )
    assert verdict.advice is not None
    assert verdict.advice.startswith("Label more nuclei: with 6 of them held out")
    kept = make_verdict(replace(found, score=0.79, loss=0.1417))
    assert not kept.is_better


@pytest.mark.parametrize(
    ("changes", "reason", "advice"),
    [
        ({}, "what it learned did not help", "Label more nuclei where resnet errs."),
        ({"n_steps": 8}, "so few steps (8)", "Train longer."),
        ({"n_nuclei": 12}, "so few held-out nuclei", "with 12 of them held out"),
        (
            {"start_score": 0.96, "score": 0.96},
            "that is already so good",
            "Go on with resnet.",
        ),
        (
            {"score": 0.9, "failure": "it finds no nuclei at all"},
            "it finds no nuclei at all",
            "Check the labels",
        ),
    ],
)
def test_nothing_better_says_why_and_what_would_help(
    changes: dict[str, Any], reason: str, advice: str
) -> None:
    verdict = make_verdict(replace(WORSE, **changes))
    assert not verdict.is_better
    assert not verdict.is_certain
    assert verdict.sentence.startswith("Training found nothing better than resnet")
    assert "(about .70 to .88) on 5 held-out images" in verdict.sentence
    assert f"because {reason}" in verdict.sentence
    assert verdict.advice is not None
    assert advice in verdict.advice


def test_a_model_from_scratch_says_what_it_reaches() -> None:
    found = replace(
        BETTER, start=None, start_score=None, gain=None, n_images=1, n_nuclei=1
    )
    verdict = make_verdict(found)
    assert verdict.is_better
    assert verdict.sentence == (
        "mine reaches AP50 .82 (about .75 to .90) on 1 held-out image with 1 nucleus."
    )


def test_a_good_model_needs_no_advice() -> None:
    assert make_verdict(replace(BETTER, score=0.96)).advice is None


def test_ap50_is_said_beside_another_score() -> None:
    found = replace(
        BETTER,
        monitor=Monitor.DSB2018,
        ap50=0.9,
        start_ap50=0.88,
        ap50_interval=Interval(0.84, 0.95),
    )
    assert (
        "DSB2018 score .79 → .82 (about .75 to .90) and AP50 .88 → .90 (about .84 to "
        ".95) on 5 held-out images"
    ) in make_verdict(found).sentence
