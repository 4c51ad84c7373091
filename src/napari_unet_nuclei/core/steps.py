"""Generators that report steps on the way and return a result at the end.

What the steps are is the business of each generator; here they are only run and
handed on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

Step = TypeVar("Step")
Changed = TypeVar("Changed")
Result = TypeVar("Result")


def exhaust(steps: Generator[object, None, Result]) -> Result:
    """Run a generator to its end and hand out what it returns.

    Parameters
    ----------
    steps : generator
        What to run.

    Returns
    -------
    object
        What the generator returns.
    """
    while True:
        try:
            next(steps)
        except StopIteration as stop:
            result: Result = stop.value
            return result


def map_steps(
    change: Callable[[Step], Changed], steps: Generator[Step, None, Result]
) -> Generator[Changed, None, Result]:
    """Hand on each step of a generator, changed.

    Parameters
    ----------
    change : callable
        Makes of each step what is handed on; what it raises ends the run.
    steps : generator
        What to run; it is closed when this one is, and when ``change`` raises.

    Yields
    ------
    object
        What ``change`` makes of each step.

    Returns
    -------
    object
        What the generator returns.
    """
    try:
        while True:
            try:
                step = next(steps)
            except StopIteration as stop:
                result: Result = stop.value
                return result
            yield change(step)
    finally:
        steps.close()
