"""A posted call comes once, before the timers, and not after its owner."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import QCoreApplication, QEvent, QObject, QTimer

from napari_unet_nuclei.plugin.shared.timers import PostedCall

if TYPE_CHECKING:
    from pytestqt.qtbot import QtBot


def test_a_posted_call_comes_once_and_before_a_timer(qtbot: QtBot) -> None:
    order: list[str] = []
    owner = QObject()
    QTimer.singleShot(1, lambda: order.append("timer"))
    call = PostedCall(owner, lambda: order.append("call"))
    call.post()
    call.post()
    assert not order
    qtbot.waitUntil(lambda: "timer" in order)
    assert order == ["call", "timer"]
    call.post()
    qtbot.waitUntil(lambda: len(order) == 3)
    assert order[-1] == "call"


def test_nothing_is_called_once_the_owner_is_gone(qtbot: QtBot) -> None:
    called: list[int] = []
    owner = QObject()
    call = PostedCall(owner, lambda: called.append(1))
    call.post()
    with qtbot.waitSignal(owner.destroyed):
        owner.deleteLater()
        QCoreApplication.sendPostedEvents(owner, QEvent.Type.DeferredDelete)
    qtbot.wait(20)
    assert not called
