"""Outcomes of single nuclei give the scores of an image, and how chance moves them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_unet_nuclei.core.evaluation.intervals import interval_of
from napari_unet_nuclei.core.evaluation.outcomes import ImageOutcome, find_outcome
from napari_unet_nuclei.core.evaluation.resampling import resample_score
from napari_unet_nuclei.core.evaluation.scores import THRESHOLDS, evaluate_image
from napari_unet_nuclei.core.settings.choices import Monitor


def grid(n: int, missed: int = 0, spurious: int = 0) -> ImageOutcome:
    """Outcome of an image of n nuclei, some missed, and spurious ones beside them."""
    truth, prediction = np.zeros((2, 20, 10 * n), np.int32)
    for number in range(n):
        columns = slice(10 * number, 10 * number + 6)
        truth[2:8, columns] = number + 1
        if number >= missed:
            prediction[2:8, columns] = number + 1
        if number < spurious:
            prediction[12:18, columns] = n + number + 1
    return find_outcome(truth, prediction)


@given(seed=st.integers(0, 10_000), n_labels=st.integers(0, 8))
@settings(max_examples=50, deadline=None)
def test_each_nucleus_once_gives_the_scores_of_the_image(
    seed: int, n_labels: int
) -> None:
    rng = np.random.default_rng(seed)
    blocks = rng.integers(0, n_labels + 1, (2, 4, 5)).astype(np.int32)
    truth, prediction = np.kron(blocks, np.ones((1, 3, 4), np.int32))
    prediction = np.roll(prediction, 1, axis=1)
    outcome = find_outcome(truth, prediction)
    expected = evaluate_image(truth, prediction)
    assert outcome.scores == expected
    if not outcome.ious.size:
        return
    assert outcome.n_predicted.sum() == expected.n_predicted
    once = np.ones(outcome.ious.size, np.int64)
    for thresholds, score in (
        (THRESHOLDS, expected.dsb2018),
        (THRESHOLDS[:1], expected.ap[0.5]),
    ):
        assert outcome.average_precision(once, thresholds) == pytest.approx(score)


def test_spurious_nuclei_belong_to_the_nearest_true_one() -> None:
    outcome = grid(4, missed=1, spurious=2)
    assert outcome.ious.tolist() == [0, 1, 1, 1]
    assert outcome.n_predicted.tolist() == [1, 2, 1, 1]


def test_more_nuclei_make_the_interval_narrower() -> None:
    few, many = (
        interval_of(draws)
        for n in (10, 160)
        if (draws := resample_score([grid(n, missed=n // 5)], Monitor.AP50)) is not None
    )
    assert few.low < many.low < 0.8 < many.high < few.high
    assert many.high - many.low < 0.4 * (few.high - few.low)


def test_of_enough_images_whole_images_are_drawn() -> None:
    images = [grid(10, missed=missed) for missed in (0, 2, 4, 6, 8)]
    draws = resample_score(images, Monitor.AP50)
    assert draws is not None
    assert draws.std() == pytest.approx(np.sqrt(0.08 / 5), rel=0.1)
    dice = resample_score(images, Monitor.DICE)
    assert dice is not None
    assert dice.mean() == pytest.approx(
        np.mean([image.scores.dice for image in images]), abs=0.02
    )


def test_models_are_resampled_alike() -> None:
    """One is better in each draw, though both vary more than they differ."""
    before = resample_score([grid(40, missed=8)], Monitor.DSB2018)
    after = resample_score([grid(40, missed=4)], Monitor.DSB2018)
    assert before is not None
    assert after is not None
    assert (after >= before).all()
    assert interval_of(after).low < interval_of(before).high
    assert interval_of(after - before).low > 0


@pytest.mark.parametrize(
    ("images", "monitor"),
    [([grid(4)], Monitor.AP50), ([], Monitor.AP50), ([grid(40)], Monitor.DICE)],
    ids=["few nuclei", "no images", "pixels of few images"],
)
def test_too_little_is_resampled_to_nothing(
    images: list[ImageOutcome], monitor: Monitor
) -> None:
    assert resample_score(images, monitor) is None


def test_an_image_without_nuclei_counts_as_it_is() -> None:
    empty = np.zeros((8, 8), np.int32)
    spurious = np.pad(np.ones((3, 3), np.int32), 2)[:8, :7]
    images = [
        grid(10),
        find_outcome(empty, empty),
        find_outcome(np.zeros_like(spurious), spurious),
    ]
    draws = resample_score(images, Monitor.AP50)
    assert draws is not None
    np.testing.assert_allclose(draws, 2 / 3)
