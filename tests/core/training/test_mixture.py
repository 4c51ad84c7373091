"""Several data sets at once: their shares, their held-out samples, their names."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from napari_unet_nuclei.core.datasets.sample import Sample
from napari_unet_nuclei.core.errors import TrainingError
from napari_unet_nuclei.core.settings.training import TrainingSettings
from napari_unet_nuclei.core.training.mixture import TrainingSet, mix_sets

if TYPE_CHECKING:
    from collections.abc import Sequence

SETTINGS = TrainingSettings(epochs=1, validation_fraction=0.3)


def make_samples(n: int, size: int = 10, name: str = "s") -> list[Sample]:
    labels = np.zeros((size, size), np.int32)
    labels[:5, :5] = 1
    return [Sample(f"{name}{i}", labels.astype(np.uint8), labels) for i in range(n)]


def make_set(name: str, n: int = 6, size: int = 10, **more: Any) -> TrainingSet:
    return TrainingSet(name=name, samples=make_samples(n, size), **more)


def ids(samples: Sequence[Sample]) -> list[str]:
    return [sample.sample_id for sample in samples]


def test_weights_are_shares_of_the_crops() -> None:
    data = mix_sets([make_set("a", weight=3), make_set("b", weight=1)], SETTINGS)
    assert data.shares == (0.75, 0.25)


def test_sets_without_weights_count_by_the_square_root_of_their_pixels() -> None:
    sets = [make_set("a", size=10), make_set("b", size=30)]
    assert mix_sets(sets, SETTINGS).shares == pytest.approx((0.25, 0.75))


@pytest.mark.parametrize("weights", [(0.0, 1.0), (1.0, None), (1.0, np.nan), (-1, 2)])
def test_weights_are_positive_and_of_all_sets(weights: tuple[Any, ...]) -> None:
    sets = [make_set(name, weight=w) for name, w in zip("ab", weights, strict=True)]
    with pytest.raises(TrainingError, match="Expected a positive weight for each"):
        mix_sets(sets, SETTINGS)


def test_samples_of_several_sets_have_names_of_their_own() -> None:
    given = make_set("a", n=2, validation=make_samples(1, name="v"))
    data = mix_sets([given, make_set("b", n=5)], SETTINGS)
    assert ids(data.samples)[:2] == ["a/s0", "a/s1"]
    assert len(set(ids([*data.samples, *data.validation]))) == 8
    assert [(each.name, len(each.samples)) for each in data.held_out] == [
        ("a", 1),
        ("b", 2),
    ]


def test_a_single_set_keeps_the_names_of_its_samples() -> None:
    data = mix_sets([make_set("a")], SETTINGS)
    assert sorted(ids([*data.samples, *data.validation])) == [f"s{i}" for i in range(6)]
    assert data.shares == (1.0,)


@pytest.mark.parametrize(
    ("sets", "message"),
    [
        ([], "Received: none"),
        ([make_set("a"), make_set("a")], "two called 'a'"),
        ([make_set("a"), make_set("b", validation=[])], "one sample of b to learn"),
        ([make_set("a", validation=[])], "one sample to learn"),
        (
            [make_set("a"), replace(make_set("b"), samples=[])],
            "b: Training needs nuclei",
        ),
    ],
)
def test_a_set_without_something_to_learn_or_to_check_is_named(
    sets: list[TrainingSet], message: str
) -> None:
    with pytest.raises(TrainingError, match=message):
        mix_sets(sets, SETTINGS)
