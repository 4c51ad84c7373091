from __future__ import annotations

import numpy as np
import pytest

from napari_unet_nuclei.core.errors import LabelsError
from napari_unet_nuclei.core.evaluation.intervals import (
    Interval,
    bootstrap_interval,
    interval_of_few,
)


def test_the_true_mean_lies_in_most_intervals() -> None:
    rng = np.random.default_rng(0)
    draws = rng.beta(8, 2, size=(60, 40))
    intervals = [bootstrap_interval(draw) for draw in draws]
    n_right = sum(low < 0.8 < high for low, high in intervals)
    assert 51 <= n_right < 60


def test_more_images_make_it_narrower() -> None:
    rng = np.random.default_rng(1)
    values = rng.random(400)
    few, many = bootstrap_interval(values[:25]), bootstrap_interval(values)
    ratio = (few.high - few.low) / (many.high - many.low)
    assert 3 < ratio < 5  # the square root of 16


def test_it_is_the_same_each_time() -> None:
    values = np.random.default_rng(3).random(30)
    assert bootstrap_interval(values) == bootstrap_interval(values)
    assert bootstrap_interval(values) != bootstrap_interval(values, seed=1)


def test_paired_differences_see_a_gain_that_the_scores_alone_hide() -> None:
    rng = np.random.default_rng(2)
    before = rng.random(20)
    after = before + rng.normal(0.03, 0.02, 20)
    assert bootstrap_interval(after).low < before.mean()
    assert bootstrap_interval(after - before).excludes_zero
    assert not bootstrap_interval(rng.normal(0, 0.02, 20)).excludes_zero


@pytest.mark.parametrize(
    ("interval", "words"),
    [
        (Interval(0.801, 0.899), "about .80 to .90"),
        (Interval(0.0, 1.0), "about .00 to 1.00"),
        (Interval(-0.051, 0.996), "about -.05 to 1.00"),
    ],
)
def test_words(interval: Interval, words: str) -> None:
    assert str(interval) == words


def test_few_images_have_none() -> None:
    assert interval_of_few([0.5] * 4) is None
    assert interval_of_few([0.5] * 5) == (0.5, 0.5)


@pytest.mark.parametrize("values", [[0.5] * 4, [[0.5] * 5], [np.nan] * 5])
def test_what_cannot_be_resampled_is_refused(values: list[float]) -> None:
    with pytest.raises(LabelsError, match="finite scores of at least 5 images"):
        bootstrap_interval(values)
