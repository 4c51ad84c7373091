"""Score on the held-out part, and loss, drawn while a run goes on.

Drawn with Qt: matplotlib would block napari's window for a second when it is imported,
and for a tenth of a second at every point.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import QPointF, QRectF, QSize, Qt
from qtpy.QtGui import QColor, QFontMetricsF, QPainter, QPaintEvent, QPen, QPolygonF
from qtpy.QtWidgets import QSizePolicy, QWidget

from napari_unet_nuclei.plugin.shared.plot_scale import Scale

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_unet_nuclei.plugin.finetune.training_events import StepEvent
    from napari_unet_nuclei.plugin.shared.theme import Colours

    Points = Sequence[tuple[float, float]]

_HEIGHT = 180  # px
_GAP = 4  # px, between numbers and axes
_MIN_SCORE_RANGE = 0.04  # smaller differences are noise, and must not look large
_MIN_LOSS_RANGE = 0.01
_WIDEST_NUMBER = "0.0000"
_LEGEND = ("held-out score", "start model", "training loss")
_SHORT_LEGEND = ("score", "start", "loss")
_BEHIND = 130  # of 255: the loss says less than the score, and lies behind it


class TrainingPlot(QWidget):
    """A small plot that grows by one point an event.

    Parameters
    ----------
    colours : Colours
        Those of napari's theme; `use` changes them.
    """

    def __init__(self, colours: Colours) -> None:
        super().__init__()
        self._colours = colours
        self._losses: list[tuple[float, float]] = []
        self._scores: list[tuple[float, float]] = []
        self._start_score: float | None = None
        self._minutes = 1.0
        self.setMinimumHeight(_HEIGHT)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        self._describe()

    @property
    def n_points(self) -> tuple[int, int]:
        """Points on the curves of loss and score."""
        return len(self._losses), len(self._scores)

    @property
    def curve_colours(self) -> tuple[QColor, QColor]:
        """Colours of loss and score, readable on the background of the theme."""
        names = (
            ("#e6b450", "#59c2ff") if self._colours.is_dark else ("#7d5600", "#0b5cad")
        )
        return QColor(names[0]), QColor(names[1])

    def use(self, colours: Colours) -> None:
        """Take the colours of another theme.

        Parameters
        ----------
        colours : Colours
            Those of napari's theme.
        """
        self._colours = colours
        self.update()

    def clear(self, minutes: float = 1.0) -> None:
        """Begin a new run.

        Parameters
        ----------
        minutes : float
            How long it will take.
        """
        self._losses.clear()
        self._scores.clear()
        self._start_score = None
        self._minutes = minutes
        self._describe()

    def add(self, event: StepEvent) -> None:
        """Add what an event says.

        Parameters
        ----------
        event : StepEvent
            Loss, or score, or both; the score before the first epoch, that of the
            start model, is drawn all across.
        """
        minutes = event.seconds / 60
        if event.loss is not None:
            self._losses.append((minutes, event.loss))
        if event.score is not None:
            self._scores.append((minutes, event.score))
            if event.epoch == 0:
                self._start_score = event.score
        self._describe()

    def sizeHint(self) -> QSize:
        """As wide as possible."""
        return QSize(2 * _HEIGHT, _HEIGHT)

    def paintEvent(self, event: QPaintEvent | None) -> None:
        """Draw legend, numbers and curves."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.fillRect(self.rect(), self._colours.background)
        self._draw(painter)
        painter.end()

    def _describe(self) -> None:
        """Describe the curves for screen readers, and draw them again."""
        start = self._start_score
        values = (
            self._scores[-1][1] if self._scores else None,
            start,
            self._losses[-1][1] if self._losses else None,
        )
        parts = [
            f"{name} {value:.3f}"
            for name, value in zip(_LEGEND, values, strict=True)
            if value is not None
        ]
        self.setAccessibleName(", ".join(parts) or "No training yet")
        self.update()

    def _draw(self, painter: QPainter) -> None:
        metrics = QFontMetricsF(painter.font())
        side, line = metrics.horizontalAdvance(_WIDEST_NUMBER) + _GAP, metrics.height()
        area = QRectF(self.rect()).adjusted(side, 2 * line, -side, -line - 2 * _GAP)
        loss_colour, score_colour = self.curve_colours
        self._draw_legend(painter, line)
        last = max((x for x, _ in [*self._losses, *self._scores]), default=0.0)
        minutes = Scale(low=0.0, high=max(self._minutes, last))
        self._draw_minutes(painter, area, minutes)
        if self._losses:
            scale = Scale.around([y for _, y in self._losses], _MIN_LOSS_RANGE)
            _draw_numbers(painter, area, scale, loss_colour, is_left=False)
            loss_colour.setAlpha(_BEHIND)
            painter.setPen(QPen(loss_colour, 1))
            painter.drawPolyline(_to_places(self._losses, area, minutes, scale))
        if self._scores:
            scale = Scale.around([y for _, y in self._scores], _MIN_SCORE_RANGE)
            _draw_numbers(painter, area, scale, score_colour, is_left=True)
            if self._start_score is not None:
                ends = [(0.0, self._start_score), (minutes.high, self._start_score)]
                painter.setPen(_start_pen(score_colour))
                painter.drawPolyline(_to_places(ends, area, minutes, scale))
            places = _to_places(self._scores, area, minutes, scale)
            painter.setPen(QPen(score_colour, 2))
            painter.drawPolyline(places)
            painter.setBrush(score_colour)
            for index in range(places.count()):
                painter.drawEllipse(places.at(index), 2.0, 2.0)

    def _draw_legend(self, painter: QPainter, line: float) -> None:
        metrics = QFontMetricsF(painter.font())
        loss_colour, score_colour = self.curve_colours
        pens = (QPen(score_colour, 2), _start_pen(score_colour), QPen(loss_colour, 2))
        for texts in (_LEGEND, _SHORT_LEGEND):
            widths = [line + _GAP + metrics.horizontalAdvance(text) for text in texts]
            gap = (self.width() - sum(widths)) / len(texts)
            if gap >= _GAP:
                break
        x = gap / 2
        for text, pen, width in zip(texts, pens, widths, strict=True):
            painter.setPen(pen)
            painter.drawLine(QPointF(x, line / 2), QPointF(x + line, line / 2))
            painter.setPen(self._colours.text)
            painter.drawText(QPointF(x + line + _GAP, metrics.ascent()), text)
            x += width + gap

    def _draw_minutes(self, painter: QPainter, area: QRectF, scale: Scale) -> None:
        metrics = QFontMetricsF(painter.font())
        painter.setPen(QPen(self._colours.text, 1))
        painter.drawLine(area.bottomLeft(), area.bottomRight())
        centre = Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignTop
        for tick in scale.ticks:
            x = area.left() + scale.place(tick) * area.width()
            top = area.bottom() + _GAP
            painter.drawLine(QPointF(x, area.bottom()), QPointF(x, top))
            place = QRectF(x - 30, top, 60, metrics.height())
            unit = " min" if tick == scale.ticks[-1] else ""
            painter.drawText(place, centre, f"{tick:g}{unit}")


def _start_pen(colour: QColor) -> QPen:
    return QPen(colour, 1.5, Qt.PenStyle.DashLine)


def _draw_numbers(
    painter: QPainter, area: QRectF, scale: Scale, colour: QColor, *, is_left: bool
) -> None:
    """Write the numbers of a scale beside the curves."""
    height = QFontMetricsF(painter.font()).height()
    width = area.left() - _GAP
    x = 0.0 if is_left else area.right() + _GAP
    side = Qt.AlignmentFlag.AlignRight if is_left else Qt.AlignmentFlag.AlignLeft
    painter.setPen(colour)
    for tick in scale.ticks:
        y = area.bottom() - scale.place(tick) * area.height()
        place = QRectF(x, y - height / 2, width, height)
        painter.drawText(place, side | Qt.AlignmentFlag.AlignVCenter, f"{tick:g}")


def _to_places(points: Points, area: QRectF, across: Scale, up: Scale) -> QPolygonF:
    return QPolygonF(
        [
            QPointF(
                area.left() + across.place(x) * area.width(),
                area.bottom() - up.place(y) * area.height(),
            )
            for x, y in points
        ]
    )
