"""Small buttons beside each other, for what is done now and then."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtWidgets import QHBoxLayout, QPushButton, QWidget

from napari_unet_nuclei.plugin.shared.theme import SMALL

if TYPE_CHECKING:
    from collections.abc import Callable


def make_small_button(
    text: str, tooltip: str, on_click: Callable[[], object]
) -> QPushButton:
    """Make a button that takes little room.

    Parameters
    ----------
    text, tooltip : str
        What it says.
    on_click : callable
        Called when it is pressed.

    Returns
    -------
    QPushButton
        For `put_side_by_side`.
    """
    button = QPushButton(text)
    button.setObjectName(SMALL)
    button.setToolTip(tooltip)
    button.clicked.connect(lambda: on_click())
    return button


def put_side_by_side(*widgets: QWidget) -> QWidget:
    """Put widgets beside each other, each as wide as it needs.

    Parameters
    ----------
    *widgets : QWidget
        From left to right.

    Returns
    -------
    QWidget
        A row for `make_form`.
    """
    row = QWidget()
    layout = QHBoxLayout(row)
    layout.setContentsMargins(0, 0, 0, 0)
    layout.setSpacing(4)
    for widget in widgets:
        layout.addWidget(widget)
    layout.addStretch(1)
    return row
