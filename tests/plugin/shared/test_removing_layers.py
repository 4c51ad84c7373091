"""Layers come and go without a crash of the canvas."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.components import ViewerModel

from napari_unet_nuclei import plugin
from napari_unet_nuclei.plugin.shared import removing_layers
from napari_unet_nuclei.plugin.shared.removing_layers import remove_layers

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytestqt.qtbot import QtBot


def test_without_a_canvas_layers_are_removed_too(qapp: object) -> None:
    viewer = ViewerModel()
    first, second = (viewer.add_image(np.eye(4)) for _ in range(2))
    remove_layers(viewer, (layer for layer in viewer.layers if layer is first))
    assert list(viewer.layers) == [second]


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
        remove_layers(viewer, [image, labels])
        image = new
        qtbot.wait(100)
        labels = viewer.add_labels(np.zeros(shape, np.int32))
        qtbot.wait(100)
    assert len(viewer.layers) == 2


def test_the_plugin_removes_layers_in_no_other_way() -> None:
    removes = re.compile(
        r"\blayers\.(remove|clear|pop|remove_selected)\(|\bdel .*layers\["
    )
    guarded = Path(removing_layers.__file__)
    (folder,) = plugin.__path__
    modules = [path for path in Path(folder).rglob("*.py") if path != guarded]
    assert len(modules) > 100
    assert [
        path.name for path in modules if removes.search(path.read_text("utf-8"))
    ] == []
