"""Which layers can be corrected: stacks, placed ones, and those that say why not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import dask.array as da
import numpy as np
import pytest

from napari_unet_nuclei.plugin.correct.tools import Tool

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from plugin.correct.conftest import Table


@pytest.fixture
def pair(discs: Callable[..., NDArray[np.int32]]) -> NDArray[np.int32]:
    """Return two nuclei that touch."""
    return discs((30, 30, 9), (30, 46, 9))


def test_only_the_shown_plane_of_a_stack_changes(
    open_table: Callable[..., Table], pair: NDArray[np.int32]
) -> None:
    stack = np.stack([pair + 10 * n * (pair > 0) for n in range(6)]).reshape(
        2, 3, 64, 96
    )
    table = open_table(stack, scale=(1, 3, 0.5, 0.5))
    table.viewer.dims.set_current_step((0, 1), (1, 2))
    table.take(Tool.MERGE)
    assert table.draw((30, 28), (30, 48), plane=(1, 2)) == "Merged 51 and 52 into 51."
    changed = np.argwhere(table.layer.data != table.before)
    assert (changed[:, :2] == (1, 2)).all()
    table.assert_undone_and_redone()
    table.take(Tool.SPLIT)
    said = table.draw((15, 30), (45, 30), plane=(1, 2))
    assert said == "Split 51 into 51 and 53."  # a number that no plane has
    table.assert_undone_and_redone()


def test_a_layer_that_is_scaled_moved_and_turned_is_corrected_under_the_mouse(
    open_table: Callable[..., Table], pair: NDArray[np.int32]
) -> None:
    table = open_table(pair, scale=(0.4, 0.3), translate=(20, -7), rotate=30)
    table.take(Tool.SPLIT)
    table.draw((10, 26), (50, 26))
    assert table.layer.data[30, 22] != table.layer.data[30, 30]
    table.assert_undone_and_redone()
    table.take(Tool.DELETE)
    assert table.draw((30, 44)) == "Deleted 2."


def test_a_transposed_view_is_corrected_under_the_mouse(
    open_table: Callable[..., Table], pair: NDArray[np.int32]
) -> None:
    table = open_table(pair)
    table.viewer.dims.order = (1, 0)
    table.take(Tool.DELETE)
    assert table.draw((30, 44)) == "Deleted 2."
    table.assert_undone_and_redone()


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int64])
def test_labels_of_any_type_are_corrected(
    open_table: Callable[..., Table], pair: NDArray[np.int32], dtype: Any
) -> None:
    table = open_table(pair.astype(dtype))
    table.take(Tool.SPLIT)
    assert table.draw((10, 26), (50, 26)) == "Split 1 into 1 and 3."
    table.assert_undone_and_redone()


def test_a_type_that_is_full_says_so(
    open_table: Callable[..., Table], pair: NDArray[np.int32]
) -> None:
    table = open_table(np.where(pair == 2, 255, pair).astype(np.uint8))
    table.take(Tool.SPLIT)
    assert "holds no more than 255 nuclei" in table.draw((10, 26), (50, 26))
    np.testing.assert_array_equal(table.layer.data, table.before)


def read_only(labels: NDArray[np.int32]) -> Any:
    labels = labels.copy()
    labels.flags.writeable = False
    return labels


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (da.from_array, "not in memory but an array of dask"),
        (read_only, "are read-only: duplicate the layer"),
        (lambda labels: [labels, labels[::2, ::2]], "has several resolutions"),
    ],
)
def test_a_layer_that_cannot_be_corrected_says_why(
    open_table: Callable[..., Table],
    pair: NDArray[np.int32],
    make: Callable[[Any], Any],
    why: str,
) -> None:
    table = open_table(make(pair))
    table.widget.tools.buttons[Tool.DELETE].click()
    assert why in table.status
    assert table.widget.mode.tool is None
    assert not table.widget.tools.buttons[Tool.DELETE].isChecked()


def test_a_closed_widget_corrects_nothing_and_an_opened_one_does_so_once(
    open_table: Callable[..., Table],
    open_widget: Callable[[Any, str], Any],
    table_of: Callable[..., Table],
    pair: NDArray[np.int32],
) -> None:
    table = open_table(pair)
    layer, closed = table.layer, table.widget
    table.take(Tool.DELETE)
    table.viewer.window.remove_dock_widget(closed.native)
    assert closed.mode.tool is None
    assert layer.mode == "pan_zoom"
    assert not {str(key) for key in layer.keymap} & {"D", "N", "Delete"}
    table.draw((30, 30))
    np.testing.assert_array_equal(layer.data, table.before)
    again = table_of(table.viewer, open_widget(table.viewer, "Correct nuclei"), layer)
    again.take(Tool.DELETE)
    again.draw((30, 30))
    assert (layer.data != table.before).any()
    layer.undo()
    np.testing.assert_array_equal(layer.data, table.before)
    assert closed.mode.layer is None


def test_a_locked_layer_and_the_3d_view_say_why(
    open_table: Callable[..., Table], pair: NDArray[np.int32]
) -> None:
    table = open_table(np.stack([pair, pair]))
    table.take(Tool.DELETE)
    table.viewer.dims.ndisplay = 3
    assert "switch off the 3D view" in table.draw((30, 30), plane=(0,))
    table.viewer.dims.ndisplay = 2
    assert table.status.startswith("Click a nucleus to delete it")
    table.layer.editable = False
    assert table.widget.mode.tool is None
    table.widget.tools.buttons[Tool.DELETE].click()
    assert "unlock it" in table.status


def test_a_plane_that_the_layer_does_not_have_says_so(
    open_table: Callable[..., Table], pair: NDArray[np.int32]
) -> None:
    table = open_table(np.stack([pair, pair]))
    table.viewer.add_image(np.zeros((9, 64, 96)))
    table.viewer.layers.selection.active = table.layer
    table.viewer.dims.set_current_step(0, 7)
    table.take(Tool.DELETE)
    assert "no pixels in the plane" in table.draw((30, 30), plane=(7,))
