"""What counts as found in the benchmark of doubtful nuclei."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from napari_unet_nuclei import Maps, Suspicion
from napari_unet_nuclei.core.evaluation.contingency import cross_tabulate

FOLDER = Path(__file__).parents[1] / "benchmarks"
TRUTH = np.repeat([[1, 1, 2, 2, 0, 3, 3, 3, 3, 0, 0]], 4, axis=0).astype(np.int32)
FOUND = np.repeat([[1, 1, 1, 1, 0, 4, 4, 5, 5, 0, 6]], 4, axis=0).astype(np.int32)
WRONG = [
    (Suspicion.MERGED, (1,)),
    (Suspicion.SPURIOUS, (6,)),
    (Suspicion.SPLIT, (4, 5)),
]


def load(monkeypatch: pytest.MonkeyPatch, name: str) -> Any:
    """Load a script as it loads the ones beside it."""
    monkeypatch.setattr(sys, "path", [str(FOLDER), *sys.path])
    return importlib.import_module(name)


@pytest.fixture
def case(monkeypatch: pytest.MonkeyPatch) -> Any:
    foreground = (FOUND > 0).astype(np.float32)
    return load(monkeypatch, "doubt_cases").Case(
        name="four",
        kind="dark",
        image=TRUTH,
        truth=TRUTH,
        labels=FOUND,
        maps=Maps(foreground),
        wrong=WRONG,
        missed=(),
    )


def test_a_split_nucleus_shows_in_all_its_parts(
    monkeypatch: pytest.MonkeyPatch, case: Any
) -> None:
    cases = load(monkeypatch, "doubt_cases")
    assert cases.parts_of(cross_tabulate(TRUTH, FOUND), 3) == (4, 5)
    assert case.numbers(Suspicion.SPLIT) == [4, 5]
    assert case.numbers(Suspicion.MERGED, Suspicion.SPURIOUS) == [1, 6]


def test_a_mistake_is_found_once(monkeypatch: pytest.MonkeyPatch, case: Any) -> None:
    count = load(monkeypatch, "doubt_queue").count_found
    kinds = tuple(kind for kind, _ in WRONG)
    assert count(case, {4, 5}, *kinds) == 1
    assert count(case, {5, 6}, *kinds) == 2
    assert count(case, {5, 6}, Suspicion.SPURIOUS) == 1
    assert count(case, set(), *kinds) == 0


def test_random_nuclei_find_their_share(
    monkeypatch: pytest.MonkeyPatch, case: Any
) -> None:
    found = load(monkeypatch, "doubt_queue").count_random(case, 0.25)
    assert found == 1.0  # one nucleus of four, and each shows one mistake
