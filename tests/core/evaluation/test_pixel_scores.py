from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from napari_unet_nuclei.core.evaluation.contingency import cross_tabulate
from napari_unet_nuclei.core.evaluation.pixel_scores import (
    PixelScores,
    average_pixels,
    score_pixels,
)

if TYPE_CHECKING:
    from typing import Any

    from numpy.typing import NDArray


def score(truth: NDArray[Any], prediction: NDArray[Any]) -> PixelScores:
    return score_pixels(cross_tabulate(truth, prediction))


def test_a_perfect_prediction_scores_one_whatever_its_numbering() -> None:
    truth = np.array([[0, 1, 1, 0, 2, 2]])
    assert score(truth, 7 * truth) == PixelScores(accuracy=1, rand=1)


def test_accuracy_is_the_part_of_pixels_that_are_right() -> None:
    truth, prediction = np.zeros((4, 5), int), np.zeros((4, 5), int)
    truth[0, :3] = 1  # one pixel missed, two too many
    prediction[0, 1:5] = 6
    assert score(truth, prediction).accuracy == pytest.approx(1 - 3 / 20)


def test_a_merge_costs_rand_but_no_accuracy() -> None:
    two, one = np.repeat([[1, 1, 2, 2]], 3, axis=0), np.ones((3, 4), int)
    # In pixels: squares of 6 and 6 in both, 6 and 6 in the truth, 12 as predicted.
    expected = pytest.approx(2 * (36 + 36) / (36 + 36 + 144))
    for truth, prediction in ((two, one), (one, two)):
        scores = score(truth, prediction)
        assert scores.accuracy == 1
        assert scores.rand == expected


def test_what_is_predicted_outside_of_true_objects_does_not_count_for_rand() -> None:
    truth = np.array([[1, 1, 1, 0, 0, 0]])
    scores = score(truth, np.array([[4, 4, 4, 4, 5, 6]]))
    assert scores.rand == 1
    assert scores.accuracy == 0.5


@pytest.mark.parametrize(
    ("n_true", "n_predicted", "rand"), [(0, 0, 1), (0, 1, 0), (1, 0, 2 / 9)]
)
def test_images_without_objects(n_true: int, n_predicted: int, rand: float) -> None:
    truth, prediction = np.full((2, 4), n_true), np.full((2, 4), n_predicted)
    # A nucleus of 8 pixels that are all alone: 2 · 8 / (64 + 8).
    assert score(truth, prediction).rand == pytest.approx(rand)


small_labels = hnp.arrays(np.int32, (4, 5), elements=st.integers(0, 3))


@given(truth=small_labels, prediction=small_labels)
@settings(max_examples=50, deadline=None)
def test_rand_equals_that_of_all_pairs_of_pixels(truth: Any, prediction: Any) -> None:
    alone = np.arange(prediction.size).reshape(prediction.shape) + 1000
    segments = np.where(prediction == 0, alone, prediction)[truth > 0]
    objects = truth[truth > 0]
    same_object = objects[:, np.newaxis] == objects
    same_segment = segments[:, np.newaxis] == segments
    scores = score(truth, prediction)
    assert scores.accuracy == pytest.approx(((truth > 0) == (prediction > 0)).mean())
    if objects.size:
        both = (same_object & same_segment).sum()
        assert scores.rand == pytest.approx(
            2 * both / (same_object.sum() + same_segment.sum())
        )


def test_means_count_every_image_alike() -> None:
    images = [PixelScores(accuracy=1, rand=0.5), PixelScores(accuracy=0.5, rand=0)]
    assert average_pixels(images) == PixelScores(accuracy=0.75, rand=0.25)
