from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from napari_unet_nuclei.core.evaluation.contingency import cross_tabulate
from napari_unet_nuclei.core.evaluation.mistakes import (
    MistakeCounts,
    Mistakes,
    count_mistakes,
    find_mistakes,
)

if TYPE_CHECKING:
    from typing import Any

NONE = Mistakes(merges=(), splits=(), misses=(), spurious=())


def strip(*runs: tuple[int, int, int]) -> np.ndarray:
    """One-row label image with a nucleus from each (start, stop, label)."""
    labels = np.zeros((1, 40), np.int32)
    for start, stop, label in runs:
        labels[0, start:stop] = label
    return labels


def find(truth: np.ndarray, prediction: np.ndarray) -> Mistakes:
    return find_mistakes(cross_tabulate(truth, prediction))


def test_a_perfect_prediction_has_no_mistakes() -> None:
    truth = strip((0, 10, 1), (10, 20, 2))
    assert find(truth, 3 * truth) == NONE
    assert find(strip(), strip()) == NONE


def test_one_nucleus_over_two_true_ones_is_a_merge() -> None:
    two, one = strip((0, 10, 3), (10, 20, 4)), strip((0, 20, 9))
    assert find(two, one) == Mistakes(merges=(9,), splits=(), misses=(), spurious=())
    assert find(one, two) == Mistakes(merges=(), splits=(9,), misses=(), spurious=())


@pytest.mark.parametrize(("stop", "is_merge"), [(15, False), (16, True)])
def test_a_merge_covers_more_than_half_of_each(stop: int, is_merge: bool) -> None:
    truth = strip((0, 10, 1), (10, 20, 2))
    assert bool(find(truth, strip((0, stop, 1))).merges) is is_merge


@pytest.mark.parametrize(("start", "is_split"), [(5, False), (6, True)])
def test_a_split_contains_more_than_half_of_each(start: int, is_split: bool) -> None:
    # The second predicted nucleus has 10 px, of which 5 or 6 lie in the true one.
    truth = strip((0, 20, 1))
    prediction = strip((0, 10, 1), (20 - start, 30 - start, 2))
    assert bool(find(truth, prediction).splits) is is_split


@pytest.mark.parametrize(("n", "is_wrong"), [(5, False), (4, True)])
def test_half_on_background_is_still_found(n: int, is_wrong: bool) -> None:
    whole, part = strip((0, 10, 1)), strip((0, n, 1))
    assert find(whole, part).misses == ((1,) if is_wrong else ())
    assert find(part, whole).spurious == ((1,) if is_wrong else ())


def test_a_nucleus_can_be_shared_without_being_missed() -> None:
    # Two predicted nuclei cover 4 px each of 10: no half each, but not missed.
    truth = strip((10, 20, 1))
    assert find(truth, strip((6, 14, 1), (14, 18, 2))).misses == ()


def test_nuclei_are_named_as_in_their_own_image() -> None:
    truth = strip((0, 4, 2), (10, 14, 70_000), (20, 24, 5))
    prediction = strip((10, 14, 8), (30, 34, 2**31 - 1))
    assert find(truth, prediction) == Mistakes(
        merges=(), splits=(), misses=(2, 5), spurious=(2**31 - 1,)
    )


def test_counts_of_images_add_up() -> None:
    merge = find(strip((0, 10, 3), (10, 20, 4)), strip((0, 20, 9)))
    miss = find(strip((0, 10, 1), (12, 20, 2)), strip())
    expected = MistakeCounts(merges=2, splits=0, misses=2, spurious=0)
    assert count_mistakes([merge, miss, merge]) == expected
    assert asdict(count_mistakes([])) == dict.fromkeys(asdict(expected), 0)


small_labels = hnp.arrays(np.int32, (5, 6), elements=st.integers(0, 4))


@given(truth=small_labels, prediction=small_labels)
@settings(max_examples=100, deadline=None)
def test_mistakes_equal_those_of_comparing_all_masks(
    truth: Any, prediction: Any
) -> None:
    trues = {n: truth == n for n in np.unique(truth[truth > 0]).tolist()}
    predicteds = {
        n: prediction == n for n in np.unique(prediction[prediction > 0]).tolist()
    }

    def half(part: Any, whole: Any) -> Any:
        return 2 * (part & whole).sum() > whole.sum()

    assert find(truth, prediction) == Mistakes(
        merges=tuple(
            n
            for n, mask in predicteds.items()
            if sum(half(mask, true) for true in trues.values()) >= 2
        ),
        splits=tuple(
            n
            for n, mask in trues.items()
            if sum(half(mask, predicted) for predicted in predicteds.values()) >= 2
        ),
        misses=tuple(n for n, mask in trues.items() if half(prediction == 0, mask)),
        spurious=tuple(n for n, mask in predicteds.items() if half(truth == 0, mask)),
    )
