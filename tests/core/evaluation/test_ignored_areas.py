"""Scores where a part of the truth is not annotated."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from napari_unet_nuclei.core.errors import LabelsError
from napari_unet_nuclei.core.evaluation.contingency import cross_tabulate
from napari_unet_nuclei.core.evaluation.mistakes import find_mistakes
from napari_unet_nuclei.core.evaluation.pixel_scores import score_pixels
from napari_unet_nuclei.core.evaluation.scores import (
    evaluate,
    evaluate_image,
    summarise_groups,
)

SHAPE = (6, 8)
whole = hnp.arrays(np.int32, SHAPE, elements=st.integers(0, 3))
partly = hnp.arrays(np.int32, SHAPE, elements=st.integers(-1, 3))


def draw_truth() -> np.ndarray:
    """Return one nucleus in the annotated left half of an image."""
    truth = np.zeros((10, 20), np.int32)
    truth[2:6, 2:6] = 1
    truth[:, 10:] = -1
    return truth


@given(truth=whole, prediction=whole)
def test_what_is_not_annotated_is_as_if_cut_off(
    truth: np.ndarray, prediction: np.ndarray
) -> None:
    """For predictions that do not cross the edge."""
    beyond = np.full(SHAPE, -1, np.int32)
    other = np.where(prediction > 0, prediction + 3, 0)
    wide = np.hstack([truth, beyond]), np.hstack([prediction, other])
    assert evaluate_image(*wide) == evaluate_image(truth, prediction)
    narrow_table, wide_table = cross_tabulate(truth, prediction), cross_tabulate(*wide)
    assert score_pixels(wide_table) == score_pixels(narrow_table)
    assert find_mistakes(wide_table) == find_mistakes(narrow_table)


@given(truth=partly, prediction=whole)
def test_other_nuclei_in_ignored_pixels_change_nothing(
    truth: np.ndarray, prediction: np.ndarray
) -> None:
    ignored = truth == -1
    others = np.where(ignored & (prediction == 0), 9, prediction)
    assert evaluate_image(truth, others) == evaluate_image(truth, prediction)


def test_a_nucleus_that_lies_mostly_in_ignored_pixels_is_not_wrong() -> None:
    truth = draw_truth()
    prediction = np.where(truth > 0, 5, 0)
    alone = evaluate_image(truth, prediction)
    assert (alone.tp[-1], alone.fp[-1], alone.dice) == (1, 0, 1.0)
    prediction[7:9, 9:12] = 6  # two of six pixels are annotated
    assert evaluate_image(truth, prediction) == alone


def test_a_nucleus_that_lies_half_in_ignored_pixels_is_judged() -> None:
    truth = draw_truth()
    prediction = np.where(truth > 0, 5, 0)
    prediction[7:9, 8:12] = 6
    scores = evaluate_image(truth, prediction)
    assert (scores.n_predicted, scores.fp[0]) == (2, 1)
    assert scores.dice == 2 * 16 / (16 + 16 + 4)


def test_a_true_nucleus_that_is_cut_is_found_by_a_whole_one() -> None:
    truth = draw_truth()
    truth[7:9, 8:10] = 2
    prediction = np.where(truth == 1, 5, 0)
    prediction[7:9, 8:14] = 6
    scores = evaluate_image(truth, prediction)
    assert (scores.tp[-1], scores.fp[-1], scores.fn[-1]) == (2, 0, 0)
    assert scores.dice == 1


def test_an_image_without_annotation_counts_for_nothing() -> None:
    """Nothing is wrong in it, and it must not raise a mean either."""
    blank, seen = np.full((10, 20), -1), np.eye(10, 20, dtype=int)
    alone = evaluate_image(blank, seen)
    assert (alone.n_true, alone.n_predicted, alone.is_annotated) == (0, 0, False)
    assert score_pixels(cross_tabulate(blank, seen)).accuracy == 1
    truth = draw_truth()
    missed = evaluate([truth], [0 * truth])
    assert missed.dice < 1
    assert evaluate([truth, blank], [0 * seen, seen]) == missed
    groups = summarise_groups([evaluate_image(truth, 0 * seen), alone], ["a", "b"])
    assert groups == {"a": missed}
    with pytest.raises(LabelsError, match="none, 1 without an annotated pixel"):
        evaluate(blank, seen)


def test_a_prediction_may_not_be_ignored() -> None:
    with pytest.raises(LabelsError, match="prediction must lie between 0"):
        evaluate_image(draw_truth(), draw_truth())
