"""Controls below each other, their labels in one column.

How a form is laid out in the dock of a widget is in ``docking``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from magicgui.widgets import FloatSlider
from magicgui.widgets.bases import ButtonWidget, Widget
from qtpy.QtCore import QEvent, QObject, Qt
from qtpy.QtWidgets import (
    QAbstractSpinBox,
    QComboBox,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QSizePolicy,
    QSlider,
    QVBoxLayout,
    QWidget,
)

from napari_unet_nuclei.plugin.shared.elision import elide_choice

if TYPE_CHECKING:
    from collections.abc import Sequence

_READOUT_WIDTH = 64  # px
_N_STEPS_PER_PAGE = 10
_BUTTONS_WIDTH = 60  # px, of a spin box: napari's - and +, and what is beside them


def make_form(rows: Sequence[Widget | QWidget]) -> QWidget:
    """Put controls below each other, their labels in one column.

    magicgui measures its own labels in Qt's font, which is not napari's.

    Parameters
    ----------
    rows : sequence of Widget or QWidget
        Controls.  Buttons, check boxes, widgets without a label and widgets of Qt
        take the whole width; so does a slider, its label and value above it.  A row
        is shown while its control is visible.

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
                needed = box.minimumSizeHint().width()
                box.setMinimumWidth(max(words + _BUTTONS_WIDTH, needed))
        return False


class _LabelFilter(QObject):
    """Shows a label only beside a control that is shown."""

    def __init__(self, control: QWidget, label: QLabel) -> None:
        super().__init__(control)
        self._label = label
        attribute = Qt.WidgetAttribute
        if control.testAttribute(attribute.WA_WState_ExplicitShowHide):
            label.setVisible(not control.testAttribute(attribute.WA_WState_Hidden))

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        if event is not None and event.type() in (
            QEvent.Type.ShowToParent,
            QEvent.Type.HideToParent,
        ):
            self._label.setVisible(event.type() == QEvent.Type.ShowToParent)
        return False


def _let_grow(native: QWidget) -> QWidget:
    """Let a label of magicgui, which is as wide as its text, take a whole row."""
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
