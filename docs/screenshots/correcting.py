"""*Correct nuclei*: a stroke with the mouse, and doubtful nuclei."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from qtpy.QtCore import QEvent, QPoint, QPointF, Qt
from qtpy.QtGui import QMouseEvent
from qtpy.QtOpenGLWidgets import QOpenGLWidget
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication

from napari_unet_nuclei.core.datasets.drawn.looks import draw_look
from screenshots.studio import wait, wait_until

if TYPE_CHECKING:
    from screenshots.studio import Studio


def correcting(studio: Studio) -> None:
    """Split a nucleus with the mouse, and move the slider."""
    studio.open_sample()
    segment = studio.open("Segment nuclei")
    studio.run(segment)
    correct = studio.open("Correct nuclei")
    nuclei = studio.viewer.layers[-1]
    studio.viewer.layers.selection.active = nuclei
    areas = np.bincount(nuclei.data.ravel())
    areas[0] = 0
    rows, columns = np.nonzero(nuclei.data == areas.argmax())
    camera = studio.viewer.scene.camera
    camera.center, camera.zoom = (rows.mean(), columns.mean()), 4
    studio.take("correct")
    correct.tools.buttons["split"].click()
    reach = round(4 * 1.6 * np.sqrt(areas.max() / np.pi))
    canvas = studio.window.findChild(QOpenGLWidget)
    path = [
        canvas.rect().center() + QPoint(round(reach * along / 3), round(reach * along))
        for along in np.linspace(-1, 1, 12)
    ]
    QTest.mousePress(canvas, Qt.MouseButton.LeftButton, pos=path[0])
    for place in path:
        wait(0.05)  # vispy leaves out moves that come faster
        drag_to(canvas, QPointF(place))
    studio.take("splitting")
    QTest.mouseRelease(canvas, Qt.MouseButton.LeftButton, pos=path[-1])
    studio.take("split")
    segment.threshold.value = 0.3
    wait(2)
    studio.take("split-then-slider")


def drag_to(canvas: Any, place: QPointF) -> None:
    """Move the mouse with its left button down."""
    left, no = Qt.MouseButton.LeftButton, Qt.MouseButton.NoButton
    everywhere = canvas.mapToGlobal(place)
    keys = Qt.KeyboardModifier.NoModifier
    move = QMouseEvent(QEvent.Type.MouseMove, place, everywhere, no, left, keys)
    QApplication.sendEvent(canvas, move)


def doubting(studio: Studio) -> None:
    """Go through doubtful nuclei of a dense section."""
    pixels, _ = draw_look("dense-section", 3, (384, 512))
    studio.viewer.add_image(pixels, name="section")
    studio.run(studio.open("Segment nuclei"))
    correct = studio.open("Correct nuclei")
    studio.viewer.layers.selection.active = studio.viewer.layers[-1]
    panel = correct.doubts
    for button in (panel.next_button, panel.accept_button, panel.next_button):
        button.native.click()
        wait_until(lambda: panel.proposal is not None)
    studio.take("doubtful")
