"""Where the controls of a widget stand: a form that scrolls, below it what runs.

Both widgets look alike, fit into any dock, and can be used by keyboard.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from magicgui.widgets import FloatSlider
from magicgui.widgets.bases import ButtonWidget, Widget
from qtpy.QtCore import QEvent, QObject, QSize, Qt, QTimer
from qtpy.QtGui import QResizeEvent, QWheelEvent
from qtpy.QtWidgets import (
    QAbstractSpinBox,
    QApplication,
    QBoxLayout,
    QComboBox,
    QDockWidget,
    QFormLayout,
    QFrame,
    QHBoxLayout,
    QLabel,
    QLayout,
    QMainWindow,
    QScrollArea,
    QSizePolicy,
    QSlider,
    QVBoxLayout,
    QWidget,
)

from napari_unet_nuclei.plugin.elision import elide_choice
from napari_unet_nuclei.plugin.theme import follow_theme, style_sheet

if TYPE_CHECKING:
    from collections.abc import Sequence

    import napari.viewer
    from magicgui.widgets import Container

_WIDTH = 345  # px, of a form in a dock that nobody has resized
_LEAST_WIDTH = 240  # px
_LEAST_HEIGHT = 84  # px, of the form: three controls
_READOUT_WIDTH = 64  # px
_N_STEPS_PER_PAGE = 10
_MS_TO_LAY_OUT = 30
_N_ROUNDS = 15  # of laying out, after a widget is docked
_BUTTONS_WIDTH = 60  # px, of a spin box: napari's - and +, and what is beside them
_FORM_CHANGES = (
    QEvent.Type.LayoutRequest,
    QEvent.Type.Polish,
    QEvent.Type.StyleChange,
    QEvent.Type.Show,
)


def make_form(rows: Sequence[Widget | QWidget]) -> QWidget:
    """Put controls below each other, their labels in one column.

    magicgui's own labels are as wide as they would be in Qt's font, which is not
    napari's.

    Parameters
    ----------
    rows : sequence of Widget or QWidget
        Controls.  Buttons, boxes to tick, what has no label, and what is Qt's own
        take the whole width; so does a slider, its label and value above it.  A row
        is there while its control is visible.

    Returns
    -------
    QWidget
        To be put into a layout.
    """
    form = QWidget()
    layout = QFormLayout(form)
    layout.setContentsMargins(0, 0, 0, 0)
    layout.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
    layout.setRowWrapPolicy(QFormLayout.RowWrapPolicy.WrapLongRows)
    for row in rows:
        if not isinstance(row, Widget):
            layout.addRow(row)
        elif isinstance(row, FloatSlider):
            layout.addRow(_make_wide_slider(row))
        elif isinstance(row, ButtonWidget) or not row.label:
            layout.addRow(_let_grow(row.native))
        else:
            label = _make_label(row)
            layout.addRow(label, row.native)
            row.native.installEventFilter(_LabelFilter(row.native, label))
    for choice in form.findChildren(QComboBox):
        elide_choice(choice)
    for spin_box in form.findChildren(QAbstractSpinBox):
        spin_box.installEventFilter(_SpinBoxFilter(spin_box))
    return form


def add_row(form: QWidget, row: QWidget) -> None:
    """Add a row below those of a form.

    Parameters
    ----------
    form : QWidget
        What `make_form` made.
    row : QWidget
        Takes the whole width.
    """
    layout = form.layout()
    if isinstance(layout, QFormLayout):
        layout.addRow(row)


def show_row(form: QWidget, row: QWidget) -> None:
    """Give a new row of a form the height it needs, or scroll to it.

    Parameters
    ----------
    form : QWidget
        What `lay_out` has put into a widget.
    row : QWidget
        One of its rows.
    """
    viewport = form.parent()
    area = None if viewport is None else viewport.parent()
    if isinstance(area, FormArea):
        area.show_soon(row)


def lay_out(
    widget: Container[Widget],
    form: QWidget,
    viewer: napari.viewer.Viewer,
    *,
    n_below: int = 0,
) -> None:
    """Put a form on top of a widget, where it scrolls when there is little room.

    Parameters
    ----------
    widget : Container
        What napari docks; what it holds already stays in reach at any height.
    form : QWidget
        Its controls.
    viewer : napari.viewer.Viewer
        Whose theme to follow.
    n_below : int
        How many of what the widget holds stand at the lower end of the dock.
    """
    area = FormArea(form)
    layout = widget.native.layout()
    if isinstance(layout, QBoxLayout):
        layout.insertWidget(0, area)
        layout.insertStretch(layout.count() - n_below, 1)
    widget.native.setMinimumWidth(_LEAST_WIDTH)
    # napari adds a stretch of its own to what does not grow.
    widget.native.setSizePolicy(
        QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Expanding
    )
    widget.native.installEventFilter(_ShownFilter(widget.native))
    follow_theme(
        viewer,
        widget.native,
        lambda colours: widget.native.setStyleSheet(style_sheet(colours)),
    )


def take_needed_height(widget: QWidget, *, may_shrink: bool = True) -> None:
    """Make the dock of a widget as high as its form, from what others do not need.

    Qt gives a dock that is added all the height, down to the least of the others.

    Parameters
    ----------
    widget : QWidget
        What napari has docked, if it has.
    may_shrink : bool
        Whether height that it does not need is given to others.
    """
    dock = widget.parent()
    window = widget.window()
    if isinstance(dock, QDockWidget) and isinstance(window, QMainWindow):
        needed = max(dock.sizeHint().height(), dock.minimumSizeHint().height())
        if may_shrink or dock.height() < needed:
            window.resizeDocks([dock], [needed], Qt.Orientation.Vertical)


def set_tab_order(widget: QWidget) -> None:
    """Let the Tab key go through controls as they stand, row by row.

    Parameters
    ----------
    widget : QWidget
        Whose controls; those in its layouts.
    """
    order = [each for each in _in_layout(widget) if _takes_focus(each)]
    for one, other in pairwise(order):
        QWidget.setTabOrder(one, other)


class FormArea(QScrollArea):
    """As high as its form where there is room, else it scrolls up and down.

    Parameters
    ----------
    form : QWidget
        What it shows; never wider than this area.
    """

    def __init__(self, form: QWidget) -> None:
        super().__init__()
        self._form = self._wanted = form
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
        """Whether not all of the form is to be seen."""
        bar = self.verticalScrollBar()
        return bar is not None and bar.maximum() > bar.minimum()

    def show_soon(self, row: QWidget) -> None:
        """Scroll to a row, once it has its place and the dock its height.

        Qt lays out in events, one for each widget around the row; timers wait for
        them.  A method of a QObject, other than a closure, is not called by a timer
        once the object is gone.
        """
        self._wanted = row
        row.show()
        QTimer.singleShot(0, self._fit)
        QTimer.singleShot(_MS_TO_LAY_OUT, self._take_height)
        QTimer.singleShot(2 * _MS_TO_LAY_OUT, self._scroll)

    def sizeHint(self) -> QSize:
        """As high as the form, and wide enough for names."""
        return QSize(max(_WIDTH, self._form.sizeHint().width()), self._height())

    def minimumSizeHint(self) -> QSize:
        """As wide as the form and the scroll bar, and three controls high."""
        bar = self.verticalScrollBar()
        width = self._form.minimumSizeHint().width()
        if bar is not None:
            width += bar.sizeHint().width()
        return QSize(width, min(_LEAST_HEIGHT, self._height()))

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        """Be no higher than the form is at the new width."""
        super().resizeEvent(event)
        self._fit()

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

    def _fit(self) -> None:
        height = self._height()
        if height != self.maximumHeight():
            self.setMaximumHeight(height)
            self.updateGeometry()

    def _height(self) -> int:
        layout, viewport = self._form.layout(), self.viewport()
        margins = self.contentsMargins()
        height = self._form.sizeHint().height()
        if layout is not None and viewport is not None and layout.hasHeightForWidth():
            height = layout.totalHeightForWidth(viewport.width())
        return height + margins.top() + margins.bottom()


class _ShownFilter(QObject):
    """Does what can only be done once napari has docked a widget and laid it out.

    Fonts and margins come bit by bit and change what is needed, so it is seen to
    several times; after that the height of the dock is the user's choice.
    """

    def __init__(self, widget: QWidget) -> None:
        super().__init__(widget)
        self._widget = widget
        self._n_rounds = _N_ROUNDS
        self._timer = QTimer(self)
        self._timer.timeout.connect(self._finish)

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        if event is not None and event.type() == QEvent.Type.Show:
            self._timer.start(_MS_TO_LAY_OUT)
        return False

    def _finish(self) -> None:
        # Qt has another order in each window that a dock comes into.
        set_tab_order(self._widget)
        if self._n_rounds > 0:
            self._n_rounds -= 1
            take_needed_height(self._widget)
        else:
            self._timer.stop()


class _WheelFilter(QObject):
    """Lets the wheel scroll the form, instead of changing what it passes over."""

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


class _SpinBoxFilter(QObject):
    """Makes a spin box wide enough for its words between napari's two buttons."""

    def __init__(self, spin_box: QAbstractSpinBox) -> None:
        super().__init__(spin_box)
        self._spin_box = spin_box

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        if event is not None and event.type() in (
            QEvent.Type.Polish,
            QEvent.Type.FontChange,
        ):
            box = self._spin_box
            words = box.fontMetrics().horizontalAdvance(box.specialValueText())
            if words:
                box.setMinimumWidth(words + _BUTTONS_WIDTH)
        return False


class _LabelFilter(QObject):
    """Shows a label only beside a control that is shown."""

    def __init__(self, control: QWidget, label: QLabel) -> None:
        super().__init__(control)
        self._label = label

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        if event is not None and event.type() in (
            QEvent.Type.ShowToParent,
            QEvent.Type.HideToParent,
        ):
            self._label.setVisible(event.type() == QEvent.Type.ShowToParent)
        return False


def _let_grow(native: QWidget) -> QWidget:
    """Let words of magicgui, which are as wide as their text, take a whole row."""
    if isinstance(native, QLabel) and not native.wordWrap():
        native.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Preferred)
    return native


def _make_label(widget: Widget) -> QLabel:
    label = QLabel(widget.label)
    label.setToolTip(widget.tooltip)
    return label


def _make_wide_slider(slider: FloatSlider) -> QWidget:
    """Put the label and the value of a slider above it, so it has the whole width."""
    readout = slider.native.findChild(QAbstractSpinBox)
    bar = slider.native.findChild(QSlider)
    bar.setPageStep(_N_STEPS_PER_PAGE * bar.singleStep())
    slider.native.layout().setContentsMargins(0, 0, 0, 0)
    readout.setFixedWidth(_READOUT_WIDTH)
    readout.setStyleSheet("min-width: 0px; padding: 1px 4px;")
    readout.setToolTip(slider.tooltip)
    header = QHBoxLayout()
    header.addWidget(_make_label(slider))
    header.addStretch(1)
    header.addWidget(readout)
    box = QWidget()
    layout = QVBoxLayout(box)
    layout.setContentsMargins(0, 0, 0, 0)
    layout.setSpacing(2)
    layout.addLayout(header)
    layout.addWidget(slider.native)
    return box


def _in_layout(widget: QWidget) -> list[QWidget]:
    """List the widgets inside another one in the order in which they stand."""
    if isinstance(widget, QScrollArea):
        inner = widget.widget()
        return [] if inner is None else _in_layout(inner)
    layout = widget.layout()
    return [widget] if layout is None else _in_items(layout)


def _in_items(layout: QLayout) -> list[QWidget]:
    found: list[QWidget] = []
    for index in range(layout.count()):
        item = layout.itemAt(index)
        if item is None:
            continue
        widget, inner = item.widget(), item.layout()
        if widget is not None:
            found += _in_layout(widget)
        elif inner is not None:
            found += _in_items(inner)
    return found


def _takes_focus(widget: QWidget) -> bool:
    return bool(widget.focusPolicy() & Qt.FocusPolicy.TabFocus)
