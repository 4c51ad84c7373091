"""Names that are too long: shortened in the middle, complete in the tooltip.

No letter is cut in half, and no long name makes a dock wide.
"""

from __future__ import annotations

import re
from html import escape
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QEvent, QObject, Qt
from qtpy.QtGui import QHelpEvent
from qtpy.QtWidgets import (
    QComboBox,
    QSizePolicy,
    QStyle,
    QStyleOptionComboBox,
    QStylePainter,
    QToolTip,
)

if TYPE_CHECKING:
    from qtpy.QtGui import QFontMetrics
    from qtpy.QtWidgets import QAbstractItemView

_MIDDLE = Qt.TextElideMode.ElideMiddle
_N_SHOWN = 6  # characters that a list asks room for
_MARGIN = 4  # px, beside a text that fits
_LONGEST_WORD = 40  # characters, in a tooltip


def elide_choice(choice: QComboBox) -> None:
    """Shorten the entries of a drop-down list that are too long for it.

    Parameters
    ----------
    choice : QComboBox
        A list; what it shows of a longer entry is painted by this function's filter.
    """
    choice.setSizeAdjustPolicy(
        QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
    )
    choice.setMinimumContentsLength(_N_SHOWN)
    policy = choice.sizePolicy()
    policy.setHorizontalPolicy(QSizePolicy.Policy.Expanding)
    choice.setSizePolicy(policy)
    choice.installEventFilter(_ChoiceFilter(choice))
    view: Any = choice.view()
    view.setTextElideMode(_MIDDLE)
    view.viewport().installEventFilter(_EntryFilter(choice, view))


def elide_words(text: str, metrics: QFontMetrics, width: int) -> str:
    """Shorten the words of a text that are too long for a line.

    Parameters
    ----------
    text : str
        A sentence; a name with spaces is several words, which can be wrapped.
    metrics : QFontMetrics
        Of the font it is shown in.
    width : int, in px
        Of a line.

    Returns
    -------
    str
        The same, with … in the middle of such words.
    """
    return re.sub(r"\S+", lambda word: _elide(word.group(), metrics, width), text)


def _elide(word: str, metrics: QFontMetrics, width: int) -> str:
    """Shorten a word, so that it is not wrapped where it was shortened."""
    shown = metrics.elidedText(word, _MIDDLE, width)
    return word if shown == word else shown.replace("…", "\u2060…\u2060")


def as_tooltip(*parts: str) -> str:
    """Write texts as a tooltip that is no wider than the screen.

    Parameters
    ----------
    *parts : str
        Plain texts, each of which gets a paragraph; empty ones are left out.

    Returns
    -------
    str
        HTML, where words of any length can be wrapped.
    """
    return "".join(f"<p>{_as_html(part)}</p>" for part in parts if part)


def _as_html(text: str) -> str:
    pieces = re.findall(rf"\S{{1,{_LONGEST_WORD}}}|\s+", text)
    return "".join(
        escape(piece) + ("" if len(piece) < _LONGEST_WORD else "\u200b")
        for piece in pieces
    ).replace("\n", "<br>")


class _ChoiceFilter(QObject):
    """Paints the chosen entry shortened, and shows all of it in the tooltip."""

    def __init__(self, choice: QComboBox) -> None:
        super().__init__(choice)
        self._choice = choice

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        if event is not None and event.type() == QEvent.Type.Paint:
            self._paint()
            return True
        if isinstance(event, QHelpEvent) and event.type() == QEvent.Type.ToolTip:
            option = self._option()
            whole = self._choice.currentText()
            is_cut = self._shorten(option) != whole
            own = self._choice.currentData(Qt.ItemDataRole.ToolTipRole)
            tip = as_tooltip(
                whole if is_cut else "", str(own or ""), self._choice.toolTip()
            )
            QToolTip.showText(event.globalPos(), tip, self._choice)
            return True
        return False

    def _option(self) -> QStyleOptionComboBox:
        option = QStyleOptionComboBox()
        self._choice.initStyleOption(option)
        return option

    def _shorten(self, option: QStyleOptionComboBox) -> str:
        style: Any = self._choice.style()
        place = style.subControlRect(
            QStyle.ComplexControl.CC_ComboBox,
            option,
            QStyle.SubControl.SC_ComboBoxEditField,
            self._choice,
        )
        return option.fontMetrics.elidedText(
            self._choice.currentText(), _MIDDLE, place.width() - _MARGIN
        )

    def _paint(self) -> None:
        option = self._option()
        painter = QStylePainter(self._choice)
        painter.drawComplexControl(QStyle.ComplexControl.CC_ComboBox, option)
        option.currentText = self._shorten(option)
        painter.drawControl(QStyle.ControlElement.CE_ComboBoxLabel, option)
        painter.end()


class _EntryFilter(QObject):
    """Shows all of the entry under the pointer, if it is cut, and its own tooltip."""

    def __init__(self, owner: QObject, view: QAbstractItemView) -> None:
        super().__init__(owner)
        self._view = view

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        if not isinstance(event, QHelpEvent) or event.type() != QEvent.Type.ToolTip:
            return False
        view = self._view
        index = view.indexAt(event.pos())
        text = str(index.data() or "")
        is_cut = view.fontMetrics().horizontalAdvance(text) > (
            view.visualRect(index).width() - _MARGIN
        )
        own = str(index.data(Qt.ItemDataRole.ToolTipRole) or "")
        tip = as_tooltip(text if is_cut else "", own)
        QToolTip.showText(event.globalPos(), tip, view)
        return True
