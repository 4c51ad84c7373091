"""The stroke on the canvas while it is drawn."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import QPointF, QRectF, Qt
from qtpy.QtGui import QColor, QPainter, QPen, QPolygonF
from qtpy.QtOpenGLWidgets import QOpenGLWidget
from qtpy.QtWidgets import QWidget

from napari_unet_nuclei.plugin.correct.tools import Trace

if TYPE_CHECKING:
    from collections.abc import Sequence

    from qtpy.QtGui import QPaintEvent

_WIDTH = 2.0  # px
_LIGHT, _DARK = QColor(255, 255, 255), QColor(0, 0, 0, 160)


def canvas_of(widget: QWidget) -> QWidget | None:
    """Return the canvas of the window in which a widget is docked, if there is one."""
    window = widget.window()
    return None if window is None else window.findChild(QOpenGLWidget)


class StrokeOverlay(QWidget):
    """Lies on the canvas, lets the mouse through and shows a stroke.

    Parameters
    ----------
    canvas : QWidget
        What it lies on.
    """

    def __init__(self, canvas: QWidget) -> None:
        super().__init__(canvas)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setAttribute(Qt.WidgetAttribute.WA_NoSystemBackground)
        self._points: list[QPointF] = []
        self._trace = Trace.LINE
        self.hide()

    def draw(self, points: Sequence[Sequence[float]], trace: Trace) -> None:
        """Show a stroke.

        Parameters
        ----------
        points : sequence of (2,) sequences of float, in px
            X and y on the canvas.
        trace : Trace
            How it is shown.
        """
        self._points = [QPointF(float(x), float(y)) for x, y in points]
        self._trace = trace
        canvas = self.parentWidget()
        if canvas is not None and self.isHidden():
            self.setGeometry(canvas.rect())
            self.raise_()
            self.show()
        self.update()

    def clear(self) -> None:
        """Show nothing."""
        self._points = []
        self.hide()

    def paintEvent(self, event: QPaintEvent | None) -> None:
        """Draw the stroke, light on dark, so that it is seen on any image."""
        if len(self._points) < 2:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for colour, width in ((_DARK, 2 * _WIDTH), (_LIGHT, _WIDTH)):
            pen = QPen(colour, width)
            pen.setJoinStyle(Qt.PenJoinStyle.RoundJoin)
            pen.setCapStyle(Qt.PenCapStyle.RoundCap)
            painter.setPen(pen)
            self._draw(painter)
        painter.end()

    def _draw(self, painter: QPainter) -> None:
        first, last = self._points[0], self._points[-1]
        match self._trace:
            case Trace.BOX:
                painter.drawRect(QRectF(first, last).normalized())
            case Trace.OUTLINE:
                painter.drawPolygon(QPolygonF(self._points))
            case Trace.LINE:
                painter.drawPolyline(QPolygonF(self._points))
