"""What of napari's undo history outlives that labels are replaced."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from napari.layers import Labels

from napari_unet_nuclei.plugin.shared.undo_history import carry_history

if TYPE_CHECKING:
    from numpy.typing import NDArray


def nuclei() -> NDArray[np.int32]:
    labels = np.zeros((20, 20), np.int32)
    labels[2:6, 2:6], labels[10:14, 2:6], labels[10:14, 10:14] = 1, 2, 3
    return labels


def replace(layer: Labels, labels: NDArray[np.int32], locked: set[int]) -> None:
    carry_history(layer, labels, np.unique(labels[labels > 0]), locked)
    layer.data = labels


def test_a_number_that_is_taken_comes_back_as_another() -> None:
    layer = Labels(nuclei())
    layer.data_setitem(np.nonzero(layer.data == 1), 0)
    layer.fill((11, 3), 3)  # joins 2 to 3
    after = layer.data.copy()
    after[16:19, 16:19], after[2:4, 15:19] = 1, 2  # found by a slider
    replace(layer, after, {3})
    layer.undo()
    second = layer.data[11, 3]
    assert second > 3
    np.testing.assert_array_equal(layer.data == second, nuclei() == 2)
    layer.undo()
    first = layer.data[3, 3]
    assert first > 3
    assert first != second
    np.testing.assert_array_equal(layer.data == first, nuclei() == 1)
    assert (layer.data[16:19, 16:19] == 1).all()
    layer.redo()
    layer.redo()
    np.testing.assert_array_equal(layer.data, after)


def test_numbers_that_are_free_come_back() -> None:
    layer = Labels(nuclei())
    layer.brush_size = 3
    layer.paint((3, 3), 5)
    layer.paint((11, 11), 0)
    replace(layer, layer.data.copy(), {1, 3, 5})
    layer.undo()
    layer.undo()
    np.testing.assert_array_equal(layer.data, nuclei())


def test_steps_end_with_the_first_whose_pixels_have_changed() -> None:
    layer = Labels(nuclei())
    for number in (1, 2, 3):
        layer.data_setitem(np.nonzero(layer.data == number), 0)
    layer.undo()
    after = layer.data.copy()
    after[2:6, 2:6] = 9
    replace(layer, after, set())
    layer.redo()  # what was undone is forgotten
    np.testing.assert_array_equal(layer.data, after)
    layer.undo()
    assert (layer.data[10:14, 2:6] == 2).all()
    before = layer.data.copy()
    layer.undo()
    np.testing.assert_array_equal(layer.data, before)


def test_where_numbers_run_out_nothing_is_undone() -> None:
    layer = Labels(nuclei().astype(np.uint8))
    layer.data_setitem(np.nonzero(layer.data == 1), 0)
    after = layer.data.copy()
    after[18, 18], after[18, 19] = 1, 255
    replace(layer, after, set())
    layer.undo()
    np.testing.assert_array_equal(layer.data, after)
