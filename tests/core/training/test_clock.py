from __future__ import annotations

import pytest

from napari_unet_nuclei.core.settings.training import TrainingSettings
from napari_unet_nuclei.core.training import clock as training_clock
from napari_unet_nuclei.core.training.clock import TrainingClock


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time, in a list that a test may change."""
    time = [100.0]
    monkeypatch.setattr(training_clock.time, "monotonic", lambda: time[0])
    return time


def test_seconds_count_from_the_start_on(now: list[float]) -> None:
    clock = TrainingClock(TrainingSettings(minutes=2))
    now[0] = 130
    assert (clock.seconds, clock.progress(5)) == (0, 0)
    clock.start()
    now[0] = 160
    assert (clock.seconds, clock.progress(5)) == (30, 0.25)
    now[0] = 1000
    assert clock.progress(5) == 1


def test_earlier_parts_of_a_run_count(now: list[float]) -> None:
    clock = TrainingClock(TrainingSettings(minutes=2), seconds_before=60)
    assert (clock.seconds, clock.progress(0)) == (60, 0.5)
    clock.start()
    now[0] = 130
    assert (clock.seconds, clock.progress(0)) == (90, 0.75)


def test_epochs_are_counted_in_steps(now: list[float]) -> None:
    clock = TrainingClock(TrainingSettings(epochs=4, steps_per_epoch=5))
    clock.start()
    now[0] = 1e6
    assert [clock.progress(step) for step in (0, 5, 20, 25)] == [0, 0.25, 1, 1]
