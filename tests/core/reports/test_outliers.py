from __future__ import annotations

import numpy as np

from napari_unet_nuclei.core.reports.outliers import outlier_scores


def test_images_are_compared_with_their_own_group() -> None:
    values = [10.0, 11, 12, 100, 101, 102, 12]
    groups = ["a", "a", "a", "b", "b", "b", "b"]
    scores = outlier_scores([values], groups)
    assert scores.argmax() == 6
    assert scores[:6].max() < 2


def test_the_worst_column_counts_and_unknown_values_do_not() -> None:
    even, odd = [5.0] * 5, [1.0, 2, 3, 4, 50]
    unknown = [np.nan, np.nan, 1.0, 2.0, np.nan]
    scores = outlier_scores([even, unknown, odd], [""] * 5)
    np.testing.assert_array_equal(scores, outlier_scores([odd], [""] * 5))


def test_a_single_other_value_among_equal_ones_is_unusual_but_finite() -> None:
    scores = outlier_scores([[0.0] * 9 + [30.0]], [""] * 10)
    np.testing.assert_array_equal(scores[:9], 0)
    assert 5 < scores[9] < 10


def test_of_one_or_two_images_none_is_unusual() -> None:
    assert outlier_scores([[1.0, 900.0]], ["", ""]).tolist() == [0, 0]
    assert outlier_scores([[]], []).tolist() == []
