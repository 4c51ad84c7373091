"""The picture of a plot of nuclei: axes, groups, bars or points."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from qtpy.QtCore import QPointF, QRectF, Qt
from qtpy.QtGui import QColor, QFontMetricsF, QImage, QPainter, QPen, QPolygonF

from napari_unet_nuclei.plugin.measure.axis_names import name_axis

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_unet_nuclei.plugin.measure.plot_frame import Places, PlotFrame
    from napari_unet_nuclei.plugin.shared.theme import Colours

GAP = 4
"""Pixels between numbers and axes."""

_RADIUS = 2.5  # px, of a point
_TICK_WIDTH = 80  # px, room for a number
# Colours of groups, readable on dark and on light backgrounds.
_ON_DARK = (
    *("#59c2ff", "#e6b450", "#7fd962", "#f28779", "#d2a6ff"),
    *("#95e6cb", "#ff9ecf", "#b8b4a2", "#9a9a9a"),
)
_ON_LIGHT = (
    *("#0b5cad", "#7d5600", "#2c6b1f", "#a8321f", "#6b3fa0"),
    *("#0f6b5c", "#a3246b", "#55534a", "#646464"),
)
_MARK_ON_DARK, _MARK_ON_LIGHT = "#ffffff", "#000000"


def draw_plot(
    painter: QPainter,
    frame: PlotFrame,
    is_marked: NDArray[np.bool_],
    colours: Colours,
) -> None:
    """Draw nuclei, those that are marked in front.

    Parameters
    ----------
    painter : QPainter
        What to draw with.
    frame : PlotFrame
        The nuclei and where they lie.
    is_marked : (N,) ndarray of bool
        Which of them are marked.
    colours : Colours
        Those of napari's theme.
    """
    _draw_axes(painter, frame, colours)
    _draw_legend(painter, frame, colours)
    if frame.nuclei.y is None:
        _draw_bars(painter, frame, is_marked, colours)
    else:
        _draw_points(painter, frame, is_marked, colours)


def group_colour(number: int, colours: Colours) -> QColor:
    """Return the colour of a group, by its number from 0."""
    names = _ON_DARK if colours.is_dark else _ON_LIGHT
    return QColor(names[number % len(names)])


def mark_colour(colours: Colours) -> QColor:
    """Return the colour of nuclei that are marked."""
    return QColor(_MARK_ON_DARK if colours.is_dark else _MARK_ON_LIGHT)


def _draw_axes(painter: QPainter, frame: PlotFrame, colours: Colours) -> None:
    metrics, area = QFontMetricsF(painter.font()), frame.area
    line, half = metrics.height(), _TICK_WIDTH / 2
    painter.setPen(QPen(colours.text, 1))
    painter.drawLine(area.bottomLeft(), area.bottomRight())
    painter.drawLine(area.bottomLeft(), area.topLeft())
    centre = Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignTop
    top = area.bottom() + GAP
    for tick in frame.across.ticks:
        x = area.left() + frame.across.place(tick) * area.width()
        painter.drawLine(QPointF(x, area.bottom()), QPointF(x, top))
        place = QRectF(x - half, top, _TICK_WIDTH, line)
        painter.drawText(place, centre, f"{tick:g}")
    side = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
    for tick in frame.up.ticks:
        y = area.bottom() - frame.up.place(tick) * area.height()
        place = QRectF(0, y - line / 2, area.left() - GAP, line)
        painter.drawText(place, side, f"{tick:g}")
    below = QRectF(area.left(), top + line, area.width(), line)
    painter.drawText(below, centre, name_axis(frame.nuclei.x_name))
    up = name_axis(frame.nuclei.y_name) or "number of nuclei"
    painter.drawText(QPointF(GAP, metrics.ascent()), up)


def _draw_legend(painter: QPainter, frame: PlotFrame, colours: Colours) -> None:
    """Name the groups above the plot, as many as there is room for."""
    groups = frame.nuclei.groups
    if len(groups) < 2:
        return
    metrics, x = QFontMetricsF(painter.font()), frame.area.left()
    y = metrics.height() + metrics.ascent()
    for number, name in enumerate(groups):
        width = metrics.horizontalAdvance(name)
        if x + width > frame.area.right() + GAP:
            painter.setPen(colours.text)
            painter.drawText(QPointF(x, y), "…")
            break
        painter.setPen(group_colour(number, colours))
        painter.drawText(QPointF(x, y), name)
        x += width + 3 * GAP


def _draw_bars(
    painter: QPainter,
    frame: PlotFrame,
    is_marked: NDArray[np.bool_],
    colours: Colours,
) -> None:
    # All lines are level or upright, and sharp without it.
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
    for number, counts in enumerate(frame.counts):
        colour = group_colour(number, colours)
        shade = QColor(colour)
        shade.setAlpha(90)
        painter.setPen(QPen(colour, 2))
        painter.setBrush(shade)
        painter.drawPolygon(_steps(frame, counts))
    if is_marked.any():
        counts, _ = np.histogram(frame.nuclei.x[is_marked], frame.edges)
        painter.setPen(QPen(mark_colour(colours), 2))
        painter.setBrush(colours.accent)
        painter.drawPolygon(_steps(frame, counts))


def _steps(frame: PlotFrame, counts: NDArray[np.intp]) -> QPolygonF:
    """Return the outline of the bars of a histogram."""
    x = np.repeat(frame.edges, 2)
    y = np.concatenate([[0.0], np.repeat(counts.astype(float), 2), [0.0]])
    return _polygon(*frame.to_places(x, y))


def _draw_points(
    painter: QPainter,
    frame: PlotFrame,
    is_marked: NDArray[np.bool_],
    colours: Colours,
) -> None:
    x, y = frame.places()
    device = painter.device()
    if device is None:
        return
    ratio, height, width = device.devicePixelRatioF(), device.height(), device.width()
    dots = np.zeros((height, width, 4), np.uint8)
    opacity = 0.4 if is_marked.any() else 0.8
    for number in range(len(frame.nuclei.groups)):
        rows = (frame.nuclei.group == number) & ~is_marked
        colour = group_colour(number, colours)
        _add_dots(dots, (x[rows], y[rows]), ratio, _RADIUS, colour, opacity)
    marked = x[is_marked], y[is_marked]
    _add_dots(dots, marked, ratio, _RADIUS + 1.5, mark_colour(colours))
    _add_dots(dots, marked, ratio, _RADIUS, colours.accent)
    image = QImage(dots.tobytes(), width, height, QImage.Format.Format_RGBA8888)
    image.setDevicePixelRatio(ratio)
    painter.drawImage(QPointF(0, 0), image)


def _add_dots(
    pixels: NDArray[np.uint8],
    places: Places,
    ratio: float,
    radius: float,
    colour: QColor,
    opacity: float = 1.0,
) -> None:
    """Paint discs into an image; Qt takes half a second for ten thousand of them."""
    reach = int(np.ceil(radius * ratio))
    height, width = pixels.shape[:2]
    column, row = (np.rint(each * ratio).astype(np.intp) for each in places)
    rgba = (colour.red(), colour.green(), colour.blue(), round(255 * opacity))
    for y in range(-reach, reach + 1):
        for x in range(-reach, reach + 1):
            if x * x + y * y <= (radius * ratio) ** 2:
                is_inside = (row + y >= 0) & (row + y < height)
                is_inside &= (column + x >= 0) & (column + x < width)
                pixels[row[is_inside] + y, column[is_inside] + x] = rgba


def _polygon(x: NDArray[np.float64], y: NDArray[np.float64]) -> QPolygonF:
    return QPolygonF(
        [QPointF(*place) for place in zip(x.tolist(), y.tolist(), strict=True)]
    )
