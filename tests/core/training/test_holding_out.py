from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.ndimage import distance_transform_cdt

from napari_unet_nuclei.core.datasets.sample import Sample
from napari_unet_nuclei.core.errors import TrainingError
from napari_unet_nuclei.core.training.holding_out import hold_out


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
    [
        (3, 0.1, 1),
        (5, 0.1, 1),
        (20, 0.1, 2),
        (20, 0.99, 19),
        (10, 0.5, 5),
        (5, 0.001, 1),
    ],
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
    labels = np.zeros((70, 80), np.int32)
    for number, (y, x) in enumerate([(15, 15), (15, 55), (50, 15), (50, 55)], start=1):
        labels[y : y + 6, x : x + 6] = number
    sample = Sample("a", labels.astype(np.uint8), labels)
    train, validation = hold_out([sample], 0.1, seed=0)
    assert ids(train) == ["a"]
    assert train[0].image is sample.image
    assert ids(validation)[0] in (
        "a[0:35,0:40]",
        "a[0:35,40:80]",
        "a[35:70,0:40]",
        "a[35:70,40:80]",
    )
    assert len(np.unique(train[0].labels)) == 5  # three nuclei, background, ignored
    assert len(np.unique(validation[0].labels)) == 3  # one nucleus
    assert validation[0].image.shape == (70, 80)  # with all that is around it


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("fraction", [0.1, 0.5])
@pytest.mark.parametrize(
    ("shape", "margin"), [((67, 65), 8), ((1000, 1000), 120), ((100, 900), 12)]
)
def test_no_pixel_near_what_is_held_out_is_trained_on(
    shape: tuple[int, int], margin: int, fraction: float, seed: int
) -> None:
    places = np.arange(shape[0] * shape[1], dtype=np.int32).reshape(shape)
    samples = [Sample("a", places, np.ones(shape, np.int32))]
    train, validation = hold_out(samples, fraction, seed)
    held = np.isin(places, np.concatenate([p.image[p.labels >= 0] for p in validation]))
    seen = train[0].labels >= 0
    assert held.any()
    assert seen.mean() > 0.1
    assert distance_transform_cdt(~held, "chessboard")[seen].min() > margin


def test_quarters_of_other_images_keep_all_pixels() -> None:
    samples = [annotated(name, (80, 80), n=4) for name in "ab"]
    train, validation = hold_out(samples, 0.1, seed=0)
    held = ids(validation)[0][0]
    (other,) = [piece for piece in train if piece.sample_id != held]
    assert (other.labels >= 0).all()


def test_what_is_annotated_in_a_corner_is_cut_into_quarters() -> None:
    labels = np.full((400, 400), -1, np.int32)
    labels[20:120, 30:130] = 0
    for number in range(4):
        y, x = 35 + 50 * (number // 2), 45 + 50 * (number % 2)
        labels[y : y + 10, x : x + 10] = number + 1
    sample = Sample("a", np.abs(labels).astype(np.uint8), labels)
    train, validation = hold_out([sample], 0.1, seed=0)
    assert np.count_nonzero(validation[0].labels >= 0) == 50 * 50
    assert max(validation[0].image.shape) <= 50 + 2 * 120
    assert validation[0].labels.max() > 0
    (rest,) = train
    assert rest.image.shape == (400, 400)
    assert len(np.unique(rest.labels)) == 5
    assert (rest.labels[labels == -1] == -1).all()


def test_nuclei_in_one_quarter_of_an_image_are_enough_where_they_are_apart() -> None:
    labels = np.zeros((400, 400), np.int32)
    labels[20:40, 20:40], labels[20:40, 140:160] = 1, 2
    sample = Sample("a", labels.astype(np.uint8), labels)
    (train,), (validation,) = hold_out([sample], 0.1, seed=0)
    assert validation.sample_id in ("a[4:56,4:90]", "a[4:56,90:176]")
    assert {*np.unique(train.labels), *np.unique(validation.labels)} == {-1, 0, 1, 2}
    assert (train.labels[:, 200:] == -1).all()


def test_a_margin_never_takes_the_last_nucleus() -> None:
    labels = np.zeros((80, 80), np.int32)
    labels[38:42, 4:30] = 1  # beside the cut, in both quarters
    samples = [Sample("a", labels.astype(np.uint8), labels)]
    train, validation = hold_out(samples, 0.1, seed=0)
    assert all((piece.labels > 0).any() for piece in train + validation)


def test_short_sides_are_not_cut() -> None:
    train, validation = hold_out([annotated("a", (63, 128), n=2)], 0.1, seed=0)
    assert ids(train) == ["a"]
    assert ids(validation) in (["a[0:63,0:64]"], ["a[0:63,64:128]"])


def test_three_samples_are_not_cut() -> None:
    samples = [annotated(f"{n}", (80, 80), n=4) for n in range(3)]
    train, validation = hold_out(samples, 0.1, seed=0)
    assert len(train) + len(validation) == 3


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
