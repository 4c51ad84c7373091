"""Where crops are cut from images that are annotated in part."""

from __future__ import annotations

import numpy as np
import pytest

from napari_unet_nuclei.core.datasets.sample import Sample
from napari_unet_nuclei.core.training.crops.augmentation import (
    prepare_sample,
    random_crop,
)
from napari_unet_nuclei.core.training.crops.windows import (
    draw_window,
    find_annotated,
)

SHAPE = (400, 500)
CORNER = np.full(SHAPE, -1, np.int32)
CORNER[:120, :100], CORNER[20:40, 30:50] = 0, 7


def part_shown(labels: np.ndarray, places: np.ndarray | None, side: int) -> float:
    """Draw many windows; return which part of them is annotated, on average."""
    rng = np.random.default_rng(0)
    windows = [draw_window(labels, places, (side, side), rng) for _ in range(200)]
    assert all(window.take(labels).shape == (side, side) for window in windows)
    return float(np.mean([(window.take(labels) >= 0).mean() for window in windows]))


def test_pixels_are_found_where_a_part_is_annotated() -> None:
    places = find_annotated(CORNER)
    assert places is not None
    assert places.size == 120 * 100
    for labels in (np.zeros(SHAPE, np.int32), np.full(SHAPE, -1, np.int32)):
        assert find_annotated(labels) is None


@pytest.mark.parametrize(("side", "least"), [(100, 0.75), (60, 0.85), (200, 0.28)])
def test_windows_show_much_of_what_is_annotated(side: int, least: float) -> None:
    """Of a window of 200 px, .3 can be."""
    assert part_shown(CORNER, find_annotated(CORNER), side) > least
    assert part_shown(CORNER, None, side) < least / 2


def test_windows_show_a_nucleus_where_few_pixels_are_of_one() -> None:
    rng = np.random.default_rng(1)
    places = find_annotated(CORNER)
    shown = [
        (draw_window(CORNER, places, (80, 80), rng).take(CORNER) > 0).any()
        for _ in range(100)
    ]
    assert np.mean(shown) > 0.8


def test_each_annotated_place_is_shown() -> None:
    labels = np.full(SHAPE, -1, np.int32)
    labels[100:140, 200:260], labels[110:120, 230:240] = 0, 1
    places, rng = find_annotated(labels), np.random.default_rng(2)
    seen = np.zeros(SHAPE, bool)
    for _ in range(60):
        window = draw_window(labels, places, (50, 50), rng)
        seen[np.ix_(window.rows, window.columns)] = True
    assert seen[labels >= 0].all()


def test_a_margin_counts_for_nothing() -> None:
    rng = np.random.default_rng(3)
    window = draw_window(CORNER, find_annotated(CORNER), (90, 90), rng, margin=20)
    assert window.take(CORNER).shape == (90, 90)
    assert window.take_inner(CORNER).shape == (50, 50)


def test_annotated_pixels_are_looked_for_once(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []

    def find(labels: np.ndarray) -> np.ndarray | None:
        calls.append(labels.shape)
        return find_annotated(labels)

    module = "napari_unet_nuclei.core.training.crops.augmentation"
    monkeypatch.setattr(f"{module}.find_annotated", find)
    image = np.random.default_rng(4).integers(0, 255, SHAPE).astype(np.uint8)
    sample = prepare_sample(Sample("a", image, CORNER))
    rng = np.random.default_rng(5)
    for _ in range(4):
        random_crop(sample, 64, rng)
    assert calls == [SHAPE]
