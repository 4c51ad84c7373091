"""A form that scrolls up and down where there is little room for it."""

from __future__ import annotations

from qtpy.QtCore import QEvent, QObject, QSize, Qt, QTimer
from qtpy.QtGui import QResizeEvent, QWheelEvent
from qtpy.QtWidgets import (
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QFrame,
    QScrollArea,
    QSizePolicy,
    QSlider,
    QWidget,
)

from napari_unet_nuclei.plugin.shared.dock_column import take_needed_height

_WIDTH = 345  # px, of a form in a dock of the original size
_LEAST_HEIGHT = 84  # px, of the form: three controls
_BELOW_ROW = 6  # px, so that the last row in sight is not cut
_MS_TO_SEEK = 1000  # a busy window lays out late
_FORM_CHANGES = (
    QEvent.Type.LayoutRequest,
    QEvent.Type.Polish,
    QEvent.Type.StyleChange,
    QEvent.Type.Show,
)
MS_TO_LAY_OUT = 30
"""How long Qt takes for a round of laying out, in ms."""


class FormArea(QScrollArea):
    """As high as its form where there is room, else it scrolls up and down.

    Parameters
    ----------
    form : QWidget
        What it shows; never wider than this area.
    in_sight : QWidget, optional
        The row down to which it is at least as high as its form.
    """

    def __init__(self, form: QWidget, in_sight: QWidget | None = None) -> None:
        super().__init__()
        self._in_sight = in_sight
        self._is_laid_out = False
        self._least = _LEAST_HEIGHT
        self._form = self._wanted = form
        self._seeking = QTimer(self)  # while it runs, what is wanted stays in sight
        self._seeking.setSingleShot(True)
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Preferred)
        self.setWidget(form)
        form.installEventFilter(self)
        for kind in (QComboBox, QAbstractSpinBox, QSlider):
            for control in form.findChildren(kind):
                control.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
                control.installEventFilter(_WheelFilter(control, self))
        self._fit()

    @property
    def can_scroll(self) -> bool:
        """Whether a part of the form is out of sight."""
        bar = self.verticalScrollBar()
        return bar is not None and bar.maximum() > bar.minimum()

    def show_soon(self, row: QWidget) -> None:
        """Scroll to a row, once it has its place and the dock its height.

        Qt lays out in events, one for each widget around the row; timers wait for
        them, and what is laid out later still is followed for a moment.  A method of
        a QObject, other than a closure, is not called by a timer once the object is
        gone.
        """
        self._wanted = row
        row.show()
        QTimer.singleShot(0, self._fit)
        QTimer.singleShot(MS_TO_LAY_OUT, self._take_height)
        QTimer.singleShot(2 * MS_TO_LAY_OUT, self._scroll)
        self._seeking.start(_MS_TO_SEEK)

    def sizeHint(self) -> QSize:
        """As high as the form, and wide enough for usual names."""
        return QSize(max(_WIDTH, self._form.sizeHint().width()), self._height())

    def minimumSizeHint(self) -> QSize:
        """As wide as the form and the scroll bar, and some controls high."""
        bar = self.verticalScrollBar()
        width = self._form.minimumSizeHint().width()
        if bar is not None:
            width += bar.sizeHint().width()
        return QSize(width, min(self._least, self._height()))

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        """Be no higher than the form is at the new width."""
        super().resizeEvent(event)
        self._fit()
        if self._seeking.isActive():
            QTimer.singleShot(0, self._scroll)

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        """Follow the form, whose rows come and go."""
        if event is not None and event.type() in _FORM_CHANGES:
            self._fit()
        return super().eventFilter(watched, event)

    def _take_height(self) -> None:
        docked = self.parentWidget()
        if docked is not None:
            take_needed_height(docked, may_shrink=False)

    def _scroll(self) -> None:
        self.ensureWidgetVisible(self._wanted, 0, 0)

    def keep_in_sight(self) -> None:
        """Be no lower than to what stays in sight, now that rows have their places."""
        self._is_laid_out = True
        self._fit()

    def _fit(self) -> None:
        height, least = self._height(), self._least_height()
        if height != self.maximumHeight() or least != self._least:
            self._least = least
            self.setMaximumHeight(height)
            self.updateGeometry()

    def _least_height(self) -> int:
        row = self._in_sight
        if row is None or not self._is_laid_out:
            return _LEAST_HEIGHT
        bottom = row.mapTo(self._form, row.rect().bottomLeft()).y()
        return max(bottom + _BELOW_ROW, _LEAST_HEIGHT)

    def _height(self) -> int:
        layout, viewport = self._form.layout(), self.viewport()
        margins = self.contentsMargins()
        height = self._form.sizeHint().height()
        if layout is not None and viewport is not None and layout.hasHeightForWidth():
            height = layout.totalHeightForWidth(viewport.width())
        return height + margins.top() + margins.bottom()


class _WheelFilter(QObject):
    """Lets the wheel scroll the form instead of changing the control below it."""

    def __init__(self, control: QWidget, area: FormArea) -> None:
        super().__init__(control)
        self._control = control
        self._area = area

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        if (
            isinstance(event, QWheelEvent)
            and self._area.can_scroll
            and not self._control.hasFocus()
        ):
            QApplication.sendEvent(self._area.viewport(), event)
            return True
        return False
