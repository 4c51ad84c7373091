"""Work of several stages, the next item begun while the last is being finished."""

from __future__ import annotations

from collections import deque
from collections.abc import Generator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

from napari_unet_nuclei.core.cancellation import carrying_cancellation

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

Item = TypeVar("Item")
Result = TypeVar("Result")


def overlap(
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
    pending: deque[Future[Result]] = deque()
    function = carrying_cancellation(function)
    with ThreadPoolExecutor(n_threads, thread_name_prefix="stage") as executor:
        try:
            for item in items:
                pending.append(executor.submit(function, item))
                if len(pending) > n_threads:
                    yield pending.popleft().result()
            while pending:
                yield pending.popleft().result()
        finally:
            for future in pending:
                future.cancel()
            if isinstance(items, Generator):
                items.close()  # ends the stages before this one
