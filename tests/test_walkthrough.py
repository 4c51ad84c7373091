"""What ``benchmarks/walkthrough.py`` takes for a mistake, and where it would cut."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from napari_unet_nuclei.core.instances.editing.cutting import split_along

if TYPE_CHECKING:
    from collections.abc import Iterator

_FOLDER = Path(__file__).parents[1] / "benchmarks"


@pytest.fixture
def mistakes(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.syspath_prepend(str(_FOLDER))
    import walk_mistakes

    yield walk_mistakes
    del sys.modules["walk_mistakes"]


@pytest.fixture
def effort(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.syspath_prepend(str(_FOLDER))
    import walk_effort

    yield walk_effort
    del sys.modules["walk_effort"]


def test_each_kind_of_mistake_is_found(mistakes: Any) -> None:
    truth = np.zeros((30, 60), np.int32)
    truth[2:12, 2:12], truth[2:12, 12:22] = 1, 2
    truth[2:12, 30:50], truth[18:28, 2:12] = 3, 4
    labels = np.zeros_like(truth)
    labels[2:12, 2:22] = 5  # 1 and 2
    labels[2:12, 30:40], labels[2:12, 40:50] = 6, 7  # 3
    labels[18:28, 40:50] = 8  # nothing; 4 is missed
    wrong = mistakes.find_wrong(truth, labels)
    assert wrong.merged == {5: [1, 2]}
    assert wrong.split == {3: [6, 7]}
    assert not wrong.is_perfect
    assert 4 in wrong.unmatched_true
    assert 8 in wrong.unmatched_found
    assert mistakes.find_wrong(truth, 3 * truth).is_perfect


def test_planned_cuts_separate_a_row_of_nuclei(mistakes: Any) -> None:
    truth = np.zeros((16, 40), np.int32)
    for number in (1, 2, 3):
        truth[3:13, 10 * number - 6 : 10 * number + 4] = number
    labels = np.minimum(truth, 1)
    for new, cut in enumerate(mistakes.plan_cuts(truth, labels, 1, [1, 2, 3]), 2):
        labels = split_along(labels, cut.path, new).applied_to(labels)
    assert mistakes.find_wrong(truth, labels).is_perfect


def test_an_outline_is_as_good_as_asked_for_and_no_better(mistakes: Any) -> None:
    y, x = np.ogrid[:40, :40]
    mask = (y - 20) ** 2 + ((x - 20) / 1.4) ** 2 < 10**2
    rough, fine = (mistakes.outline_of(mask, content) for content in (0.5, 0.75))
    assert 4 <= len(rough) < len(fine) < 20
    assert mistakes.iou(mistakes.disc_of(mask), mask) > 0.7


def test_seconds_are_those_of_the_keystroke_level_model(effort: Any) -> None:
    done = effort.Effort()
    done.think()
    done.key(2)
    done.click()
    done.stroke([(0, 0), (0, 100)], side=200)  # 10 cm on the screen
    assert done.seconds == pytest.approx(1.35 + 0.4 + 1.3 + 1.3 + 0.9 + 1.6)
    assert done.actions == 4
    assert (done + done).stroke_px == pytest.approx(200)
