"""Both widgets in napari's window, opened the way its menu opens them."""

from __future__ import annotations

import gc
import time
import weakref
from typing import TYPE_CHECKING, Any

import numpy as np
import psutil
import pytest
from napari._qt.widgets.qt_progress_bar import QtLabeledProgressBar
from napari._qt.widgets.qt_viewer_dock_widget import QtViewerDockWidget
from qtpy.QtCore import QTimer
from qtpy.QtGui import QCloseEvent
from qtpy.QtWidgets import QDialog
from scipy import ndimage

from napari_unet_nuclei.plugin.finetune.widget import FineTuneWidget
from napari_unet_nuclei.plugin.segment.widget import SegmentWidget

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray
    from pytestqt.qtbot import QtBot

STARTING = '{"event": "status", "message": "Starting Keras"}'


def test_segmenting_and_moving_the_threshold(
    make_napari_viewer: Callable[..., Any],
    open_widget: Callable[[Any, str], Any],
    qtbot: QtBot,
    image: NDArray[np.uint8],
    make_model: Callable[..., Path],
    engine: Any,
) -> None:
    make_model("tiny")
    viewer = make_napari_viewer()
    cells = viewer.add_image(image, name="cells", scale=(2, 2))
    widget = open_widget(viewer, "Segment nuclei")
    assert isinstance(widget, SegmentWidget)
    assert widget.image.layer.name == "cells"

    widget.panel.run_button.native.click()
    worker = widget.panel.task.worker
    with qtbot.waitSignal(worker.finished):
        pass
    qtbot.waitUntil(lambda: not widget.panel.is_running)
    labels = viewer.layers["cells nuclei"]
    assert labels.data.max() == 2
    np.testing.assert_array_equal(labels.scale, cells.scale)

    n_calls = engine.n_calls  # more than one: the network is in doubt
    widget.threshold.value = 0.2
    qtbot.waitUntil(lambda: labels.data.max() == 3)
    assert engine.n_calls == n_calls

    # napari remembers every worker; the maps must not live on through one.
    maps = weakref.ref(widget._runs.get((cells.unique_id, None)).image_maps)
    widget.panel.run_button.native.click()
    qtbot.waitUntil(lambda: not widget.panel.is_running)
    gc.collect()
    assert maps() is None

    cells.name = "renamed"
    assert widget.image.current_choice == "renamed"


def test_a_stack_ends_well_though_the_window_is_busy(
    make_napari_viewer: Callable[..., Any],
    open_widget: Callable[[Any, str], Any],
    qtbot: QtBot,
    image: NDArray[np.uint8],
    make_model: Callable[..., Path],
    engine: Any,
) -> None:
    make_model("tiny")
    viewer = make_napari_viewer()
    viewer.add_image(np.stack([image] * 600), name="cells")
    widget = open_widget(viewer, "Segment nuclei")
    n_blocks = 0

    def keep_busy() -> None:
        nonlocal n_blocks
        n_blocks += 1
        time.sleep(1.5 if n_blocks == 20 else 0.03)

    timer = QTimer()
    timer.timeout.connect(keep_busy)
    timer.start(10)
    said: list[str] = []
    say = widget.panel.say

    def note(text: str, *details: Any) -> None:
        said.append(text)
        say(text, *details)

    widget.panel.say = note
    widget.panel.run_button.native.click()
    qtbot.waitUntil(lambda: not widget.panel.is_running, timeout=120_000)
    qtbot.wait(200)
    timer.stop()
    assert n_blocks > 20
    assert len(said) == len(set(said))  # each is said once, and nothing after the end
    assert said[-1].startswith("1,200 nuclei in")
    assert widget.panel.status.value == said[-1]
    assert viewer.layers["cells nuclei"].data.max() == 1200
    bars = viewer.window._qt_window._activity_dialog
    assert not [
        bar for bar in bars.findChildren(QtLabeledProgressBar) if bar.isVisible()
    ]


@pytest.mark.parametrize("is_window", [False, True], ids=["widgets", "window"])
def test_closing_stops_both_tasks(
    make_napari_viewer: Callable[..., Any],
    open_widget: Callable[[Any, str], Any],
    qtbot: QtBot,
    image: NDArray[np.uint8],
    make_model: Callable[..., Path],
    user_folder: Path,
    engine: Any,
    fake_training: Callable[..., Callable[..., list[str]]],
    is_window: bool,
) -> None:
    make_model("tiny")
    viewer = make_napari_viewer()
    viewer.add_image(np.tile(image, (1, 50)))
    viewer.add_labels(ndimage.label(np.tile(image, (1, 50)))[0])
    segment = open_widget(viewer, "Segment nuclei")
    fine_tune = open_widget(viewer, "Fine-tune on labels")
    assert isinstance(fine_tune, FineTuneWidget)
    fine_tune.make_command = fake_training(STARTING, "WAIT")
    engine.may_go_on.clear()
    segment.panel.run_button.native.click()
    fine_tune.panel.run_button.native.click()
    qtbot.waitUntil(lambda: engine.n_calls == 1)
    qtbot.waitUntil(lambda: "Keras" in fine_tune.panel.status.value, timeout=30_000)
    child = int((user_folder / "my-nuclei.pid").read_text())
    workers = [widget.panel.task.worker for widget in (segment, fine_tune)]

    if is_window:
        viewer.close()
    else:
        for dock in viewer.window._qt_window.findChildren(QtViewerDockWidget):
            if dock.inner_widget() in (segment, fine_tune):
                dock.destroyOnClose()
    engine.may_go_on.set()
    qtbot.waitUntil(
        lambda: not any(worker.is_running for worker in workers), timeout=30_000
    )
    assert not psutil.pid_exists(child)
    assert engine.n_calls == 1


@pytest.mark.parametrize("answer", ["stay", "close"])
def test_closing_the_window_asks_while_a_model_is_trained(
    make_napari_viewer: Callable[..., Any],
    open_widget: Callable[[Any, str], Any],
    qtbot: QtBot,
    monkeypatch: pytest.MonkeyPatch,
    image: NDArray[np.uint8],
    make_model: Callable[..., Path],
    user_folder: Path,
    fake_training: Callable[..., Callable[..., list[str]]],
    answer: str,
) -> None:
    dialogs = pytest.importorskip("napari._qt.qt_main_window")
    make_model("tiny")
    viewer = make_napari_viewer()
    if not hasattr(viewer.window, "_task_status_manager"):
        pytest.skip("this napari does not know of tasks")
    asked: list[str] = []

    class Dialog:
        def __init__(self, *_: Any, extra_info: str = "", **__: Any) -> None:
            asked.append(extra_info)

        def exec_(self) -> int:
            code = QDialog.DialogCode
            return int((code.Accepted if answer == "close" else code.Rejected).value)

    monkeypatch.setattr(dialogs, "ConfirmCloseDialog", Dialog)
    viewer.add_image(image)
    viewer.add_labels(image)
    widget = open_widget(viewer, "Fine-tune on labels")
    widget.make_command = fake_training(STARTING, "WAIT")
    widget.panel.run_button.native.click()
    qtbot.waitUntil(lambda: "Keras" in widget.panel.status.value, timeout=30_000)
    child = int((user_folder / "my-nuclei.pid").read_text())
    worker = widget.panel.task.worker
    event = QCloseEvent()
    monkeypatch.setattr(QCloseEvent, "spontaneous", lambda _: True)  # the user's X
    viewer.window._qt_window.closeEvent(event)
    assert asked[0] == "napari-worker: Executing Fine-tuning tiny"
    if answer == "stay":
        assert not event.isAccepted()
        assert psutil.pid_exists(child)
        widget.panel.cancel()
    qtbot.waitUntil(lambda: not worker.is_running, timeout=30_000)
    qtbot.waitUntil(lambda: not psutil.pid_exists(child), timeout=30_000)


def test_the_task_manager_can_cancel(
    make_napari_viewer: Callable[..., Any],
    open_widget: Callable[[Any, str], Any],
    qtbot: QtBot,
    image: NDArray[np.uint8],
    make_model: Callable[..., Path],
    user_folder: Path,
    fake_training: Callable[..., Callable[..., list[str]]],
) -> None:
    make_model("tiny")
    viewer = make_napari_viewer()
    viewer.add_image(image)
    viewer.add_labels(image)
    widget = open_widget(viewer, "Fine-tune on labels")
    widget.make_command = fake_training(STARTING, "WAIT")
    widget.panel.run_button.native.click()
    qtbot.waitUntil(lambda: "Keras" in widget.panel.status.value, timeout=30_000)
    manager = viewer.window._task_status_manager
    assert any("Fine-tuning tiny" in text for text in manager.get_status())
    manager.cancel_all()
    qtbot.waitUntil(lambda: not widget.panel.is_running, timeout=30_000)
    child = int((user_folder / "my-nuclei.pid").read_text())
    assert not psutil.pid_exists(child)
    assert widget.panel.run_button.enabled
    assert not manager.is_busy()
