"""Cancelling long work from another thread.

Generators can be closed between two steps.  What happens within a step asks here
whether it is still wanted: the thread that began the work says how to find out, and
everything it calls can ask, however deep.
"""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from functools import wraps
from typing import TYPE_CHECKING, ParamSpec, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")
Item = TypeVar("Item")


class Cancelled(BaseException):
    """Nobody wants the result any more.

    No error: like ``GeneratorExit`` it passes through what catches errors.
    """


def _never() -> bool:
    return False


_is_cancelled: ContextVar[Callable[[], bool]] = ContextVar(
    "is_cancelled", default=_never
)


@contextmanager
def cancellable(is_cancelled: Callable[[], bool]) -> Iterator[None]:
    """Let whatever is called inside be cancelled.

    Parameters
    ----------
    is_cancelled : callable
        Whether the result is not wanted any more; asked often, from any thread.

    Examples
    --------
    >>> with cancellable(lambda: False):
    ...     check_cancelled()
    """
    token = _is_cancelled.set(is_cancelled)
    try:
        yield
    finally:
        _is_cancelled.reset(token)


@contextmanager
def uncancellable() -> Iterator[None]:
    """Let whatever is called inside be finished, such as saving what there is.

    Examples
    --------
    >>> with cancellable(lambda: True), uncancellable():
    ...     check_cancelled()
    """
    with cancellable(_never):
        yield


def can_be_cancelled() -> bool:
    """Whether anybody may cancel what runs here."""
    return _is_cancelled.get() is not _never


def is_cancelled() -> bool:
    """Whether the result of what runs here is no longer wanted."""
    return _is_cancelled.get()()


def check_cancelled() -> None:
    """End the work if its result is no longer wanted.

    Raises
    ------
    Cancelled
        If that is so.
    """
    if is_cancelled():
        raise Cancelled


def unless_cancelled(items: Iterable[Item]) -> Iterator[Item]:
    """Yield one after the other, as long as the result is wanted.

    Parameters
    ----------
    items : iterable
        What work is done on.

    Yields
    ------
    object
        Each of them.

    Raises
    ------
    Cancelled
        Instead of the next one.
    """
    for item in items:
        check_cancelled()
        yield item


def carrying_cancellation(
    function: Callable[Arguments, Result],
) -> Callable[Arguments, Result]:
    """Make a function that is cancelled with its maker, in whichever thread it runs.

    Parameters
    ----------
    function : callable
        What a pool of threads is to run.

    Returns
    -------
    callable
        The same, which is not even begun once it is cancelled.
    """
    is_cancelled = _is_cancelled.get()

    @wraps(function)
    def run(*args: Arguments.args, **kwargs: Arguments.kwargs) -> Result:
        with cancellable(is_cancelled):
            check_cancelled()
            return function(*args, **kwargs)

    return run
