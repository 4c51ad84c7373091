"""A request to stop a training from outside its process."""

from __future__ import annotations

import os
import signal
import sys
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

from napari_unet_nuclei.core.cancellation import Cancelled, cancellable
from napari_unet_nuclei.core.progress import map_steps

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

Step = TypeVar("Step")
Result = TypeVar("Result")


class Stop:
    """A request to stop, which a run hears between two steps, and within one.

    An interrupt would be lost where it falls into a callback of a library.
    """

    def __init__(self) -> None:
        self._is_requested = threading.Event()
        self._is_running = threading.Event()

    def listen(self) -> None:
        """Take the end of standard input for a request, from now on."""
        threading.Thread(target=self._wait_for_end_of_stdin, daemon=True).start()

    def _wait_for_end_of_stdin(self) -> None:
        """Wait until whoever started this process closes its end or dies."""
        stdin = sys.stdin.fileno()
        # Not through the buffer, whose lock would abort a process that ends meanwhile.
        while os.read(stdin, 1024):
            pass
        if not self._is_running.is_set():
            os._exit(130)  # nothing has been written yet
        self._is_requested.set()

    @contextmanager
    def on_termination(self) -> Iterator[None]:
        """Take SIGTERM, with which servers and schedulers end a job, for a request."""
        before = signal.signal(signal.SIGTERM, self._terminate)
        try:
            yield
        finally:
            signal.signal(signal.SIGTERM, before)

    def _terminate(self, *_: object) -> None:
        if not self._is_running.is_set():
            raise KeyboardInterrupt  # nothing has been written yet
        self._is_requested.set()

    def watch(
        self, steps: Generator[Step, None, Result]
    ) -> Generator[Step, None, Result]:
        """Pass on the steps of a run, and interrupt it when a stop is requested."""
        self._is_running.set()
        return self._watch(steps)

    def _watch(
        self, steps: Generator[Step, None, Result]
    ) -> Generator[Step, None, Result]:
        try:
            with cancellable(self._is_requested.is_set):  # within a step too
                return (yield from map_steps(self._check, steps))
        except Cancelled:
            raise KeyboardInterrupt from None

    def _check(self, step: Step) -> Step:
        if self._is_requested.is_set():
            raise KeyboardInterrupt
        return step


def _forget_termination() -> None:
    """Let SIGTERM end a copy of this process, which has no run to complete."""
    if isinstance(getattr(signal.getsignal(signal.SIGTERM), "__self__", None), Stop):
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_termination)
