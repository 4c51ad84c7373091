from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pytest
from qtpy.QtCore import QThreadPool
from qtpy.QtWidgets import QWidget

from napari_unet_nuclei.core.errors import ImageError
from napari_unet_nuclei.plugin.workers import BackgroundTask, BackgroundTaskError

if TYPE_CHECKING:
    from collections.abc import Generator

    from pytestqt.qtbot import QtBot


class Record:
    """Notes every callback of a task, in order."""

    def __init__(self, qtbot: QtBot, steps: Generator[Any, None, Any]) -> None:
        self.owner = QWidget()
        self.calls: list[Any] = []
        self.task = BackgroundTask(
            steps,
            "Counting",
            self.owner,
            on_step=self.calls.append,
            on_result=lambda result: self.calls.append(("result", result)),
            on_error=lambda error: self.calls.append(("error", error)),
            on_cancel=lambda: self.calls.append("cancel"),
            on_end=lambda: self.calls.append("end"),
            fraction=lambda step: step / 2,
        )
        self._qtbot = qtbot

    def wait(self) -> list[Any]:
        self._qtbot.waitUntil(lambda: "end" in self.calls)
        return self.calls


def test_a_result_comes_after_the_steps(qtbot: QtBot) -> None:
    def count() -> Generator[int, None, str]:
        yield 1
        yield 2
        return "done"

    assert Record(qtbot, count()).wait() == [1, 2, ("result", "done"), "end"]


def test_the_worker_is_named_for_the_task_manager(qtbot: QtBot) -> None:
    record = Record(qtbot, (step for step in ()))
    assert "Counting" in record.task.worker.pbar.desc
    record.wait()


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
