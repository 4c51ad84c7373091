"""The functions that a background task calls; how it runs is in ``workers``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

Step = TypeVar("Step")
Result = TypeVar("Result")


@dataclass(frozen=True, kw_only=True)
class TaskCallbacks(Generic[Step, Result]):
    """What a task calls while it runs; each may be left out.

    Success, error and cancel all end in ``on_end``, called once, after the generator
    has been closed and the last step has been passed on.  All but ``is_kept`` are
    called in the main thread, one after the other, and none once the owner of the task
    is gone.

    Parameters
    ----------
    on_step : callable
        Gets what the generator yields, at most every 50 ms.  Of several steps in
        that time it gets the newest, and those that are kept.
    on_result : callable
        Gets what the generator returns.
    on_error : callable
        Gets the error that ended the task, after the user has been notified.
    on_cancel : callable
        Called when the task was cancelled.
    on_end : callable
        Called last, whatever happened.
    fraction : callable
        Turns a step into the fraction that is done, from 0 to 1, for the progress
        bar; ``None`` where a step does not say.
    is_kept : callable
        Whether a step must be passed on even if others follow at once; called in the
        thread of the worker.
    """

    on_step: Callable[[Step], object] | None = None
    on_result: Callable[[Result], object] | None = None
    on_error: Callable[[Exception], object] | None = None
    on_cancel: Callable[[], object] | None = None
    on_end: Callable[[], object] | None = None
    fraction: Callable[[Step], float | None] | None = None
    is_kept: Callable[[Step], bool] | None = None
