"""A guard against a crash of the canvas after layers have been removed.

vispy (0.17) leaves the arrays of vertices of a deleted layer enabled.  The next layer
whose program uses fewer of them then makes OpenGL read memory that is free: a
segmentation fault with Mesa, an access violation on Windows
(https://github.com/napari/napari/issues/8471).
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from qtpy.QtOpenGLWidgets import QOpenGLWidget
from vispy.gloo import gl

if TYPE_CHECKING:
    from qtpy.QtCore import QObject
    from qtpy.QtWidgets import QWidget

_N_ARRAYS = 16  # that every version of OpenGL has


def disable_vertex_arrays(widget: QWidget) -> None:
    """Disable all arrays of the canvases around a widget; drawing enables its own.

    To be called right after layers are removed, before the canvas is drawn again.

    Parameters
    ----------
    widget : QWidget
        Any widget in napari's window; without a window nothing happens.
    """
    window: QObject = widget
    while (parent := window.parent()) is not None:  # also of a dock that floats
        window = parent
    for canvas in window.findChildren(QOpenGLWidget):
        if not canvas.isValid():  # never drawn
            continue
        with suppress(RuntimeError):  # it is being closed
            canvas.makeCurrent()
            for number in range(_N_ARRAYS):
                gl.glDisableVertexAttribArray(number)
            canvas.doneCurrent()
