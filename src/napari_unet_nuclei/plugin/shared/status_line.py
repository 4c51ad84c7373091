"""A line of text that takes the height it needs, and no more width than it gets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from magicgui.widgets import Label
from qtpy.QtCore import QEvent, QObject, Qt
from qtpy.QtGui import QHelpEvent, QTextLayout, QTextOption
from qtpy.QtWidgets import QSizePolicy, QToolTip

from napari_unet_nuclei.plugin.shared.elision import as_tooltip, elide_words

if TYPE_CHECKING:
    from qtpy.QtWidgets import QLabel

_MOST_LINES = 8
_PADDING = 4  # px, of a label in napari, above and below


class StatusLine(Label):
    """Wrapped text, in which a name that is longer than a line is shortened.

    ``value`` is always the whole text; the tooltip repeats it where a part of it is
    not shown.

    Parameters
    ----------
    **kwargs
        Options of every magicgui widget: ``value``, ``tooltip``, …
    """

    def __init__(self, **kwargs: Any) -> None:
        self._text = ""
        super().__init__(**kwargs)
        label: QLabel = self.native
        label.setTextFormat(Qt.TextFormat.PlainText)
        label.setWordWrap(True)
        policy = QSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        policy.setHeightForWidth(True)
        label.setSizePolicy(policy)
        label.setAlignment(Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignLeft)
        label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        label.installEventFilter(_Filter(self))

    def get_value(self) -> str:
        """Return the whole text."""
        return self._text

    def set_value(self, value: Any) -> None:
        """Show a text."""
        if self._text != str(value):
            self._text = str(value)
            self.native.setMinimumHeight(0)  # or that of the older text would stay
        self.fit()

    @property
    def is_cut(self) -> bool:
        """Whether not all of the text is shown."""
        return bool(self.native.text() != self._text)

    def fit(self) -> None:
        """Shorten the text to the present width."""
        label: QLabel = self.native
        width = label.contentsRect().width() - 2 * label.margin()
        text = elide_words(self._text, label.fontMetrics(), width)
        lines = _wrap(text, label, width)
        if len(lines) > _MOST_LINES:
            text = "".join(lines[:_MOST_LINES]).rstrip()[:-1] + "…"
        if text != label.text():
            label.setText(text)
        # There is room for one line even without text; and a dock, which ignores
        # heights that depend on the width, must not cut the other lines.
        one_line = label.fontMetrics().lineSpacing() + _PADDING
        label.setMinimumHeight(max(one_line, label.heightForWidth(label.width())))


class _Filter(QObject):
    """Fits a line into its space, and shows all of it in the tooltip."""

    def __init__(self, line: StatusLine) -> None:
        super().__init__(line.native)
        self._line = line

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        if event is None:
            return False
        if event.type() in (QEvent.Type.Resize, QEvent.Type.FontChange):
            self._line.fit()
        elif isinstance(event, QHelpEvent) and event.type() == QEvent.Type.ToolTip:
            whole = self._line.value if self._line.is_cut else ""
            tip = as_tooltip(whole, self._line.native.toolTip())
            QToolTip.showText(event.globalPos(), tip, self._line.native)
            return True
        return False


def _wrap(text: str, label: QLabel, width: int) -> list[str]:
    """Cut a text into the lines that a label makes of it."""
    lines = []
    for paragraph in text.split("\n"):
        layout = QTextLayout(paragraph, label.font())
        layout.setTextOption(QTextOption(Qt.AlignmentFlag.AlignLeft))
        layout.beginLayout()
        while (line := layout.createLine()).isValid():
            line.setLineWidth(max(width, 1))
            end = line.textStart() + line.textLength()
            lines.append(paragraph[line.textStart() : end])
        layout.endLayout()
        lines[-1:] = [lines[-1] + "\n"] if lines else []
    return lines
