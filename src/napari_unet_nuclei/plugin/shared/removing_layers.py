"""Layers are removed from the viewer, without a crash of its canvas.

vispy (0.17) leaves the arrays of vertices of a deleted layer enabled.  The next layer
whose program uses fewer of them then makes OpenGL read memory that is free: a
segmentation fault with Mesa, an access violation on Windows
(https://github.com/napari/napari/issues/8471).
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from qtpy.QtOpenGLWidgets import QOpenGLWidget
from qtpy.QtWidgets import QApplication
from vispy.gloo import gl

if TYPE_CHECKING:
    from collections.abc import Iterable

    import napari.viewer
    from napari.layers import Layer

_N_ARRAYS = 16  # that every version of OpenGL has


def remove_layers(viewer: napari.viewer.Viewer, layers: Iterable[Layer]) -> None:
    """Remove layers, so that what is added next can be drawn.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
        Where they are.
    layers : iterable of Layer
        What to remove; the only way in which the plugin itself does so.
    """
    for layer in list(layers):
        viewer.layers.remove(layer)
    _disable_vertex_arrays()


def _disable_vertex_arrays() -> None:
    """Disable all arrays of every canvas before it is drawn; that enables its own."""
    for window in QApplication.topLevelWidgets():
        for canvas in window.findChildren(QOpenGLWidget):
            if not canvas.isValid():  # never drawn
                continue
            with suppress(RuntimeError):  # it is being closed
                canvas.makeCurrent()
                for number in range(_N_ARRAYS):
                    gl.glDisableVertexAttribArray(number)
                canvas.doneCurrent()
