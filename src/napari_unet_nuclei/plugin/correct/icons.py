"""Pictures on the buttons of the tools, in the colour of the theme's words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import QPointF, QRectF, Qt
from qtpy.QtGui import QIcon, QPainter, QPainterPath, QPen, QPixmap

from napari_unet_nuclei.plugin.correct.tools import Tool

if TYPE_CHECKING:
    from qtpy.QtGui import QColor

SIZE = 24  # px
_SCALE = 2  # so that it stays sharp on dense screens


def make_icon(tool: Tool, colour: QColor) -> QIcon:
    """Draw what a tool does to a nucleus.

    Parameters
    ----------
    tool : Tool
        The tool.
    colour : QColor
        Of its lines.

    Returns
    -------
    QIcon
        24 px wide and high.
    """
    picture = QPixmap(SIZE * _SCALE, SIZE * _SCALE)
    picture.setDevicePixelRatio(_SCALE)
    picture.fill(Qt.GlobalColor.transparent)
    painter = QPainter(picture)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    pen = QPen(colour, 1.6)
    pen.setCapStyle(Qt.PenCapStyle.RoundCap)
    painter.setPen(pen)
    _DRAWINGS[tool](painter)
    painter.end()
    return QIcon(picture)


def _draw_delete(painter: QPainter) -> None:
    painter.drawEllipse(QRectF(3, 3, 18, 18))
    painter.drawLine(QPointF(8.5, 8.5), QPointF(15.5, 15.5))
    painter.drawLine(QPointF(15.5, 8.5), QPointF(8.5, 15.5))


def _draw_merge(painter: QPainter) -> None:
    both = QPainterPath()
    both.addEllipse(QRectF(2, 6, 12, 12))
    other = QPainterPath()
    other.addEllipse(QRectF(10, 6, 12, 12))
    painter.drawPath(both.united(other))


def _draw_split(painter: QPainter) -> None:
    painter.drawEllipse(QRectF(3, 4, 18, 16))
    pen = painter.pen()
    pen.setStyle(Qt.PenStyle.DashLine)
    painter.setPen(pen)
    painter.drawLine(QPointF(15, 1), QPointF(9, 23))


def _draw_add(painter: QPainter) -> None:
    painter.drawEllipse(QRectF(3, 3, 18, 18))
    painter.drawLine(QPointF(12, 7.5), QPointF(12, 16.5))
    painter.drawLine(QPointF(7.5, 12), QPointF(16.5, 12))


def _draw_smooth(painter: QPainter) -> None:
    ragged = QPainterPath(QPointF(3, 8))
    for x, y in ((6, 4), (9, 9), (12, 4), (15, 9), (18, 4), (21, 8)):
        ragged.lineTo(x, y)
    painter.drawPath(ragged)
    even = QPainterPath(QPointF(3, 18))
    even.cubicTo(8, 12, 16, 12, 21, 18)
    painter.drawPath(even)


_DRAWINGS = {
    Tool.DELETE: _draw_delete,
    Tool.MERGE: _draw_merge,
    Tool.SPLIT: _draw_split,
    Tool.ADD: _draw_add,
    Tool.SMOOTH: _draw_smooth,
}
