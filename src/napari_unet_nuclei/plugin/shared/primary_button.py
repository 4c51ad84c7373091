"""The button for the main task of a widget: pressed once, it runs once."""

from __future__ import annotations

from typing import Any

from magicgui.widgets import PushButton
from qtpy.QtCore import QEvent, QObject, Qt
from qtpy.QtGui import QKeyEvent
from qtpy.QtWidgets import QApplication, QPushButton

from napari_unet_nuclei.plugin.shared.theme import PENDING, PRIMARY, mark

_ENTER = (Qt.Key.Key_Return, Qt.Key.Key_Enter)


class PrimaryButton(PushButton):
    """A button in the accent colour of the theme, for the mouse and the keyboard.

    Enter presses it, as Space does.  When it is disabled, the focus does not move on
    to *Cancel*, where a second press would cancel the run.

    Parameters
    ----------
    **kwargs
        Options of every magicgui button: ``text``, ``tooltip``, …
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._own_tooltip = self.tooltip
        button: QPushButton = self.native
        button.setObjectName(PRIMARY)
        button.installEventFilter(_Keys(button))

    def mark_pending(self, reason: str | None) -> None:
        """Show that pressing the button would change what is shown.

        Parameters
        ----------
        reason : str, optional
            What has changed since the last run, for the tooltip; ``None`` where the
            result fits the controls.
        """
        self.tooltip = reason or self._own_tooltip
        mark(self.native, PENDING, is_set=reason is not None)


class _Keys(QObject):
    """Lets Enter press the button, and returns the focus to it after a run."""

    def __init__(self, button: QPushButton) -> None:
        super().__init__(button)
        self._button = button
        self._had_focus = False

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        if event is None:
            return False
        if isinstance(event, QKeyEvent) and event.key() in _ENTER:
            if event.type() == QEvent.Type.KeyPress and not event.isAutoRepeat():
                self._button.click()
            return True
        match event.type():
            case QEvent.Type.FocusIn:
                self._had_focus = True
            case QEvent.Type.FocusOut:
                # Qt moves the focus on before it disables what has it.
                self._had_focus = not self._button.isEnabled()
            case QEvent.Type.EnabledChange:
                self._keep_focus()
        return False

    def _keep_focus(self) -> None:
        focused = QApplication.focusWidget()
        if not self._button.isEnabled():
            if self._had_focus and focused is not None:
                focused.clearFocus()
        elif self._had_focus and focused is None:
            self._button.setFocus()
