from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from napari_unet_nuclei.core.errors import LabelsError
from napari_unet_nuclei.core.evaluation.scores import (
    THRESHOLDS,
    evaluate,
    evaluate_image,
    summarise,
    summarise_groups,
)

if TYPE_CHECKING:
    from typing import Any

EMPTY = np.zeros((4, 20), np.int32)


def strip(*runs: tuple[int, int, int]) -> np.ndarray:
    """One-row label image with a nucleus from each (start, stop, label)."""
    labels = np.zeros((1, 40), np.int32)
    for start, stop, label in runs:
        labels[0, start:stop] = label
    return labels


def test_thresholds_are_exactly_what_one_would_type() -> None:
    expected = (0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95)
    assert expected == THRESHOLDS


def test_perfect_prediction_scores_one_whatever_its_numbering() -> None:
    truth = strip((0, 10, 1), (12, 20, 2))
    prediction = strip((0, 10, 7), (12, 20, 3))
    scores = evaluate(truth, prediction)
    assert (scores.n_images, scores.n_true, scores.n_predicted) == (1, 2, 2)
    assert scores.ap == scores.pooled_ap == dict.fromkeys(THRESHOLDS, 1.0)
    assert scores.dsb2018 == scores.pq == scores.dice == 1


def test_scores_by_hand() -> None:
    # IoU 8/10 with the first nucleus, 6/10 with the second; the third is missed
    # and the fourth predicted one is false.
    truth = strip((0, 10, 1), (10, 20, 2), (20, 26, 3))
    prediction = strip((0, 8, 1), (14, 20, 2), (30, 34, 3))
    scores = evaluate_image(truth, prediction)
    assert scores.tp == (2, 2, 1, 1, 1, 1, 0, 0, 0, 0)
    assert scores.fp == (1, 1, 2, 2, 2, 2, 3, 3, 3, 3)
    assert scores.fn == (1, 1, 2, 2, 2, 2, 3, 3, 3, 3)
    assert scores.ap[0.5] == 2 / 4
    assert scores.ap[0.75] == 1 / 5
    assert scores.ap[0.8] == 0
    assert scores.dsb2018 == pytest.approx((2 * 2 / 4 + 4 * 1 / 5) / 10)
    assert scores.iou_sum == pytest.approx(0.8 + 0.6)
    assert scores.pq == pytest.approx((0.8 + 0.6) / (2 + 0.5 + 0.5))
    assert scores.dice == pytest.approx(2 * 14 / (26 + 18))


@pytest.mark.parametrize("n", range(10, 20))
def test_iou_must_exceed_the_threshold(n: int) -> None:
    # IoU n/20 equals a threshold exactly, which is not enough to match there.
    scores = evaluate_image(strip((0, 20, 1)), strip((0, n, 1)))
    assert scores.tp == tuple(int(n / 20 > t) for t in THRESHOLDS)
    assert sum(scores.tp) == n - 10


def test_merged_and_split_nuclei_do_not_match_twice() -> None:
    two, one = strip((0, 10, 1), (10, 20, 2)), strip((0, 20, 5))
    merged, split = evaluate(two, one), evaluate(one, two)
    for scores in merged, split:
        assert scores.ap[0.5] == scores.pq == 0
        assert scores.dice == 1


def test_no_nuclei_anywhere_scores_one() -> None:
    scores = evaluate(EMPTY, EMPTY)
    assert scores.n_true == scores.n_predicted == 0
    assert scores.ap == scores.pooled_ap == dict.fromkeys(THRESHOLDS, 1.0)
    assert scores.dsb2018 == scores.pq == scores.dice == 1


@pytest.mark.parametrize("swapped", [False, True])
def test_nuclei_on_one_side_only_score_zero(swapped: bool) -> None:
    pair = (EMPTY, np.ones_like(EMPTY))
    scores = evaluate(*(pair[::-1] if swapped else pair))
    assert scores.ap == scores.pooled_ap == dict.fromkeys(THRESHOLDS, 0.0)
    assert scores.dsb2018 == scores.pq == scores.dice == 0


def test_means_over_images_differ_from_pooled_scores() -> None:
    # One of one nucleus found (IoU 1), then none of three, then an empty image.
    truths = [
        strip((0, 10, 1)),
        strip((0, 10, 1), (12, 20, 2), (22, 30, 3)),
        strip(),
    ]
    predictions = [strip((0, 10, 1)), strip((30, 40, 1)), strip()]
    scores = evaluate(truths, predictions)
    assert (scores.n_images, scores.n_true, scores.n_predicted) == (3, 4, 2)
    assert scores.ap[0.5] == pytest.approx((1 + 0 + 1) / 3)
    assert scores.pooled_ap[0.5] == pytest.approx(1 / (1 + 1 + 3))
    assert scores.dsb2018 == pytest.approx(2 / 3)
    assert scores.pq == pytest.approx(1 / (1 + 0.5 * 1 + 0.5 * 3))
    assert scores.dice == pytest.approx((1 + 0 + 1) / 3)


def test_stacks_and_sequences_score_alike() -> None:
    rng = np.random.default_rng(0)
    truth, prediction = rng.integers(0, 4, (2, 3, 8, 8))
    expected = evaluate(list(truth), list(prediction))
    assert evaluate(truth, prediction) == expected
    assert evaluate(tuple(truth), iter(prediction)) == expected
    assert expected.n_images == 3


def test_large_and_missing_labels_do_not_matter() -> None:
    truth, prediction = strip((0, 10, 1), (12, 20, 2)), strip((0, 9, 1), (12, 20, 2))
    expected = evaluate_image(truth, prediction)
    far = np.array([0, 2**31 - 1, 70_000])
    assert evaluate_image(far[truth], far[prediction]) == expected
    full = np.full((3, 3), 2**31 - 1)
    assert evaluate_image(full, full).n_true == 1


def test_groups_are_summarised_apart() -> None:
    found = evaluate_image(strip((0, 10, 1)), strip((0, 10, 1)))
    missed = evaluate_image(strip((0, 10, 1)), strip())
    groups = summarise_groups([found, missed, found], ["dark", "bright", "bright"])
    assert list(groups) == ["bright", "dark"]
    assert groups["bright"] == summarise([missed, found])
    assert groups["dark"].dsb2018 == 1


def test_scores_become_json() -> None:
    text = json.dumps(asdict(evaluate(EMPTY, EMPTY)))
    assert json.loads(text)["ap"]["0.55"] == 1


def test_shapes_must_agree() -> None:
    with pytest.raises(LabelsError, match=r"same shape.*\(4, 20\).*\(20, 4\)"):
        evaluate(EMPTY, EMPTY.T)


def test_numbers_of_images_must_agree() -> None:
    with pytest.raises(LabelsError, match="2 true and 1 predicted"):
        evaluate([EMPTY, EMPTY], EMPTY)


def test_there_must_be_an_image() -> None:
    with pytest.raises(LabelsError, match="At least one pair of label images"):
        evaluate([], [])


def test_each_image_needs_a_group() -> None:
    with pytest.raises(LabelsError, match="1 images and 0 names"):
        summarise_groups([evaluate_image(EMPTY, EMPTY)], [])


def test_fractional_labels_are_refused() -> None:
    with pytest.raises(LabelsError, match="prediction"):
        evaluate(EMPTY, EMPTY + 0.5)


small_labels = hnp.arrays(np.int32, (5, 6), elements=st.integers(0, 4))


@given(truth=small_labels, prediction=small_labels)
@settings(max_examples=50, deadline=None)
def test_counts_equal_those_of_comparing_all_masks(truth: Any, prediction: Any) -> None:
    ious = [
        (true & predicted).sum() / (true | predicted).sum()
        for true in (truth == label for label in np.unique(truth[truth > 0]))
        for predicted in (
            prediction == label for label in np.unique(prediction[prediction > 0])
        )
    ]
    n_true = len(np.unique(truth[truth > 0]))
    n_predicted = len(np.unique(prediction[prediction > 0]))
    scores = evaluate_image(truth, prediction)
    assert (scores.n_true, scores.n_predicted) == (n_true, n_predicted)
    for threshold, tp, fp, fn in zip(
        THRESHOLDS, scores.tp, scores.fp, scores.fn, strict=True
    ):
        assert tp == sum(iou > threshold for iou in ious)
        assert (tp + fp, tp + fn) == (n_predicted, n_true)
    assert scores.iou_sum == pytest.approx(sum(iou for iou in ious if iou > 0.5))
    foregrounds = (truth > 0).sum() + (prediction > 0).sum()
    both = ((truth > 0) & (prediction > 0)).sum()
    assert scores.dice == pytest.approx(2 * both / foregrounds if foregrounds else 1)


@given(truth=small_labels, prediction=small_labels)
@settings(max_examples=25, deadline=None)
def test_swapping_truth_and_prediction_changes_no_score(
    truth: Any, prediction: Any
) -> None:
    forth, back = evaluate(truth, prediction), evaluate(prediction, truth)
    assert forth.ap == back.ap
    assert forth.pq == pytest.approx(back.pq)
    assert forth.dice == back.dice
