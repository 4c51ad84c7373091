"""A result that finds nothing, or thousands, is none."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from napari_unet_nuclei.core.evaluation.scores import evaluate
from napari_unet_nuclei.core.training.best_model import BestModel
from napari_unet_nuclei.core.training.measuring import Measured
from napari_unet_nuclei.core.training.smoke_test import find_failure
from napari_unet_nuclei.core.training.verdict import make_verdict

if TYPE_CHECKING:
    from pathlib import Path

    from napari_unet_nuclei.core.models.bundle import ModelBundle

SOME = replace(
    evaluate(np.eye(3, dtype=int), np.eye(3, dtype=int)), n_true=50, n_predicted=60
)


@pytest.mark.parametrize(
    ("n_predicted", "n_before", "reason"),
    [
        (0, 60, "find no nuclei there, where the start finds 60"),
        (5000, 60, "find 5,000 nuclei there, where 50 are labelled"),
        (0, 0, None),
        (240, 60, None),
        (5000, 4000, None),
    ],
)
def test_nothing_and_thousands_are_failures(
    n_predicted: int, n_before: int, reason: str | None
) -> None:
    failure = find_failure(
        replace(SOME, n_predicted=n_predicted), replace(SOME, n_predicted=n_before)
    )
    assert failure == reason or (reason and failure and reason in failure)


def test_an_exploding_result_is_not_kept_whatever_its_score(
    tmp_path: Path, tiny_bundle: ModelBundle
) -> None:
    path = tmp_path / "best.unetnuclei"
    start = tiny_bundle.weights
    exploding = replace(SOME, dsb2018=0.9, n_predicted=9999)
    best = BestModel(path, tiny_bundle.config, start)
    found = iter((replace(SOME, dsb2018=0.5), exploding))

    class HeldOut:
        def tune(self, _: object, config: Any, __: object) -> tuple[Any, Measured]:
            return config.splitting, Measured(scores=next(found))

    held_out: Any = HeldOut()
    best.score_start(held_out, None)  # type: ignore[arg-type]
    assert best.consider(start, best.start, writes=False)
    assert not best.consider({}, Measured(scores=exploding))
    assert not path.exists()
    assert best.failure is not None
    better = replace(SOME, dsb2018=0.6)
    assert best.consider({}, Measured(scores=better))
    assert best.failure is None

    # Thresholds that suit the score can make it explode at the very end.
    scores, comparison = best.tune(
        held_out,
        lambda _: None,  # type: ignore[arg-type, return-value]
        start_name="tiny",
        n_steps=100,
    )
    assert scores is best.start_scores
    assert best.weights is start
    assert best.failure is not None
    sentence = make_verdict(comparison).sentence
    assert sentence.startswith("Training found nothing better than tiny")
    assert "because the trained weights find 9,999 nuclei there" in sentence
