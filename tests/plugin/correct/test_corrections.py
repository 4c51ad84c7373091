"""Each tool on the canvas: what it does, what it says, and one undo."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from napari_unet_nuclei.plugin.correct.tools import Tool

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from plugin.correct.conftest import Table


def numbers(table: Table) -> list[int]:
    found: list[int] = np.unique(table.layer.data).tolist()
    return found[1:]


def test_a_click_deletes_a_nucleus_and_a_box_several(table: Table) -> None:
    table.take(Tool.DELETE)
    assert table.draw((20, 12)) == "Deleted 1."
    assert numbers(table) == [2, 3, 4]
    table.assert_undone_and_redone()
    assert table.draw((5, 2), (30, 40), (58, 40)) == "Deleted 3 nuclei."
    assert numbers(table) == [4]
    table.assert_undone_and_redone()
    assert table.draw((2, 2), (3, 3)) == "No nucleus lies in the box."
    assert table.draw((2, 2)) == "There is no nucleus under the mouse."
    np.testing.assert_array_equal(table.layer.data, table.before)


def test_an_undone_correction_is_not_what_the_status_says(table: Table) -> None:
    table.take(Tool.DELETE)
    table.draw((20, 12))
    table.layer.undo()
    assert table.status == "Undone."
    table.layer.redo()
    assert table.status == "Redone."
    assert table.draw((45, 20)) == "Deleted 3."
    table.layer.undo()
    assert table.status == "Undone."


def test_a_stroke_merges_and_so_do_two_clicks(table: Table) -> None:
    table.take(Tool.MERGE)
    assert table.draw((20, 35), (20, 12)) == "Merged 2 and 1 into 2."
    assert numbers(table) == [2, 3, 4]
    table.assert_undone_and_redone()
    assert table.draw((20, 12)) == "Merge 1 with which one? Click it."
    assert table.draw((20, 33)) == "Merged 1 and 2 into 1."
    table.assert_undone_and_redone()
    assert "do not touch" in table.draw((20, 12), (45, 80))
    assert table.draw((20, 15), (20, 12)).startswith("Two nuclei are needed")


def test_a_stroke_splits_and_so_do_two_clicks(table: Table) -> None:
    table.take(Tool.SPLIT)
    assert table.draw((30, 67), (60, 67)) == "Split 4 into 4 and 5."
    assert table.layer.data[45, 55] != table.layer.data[45, 80]
    table.assert_undone_and_redone()
    assert table.draw((45, 58)) == "Split 4: now click into its other half."
    assert table.draw((45, 77)) == "Split 4 into 4 and 5."
    table.assert_undone_and_redone()
    table.draw((45, 58))
    assert table.draw((20, 12)) == "Split 1: now click into its other half."
    assert table.draw((1, 1), (1, 9)).startswith("The stroke crosses no nucleus")


def test_a_nucleus_is_drawn_where_there_are_no_maps(table: Table) -> None:
    table.take(Tool.ADD)
    assert "there are none for this layer: draw around" in table.draw((20, 60))
    outline = (10, 55), (10, 75), (30, 75), (30, 55)
    assert table.draw(*outline) == "Added 5."
    assert table.layer.data[20, 65] == 5
    table.assert_undone_and_redone()


def test_a_nucleus_is_smoothed(
    open_table: Callable[..., Table], discs: Callable[..., NDArray[np.int32]]
) -> None:
    labels = discs((30, 40, 15))
    labels[30, 38:42] = 0
    labels[30, 20:26] = 1
    table = open_table(labels)
    table.take(Tool.SMOOTH)
    assert table.draw((25, 40)) == "Smoothed 1."
    assert table.layer.data[30, 40] == 1
    assert table.layer.data[30, 20] == 0
    table.assert_undone_and_redone()
    assert table.draw((10, 40), (50, 40)) == "Smoothed 1."
    assert table.draw((2, 2), (2, 9)) == "The stroke crosses no nucleus."


def test_smoothing_what_is_smooth_leaves_no_entry_to_undo(table: Table) -> None:
    table.take(Tool.SMOOTH)
    for _ in range(9):
        if table.draw((45, 20)) == "Nothing to change there.":
            break
    else:
        pytest.fail("it changes each time")


@pytest.mark.parametrize("contour", [0, 2])
def test_the_canvas_shows_what_the_layer_holds(table: Table, contour: int) -> None:
    layer = table.layer
    layer.contour = contour
    table.take(Tool.DELETE)
    table.draw((20, 12))
    shown = layer._slice.image.view.copy()
    layer.refresh()
    np.testing.assert_array_equal(shown, layer._slice.image.view)


def test_the_right_button_and_an_escaped_stroke_change_nothing(table: Table) -> None:
    table.take(Tool.DELETE)
    table.draw((20, 12), button=2)
    pointer = table.widget.mode._pointer
    on_drawn, pointer._on_drawn = pointer._on_drawn, lambda _: pytest.fail("drawn")
    drag = pointer.follow(
        table.layer, event := type("E", (), {"type": "mouse_press", "button": 1})()
    )
    event.pos, event.position, event.dims_displayed = (9, 9), (9, 9), (0, 1)
    next(drag)
    pointer.drop()
    event.type = "mouse_release"
    next(drag, None)
    pointer._on_drawn = on_drawn
    np.testing.assert_array_equal(table.layer.data, table.before)
