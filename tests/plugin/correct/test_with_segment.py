"""Corrections of a result: its maps, its table, and the sliders that come after."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from scipy import ndimage

from napari_unet_nuclei.core.instances.measurements import measure_nuclei
from napari_unet_nuclei.core.segmentation import plausibility
from napari_unet_nuclei.core.segmentation.scale_policy import ScalePolicy
from napari_unet_nuclei.plugin.correct import doubt_queue
from napari_unet_nuclei.plugin.correct.tools import Tool
from napari_unet_nuclei.plugin.shared.locked_nuclei import locked_ids

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray
    from pytestqt.qtbot import QtBot

    from conftest import BrightnessEngine
    from plugin.correct.conftest import Table


class Loop:
    """Napari with both widgets and a result."""

    def __init__(self, table: Table, segment: Any, qtbot: QtBot) -> None:
        self.table = table
        self.segment = segment
        self._qtbot = qtbot

    def run(self) -> None:
        self.segment.panel.run_button.native.click()
        self.wait()

    def move_slider(self, threshold: float) -> None:
        self.segment.threshold.value = threshold
        self.wait()

    def wait(self) -> None:
        """Wait for runs, sliders, and edits that are measured in the background."""
        self._qtbot.waitUntil(lambda: self.is_settled, timeout=30_000)
        self._qtbot.wait(50)
        self._qtbot.waitUntil(lambda: self.is_settled, timeout=30_000)

    @property
    def is_settled(self) -> bool:
        """Whether nothing that was asked for is still to be shown."""
        segment = self.segment
        return (
            not segment.panel.is_running
            and segment._splitting.is_idle
            and all(
                table._task is None and not table._dirty and table.waiting is None
                for table in segment._layers.tables
            )
        )

    def assert_table_follows(self, image: NDArray[np.uint8]) -> None:
        layer = self.table.layer
        self.wait()
        expected = measure_nuclei(layer.data, image, image / 255)
        rows = layer.features[layer.features["area"].notna()]
        assert rows.get("index", rows.index).tolist() == expected["label"].tolist()
        np.testing.assert_array_equal(rows["area"], expected["area"])
        np.testing.assert_allclose(rows["centroid_x"], expected["centroid_x"])


@pytest.fixture
def picture() -> NDArray[np.uint8]:
    """Return two bright nuclei that touch, a single one and a dim one."""
    y, x = np.ogrid[:96, :128]
    pixels = np.zeros((96, 128))
    for row, column, brightness in (
        *((30, 30, 230), (30, 47, 230)),
        *((70, 40, 220), (65, 95, 70)),
    ):
        pixels[(y - row) ** 2 + (x - column) ** 2 < 100] = brightness
    return ndimage.gaussian_filter(pixels, 1).astype(np.uint8)


@pytest.fixture
def loop(
    make_napari_viewer: Callable[[], Any],
    open_widget: Callable[[Any, str], Any],
    make_model: Callable[..., Path],
    engine: BrightnessEngine,
    picture: NDArray[np.uint8],
    qtbot: QtBot,
    monkeypatch: pytest.MonkeyPatch,
    table_of: Callable[..., Table],
) -> Loop:
    """Return napari after a run, with the widget that corrects it."""
    monkeypatch.setattr(plausibility, "find_doubts", lambda *_, **__: ())
    monkeypatch.setattr(ScalePolicy, "needs_coarse_pass", lambda *_: False)
    make_model("tiny", threshold=0.45)
    viewer = make_napari_viewer()
    viewer.add_image(picture, name="cells", scale=(0.5, 0.5))
    segment = open_widget(viewer, "Segment nuclei")
    correct = open_widget(viewer, "Correct nuclei")
    segment.panel.run_button.native.click()
    qtbot.waitUntil(lambda: not segment.panel.is_running, timeout=30_000)
    viewer.layers.selection.active = viewer.layers["cells nuclei"]
    table = table_of(viewer, correct, viewer.layers["cells nuclei"])
    return Loop(table, segment, qtbot)


def test_a_missed_nucleus_grows_from_the_maps_of_the_run(
    loop: Loop, picture: NDArray[np.uint8]
) -> None:
    table = loop.table
    table.take(Tool.ADD)
    assert table.layer.data[65, 95] == 0
    assert table.draw((66, 96)).startswith("Added ")
    grown = table.layer.data == table.layer.data[65, 95]
    assert 0.8 < grown.sum() / (np.pi * 100) < 1.2
    loop.assert_table_follows(picture)
    table.assert_undone_and_redone()
    loop.assert_table_follows(picture)


def test_corrections_outlive_sliders_and_runs_and_the_rest_moves(
    loop: Loop, picture: NDArray[np.uint8]
) -> None:
    table, layer = loop.table, loop.table.layer
    together = layer.data[30, 30]
    assert together == layer.data[30, 47]
    table.take(Tool.SPLIT)
    said = table.draw((10, 39), (50, 39))
    assert said.startswith(f"Split {together} into {together} and ")
    table.take(Tool.DELETE)
    table.draw((70, 40))
    loop.assert_table_follows(picture)
    corrected = layer.data.copy()
    halves = {int(corrected[30, 30]), int(corrected[30, 47])}
    assert locked_ids(layer.metadata) == halves
    assert "2 nuclei are locked" in table.widget.locked.label.text()
    for threshold in (0.15, 0.6):
        loop.move_slider(threshold)
        assert table.widget.mode.tool is Tool.DELETE
        assert len(table.viewer.layers) == 2
        for number in halves:
            np.testing.assert_array_equal(layer.data == number, corrected == number)
        assert layer.data[70, 40] == 0
        assert (layer.data[65, 95] > 0) == (threshold == 0.15)
        loop.assert_table_follows(picture)
    loop.run()
    assert layer.data[30, 30] != layer.data[30, 47]
    assert "2 nuclei are locked" in table.widget.locked.label.text()
    table.widget.locked.unlock_button.native.click()
    assert locked_ids(layer.metadata) == set()
    loop.move_slider(0.5)
    assert layer.data[30, 30] == layer.data[30, 47]
    assert layer.data[70, 40] > 0


def test_an_undone_correction_is_not_locked(loop: Loop) -> None:
    table = loop.table
    table.take(Tool.DELETE)
    table.draw((70, 40))
    table.layer.undo()
    loop.move_slider(0.6)
    assert table.layer.data[70, 40] > 0
    assert locked_ids(table.layer.metadata) == set()
    assert table.widget.locked.isHidden()


def test_undo_reaches_back_past_a_slider(
    loop: Loop, picture: NDArray[np.uint8]
) -> None:
    table, layer = loop.table, loop.table.layer
    together, single = (int(layer.data[place]) for place in ((30, 30), (70, 40)))
    before = layer.data.copy()
    table.take(Tool.DELETE)
    table.draw((70, 40))
    table.take(Tool.SPLIT)
    table.draw((10, 39), (50, 39))
    layer.brush_size = 5
    layer.paint((85, 110), 77)
    for threshold in (0.15, 0.6, 0.3):
        loop.move_slider(threshold)
    found = int(layer.data[65, 95])
    assert found > 0
    moved = layer.data == found
    layer.undo()
    assert not (layer.data == 77).any()
    layer.undo()
    np.testing.assert_array_equal(layer.data == together, before == together)
    assert layer.data[70, 40] == 0
    layer.undo()
    number = int(layer.data[70, 40])
    np.testing.assert_array_equal(layer.data == number, before == single)
    np.testing.assert_array_equal(layer.data == found, moved)  # as the slider left it
    loop.assert_table_follows(picture)
    layer.redo()
    assert layer.data[70, 40] == 0
    layer.undo()
    loop.move_slider(0.6)  # what came back is locked
    number = int(layer.data[70, 40])
    np.testing.assert_array_equal(layer.data == number, before == single)
    loop.assert_table_follows(picture)


def test_what_a_slider_has_changed_cannot_be_undone(loop: Loop) -> None:
    table, layer = loop.table, loop.table.layer
    table.take(Tool.DELETE)
    table.draw((70, 40))
    table.widget.locked.unlock_button.native.click()
    loop.move_slider(0.6)
    after = layer.data.copy()
    assert after[70, 40] > 0
    layer.undo()
    np.testing.assert_array_equal(layer.data, after)
    table.draw((70, 40))
    layer.undo()
    loop.move_slider(0.5)
    after = layer.data.copy()
    layer.redo()
    np.testing.assert_array_equal(layer.data, after)


def test_what_was_painted_with_the_brush_is_locked_too(loop: Loop) -> None:
    layer = loop.table.layer
    layer.brush_size = 5
    layer.paint((80, 110), 77)
    painted = layer.data == 77
    loop.move_slider(0.6)
    np.testing.assert_array_equal(layer.data == 77, painted)
    assert locked_ids(layer.metadata) == {77}


def test_an_accepted_nucleus_outlives_sliders_until_that_is_taken_back(
    loop: Loop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doubt_queue, "LEAST_DOUBT", 0.0)
    table, doubts = loop.table, loop.table.widget.doubts
    tour, layer = doubts.tour, table.layer

    def settle() -> None:
        loop.wait()
        loop._qtbot.waitUntil(lambda: tour._task is None and not tour._timer.isActive())

    doubts.next_button.native.click()
    settle()
    while doubts.proposal is not None and not doubts.proposal.number:
        doubts.next_button.native.click()  # a spot
        settle()
    assert doubts.proposal is not None
    number = doubts.proposal.number
    accepted = layer.data == number
    doubts.accept_button.native.click()
    settle()
    for threshold in (0.15, 0.6):
        loop.move_slider(threshold)
        settle()
        np.testing.assert_array_equal(layer.data == number, accepted)
        assert locked_ids(layer.metadata) == {number}
        assert number not in [each.number for each in tour._left()]
    while tour.last_answer() is not None:
        doubts.back_button.native.click()
        settle()
    assert locked_ids(layer.metadata) == set()
    loop.move_slider(0.5)
    assert (layer.data > 0)[accepted].sum() < accepted.sum()


def test_what_was_deleted_is_not_proposed_as_missed(loop: Loop) -> None:
    table, doubts = loop.table, loop.table.widget.doubts
    tour = doubts.tour

    def is_proposed() -> bool:
        """Whether a nucleus may have been missed where one was deleted."""
        doubts.next_button.native.click()
        loop._qtbot.waitUntil(lambda: tour._task is None and not tour._timer.isActive())
        places = [each.place for each in tour._left() if each.place]
        return any(np.hypot(y - 70, x - 40) < 10 for y, x in places)

    table.take(Tool.DELETE)
    table.draw((70, 40))
    loop.wait()
    assert not is_proposed()
    table.widget.locked.unlock_button.native.click()
    assert is_proposed()


def test_a_missed_nucleus_is_proposed_and_added(loop: Loop) -> None:
    table, doubts = loop.table, loop.table.widget.doubts
    before = table.layer.data.copy()
    doubts.next_button.native.click()
    for _ in range(9):
        loop._qtbot.waitUntil(lambda: doubts.tour._task is None)
        if doubts.proposal is None or not doubts.proposal.number:
            break
        doubts.next_button.native.click()
    assert doubts.delete_button.text == "Add it"
    assert table.status.startswith("A nucleus that was missed?")
    doubts.delete_button.native.click()
    loop._qtbot.waitUntil(lambda: doubts.tour._task is None)
    grown = (table.layer.data > 0) & (before == 0)
    assert 0.8 < grown.sum() / (np.pi * 100) < 1.2
    assert grown[65, 95]
    table.layer.undo()
    np.testing.assert_array_equal(table.layer.data, before)
