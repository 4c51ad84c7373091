from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

import pytest
from qtpy.QtCore import QThreadPool, QTimer
from qtpy.QtWidgets import QApplication, QWidget

from napari_unet_nuclei.core.cancellation import check_cancelled
from napari_unet_nuclei.core.errors import ImageError
from napari_unet_nuclei.plugin.shared.task_callbacks import TaskCallbacks
from napari_unet_nuclei.plugin.shared.workers import BackgroundTask, BackgroundTaskError

if TYPE_CHECKING:
    from collections.abc import Generator

    from pytestqt.qtbot import QtBot


class Record:
    """Notes every callback of a task, in order."""

    def __init__(
        self, qtbot: QtBot, steps: Generator[Any, None, Any], **callbacks: Any
    ) -> None:
        self.owner = QWidget()
        self.calls: list[Any] = []
        self.task = BackgroundTask(
            steps,
            "Counting",
            self.owner,
            TaskCallbacks(**{**self._callbacks, **callbacks}),
        )
        self._qtbot = qtbot

    @property
    def _callbacks(self) -> dict[str, Any]:
        return {
            "on_step": self.calls.append,
            "on_result": lambda result: self.calls.append(("result", result)),
            "on_error": lambda error: self.calls.append(("error", error)),
            "on_cancel": lambda: self.calls.append("cancel"),
            "on_end": lambda: self.calls.append("end"),
            "fraction": lambda step: step / 2,
        }

    def wait(self) -> list[Any]:
        self._qtbot.waitUntil(lambda: "end" in self.calls)
        return self.calls


def test_a_result_comes_after_the_newest_step(qtbot: QtBot) -> None:
    def count() -> Generator[int, None, str]:
        yield 1
        yield 2
        return "done"

    assert Record(qtbot, count()).wait() == [2, ("result", "done"), "end"]


def test_steps_that_are_kept_are_all_told(qtbot: QtBot) -> None:
    def count() -> Generator[int, None, str]:
        yield from range(300)
        return "done"

    record = Record(qtbot, count(), is_kept=lambda step: step % 100 == 0)
    assert record.wait() == [0, 100, 200, 299, ("result", "done"), "end"]


def test_kept_steps_that_take_long_to_tell_let_the_window_go_first(
    qtbot: QtBot,
) -> None:
    told: list[int] = []
    longest = 0.0
    last = time.perf_counter()

    def tell(step: int) -> None:
        time.sleep(0.005)
        told.append(step)

    def look() -> None:
        nonlocal longest, last
        longest = max(longest, time.perf_counter() - last)
        last = time.perf_counter()

    def count() -> Generator[int, None, None]:
        yield from range(100)  # takes half a second to tell

    timer = QTimer()
    timer.timeout.connect(look)
    timer.start(1)
    record = Record(qtbot, count(), on_step=tell, is_kept=lambda _: True)
    record.wait()
    assert told == list(range(100))
    assert longest < 0.25


def test_a_window_that_was_busy_hears_of_the_newest_step_only(qtbot: QtBot) -> None:
    def count() -> Generator[int, None, str]:
        yield from range(5000)
        return "done"

    record = Record(qtbot, count(), fraction=lambda step: step / 5000)
    QThreadPool.globalInstance().waitForDone(10_000)
    assert record.wait() == [4999, ("result", "done"), "end"]


def test_the_bar_of_napari_moves_only_with_the_percentage(qtbot: QtBot) -> None:
    go_on = threading.Event()

    def count() -> Generator[int, None, None]:
        for step in range(10):
            yield step
            go_on.wait(0.06)

    moves: list[int] = []
    record = Record(qtbot, count(), fraction=lambda step: step / 2000)
    qtbot.waitUntil(lambda: record.task.worker.pbar is not None)
    record.task.worker.pbar.events.value.connect(lambda e: moves.append(e.value))
    record.wait()
    assert len(record.calls) > 5
    assert moves == []  # all of it is less than half a percent


@pytest.mark.parametrize("ending", ["result", "error", "cancel"])
def test_events_handled_inside_a_callback_tell_nothing_out_of_turn(
    qtbot: QtBot, notifications: list[str], ending: str
) -> None:
    """As napari's progress bar does whenever it moves."""
    depths: list[int] = []
    depth = 0

    def count() -> Generator[int, None, str]:
        for step in range(400):
            yield step
            time.sleep(0.001)
        if ending == "error":
            raise ImageError("The image is empty.")
        return "done"

    def tell(step: int) -> None:
        nonlocal depth
        depth += 1
        depths.append(depth)
        record.calls.append(step)
        if ending == "cancel" and step > 100:
            record.task.leave()
        until = time.perf_counter() + 0.3
        while time.perf_counter() < until:
            QApplication.processEvents()
        record.calls.append("told")
        depth -= 1

    record = Record(qtbot, count(), on_step=tell)
    calls = record.wait()
    assert set(depths) == {1}
    assert calls.count("end") == 1
    end = calls.index("end")
    assert calls[end:] == ["end"]
    assert calls[end - 2] == "told"
    assert str(calls[end - 1]).startswith(("(", "cancel"))
    record._qtbot.waitUntil(record.task.has_stopped.is_set)
    qtbot.wait(100)
    assert calls[end:] == ["end"]


def test_the_worker_is_named_for_the_task_manager(qtbot: QtBot) -> None:
    go_on = threading.Event()

    def wait() -> Generator[int, None, None]:
        yield 1
        assert go_on.wait(10)

    record = Record(qtbot, wait())
    qtbot.waitUntil(lambda: record.task.worker.pbar is not None)
    bar = record.task.worker.pbar
    assert "Counting" in bar.desc
    qtbot.waitUntil(lambda: bar.n == 50)
    go_on.set()
    record.wait()
    assert bar.disable


def test_an_error_of_ours_is_told_in_its_own_words(
    qtbot: QtBot, notifications: list[str]
) -> None:
    def fail() -> Generator[int, None, None]:
        yield 1
        raise ImageError("The image is empty.")

    *steps, (_, error), end = Record(qtbot, fail()).wait()
    assert (steps, end) == ([1], "end")
    assert isinstance(error, ImageError)
    assert notifications == ["The image is empty."]


def test_an_error_nobody_expected_is_told_too(
    qtbot: QtBot, notifications: list[str]
) -> None:
    def fail() -> Generator[int, None, None]:
        yield 1
        raise LookupError("a mistake of ours")

    *_, (_, error), end = Record(qtbot, fail()).wait()
    assert isinstance(error, LookupError)
    assert end == "end"
    assert len(notifications) == 1
    assert "a mistake of ours" in notifications[0]


def test_a_runtime_error_is_not_swallowed(
    qtbot: QtBot, notifications: list[str]
) -> None:
    def fail() -> Generator[int, None, None]:
        yield 1
        raise RuntimeError("out of memory")

    *_, (_, error), end = Record(qtbot, fail()).wait()
    assert isinstance(error, BackgroundTaskError)
    assert isinstance(error.__cause__, RuntimeError)
    assert end == "end"
    with pytest.raises(BackgroundTaskError, match=r"Counting failed .* out of memory"):
        raise error
    assert notifications == [str(error)]


class Panic(BaseException):
    """As what extensions in Rust raise."""


@pytest.mark.parametrize(
    "error",
    [SystemExit(3), KeyboardInterrupt(), GeneratorExit(), Panic("lost"), StopIteration],
)
def test_what_is_no_exception_ends_a_task_too(
    qtbot: QtBot, notifications: list[str], error: BaseException
) -> None:
    def fail() -> Generator[int, None, None]:
        yield 1
        raise error

    *_, (_, told), end = Record(qtbot, fail()).wait()
    assert isinstance(told, BackgroundTaskError)
    assert end == "end"
    assert notifications == [str(told)]


def test_an_error_of_a_task_that_was_left_is_not_kept(qtbot: QtBot) -> None:
    proceed = threading.Event()

    def fail() -> Generator[int, None, None]:
        yield 1
        assert proceed.wait(10)
        raise ImageError("The image is empty.")

    record = Record(qtbot, fail())
    qtbot.waitUntil(lambda: record.calls == [1])
    record.task.leave()
    with qtbot.waitSignal(record.task.worker.finished):
        proceed.set()
    assert record.calls == [1, "cancel", "end"]
    assert record.task._tell_outcome is None


def test_cancelling_closes_the_generator_and_returns_nothing(qtbot: QtBot) -> None:
    closed = threading.Event()
    proceed = threading.Event()

    def count() -> Generator[int, None, str]:
        try:
            yield 1
            assert proceed.wait(10)
            yield 2
            return "done"
        finally:
            closed.set()

    record = Record(qtbot, count())
    qtbot.waitUntil(lambda: record.calls == [1])
    record.task.cancel()
    proceed.set()
    assert record.wait() == [1, "cancel", "end"]
    assert closed.is_set()
    assert not record.task.is_running


def test_cancelling_during_the_last_step_still_counts(qtbot: QtBot) -> None:
    proceed = threading.Event()

    def count() -> Generator[int, None, str]:
        yield 1
        assert proceed.wait(10)
        return "done"

    record = Record(qtbot, count())
    qtbot.waitUntil(lambda: record.calls == [1])
    record.task.cancel()
    proceed.set()
    assert record.wait() == [1, "cancel", "end"]


def test_a_result_that_is_not_told_yet_can_be_cancelled(qtbot: QtBot) -> None:
    def finish() -> Generator[int, None, str]:
        yield from ()
        return "done"

    record = Record(qtbot, finish())
    assert QThreadPool.globalInstance().waitForDone(10_000)
    record.task.cancel()
    assert record.wait() == ["cancel", "end"]


def test_a_task_that_is_left_ends_at_once_and_unheard(qtbot: QtBot) -> None:
    proceed = threading.Event()

    def count() -> Generator[int, None, str]:
        yield 1
        assert proceed.wait(10)
        return "done"

    record = Record(qtbot, count())
    qtbot.waitUntil(lambda: record.calls == [1])
    record.task.leave()
    assert record.calls == [1, "cancel", "end"]
    assert not record.task.is_running
    assert not record.task.has_stopped.is_set()
    with qtbot.waitSignal(record.task.worker.finished):
        proceed.set()
    assert record.task.has_stopped.is_set()
    assert record.calls == [1, "cancel", "end"]


def test_what_a_step_calls_is_cancelled_too(qtbot: QtBot) -> None:
    has_begun = threading.Event()

    def count() -> Generator[int, None, str]:
        yield 1
        has_begun.set()
        while True:  # a step that would never end
            check_cancelled()

    record = Record(qtbot, count())
    qtbot.waitUntil(has_begun.is_set)
    record.task.cancel()
    assert record.wait()[-2:] == ["cancel", "end"]
    assert record.task.has_stopped.is_set()


def test_without_its_owner_a_task_stops_in_silence(qtbot: QtBot) -> None:
    closed = threading.Event()
    proceed = threading.Event()

    def count() -> Generator[int, None, None]:
        try:
            while True:
                yield 1
                assert proceed.wait(10)
        finally:
            closed.set()

    record = Record(qtbot, count())
    qtbot.waitUntil(lambda: record.calls == [1])
    with qtbot.waitSignal(record.task.worker.finished):
        with qtbot.waitSignal(record.owner.destroyed):
            record.owner.deleteLater()
        proceed.set()
    assert closed.wait(10)
    assert record.calls == [1]
