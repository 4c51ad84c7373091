"""Steps on their way from a worker to the window.

A worker may yield thousands of steps while the window is busy.  Most only say how far
it is, so only the newest is passed on.
"""

from __future__ import annotations

from collections import deque
from threading import Lock
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Step = TypeVar("Step")


class StepQueue(Generic[Step]):
    """Keeps steps to be passed on, in order; another thread may fill it.

    Parameters
    ----------
    is_kept : callable, optional
        Whether a step is passed on whatever follows.  Any other step is dropped when
        the next one arrives; without this, all are.
    """

    def __init__(self, is_kept: Callable[[Step], bool] | None = None) -> None:
        self._is_kept = is_kept
        self._steps: deque[tuple[Step, bool]] = deque()
        self._lock = Lock()

    def __len__(self) -> int:
        return len(self._steps)

    def put(self, step: Step) -> None:
        """Add a step; it takes the place of the last one, unless that is kept."""
        is_kept = self._is_kept is not None and self._is_kept(step)
        with self._lock:
            if self._steps and not self._steps[-1][1]:
                self._steps.pop()
            self._steps.append((step, is_kept))

    def drain(self) -> Iterator[Step]:
        """Take the steps one by one; those that are not taken stay."""
        while True:
            with self._lock:
                if not self._steps:
                    return
                step, _ = self._steps.popleft()
            yield step

    def clear(self) -> None:
        """Forget all steps."""
        with self._lock:
            self._steps.clear()
