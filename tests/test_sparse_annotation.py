"""What is painted in the comparison of a few nuclei with all of them."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

FOLDER = Path(__file__).parents[1] / "benchmarks"
LABELS = np.zeros((1024, 2048), np.int32)
for number in range(64 * 32):
    y, x = 32 * (number // 64) + 8, 32 * (number % 64) + 8
    LABELS[y : y + 12, x : x + 12] = number + 1


@pytest.fixture
def benchmark(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(sys, "path", [str(FOLDER), *sys.path])
    return importlib.import_module("sparse_annotation")


def test_the_nuclei_nearest_to_a_corner_are_painted(benchmark: Any) -> None:
    painted = benchmark.paint(LABELS, "background", 9)
    numbers = set(np.unique(painted).tolist()) - {0}
    assert numbers == {1, 2, 3, 65, 66, 67, 129, 130, 131}
    assert painted.min() == 0


def test_rings_and_areas_leave_the_rest_out(benchmark: Any) -> None:
    for how, counted in (("rings", 9 * 12**2), ("area", 84**2)):
        painted = benchmark.paint(LABELS, how, 9)
        assert np.count_nonzero(np.unique(painted) > 0) == 9
        assert (painted[84 + 4 :] == -1).all()
        assert counted <= np.count_nonzero(painted >= 0) < 100**2
    assert benchmark.paint(LABELS, "all", 9) is LABELS


def test_fresh_images_lie_beside_the_painted_one(benchmark: Any) -> None:
    image = np.zeros(LABELS.shape, np.uint8)
    image[:, 1024:] = 1
    fresh = benchmark.cut_fresh(image, LABELS)
    assert [sample.image.shape for sample in fresh] == [(512, 512)] * 4
    assert all((sample.image == 1).all() for sample in fresh)
    assert all(sample.labels.max() == 256 for sample in fresh)
