from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_unet_nuclei.core.datasets.sample import Sample
from napari_unet_nuclei.core.instances.maps import Maps, SplittingParameters
from napari_unet_nuclei.core.models.config import ModelConfig
from napari_unet_nuclei.core.settings.choices import Architecture, EngineName, Monitor
from napari_unet_nuclei.core.training.crops.targets import make_targets
from napari_unet_nuclei.core.training.validation import (
    predict_samples,
    score_maps,
    tune_splitting,
)

if TYPE_CHECKING:
    from typing import Any

DEFAULT = SplittingParameters()


def annotated(name: str, shape: tuple[int, int] = (40, 40), n: int = 1) -> Sample:
    """Sample with ``n`` nuclei in the first of its quarters, second …"""
    labels = np.zeros(shape, np.int32)
    corners = [(0, 0), (0, 1), (1, 0), (1, 1)]
    for label, (y, x) in enumerate(corners[:n], start=1):
        top, left = 4 + y * shape[0] // 2, 4 + x * shape[1] // 2
        labels[top : top + 6, left : left + 6] = label
    return Sample(name, labels.astype(np.uint8), labels)


class Grey:
    """Engine whose maps are the channels it is given."""

    name = EngineName.KERAS
    description = "test"

    def predict(self, tiles: np.ndarray) -> np.ndarray:
        return tiles


def test_each_sample_is_predicted() -> None:
    config = ModelConfig(
        architecture=Architecture.CLASSIC, stride=4, margin=4, diameter=10
    )
    samples = [annotated("a", (21, 34)), annotated("b", (40, 30), n=4)]
    maps = predict_samples(Grey(), config, samples)
    assert [each.foreground.shape for each in maps] == [(21, 34), (40, 30)]
    np.testing.assert_array_equal(maps[0].foreground, samples[0].labels)


def true_maps(samples: list[Sample]) -> list[Maps]:
    return [
        Maps(*np.moveaxis(make_targets(sample.labels), -1, 0)) for sample in samples
    ]


def test_true_maps_score_one(drawn_samples: list[Sample]) -> None:
    scores = score_maps(true_maps(drawn_samples), drawn_samples, DEFAULT)
    assert scores.n_images == len(drawn_samples)
    assert scores.dice > 0.99
    assert scores.ap[0.5] > 0.8


def test_maps_and_samples_must_be_as_many(drawn_samples: list[Sample]) -> None:
    with pytest.raises(ValueError, match="zip"):
        score_maps(true_maps(drawn_samples)[1:], drawn_samples, DEFAULT)


@given(
    seed=st.integers(0, 1000),
    threshold=st.sampled_from([0.1, 0.5, 0.9]),
    seed_threshold=st.sampled_from([0.1, 0.4, 0.9]),
)
@settings(max_examples=10, deadline=None)
def test_tuning_never_makes_it_worse(
    seed: int, threshold: Any, seed_threshold: Any
) -> None:
    samples = [annotated("a", (32, 32), n=4)]
    rng = np.random.default_rng(seed)
    maps = [
        Maps(*(0.6 * plane + 0.4 * rng.random(plane.shape) for plane in each.arrays))
        for each in true_maps(samples)
    ]
    start = SplittingParameters(threshold=threshold, seed_threshold=seed_threshold)
    parameters, scores = tune_splitting(maps, samples, start)
    assert scores.dsb2018 >= score_maps(maps, samples, start).dsb2018
    assert scores == score_maps(maps, samples, parameters)


def touching(n_pairs: int) -> Sample:
    """Sample with pairs of nuclei that touch."""
    labels = np.zeros((32 * n_pairs, 40), np.int32)
    for number in range(n_pairs):
        rows = slice(32 * number + 4, 32 * number + 24)
        labels[rows, 4:16], labels[rows, 16:28] = 2 * number + 1, 2 * number + 2
    return Sample("touching", labels.astype(np.uint8), labels)


def test_tuning_finds_better_thresholds() -> None:
    samples = [touching(n_pairs=3)]
    # Too shallow for the default to see two seeds in what touches.
    maps = [
        Maps(each.foreground, 0 * each.boundary, np.float32(0.38) * each.distance)
        for each in true_maps(samples)
    ]
    assert score_maps(maps, samples, DEFAULT).dsb2018 == 0
    parameters, scores = tune_splitting(maps, samples, DEFAULT)
    assert scores.dsb2018 == 1
    assert parameters == SplittingParameters(seed_threshold=0.3)


def test_thresholds_stay_where_a_gain_can_be_chance() -> None:
    """One nucleus better of two, or of ten, is no reason for other thresholds."""
    few = [touching(n_pairs=1)]
    shallow = [
        Maps(each.foreground, 0 * each.boundary, np.float32(0.38) * each.distance)
        for each in true_maps(few)
    ]
    assert tune_splitting(shallow, few, DEFAULT)[0] is DEFAULT

    many = [touching(n_pairs=5)]
    (exact,) = true_maps(many)
    depth, boundary = exact.distance.copy(), exact.boundary.copy()
    depth[:32] *= 0.38  # only the first pair is too shallow
    boundary[:32] = 0
    maps = [Maps(exact.foreground, boundary, depth)]
    better = replace(DEFAULT, seed_threshold=0.3)
    gain = score_maps(maps, many, better).dsb2018
    assert gain > score_maps(maps, many, DEFAULT).dsb2018 + 0.005
    assert tune_splitting(maps, many, DEFAULT)[0] is DEFAULT


def test_tuning_follows_the_score_that_is_monitored() -> None:
    samples = [touching(n_pairs=1)]
    # Nuclei merge whatever the threshold; the rim is there only below one half.
    maps = []
    for each in true_maps(samples):
        foreground = np.where(
            each.distance > 0.2, each.foreground, 0.45 * (samples[0].labels > 0)
        )
        maps.append(Maps(foreground, 0 * each.boundary, 0 * each.distance + 1))
    start = SplittingParameters(threshold=0.5)
    parameters, scores = tune_splitting(maps, samples, start, Monitor.DICE)
    assert parameters.threshold == 0.4
    assert scores.dice == 1


def test_tuning_keeps_what_nothing_beats() -> None:
    samples = [annotated("a", (32, 32), n=4)]
    start = SplittingParameters(threshold=0.55, seed_threshold=0.45)
    parameters, scores = tune_splitting(true_maps(samples), samples, start)
    assert parameters is start
    assert scores.dsb2018 == 1
