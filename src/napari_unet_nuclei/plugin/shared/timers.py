"""Calls that come later: once nothing has happened for a while, or very soon."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import (  # type: ignore[attr-defined]  # Signal has many names
    QObject,
    Qt,
    QTimer,
    Signal,
)

if TYPE_CHECKING:
    from collections.abc import Callable


def make_quiet_timer(
    owner: QObject, milliseconds: int, on_quiet: Callable[[], object]
) -> QTimer:
    """Make a timer that each event restarts and that calls back after the last one.

    Parameters
    ----------
    owner : QObject
        Nothing is called once this is gone.
    milliseconds : int
        Time without a further start.
    on_quiet : callable
        Called once after that time.

    Returns
    -------
    QTimer
        Not started yet.
    """
    timer = QTimer(owner)
    timer.setSingleShot(True)
    timer.setInterval(milliseconds)
    timer.timeout.connect(on_quiet)
    return timer


class PostedCall(QObject):
    """Calls back in the next turn of the event loop, before anything is drawn.

    A timer of 0 ms comes after that, and drawing a window can take 20 ms.

    Parameters
    ----------
    owner : QObject
        Nothing is called once this is gone.
    callback : callable
        Called once, however often the call is posted before.
    """

    _posted = Signal()

    def __init__(self, owner: QObject, callback: Callable[[], object]) -> None:
        super().__init__(owner)
        self._callback = callback
        self._is_waiting = False
        self._posted.connect(self._call, Qt.ConnectionType.QueuedConnection)

    def post(self) -> None:
        """Call back soon."""
        if not self._is_waiting:
            self._is_waiting = True
            self._posted.emit()

    def _call(self) -> None:
        self._is_waiting = False
        self._callback()
