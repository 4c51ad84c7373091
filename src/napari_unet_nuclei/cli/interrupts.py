"""Ctrl-C and SIGTERM: the first stops the work cleanly, the second at once."""

from __future__ import annotations

import os
import signal
import time
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

STOPPED = 130  # what shells say about Ctrl-C
TERMINATED = 143  # and of SIGTERM, with which schedulers and servers end a job
_ECHO = 0.5  # s in which programs around this one hand on the same Ctrl-C again


class Terminated(KeyboardInterrupt):
    """Somebody wants this process to end."""


_heard: KeyboardInterrupt | None = None


def stop_code(request: KeyboardInterrupt) -> int:
    """Exit code of a command that was stopped and has said so."""
    global _heard
    _heard = None
    return TERMINATED if isinstance(request, Terminated) else STOPPED


def listen() -> None:
    """Listen to both signals, unless the parent process ignores them.

    A request that falls into a callback of a library is lost; the second ends the
    process at once.
    """
    _listen_to(signal.SIGINT, signal.default_int_handler, KeyboardInterrupt, STOPPED)
    _listen_to(signal.SIGTERM, signal.SIG_DFL, Terminated, TERMINATED)


def unanswered() -> KeyboardInterrupt | None:
    """Return a request that a library has taken for its own."""
    return _heard


def stop_listening() -> None:
    """Let either signal end the process silently: there is nothing left to do."""
    for number in (signal.SIGINT, signal.SIGTERM):
        if getattr(signal.getsignal(number), "is_ours", False):
            signal.signal(number, signal.SIG_DFL)


def _listen_to(
    number: signal.Signals,
    expected: object,
    request: type[KeyboardInterrupt],
    code: int,
) -> None:
    if signal.getsignal(number) is expected:
        signal.signal(number, _make_handler(request, code))


def _make_handler(
    request: type[KeyboardInterrupt], code: int
) -> Callable[[int, FrameType | None], None]:
    first: float | None = None

    def hear(_number: int, _frame: FrameType | None) -> None:
        nonlocal first
        global _heard
        now = time.monotonic()
        if first is not None:
            if now - first < _ECHO:
                return
            with suppress(OSError):
                os.write(2, b"Stopped.\n")
            os._exit(code)
        first = now
        _heard = request()
        raise _heard

    hear.is_ours = True  # type: ignore[attr-defined]
    return hear


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=stop_listening)
