"""Corrections that a killed process had not saved are offered again."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
import weakref
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import tifffile
from qtpy.QtCore import QObject
from qtpy.QtWidgets import QApplication

from napari_unet_nuclei.core.files import correction_journal
from napari_unet_nuclei.core.files.correction_journal import (
    JournalNote,
    journal_path,
    read_labels,
    read_note,
    write_journal,
)
from napari_unet_nuclei.core.instances.maps import SplittingParameters
from napari_unet_nuclei.core.settings.segmentation import SegmentationSettings
from napari_unet_nuclei.plugin.correct import journal as journal_module
from napari_unet_nuclei.plugin.correct.tools import Tool
from napari_unet_nuclei.plugin.files import saving
from napari_unet_nuclei.plugin.shared import journals as journals_module
from napari_unet_nuclei.plugin.shared import workers
from napari_unet_nuclei.plugin.shared.result_maps import ResultMaps, remember_maps

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray
    from pytestqt.qtbot import QtBot

    from plugin.correct.conftest import Table

CHILD = """
import sys
from pathlib import Path
import numpy as np, tifffile
from napari.components import ViewerModel
from qtpy.QtWidgets import QApplication
app = QApplication([])
from napari_unet_nuclei.core.files import correction_journal
correction_journal.journal_folder = lambda: Path(sys.argv[1])
from napari_unet_nuclei.plugin.correct.widget import CorrectWidget
from napari_unet_nuclei.plugin.correct.pointer import Drawn
from napari.plugins import _initialize_plugins
_initialize_plugins()
viewer = ViewerModel()
viewer.open(sys.argv[2], plugin="napari")
layer = viewer.add_labels(np.load(sys.argv[3]), name="nuclei")
widget = CorrectWidget(viewer)
widget.tools.buttons["delete"].click()
widget._take_drawn(Drawn(positions=[(20, 12)], is_click=True))
widget._take_drawn(Drawn(positions=[(45, 20)], is_click=True))
print(widget.status.value, flush=True)
app.exec()
"""


@pytest.fixture(autouse=True)
def folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Return where journals are kept in this test."""
    own = tmp_path / "own"
    monkeypatch.setattr(correction_journal, "journal_folder", lambda: own)
    monkeypatch.setattr(journals_module, "_QUIET_MS", 1)
    return own


@pytest.fixture
def image_path(tmp_path: Path) -> Path:
    path = tmp_path / "cells.tif"
    tifffile.imwrite(path, np.zeros((64, 96), np.uint8))
    return path


@pytest.fixture
def labels(discs: Callable[..., NDArray[np.int32]]) -> NDArray[np.int32]:
    return discs((20, 15, 8), (20, 30, 8), (45, 20, 9))


@pytest.fixture
def reopen(
    make_napari_viewer: Callable[[], Any],
    open_widget: Callable[[Any, str], Any],
    table_of: Callable[..., Table],
    image_path: Path,
    labels: NDArray[np.int32],
) -> Callable[[], Table]:
    """Return what opens the image with a result, and the widget."""

    def open_again() -> Table:
        viewer = make_napari_viewer()
        viewer.open(str(image_path), plugin="napari")
        layer = viewer.add_labels(labels.copy(), name="nuclei")
        return table_of(viewer, open_widget(viewer, "Correct nuclei"), layer)

    return open_again


@pytest.fixture
def killed(
    tmp_path: Path, folder: Path, image_path: Path, labels: NDArray[np.int32]
) -> Path:
    """Return the journal of a process that was killed after two corrections."""
    np.save(tmp_path / "labels.npy", labels)
    arguments = [str(folder), str(image_path), str(tmp_path / "labels.npy")]
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, *arguments],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "QT_QPA_PLATFORM": "offscreen"},
    )
    with child:
        try:
            assert child.stdout is not None
            assert child.stdout.readline() == "Deleted 3.\n"
            end = time.monotonic() + 60
            while (path := finished_journal(folder)) is None:
                assert time.monotonic() < end
                with pytest.raises(subprocess.TimeoutExpired):  # it goes on
                    child.wait(0.05)
        finally:
            child.kill()
    return path


def finished_journal(folder: Path) -> Path | None:
    """Return the journal once both corrections are in it.

    Before, it may be a temporary file, or that of the first one alone.
    """
    for path in folder.glob("[!.]*.npz"):
        note = read_note(path)
        if note is not None and note.n_corrections == 2:
            return path
    return None


def row_of(table: Table) -> Any:
    return table.widget.unsaved


def is_idle(table: Table) -> bool:
    """Whether nothing is being written or read."""
    journal = row_of(table).journal
    return journal._task is None and journal._journals.is_idle


def restore(table: Table, qtbot: QtBot) -> None:
    row_of(table).restore_button.native.click()
    qtbot.waitUntil(lambda: is_idle(table))


def test_corrections_of_a_killed_process_are_restored(
    killed: Path, reopen: Callable[[], Table], labels: NDArray[np.int32], qtbot: QtBot
) -> None:
    table = reopen()
    row = row_of(table)
    assert not row.isHidden()
    assert row.line.value.startswith("2 corrections of ")
    assert row.line.value.endswith(" were not saved.")
    restore(table, qtbot)
    assert row.isHidden()
    expected = np.where((labels == 1) | (labels == 3), 0, labels)
    np.testing.assert_array_equal(table.layer.data, expected)
    assert table.status.startswith("Restored 2 corrections")
    table.layer.undo()
    np.testing.assert_array_equal(table.layer.data, labels)


def test_corrections_of_a_killed_process_are_discarded(
    killed: Path, reopen: Callable[[], Table], labels: NDArray[np.int32]
) -> None:
    table = reopen()
    row_of(table).discard_button.native.click()
    assert row_of(table).isHidden()
    assert not killed.exists()
    np.testing.assert_array_equal(table.layer.data, labels)


def test_another_image_is_offered_nothing(
    killed: Path, reopen: Callable[[], Table], image_path: Path
) -> None:
    tifffile.imwrite(image_path, np.ones((64, 96), np.uint8))
    assert row_of(reopen()).isHidden()
    assert killed.exists()


def test_nobody_is_offered_their_own_corrections_and_saving_ends_them(
    reopen: Callable[[], Table], folder: Path, tmp_path: Path, qtbot: QtBot
) -> None:
    table = reopen()
    table.take(Tool.DELETE)
    table.draw((20, 12))
    qtbot.waitUntil(lambda: len(list(folder.glob("[!.]*.npz"))) == 1)
    qtbot.waitUntil(lambda: is_idle(table))
    table.viewer.layers.selection.active = table.viewer.layers[0]
    table.viewer.layers.selection.active = table.layer
    assert row_of(table).isHidden()
    saving.save(table.layer, str(tmp_path / "cells_masks.tif"))
    assert not list(folder.glob("[!.]*.npz"))


def test_what_was_painted_is_kept_too_and_a_broken_file_is_no_offer(
    reopen: Callable[[], Table], folder: Path, qtbot: QtBot
) -> None:
    table = reopen()
    table.layer.paint((5, 60), 9)
    qtbot.waitUntil(lambda: len(list(folder.glob("[!.]*.npz"))) == 1)
    (path,) = folder.glob("[!.]*.npz")
    assert path == journal_path("x").with_name(path.name)
    qtbot.waitUntil(lambda: is_idle(table))
    path.write_bytes(b"broken")
    table.viewer.layers.selection.active = table.viewer.layers[0]
    table.viewer.layers.selection.active = table.layer
    assert row_of(table).isHidden()


def kept_of(folder: Path) -> tuple[JournalNote | None, Any] | None:
    """Return what is kept in the only file, if there is one."""
    paths = list(folder.glob("[!.]*.npz"))
    return (read_note(paths[0]), read_labels(paths[0])) if len(paths) == 1 else None


def test_undo_and_redo_are_kept_too(
    reopen: Callable[[], Table],
    folder: Path,
    labels: NDArray[np.int32],
    qtbot: QtBot,
) -> None:
    table = reopen()
    table.take(Tool.DELETE)
    table.draw((20, 12))
    once = table.layer.data.copy()
    table.draw((45, 20))

    def is_kept(n_corrections: int, expected: NDArray[np.int32]) -> bool:
        kept = kept_of(folder)
        if kept is None or kept[0] is None or kept[1] is None:
            return False
        is_same = np.array_equal(kept[1], expected)
        return is_same and kept[0].n_corrections == n_corrections

    qtbot.waitUntil(lambda: is_kept(2, table.layer.data))
    table.layer.undo()
    qtbot.waitUntil(lambda: is_kept(1, once))
    table.layer.redo()
    qtbot.waitUntil(lambda: is_kept(2, table.layer.data))
    table.layer.undo()
    table.layer.undo()
    qtbot.waitUntil(lambda: not list(folder.glob("[!.]*.npz")))
    table.layer.paint((5, 60), 9)
    qtbot.waitUntil(lambda: is_kept(1, table.layer.data))


def test_corrections_that_are_offered_outlive_new_ones(
    killed: Path, reopen: Callable[[], Table], folder: Path, qtbot: QtBot
) -> None:
    table = reopen()
    table.layer.paint((5, 60), 9)
    qtbot.waitUntil(lambda: len(list(folder.glob("[!.]*.npz"))) == 2)
    assert not row_of(table).isHidden()
    restore(table, qtbot)
    assert table.layer.data[20, 12] == 0
    qtbot.waitUntil(lambda: not killed.exists())
    kept = kept_of(folder)
    assert kept is not None
    np.testing.assert_array_equal(kept[1], table.layer.data)


def test_two_layers_of_an_image_do_not_replace_each_other(
    reopen: Callable[[], Table], folder: Path, qtbot: QtBot
) -> None:
    table = reopen()
    table.layer.paint((5, 60), 9)
    other = table.viewer.add_labels(np.zeros((64, 96), np.int32), name="truth")
    other.paint((5, 60), 7)
    qtbot.waitUntil(lambda: len(list(folder.glob("[!.]*.npz"))) == 2)
    qtbot.waitUntil(lambda: is_idle(table))
    kept = {
        note.layer: labels[5, 60]
        for path in folder.glob("[!.]*.npz")
        if (note := read_note(path)) and (labels := read_labels(path)) is not None
    }
    assert kept == {"nuclei": 9, "truth": 7}


def test_what_the_layer_cannot_hold_is_not_restored(
    killed: Path, reopen: Callable[[], Table], qtbot: QtBot
) -> None:
    table = reopen()
    note = read_note(killed)
    assert note is not None
    write_journal(killed, np.full((64, 96), 300, np.int32), note)
    small = table.viewer.add_labels(np.zeros((64, 96), np.uint8), name="small")
    restore(table, qtbot)
    assert table.status.startswith("“small” holds no more than 255 nuclei")
    assert not small.data.any()
    assert killed.exists()


def test_closing_the_window_keeps_what_was_just_corrected(
    reopen: Callable[[], Table],
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    qtbot: QtBot,
) -> None:
    monkeypatch.setattr(journals_module, "_QUIET_MS", 60_000)
    table = reopen()
    table.layer.paint((5, 60), 9)
    assert not list(folder.glob("[!.]*.npz"))
    with qtbot.waitSignal(table.viewer.window._qt_window.destroyed):
        table.viewer.close()
    kept = kept_of(folder)
    assert kept is not None
    np.testing.assert_array_equal(kept[1], table.layer.data)


def test_a_folder_that_cannot_be_written_is_said_once(
    reopen: Callable[[], Table],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    qtbot: QtBot,
) -> None:
    said: list[str] = []
    monkeypatch.setattr(workers, "show_error", said.append)
    (tmp_path / "file").write_text("no folder")
    blocked = tmp_path / "file" / "corrections"
    monkeypatch.setattr(correction_journal, "journal_folder", lambda: blocked)
    table = reopen()
    for column in (60, 70, 80):
        table.layer.paint((5, column), 9)
        qtbot.waitUntil(lambda: is_idle(table))
    (message,) = said
    assert message.startswith("Corrections are not kept in case napari ends before")


def test_it_goes_on_once_the_widget_is_closed(
    reopen: Callable[[], Table], folder: Path, qtbot: QtBot
) -> None:
    table = reopen()
    widget = table.widget.native
    with qtbot.waitSignal(widget.destroyed):
        table.viewer.window.remove_dock_widget(widget)
        widget.deleteLater()
    table.layer.paint((5, 60), 9)
    qtbot.waitUntil(lambda: kept_of(folder) is not None)
    kept = kept_of(folder)
    assert kept is not None
    np.testing.assert_array_equal(kept[1], table.layer.data)


def test_a_result_is_kept_though_the_widget_was_never_open(
    make_napari_viewer: Callable[[], Any],
    image_path: Path,
    labels: NDArray[np.int32],
    folder: Path,
    qtbot: QtBot,
) -> None:
    """Painted with napari's own brush; labels of other origin are not."""
    viewer = make_napari_viewer()
    viewer.open(str(image_path), plugin="napari")
    journals = journals_module.journals_of(viewer, viewer.window._qt_window)
    assert journals_module.journals_of(viewer, QObject()) is journals
    other = viewer.add_labels(labels.copy(), name="other")
    other.paint((5, 60), 9)
    assert journals.is_idle
    layer = viewer.add_labels(labels.copy(), name="result")
    remember_maps(
        layer,
        ResultMaps(
            maps=(),
            splitting=SplittingParameters(),
            settings=SegmentationSettings(),
            axes="YX",
            leading_shape=(),
            image_ref=weakref.ref(viewer.layers[0]),
        ),
    )
    layer.paint((5, 60), 9)
    qtbot.waitUntil(lambda: kept_of(folder) is not None)
    kept = kept_of(folder)
    assert kept is not None
    assert kept[0] is not None
    assert kept[0].layer == "result"
    qtbot.waitUntil(lambda: journals.is_idle)


def test_labels_are_restored_in_the_background(
    killed: Path, reopen: Callable[[], Table], monkeypatch: pytest.MonkeyPatch
) -> None:
    threads: list[str] = []

    def read_in(path: Path) -> Any:
        threads.append(threading.current_thread().name)
        return read_labels(path)

    monkeypatch.setattr(journal_module, "read_labels", read_in)
    table = reopen()
    row_of(table).restore_button.native.click()
    assert table.status == "Restoring …"
    end = time.monotonic() + 30
    while not is_idle(table):
        assert time.monotonic() < end
        QApplication.processEvents()
    assert threads
    assert threads[0] != threading.main_thread().name
