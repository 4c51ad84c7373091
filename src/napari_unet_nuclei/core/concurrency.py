"""Work of several stages, the next item begun while the last is being finished."""

from __future__ import annotations

from collections import deque
from collections.abc import Generator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from typing import TYPE_CHECKING, Generic, Self, TypeVar

from napari_unet_nuclei.core.cancellation import carrying_cancellation

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

Item = TypeVar("Item")
Result = TypeVar("Result")


class Stage(Generic[Item, Result]):
    """A function that works in a thread, or several, on what it is given.

    A context manager: its end waits for what is being worked on, and drops what has
    not been begun.

    Parameters
    ----------
    function : callable
        What to apply to one item at a time; it is cancelled with what runs here.
    n_threads : int
        Items the function is applied to at once.
    """

    def __init__(self, function: Callable[[Item], Result], n_threads: int = 1) -> None:
        self._function = carrying_cancellation(function)
        self._n_threads = n_threads
        self._pending: deque[Future[Result]] = deque()
        self._executor = ThreadPoolExecutor(n_threads, thread_name_prefix="stage")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._executor.shutdown(cancel_futures=True)

    def put(self, item: Item) -> Iterator[Result]:
        """Begin an item; wait where as many others as there are threads are pending.

        Yields
        ------
        object
            What the function returned, or raises, for the item that was waited for.
        """
        self._pending.append(self._executor.submit(self._function, item))
        if len(self._pending) > self._n_threads:
            yield self._pending.popleft().result()

    def finish(self) -> Iterator[Result]:
        """Wait for each item that is still pending, and yield its result."""
        while self._pending:
            yield self._pending.popleft().result()


def map_ahead(
    function: Callable[[Item], Result], items: Iterable[Item], n_threads: int = 1
) -> Generator[Result, None, None]:
    """Apply a function in a thread, or several, while the next item is being made.

    Chained, each stage has a thread of its own: reading, the network and writing
    work on three images at once.

    Parameters
    ----------
    function : callable
        Stage to run in the thread, on one item at a time; it is cancelled with what
        runs here.
    items : iterable
        What it is applied to; drawn in the calling thread, as many ahead as there are
        threads.
    n_threads : int
        Items the function is applied to at once.

    Yields
    ------
    object
        What the function returns, in the order of the items.  What it raises is
        raised here; no later item is begun then.
    """
    with ExitStack() as ending:
        if isinstance(items, Generator):
            ending.callback(items.close)  # ends the stages before this one
        stage = ending.enter_context(Stage(function, n_threads))
        for item in items:
            yield from stage.put(item)
        yield from stage.finish()
