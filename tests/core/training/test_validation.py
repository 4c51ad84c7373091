from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_unet_nuclei.core.datasets.sample import Sample
from napari_unet_nuclei.core.errors import TrainingError
from napari_unet_nuclei.core.instances.maps import Maps, SplittingParameters
from napari_unet_nuclei.core.models.config import ModelConfig
from napari_unet_nuclei.core.settings.choices import Architecture, EngineName, Monitor
from napari_unet_nuclei.core.training.crops.targets import make_targets
from napari_unet_nuclei.core.training.validation import (
    hold_out,
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


def ids(samples: list[Sample]) -> list[str]:
    return [sample.sample_id for sample in samples]


@pytest.mark.parametrize(
    ("n_samples", "fraction", "n_held"),
    [(5, 0.1, 1), (20, 0.1, 2), (20, 0.99, 19), (10, 0.5, 5), (5, 0.001, 1)],
)
def test_a_part_of_the_samples_is_held_out(
    n_samples: int, fraction: float, n_held: int
) -> None:
    samples = [annotated(f"{n:02}") for n in range(n_samples)]
    train, validation = hold_out(samples, fraction, seed=0)
    assert len(validation) == n_held
    assert sorted(ids(train) + ids(validation)) == ids(samples)
    assert ids(train) == sorted(ids(train))


def test_the_seed_chooses() -> None:
    samples = [annotated(f"{n:02}") for n in range(20)]
    chosen = [ids(hold_out(samples, 0.3, seed)[1]) for seed in (0, 0, 1)]
    assert chosen[0] == chosen[1] != chosen[2]


def test_samples_without_nuclei_are_trained_on() -> None:
    samples = [annotated(f"{n}", n=int(n != 3)) for n in range(6)]
    train, validation = hold_out(samples, 0.5, seed=0)
    assert "3" in ids(train)
    assert len(train + validation) == 6


def test_quarters_without_nuclei_are_taken_for_not_annotated() -> None:
    samples = [annotated("a", (70, 80), n=4), annotated("b", (70, 80), n=0)]
    train, validation = hold_out(samples, 0.1, seed=0)
    assert {name[0] for name in ids(train + validation)} == {"a"}


def test_a_single_image_is_cut_into_quarters() -> None:
    sample = annotated("a", (70, 80), n=4)
    train, validation = hold_out([sample], 0.1, seed=0)
    assert (len(train), len(validation)) == (3, 1)
    assert sorted(ids(train) + ids(validation)) == [
        "a[0:35,0:40]",
        "a[0:35,40:80]",
        "a[35:70,0:40]",
        "a[35:70,40:80]",
    ]
    for piece in train + validation:
        assert piece.image.shape == piece.labels.shape == (35, 40)
        assert len(np.unique(piece.labels)) == 2


def test_quarters_of_odd_images_lose_no_pixel() -> None:
    image = np.arange(67 * 65).reshape(67, 65)
    train, validation = hold_out(
        [Sample("a", image, np.ones((67, 65), np.int32))], 0.5, seed=1
    )
    pixels = np.concatenate([piece.image.ravel() for piece in train + validation])
    np.testing.assert_array_equal(np.sort(pixels), image.ravel())


def test_short_sides_are_not_cut() -> None:
    train, validation = hold_out([annotated("a", (63, 128), n=2)], 0.1, seed=0)
    assert ids(train + validation) in (
        ["a[0:63,0:64]", "a[0:63,64:128]"],
        ["a[0:63,64:128]", "a[0:63,0:64]"],
    )


def test_five_samples_are_not_cut() -> None:
    samples = [annotated(f"{n}", (80, 80), n=4) for n in range(5)]
    train, validation = hold_out(samples, 0.1, seed=0)
    assert len(train) + len(validation) == 5


@pytest.mark.parametrize(
    "samples",
    [
        [],
        [annotated("a", n=0)],
        [annotated("a", n=1)],
        [annotated("a", (80, 80), n=1)],
        [annotated(f"{n}", n=int(n == 2)) for n in range(6)],
    ],
    ids=len,
)
def test_one_annotated_part_is_not_enough(samples: list[Any]) -> None:
    n_annotated = sum(sample.labels.any() for sample in samples)
    with pytest.raises(
        TrainingError, match=f"nuclei in at least two quarters.*{n_annotated}; annotate"
    ):
        hold_out(samples, 0.1, seed=0)


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


def test_tuning_finds_better_thresholds() -> None:
    labels = np.zeros((32, 40), np.int32)
    labels[4:24, 4:16], labels[4:24, 16:28] = 1, 2
    samples = [Sample("touching", labels.astype(np.uint8), labels)]
    # Too shallow for the default to see two seeds in what touches.
    maps = [
        Maps(each.foreground, 0 * each.boundary, np.float32(0.38) * each.distance)
        for each in true_maps(samples)
    ]
    assert score_maps(maps, samples, DEFAULT).dsb2018 == 0
    parameters, scores = tune_splitting(maps, samples, DEFAULT)
    assert scores.dsb2018 == 1
    assert parameters == SplittingParameters(seed_threshold=0.3)


def test_tuning_follows_the_score_that_is_monitored() -> None:
    labels = np.zeros((32, 40), np.int32)
    labels[4:24, 4:16], labels[4:24, 16:28] = 1, 2
    samples = [Sample("touching", labels.astype(np.uint8), labels)]
    # Nuclei merge whatever the threshold; the rim is there only below one half.
    maps = []
    for each in true_maps(samples):
        foreground = np.where(each.distance > 0.2, each.foreground, 0.45 * (labels > 0))
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
