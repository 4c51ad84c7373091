from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from napari_unet_nuclei.core.concurrency import map_ahead

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any


def test_results_come_in_the_order_of_the_items() -> None:
    assert list(map_ahead(lambda n: n * n, range(7))) == [0, 1, 4, 9, 16, 25, 36]
    assert list(map_ahead(str, [])) == []


def test_the_next_item_is_made_while_the_last_is_worked_on() -> None:
    second_is_made = threading.Event()

    def make() -> Iterator[Any]:
        yield 1
        second_is_made.set()
        yield 2

    results = list(map_ahead(lambda n: (n, second_is_made.wait(10)), make()))
    assert results == [(1, True), (2, True)]


def test_no_more_than_one_item_is_made_ahead() -> None:
    made = []

    def make() -> Iterator[Any]:
        for n in range(5):
            made.append(n)
            yield n

    results = map_ahead(lambda n: n, make())
    assert next(results) == 0
    assert made == [0, 1]
    results.close()
    assert made == [0, 1]


def test_an_error_ends_the_work() -> None:
    begun = []

    def fail(n: int) -> int:
        begun.append(n)
        if n == 1:
            raise ValueError("one")
        return n

    results = map_ahead(fail, range(5))
    assert next(results) == 0
    with pytest.raises(ValueError, match="one"):
        list(results)
    assert begun in ([0, 1], [0, 1, 2])


def test_stages_can_be_chained() -> None:
    doubled = map_ahead(lambda n: 2 * n, range(4))
    assert list(map_ahead(lambda n: n + 1, doubled)) == [1, 3, 5, 7]


def test_several_items_are_worked_on_at_once() -> None:
    all_are_here = threading.Barrier(3)

    def meet(n: int) -> int:
        all_are_here.wait(10)
        return n

    assert list(map_ahead(meet, range(6), n_threads=3)) == [0, 1, 2, 3, 4, 5]
