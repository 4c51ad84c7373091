"""Nuclei that are wrong in ways that are known, and what is said about them."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import numpy as np
import pytest

from napari_unet_nuclei import (
    DoubtfulNuclei,
    DoubtReason,
    Maps,
    Suspicion,
    find_doubtful_nuclei,
)
from napari_unet_nuclei.core.errors import LabelsError
from napari_unet_nuclei.core.instances.measurements import write_features_csv

if TYPE_CHECKING:
    from pathlib import Path

Y, X = np.ogrid[:80, :160]


def disc(row: float, column: float, radius: float = 9) -> np.ndarray:
    return np.hypot(Y - row, X - column) <= radius


def scene() -> tuple[np.ndarray, Maps]:
    """Five good nuclei in a row, and maps that are certain of them."""
    labels = np.zeros((80, 160), np.int32)
    for number, column in enumerate((15, 45, 75, 105, 135), 1):
        labels[disc(20, column)] = number
    return labels, maps_of(labels)


def maps_of(labels: np.ndarray, probability: float = 0.98) -> Maps:
    foreground = np.where(labels > 0, probability, 0.01).astype(np.float32)
    return Maps(foreground, np.zeros_like(foreground), foreground.copy())


def doubt_of(doubts: DoubtfulNuclei, number: int) -> float:
    return float(doubts.doubt[doubts.label == number][0])


def asked(
    doubts: DoubtfulNuclei, number: int
) -> tuple[Suspicion, tuple[DoubtReason, ...]]:
    row = doubts.label.tolist().index(number)
    return doubts.suspicions[row], doubts.reasons[row]


def test_good_nuclei_are_hardly_doubtful() -> None:
    doubts = find_doubtful_nuclei(*scene())
    assert doubts.label.tolist() == [1, 2, 3, 4, 5]
    assert doubts.doubt.max() < 0.05
    assert doubts.spots == ()


def test_a_boundary_across_a_large_nucleus_means_two() -> None:
    labels, maps = scene()
    labels[disc(55, 60) | disc(55, 74)] = 9
    maps = maps_of(labels)
    assert maps.boundary is not None
    maps.boundary[48:63, 66:69] = 0.9
    doubts = find_doubtful_nuclei(labels, maps)
    assert doubts.ranked()[0] == 9
    assert doubt_of(doubts, 9) > 5 * doubt_of(doubts, 1)
    suspicion, reasons = asked(doubts, 9)
    assert suspicion is Suspicion.MERGED
    assert DoubtReason.BOUNDARY_ACROSS in reasons


def test_parts_without_a_boundary_between_them_may_be_one() -> None:
    labels, _ = scene()
    whole = disc(55, 60)
    labels[whole & (X < 60)], labels[whole & (X >= 60)] = 8, 9
    doubts = find_doubtful_nuclei(labels, maps_of(labels))
    assert set(doubts.ranked()[:2].tolist()) == {8, 9}
    assert asked(doubts, 8) == (
        Suspicion.SPLIT,
        (DoubtReason.UNCLEAR_CONTACT, DoubtReason.SMALL),
    )
    maps = maps_of(labels)
    assert maps.boundary is not None
    maps.boundary[:, 58:62] = 0.95
    assert doubt_of(find_doubtful_nuclei(labels, maps), 8) < doubt_of(doubts, 8)


def test_an_improbable_nucleus_may_be_none() -> None:
    labels, maps = scene()
    maps.foreground[labels == 3] = 0.55
    doubts = find_doubtful_nuclei(labels, maps)
    assert doubts.ranked()[0] == 3
    assert asked(doubts, 3) == (Suspicion.SPURIOUS, (DoubtReason.LOW_PROBABILITY,))


def test_the_border_is_said_but_makes_no_doubt() -> None:
    labels, maps = scene()
    inner = doubt_of(find_doubtful_nuclei(labels, maps), 1)
    moved = np.roll(labels, -6, axis=1)
    moved[:, -20:] = 0
    doubts = find_doubtful_nuclei(moved, maps_of(moved))
    assert DoubtReason.CUT_BY_BORDER in asked(doubts, 1)[1]
    assert DoubtReason.CUT_BY_BORDER not in asked(doubts, 2)[1]
    assert doubt_of(doubts, 1) < inner + 0.05


def test_a_spot_that_almost_was_a_nucleus_is_proposed() -> None:
    labels, maps = scene()
    maps.foreground[disc(60, 60, 8)] = 0.4
    maps.foreground[60, 58] = 0.45
    maps.foreground[disc(20, 45, 11) & (labels == 0)] = 0.4  # a rim is no spot
    (spot,) = find_doubtful_nuclei(labels, maps).spots
    assert spot.place == (60, 58)
    assert spot.area == np.count_nonzero(disc(60, 60, 8))
    assert 0.05 < spot.doubt < 0.9
    assert spot.sentence.startswith("A nucleus that was missed?")


def test_without_maps_only_shapes_count() -> None:
    labels, _ = scene()
    labels[disc(55, 60) | disc(55, 74)] = 9
    doubts = find_doubtful_nuclei(labels)
    assert doubts.ranked()[0] == 9
    assert doubts.spots == ()
    said = {reason for each in doubts.reasons for reason in each}
    assert DoubtReason.LOW_PROBABILITY not in said


def test_maps_without_boundary_and_distance_are_enough() -> None:
    labels, maps = scene()
    maps.foreground[labels == 3] = 0.55
    doubts = find_doubtful_nuclei(labels, Maps(maps.foreground))
    assert doubts.ranked()[0] == 3


def test_numbers_have_gaps_and_may_be_huge() -> None:
    labels, maps = scene()
    huge = np.where(labels > 0, labels * 100_000_000, 0)
    expected, doubts = (
        find_doubtful_nuclei(labels, maps),
        find_doubtful_nuclei(huge, maps),
    )
    assert doubts.label.tolist() == [n * 100_000_000 for n in range(1, 6)]
    assert doubts.doubt == pytest.approx(expected.doubt)


def test_doubts_do_not_depend_on_how_nuclei_are_numbered() -> None:
    labels, maps = scene()
    other = np.array([0, 30, 4, 17, 2, 9])[labels]
    first, second = (
        find_doubtful_nuclei(labels, maps),
        find_doubtful_nuclei(other, maps),
    )
    assert sorted(first.doubt) == pytest.approx(sorted(second.doubt))


def test_an_image_without_nuclei_has_no_doubts() -> None:
    doubts = find_doubtful_nuclei(np.zeros((20, 30), int))
    assert doubts.label.size == doubts.doubt.size == doubts.ranked().size == 0
    assert doubts.sentences() == []


def test_what_is_not_annotated_is_no_nucleus() -> None:
    labels, maps = scene()
    labels[40:] = -1
    assert find_doubtful_nuclei(labels, maps).label.tolist() == [1, 2, 3, 4, 5]


def test_columns_go_into_a_table(tmp_path: Path) -> None:
    labels, maps = scene()
    maps.foreground[labels == 3] = 0.55
    columns = find_doubtful_nuclei(labels, maps).columns()
    write_features_csv(tmp_path / "doubts.csv", columns)
    lines = (tmp_path / "doubts.csv").read_text().splitlines()
    assert lines[0] == "label,doubt,doubt_reason"
    assert len(lines) == 6
    assert lines[3].startswith("3,0.")
    assert lines[3].endswith("No nucleus? Its mean probability is low.")


def test_maps_of_another_shape_are_refused() -> None:
    labels, maps = scene()
    with pytest.raises(LabelsError, match="as high and wide as the labels"):
        find_doubtful_nuclei(labels[1:], maps)


def test_two_thousand_nuclei_take_a_moment() -> None:
    rng = np.random.default_rng(0)
    tile = np.hypot(*np.ogrid[-22:23, -22:23]) < 17
    number = np.arange(1, 45 * 45 + 1, dtype=np.int32).reshape(45, 45)
    labels = np.kron(number, np.ones_like(tile, np.int32))
    labels *= np.tile(tile, (45, 45))
    foreground = np.where(labels > 0, 0.9, 0.1) + rng.normal(0, 0.03, labels.shape)
    maps = Maps(foreground.astype(np.float32), foreground.astype(np.float32) / 9)
    taken = []
    for _ in range(3):
        start = time.process_time()
        find_doubtful_nuclei(labels, maps)
        taken.append(time.process_time() - start)
    assert min(taken) < 0.4  # 0.1 on a quiet machine
