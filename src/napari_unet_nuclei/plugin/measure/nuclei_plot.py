"""A histogram or a scatter plot of nuclei, in which they can be selected.

Drawn with Qt: matplotlib would block napari's window for a second when it is imported,
and for a tenth of a second at every change.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from qtpy.QtCore import (  # type: ignore[attr-defined]  # Signal has many names
    QPoint,
    QPointF,
    QRectF,
    QSize,
    Qt,
    Signal,
)
from qtpy.QtGui import (
    QColor,
    QFontMetricsF,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QPixmap,
    QResizeEvent,
)
from qtpy.QtWidgets import QSizePolicy, QWidget

from napari_unet_nuclei.plugin.measure.axis_names import name_axis
from napari_unet_nuclei.plugin.measure.plot_drawing import GAP, draw_plot
from napari_unet_nuclei.plugin.measure.plot_frame import PlotFrame

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_unet_nuclei.plugin.measure.plotted_nuclei import PlottedNuclei
    from napari_unet_nuclei.plugin.shared.theme import Colours

_HEIGHT = 250  # px
_DRAGGED = 4  # px, from which a move of the mouse is a box
_WIDEST_NUMBER = "000000"


class NucleiPlot(QWidget):
    """Shows nuclei, the selected ones in front; a box that is drawn selects others.

    Parameters
    ----------
    colours : Colours
        Those of napari's theme; `use` changes them.
    """

    selected = Signal(object)
    """Labels of the nuclei in a box, or of the one that was clicked; maybe none."""

    def __init__(self, colours: Colours) -> None:
        super().__init__()
        self._colours = colours
        self._nuclei: PlottedNuclei | None = None
        self._frame: PlotFrame | None = None
        self._is_marked = np.zeros(0, bool)
        self._drawn: QPixmap | None = None
        self._drag: tuple[QPoint, QPoint] | None = None
        self.setMinimumHeight(_HEIGHT)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        self.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        self.setToolTip("Draw a box to select nuclei; click to select one")
        self.show_nuclei(None)

    def use(self, colours: Colours) -> None:
        """Take the colours of another theme."""
        self._colours = colours
        self._redraw()

    def show_nuclei(self, nuclei: PlottedNuclei | None) -> None:
        """Show other nuclei, none of which is marked; ``None`` for no table yet."""
        self._nuclei = nuclei
        self._is_marked = np.zeros(0 if nuclei is None else nuclei.label.size, bool)
        self._redraw()

    def mark(self, labels: NDArray[np.integer]) -> None:
        """Show which nuclei are selected."""
        if self._nuclei is not None:
            self._is_marked = np.isin(self._nuclei.label, labels)
        self._redraw()

    @property
    def marked(self) -> NDArray[np.integer]:
        """Labels of the nuclei that are marked."""
        label = np.zeros(0, np.int64) if self._nuclei is None else self._nuclei.label
        return label[self._is_marked]

    @property
    def frame(self) -> PlotFrame | None:
        """Where nuclei lie; ``None`` where there is nothing to show."""
        if self._frame is None and self._nuclei is not None and self._nuclei.label.size:
            self._frame = PlotFrame.around(self._nuclei, self._area())
        return self._frame

    def sizeHint(self) -> QSize:
        """As wide as possible."""
        return QSize(_HEIGHT, _HEIGHT)

    def mousePressEvent(self, event: QMouseEvent | None) -> None:
        """Begin a box."""
        if event is not None and event.button() == Qt.MouseButton.LeftButton:
            self._drag = event.pos(), event.pos()

    def mouseMoveEvent(self, event: QMouseEvent | None) -> None:
        """Draw the box."""
        if event is not None and self._drag is not None:
            self._drag = self._drag[0], event.pos()
            self.update()

    def mouseReleaseEvent(self, event: QMouseEvent | None) -> None:
        """Select the nuclei in the box, or the one that was clicked."""
        if event is None or self._drag is None:
            return
        start, self._drag = self._drag[0], None
        self.update()
        if self.frame is None:
            return
        end = event.pos()
        if (end - start).manhattanLength() < _DRAGGED:
            self.selected.emit(self.frame.labels_at(end))
        else:
            self.selected.emit(self.frame.labels_between(start, end))

    def keyPressEvent(self, event: QKeyEvent | None) -> None:
        """Select nothing when Escape is pressed."""
        if event is not None and event.key() == Qt.Key.Key_Escape:
            self._drag = None
            self.selected.emit(np.zeros(0, np.int64))
        else:
            super().keyPressEvent(event)

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        """Draw at the new size."""
        super().resizeEvent(event)
        self._redraw()

    def paintEvent(self, event: QPaintEvent | None) -> None:
        """Copy the plot, drawn once for each change, and draw the box on it."""
        if self._drawn is None:
            self._drawn = self._draw()
        painter = QPainter(self)
        painter.drawPixmap(0, 0, self._drawn)
        if self._drag is not None:
            shade = QColor(self._colours.accent)
            shade.setAlpha(60)
            painter.setPen(QPen(self._colours.text, 1, Qt.PenStyle.DashLine))
            painter.setBrush(shade)
            painter.drawRect(QRectF(*map(QPointF, self._drag)).normalized())
        painter.end()

    def _redraw(self) -> None:
        self._drawn = self._frame = None
        self.setAccessibleName(self._describe())
        self.update()

    def _describe(self) -> str:
        """Say for screen readers what is shown."""
        nuclei = self._nuclei
        if nuclei is None or not nuclei.label.size:
            return "No nuclei to plot"
        shown = name_axis(nuclei.x_name)
        if nuclei.y is not None:
            shown = f"{name_axis(nuclei.y_name)} over {shown}"
        return f"{shown}, {nuclei.label.size} nuclei, {self._is_marked.sum()} selected"

    def _area(self) -> QRectF:
        metrics = QFontMetricsF(self.font())
        side, line = metrics.horizontalAdvance(_WIDEST_NUMBER), metrics.height()
        n_above = 2 if self._nuclei is not None and len(self._nuclei.groups) > 1 else 1
        return QRectF(self.rect()).adjusted(
            side + GAP, n_above * line + GAP, -3 * GAP, -2 * line - 2 * GAP
        )

    def _draw(self) -> QPixmap:
        ratio = self.devicePixelRatioF()
        pixmap = QPixmap(self.size() * ratio)
        pixmap.setDevicePixelRatio(ratio)
        pixmap.fill(self._colours.background)
        painter = QPainter(pixmap)
        painter.setFont(self.font())
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        frame = self.frame
        if frame is None:
            said = (
                "Measure nuclei to plot them" if self._nuclei is None else "No values"
            )
            painter.setPen(self._colours.text)
            painter.drawText(QRectF(self.rect()), Qt.AlignmentFlag.AlignCenter, said)
        else:
            draw_plot(painter, frame, self._is_marked, self._colours)
        painter.end()
        return pixmap
