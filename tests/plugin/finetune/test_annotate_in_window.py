"""*Annotate here next* in napari's window."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from pytestqt.qtbot import QtBot

    from conftest import BrightnessEngine, NapariWindow


def test_the_canvas_shows_the_tile_and_the_buttons_their_text(
    window: NapariWindow, engine: BrightnessEngine, qtbot: QtBot
) -> None:
    viewer = window.viewer
    y, x = np.mgrid[:900, :1200]
    discs = (np.hypot(y % 50 - 25, x % 50 - 25) < 10) & (x > 300)
    viewer.layers.clear()
    viewer.add_image(np.where(discs, 160, 0).astype(np.uint8), name="large")
    viewer.add_labels(np.zeros(discs.shape, np.int32), name="painted")
    widget = window.open("Fine-tune on labels")
    section = widget.annotate_next
    section.next_button.native.click()
    qtbot.waitUntil(lambda: not widget.panel.is_running, timeout=60_000)
    window.settle()
    low, high = viewer.layers["annotate here"].extent.world
    camera = viewer.scene.camera
    height, width = np.array(viewer.window._qt_viewer.canvas.size)
    seen = np.array([height, width]) / camera.zoom
    centre = np.array(camera.center[-2:])
    assert (centre - seen / 2 <= low).all()
    assert (centre + seen / 2 >= high).all()
    assert (seen.min() / (high - low)).max() < 2, "it fills most of the canvas"
    window.area_of(widget).ensureWidgetVisible(section.native)
    window.settle()
    for button in (section.next_button, section.skip_button):
        assert window.is_reachable(button.native)
        needed = button.native.fontMetrics().horizontalAdvance(button.text)
        assert button.native.width() > needed
