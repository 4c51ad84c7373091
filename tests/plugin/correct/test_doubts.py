"""*Next doubtful*: proposals, answers, taking them back, and what follows of edits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from napari_unet_nuclei.plugin.correct.doubt_panel import NOTHING_LEFT
from napari_unet_nuclei.plugin.correct.tools import Tool
from napari_unet_nuclei.plugin.shared.locked_nuclei import locked_ids

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray
    from pytestqt.qtbot import QtBot

    from napari_unet_nuclei.plugin.correct.doubt_panel import DoubtPanel
    from plugin.correct.conftest import Table

PAIR, FIRST, SECOND = 4, 6, 7


def draw_plane() -> NDArray[np.int32]:
    """Four good nuclei, one that is two, and one that was cut in two."""
    y, x = np.ogrid[:120, :160]
    labels = np.zeros((120, 160), np.int32)

    def paint(number: int, row: int, column: int) -> None:
        labels[(y - row) ** 2 + (x - column) ** 2 <= 81] = number

    for number, column in zip((1, 2, 3, 5), (20, 55, 90, 130), strict=True):
        paint(number, 20, column)
    paint(PAIR, 60, 30)
    paint(PAIR, 60, 46)
    paint(FIRST, 60, 110)
    labels[:, 110:][labels[:, 110:] == FIRST] = SECOND
    return labels


class Tour:
    """The panel, and what a user does with it."""

    def __init__(self, table: Table, qtbot: QtBot) -> None:
        self.table = table
        self.panel: DoubtPanel = table.widget.doubts
        self._qtbot = qtbot

    def wait(self) -> None:
        """Wait until nothing is measured, nor soon will be."""
        tour = self.panel.tour
        self._qtbot.waitUntil(
            lambda: tour._task is None and not tour._timer.isActive(), timeout=10_000
        )

    def press(self, name: str) -> None:
        """Press a button."""
        getattr(self.panel, f"{name}_button").native.click()
        self.wait()

    @property
    def number(self) -> int | None:
        """What is proposed."""
        return None if self.panel.proposal is None else self.panel.proposal.number

    @property
    def said(self) -> str:
        """What the panel asks or says."""
        return self.table.status

    @property
    def tally(self) -> str:
        """How much is left."""
        return self.panel.tour.describe()


@pytest.fixture
def open_tour(
    open_table: Callable[..., Table], qtbot: QtBot
) -> Callable[[NDArray[Any]], Tour]:
    """Return what opens napari with labels and the widget."""
    return lambda labels: Tour(open_table(labels), qtbot)


@pytest.fixture
def tour(open_tour: Callable[[NDArray[Any]], Tour]) -> Tour:
    """Return a tour of one plane, of which nothing is known yet."""
    return open_tour(draw_plane())


def test_nothing_is_asked_before_the_first_press(tour: Tour) -> None:
    assert tour.number is None
    assert tour.tally == ""
    assert not tour.panel.accept_button.visible
    assert not tour.panel.back_button.enabled


def test_the_most_doubtful_comes_first_with_reasons_and_in_sight(tour: Tour) -> None:
    camera = getattr(tour.table.viewer, "scene", tour.table.viewer).camera
    tour.press("next")
    assert tour.number == FIRST
    assert tour.said.startswith(f"Nucleus {FIRST}. Only a part of a nucleus?")
    assert tour.said.endswith("3 left.")
    assert camera.center[-2:] == pytest.approx((60, 105), abs=1)
    assert tour.table.layer.selected_label == FIRST
    frame = tour.panel._view.frame
    assert frame is not None
    assert frame.isVisibleTo(frame.parentWidget())
    rectangle = frame.rectangle()
    assert rectangle is not None
    middle = rectangle.center()
    assert (middle.x(), middle.y()) == pytest.approx(
        (frame.width() / 2, frame.height() / 2), abs=1
    )
    assert rectangle.height() >= 19 * camera.zoom


def test_what_is_accepted_is_locked_and_never_proposed_again(tour: Tour) -> None:
    tour.press("next")
    tour.press("accept")
    assert locked_ids(tour.table.layer.metadata) == {FIRST}
    assert tour.number == SECOND
    assert tour.tally == "2 left, 1 done."
    tour.press("accept")
    assert tour.number == PAIR
    tour.press("accept")
    assert tour.said.startswith(NOTHING_LEFT)
    assert tour.tally == "0 left, 3 done."
    tour.press("next")
    assert tour.number is None
    assert tour.said.startswith(NOTHING_LEFT)


def test_what_is_deleted_is_one_step_of_undo(tour: Tour) -> None:
    tour.press("next")
    tour.press("delete")
    assert not (tour.table.layer.data == FIRST).any()
    assert "1 done" in tour.tally
    tour.table.assert_undone_and_redone()
    tour.wait()
    assert tour.tally == "3 left."


@pytest.mark.parametrize("answer", ["accept", "delete", "next"])
def test_each_answer_can_be_taken_back(tour: Tour, answer: str) -> None:
    tour.press("next")
    tour.press(answer)
    assert tour.number != FIRST
    tour.press("back")
    assert tour.number == FIRST
    assert tour.tally == "3 left."
    assert locked_ids(tour.table.layer.metadata) == set()
    np.testing.assert_array_equal(tour.table.layer.data, tour.table.before)
    assert not tour.panel.back_button.enabled


def test_what_is_skipped_waits_until_it_is_asked_back(tour: Tour) -> None:
    tour.press("next")
    assert tour.panel.next_button.text == "Skip"
    seen = [tour.number]
    for _ in range(2):
        tour.press("next")
        seen.append(tour.number)
    assert seen == [FIRST, SECOND, PAIR]
    tour.press("next")
    assert tour.said.startswith(NOTHING_LEFT)
    assert tour.tally == "0 left."


def test_a_correction_with_a_tool_renews_only_what_it_touches(tour: Tour) -> None:
    tour.press("next")
    before = tour.panel.tour.queue.nuclei()
    tour.table.take(Tool.MERGE)
    tour.table.draw((60, 105), (60, 115))
    tour.wait()
    after = tour.panel.tour.queue.nuclei()
    assert SECOND not in after
    assert after[FIRST].doubt < 0.1 < before[FIRST].doubt
    assert all(after[n] is before[n] for n in (1, 2, 3, PAIR, 5))
    assert tour.number is None
    assert tour.said == "Merged 6 and 7 into 6."
    assert tour.panel.next_button.text == "Next doubtful (1)"
    tour.press("next")
    assert tour.number == PAIR


def test_keys_do_what_buttons_do(tour: Tour) -> None:
    keys = {str(key): action for key, action in tour.table.layer.keymap.items()}
    for key, number, locked in (
        *(("N", FIRST, set()), ("Y", SECOND, {FIRST}), ("U", FIRST, set())),
        *(("N", SECOND, set()), ("Backspace", PAIR, set())),
    ):
        keys[key](tour.table.layer)
        tour.wait()
        assert tour.number == number
        assert locked_ids(tour.table.layer.metadata) == locked
    assert not (tour.table.layer.data == SECOND).any()


def test_the_table_says_what_is_doubtful(tour: Tour) -> None:
    tour.press("next")
    table = tour.table.layer.features
    row = table[table["index"] == PAIR].iloc[0]
    assert row["doubt"] > 0.1
    assert row["doubt_reason"].startswith("Two nuclei?")
    assert table["doubt"].notna().sum() == 7


def test_a_stack_is_walked_plane_by_plane(
    open_tour: Callable[[NDArray[Any]], Tour],
) -> None:
    plane = draw_plane()
    good = np.where(np.isin(plane, (1, 2, 3, 5)), plane, 0)
    second = np.where(plane == PAIR, 14, np.where(good > 0, good + 20, 0))
    stack = np.stack([good, second, np.where(good > 0, good + 40, 0)])
    tour = open_tour(stack)
    viewer = tour.table.viewer
    viewer.dims.set_current_step(0, 0)
    tour.press("next")
    assert viewer.dims.current_step[0] == 1
    assert tour.number == 14
    assert tour.tally == "1 left in this plane."
    tour.press("delete")
    assert tour.said.startswith(NOTHING_LEFT)
    viewer.dims.set_current_step(0, 0)
    tour.press("back")
    assert viewer.dims.current_step[0] == 1
    assert tour.number == 14
    np.testing.assert_array_equal(tour.table.layer.data, stack)


def test_another_layer_has_answers_of_its_own(tour: Tour) -> None:
    viewer, first = tour.table.viewer, tour.table.layer
    tour.press("next")
    tour.press("accept")
    viewer.add_labels(draw_plane(), name="others")
    assert tour.number is None
    assert tour.tally == ""
    tour.press("next")
    assert tour.number == FIRST
    viewer.layers.selection.active = first
    assert tour.tally == "2 left, 1 done."


def test_labels_that_cannot_be_corrected_say_why(tour: Tour) -> None:
    tour.table.layer.editable = False
    tour.press("next")
    assert "unlock it" in tour.said
