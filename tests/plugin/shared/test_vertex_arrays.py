"""Layers come and go without a crash of the canvas."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from qtpy.QtWidgets import QWidget

from napari_unet_nuclei.plugin.shared.vertex_arrays import disable_vertex_arrays

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytestqt.qtbot import QtBot


def test_without_a_canvas_nothing_happens(qtbot: QtBot) -> None:
    widget = QWidget()
    qtbot.addWidget(widget)
    disable_vertex_arrays(widget)


def test_labels_after_an_image_and_its_labels_were_removed(
    make_napari_viewer: Callable[..., Any], qtbot: QtBot
) -> None:
    # Without the guard, Mesa's OpenGL ends the process here.
    viewer = make_napari_viewer(show=True)
    shape = (64, 128)
    image = viewer.add_image(np.eye(*shape))
    labels = viewer.add_labels(np.zeros(shape, np.int32))
    qtbot.wait(200)
    for _ in range(3):
        new = viewer.add_image(np.eye(*shape))
        viewer.layers.remove(image)
        viewer.layers.remove(labels)
        disable_vertex_arrays(viewer.window._qt_window)
        image = new
        qtbot.wait(100)
        labels = viewer.add_labels(np.zeros(shape, np.int32))
        qtbot.wait(100)
    assert len(viewer.layers) == 2
