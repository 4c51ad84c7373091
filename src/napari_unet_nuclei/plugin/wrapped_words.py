"""A line of words in a form, as high as they need at the width there is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from magicgui.widgets import Label
from napari.utils.theme import get_theme
from qtpy.QtCore import QEvent, QObject, Qt
from qtpy.QtGui import QColor
from qtpy.QtWidgets import QLabel, QSizePolicy

if TYPE_CHECKING:
    import napari.viewer

_WRONG = ("#b3141c", "#ff8078")  # on a light and on a dark background
_DOUBTFUL = ("#7d4a00", "#f0ad4e")


class WrappedWords(Label):
    """Text that wraps and is never cut, however narrow its form becomes."""

    def __init__(self) -> None:
        super().__init__(value="")
        label = self.native
        label.setWordWrap(True)
        # Long words must not widen the form.
        label.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        label.setAlignment(Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignLeft)
        label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._fitting = _Fitting(label)

    def say(self, text: str, style: str = "") -> None:
        """Show a text in a style of Qt, where it differs from what is shown.

        Parameters
        ----------
        text : str
            One or two sentences.
        style : str
            A style sheet for the label.
        """
        if self.value != text:
            self.value = text
            self._fitting.fit()
        if self.native.styleSheet() != style:
            self.native.setStyleSheet(style)


def colour_of_words(viewer: napari.viewer.Viewer, *, is_wrong: bool) -> str:
    """Return a colour that can be read in the theme of a viewer.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
        The viewer.
    is_wrong : bool
        Whether something cannot be, and is not only in doubt.

    Returns
    -------
    str
        As style sheets take it.
    """
    background = QColor(get_theme(viewer.theme).background.as_hex())
    is_dark = background.lightnessF() < 0.5
    return (_WRONG if is_wrong else _DOUBTFUL)[is_dark]


class _Fitting(QObject):
    """Gives a label the height its text needs, whenever its width changes."""

    def __init__(self, label: QLabel) -> None:
        super().__init__(label)
        self._label = label
        label.installEventFilter(self)

    def eventFilter(self, _: QObject | None, event: QEvent | None) -> bool:
        """Look at what the label is told, and leave it to the label."""
        if event is not None and event.type() == QEvent.Type.Resize:
            self.fit()
        return False

    def fit(self) -> None:
        """Ask for the height of the text at the width there is."""
        label = self._label
        before = label.minimumHeight()
        label.setMinimumHeight(0)  # or the height for a width is never less
        height = max(label.heightForWidth(label.width()), 0)
        label.setMinimumHeight(height)
        if height != before:
            label.updateGeometry()
