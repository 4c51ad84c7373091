"""A widget that is opened again goes on with the layers of the one before."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from qtpy.QtCore import QEvent
from qtpy.QtWidgets import QApplication

from napari_unet_nuclei.plugin.shared.locked_nuclei import locked_ids

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from napari.layers import Labels
    from numpy.typing import NDArray

    from plugin.segment.conftest import Scene


@pytest.fixture
def reopen(
    image: NDArray[np.uint8],
    make_model: Callable[..., Path],
    open_scene: Callable[..., Scene],
) -> Callable[[Callable[[Labels], object]], Scene]:
    """Return what segments an image, edits the result, and opens the widget anew."""

    def go_through(
        edit: Callable[[Labels], object],
        edit_meanwhile: Callable[[Labels], object] = lambda _: None,
    ) -> Scene:
        make_model("tiny", threshold=0.45)
        first = open_scene(is_closed=False)
        first.viewer.add_image(image, name="cells")
        layer = first.segment()
        edit(layer)
        first.wait_for_table(layer)
        first.widget.native.deleteLater()
        QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
        edit_meanwhile(layer)
        return open_scene(first.viewer)

    return go_through


def correct(layer: Labels) -> None:
    """Delete a nucleus, and paint another."""
    layer.fill((30, 60), 0)
    layer.brush_size = 6
    layer.paint((5, 60), 9)


def test_a_run_takes_the_place_of_the_nuclei_of_before(
    reopen: Callable[..., Scene],
) -> None:
    scene = reopen(lambda _: None)
    (layer,) = scene.results
    scene.widget.threshold.value = 0.2
    assert scene.segment() is layer
    assert scene.results == [layer]
    assert np.unique(layer.data).size == 4  # with the dim nucleus, and background
    assert layer.metadata["settings"]["threshold"] == 0.2


def test_corrections_of_before_are_kept(reopen: Callable[..., Scene]) -> None:
    scene = reopen(correct)
    (layer,) = scene.results
    painted = layer.data == 9
    assert scene.segment() is layer
    assert scene.move_slider(0.2) is layer
    assert scene.results == [layer]
    np.testing.assert_array_equal(layer.data == 9, painted)
    assert layer.data[30, 60] == 0
    assert locked_ids(layer.metadata) == {9}
    assert layer.metadata["corrected_by_hand"] == "1 added, 1 removed"


def test_an_edit_leaves_nuclei_locked_that_were_so_before(
    reopen: Callable[..., Scene],
) -> None:
    scene = reopen(correct)
    (layer,) = scene.results
    layer.paint((5, 20), 12)
    assert locked_ids(layer.metadata) == {9, 12}


def test_of_two_layers_neither_is_replaced(reopen: Callable[..., Scene]) -> None:
    scene = reopen(lambda _: None)
    (layer,) = scene.results
    data, state, _ = layer.as_layer_data_tuple()
    copy = scene.viewer.add_labels(data.copy(), **(state | {"name": "copy"}))
    new = scene.segment()
    assert scene.results == [layer, copy, new]
    assert "corrections" not in scene.status


def test_labels_of_a_file_that_were_corrected_are_left_alone(
    reopen: Callable[..., Scene],
) -> None:
    scene = reopen(correct)
    (layer,) = scene.results
    data, state, _ = layer.as_layer_data_tuple()
    scene.viewer.layers.remove(layer)
    opened = scene.viewer.add_labels(data.copy(), **state)
    new = scene.segment()
    assert scene.results == [opened, new]
    assert f"Your corrections stay in “{opened.name}”" in scene.status
    np.testing.assert_array_equal(opened.data, data)


def test_what_was_corrected_while_no_widget_was_open_is_left_alone(
    reopen: Callable[..., Scene],
) -> None:
    scene = reopen(lambda _: None, correct)
    (layer,) = scene.results
    found = layer.data.copy()
    new = scene.segment()
    assert scene.results == [layer, new]
    assert f"Your corrections stay in “{layer.name}”" in scene.status
    np.testing.assert_array_equal(layer.data, found)
