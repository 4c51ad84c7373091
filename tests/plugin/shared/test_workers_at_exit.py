"""What becomes of a task when Python exits while it works."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pytest
from qtpy.QtWidgets import QWidget
from superqt.utils._qthreading import GeneratorWorkerSignals

from napari_unet_nuclei.core.cancellation import check_cancelled
from napari_unet_nuclei.plugin.shared.task_callbacks import TaskCallbacks
from napari_unet_nuclei.plugin.shared.workers import BackgroundTask, _ClosingWorker

if TYPE_CHECKING:
    from collections.abc import Generator

    from pytestqt.qtbot import QtBot


class DeletedSignals(GeneratorWorkerSignals):  # type: ignore[misc]
    """Signals of a worker once Qt has deleted them: only their class is left."""

    def __getattribute__(self, name: str) -> Any:
        if name == "__class__":
            return DeletedSignals
        raise RuntimeError("wrapped C/C++ object has been deleted")


@pytest.mark.parametrize("is_cancelled", [True, False])
def test_a_task_that_outlives_the_window_ends_in_silence(
    qtbot: QtBot, monkeypatch: pytest.MonkeyPatch, is_cancelled: bool
) -> None:
    started, closed, ended = (threading.Event() for _ in range(3))
    errors: list[BaseException] = []
    run = _ClosingWorker.run

    def note(worker: _ClosingWorker) -> None:
        try:
            run(worker)
        except BaseException as error:  # noqa: BLE001
            errors.append(error)
        ended.set()

    def steps() -> Generator[int, None, None]:
        started.set()
        closed.wait(10)
        check_cancelled()
        yield 1

    monkeypatch.setattr(_ClosingWorker, "run", note)
    owner = QWidget()
    qtbot.addWidget(owner)
    task = BackgroundTask(steps(), "counting", owner, TaskCallbacks(), is_listed=False)
    assert started.wait(10)
    if is_cancelled:
        task.cancel()
    signals = task.worker.signals
    task.worker.signals = DeletedSignals()
    closed.set()
    assert ended.wait(10)
    assert not errors
    assert task.has_stopped.is_set()
    task.worker.signals = signals
    task.worker.finished.emit()  # so that the task ends
    qtbot.waitUntil(lambda: not task.is_running)
