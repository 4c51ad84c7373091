"""How far a long job is: the steps of its generator, and how to run one.

What takes long is a generator here: it yields steps on the way and returns its result
at the end.  What a step is depends on the generator; those that count tiles and planes
are the same everywhere.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

Step = TypeVar("Step")
Changed = TypeVar("Changed")
Result = TypeVar("Result")


@dataclass(frozen=True)
class Progress:
    """So many parts of a job are done.

    Parameters
    ----------
    n_done, n_total : int
        Parts that are finished, and parts in all.
    """

    n_done: int
    n_total: int

    @property
    def fraction(self) -> float:
        """Part that is done, in [0, 1]; of nothing, all."""
        return self.n_done / self.n_total if self.n_total else 1.0


class TileDone(Progress):
    """The network has seen a tile of an image."""


class PlaneDone(Progress):
    """The maps of a plane have become labels."""


class PlaneMeasured(Progress):
    """The nuclei of a plane have been measured."""


@dataclass(frozen=True)
class Preparing:
    """Something has begun that cannot say how far it is.

    Parameters
    ----------
    what : str
        What it is, such as ``"Loading the model"``.
    """

    what: str


def exhaust(steps: Generator[object, None, Result]) -> Result:
    """Run a generator to its end and return its result.

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
    """Yield each step of a generator, changed.

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
