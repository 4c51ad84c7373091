"""Timers that wait until nothing has happened for a while."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import QTimer

if TYPE_CHECKING:
    from collections.abc import Callable

    from qtpy.QtCore import QObject


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
