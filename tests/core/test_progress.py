from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from napari_unet_nuclei.core.progress import PlaneDone, TileDone, exhaust, map_steps

if TYPE_CHECKING:
    from collections.abc import Generator


class Count:
    """Counts to three, and knows how that ended."""

    is_closed = False

    def __call__(self) -> Generator[int, None, str]:
        try:
            yield from (1, 2, 3)
            return "done"
        finally:
            self.is_closed = True


def test_a_run_hands_out_its_result() -> None:
    assert exhaust(Count()()) == "done"


def test_steps_are_changed_and_the_result_is_kept() -> None:
    seen: list[str] = []
    steps = map_steps(str, Count()())
    assert exhaust(map_steps(seen.append, steps)) == "done"
    assert seen == ["1", "2", "3"]


def test_what_changes_the_steps_can_end_the_run() -> None:
    count = Count()
    steps = map_steps(lambda step: 1 / (2 - step), count())
    assert next(steps) == 1
    with pytest.raises(ZeroDivisionError):
        next(steps)
    assert count.is_closed


def test_closing_goes_down_to_the_source() -> None:
    count = Count()
    steps = map_steps(str, count())
    assert next(steps) == "1"
    steps.close()
    assert count.is_closed


def test_progress_is_a_part_of_the_whole() -> None:
    assert TileDone(1, 4).fraction == 0.25
    assert PlaneDone(0, 0).fraction == 1  # a stack without planes is done
    assert TileDone(1, 4) != PlaneDone(1, 4)
