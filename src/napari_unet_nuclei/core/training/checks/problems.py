"""What a problem with the input of a training run is, and all kinds there are."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy as np
    from numpy.typing import NDArray


class ProblemKind(StrEnum):
    """What can be wrong with what one is about to train on."""

    NO_PAIRS = "no pairs"
    NOT_AN_IMAGE = "not an image"
    UNKNOWN_CHANNELS = "unknown channels"
    SHAPES_DIFFER = "shapes differ"
    NOT_FINITE = "pixels not finite"
    CONSTANT = "constant image"
    SMALL = "smaller than a crop"
    COLOURED_LABELS = "coloured labels"
    PROBABILITIES = "probabilities"
    NEGATIVE = "negative labels"
    NO_BACKGROUND = "no background"
    NOTHING_BUT_IGNORED = "nothing but ignored"
    NO_NUCLEI = "no nuclei"
    ONE_NUCLEUS = "one nucleus"
    ONE_VALUE = "one value"
    CLASSES = "semantic classes"
    SCATTERED = "number in far places"
    HUGE = "huge nucleus"
    SPECKS = "specks"
    SWAPPED = "image and labels swapped"
    UNRELATED = "labels of another image"
    SAME_IMAGES = "same images"
    NO_ROOM = "nothing to hold out"
    MEMORY = "not enough memory"
    LEARNING_RATE = "learning rate"
    TOO_SHORT = "too short"
    START_MAPS = "maps of the start model"


@dataclass(frozen=True, kw_only=True)
class InputProblem:
    """A reason not to train on something, or to look at it first.

    Parameters
    ----------
    kind : ProblemKind
        What it is.
    pair : str, optional
        Name of the image and labels it is about; ``None`` for the whole run.
    sentence : str
        What is wrong, in one sentence.
    advice : str
        What to do, in one sentence.
    is_warning : bool
        Whether training can start all the same.
    """

    kind: ProblemKind
    pair: str | None = None
    sentence: str
    advice: str
    is_warning: bool = False

    def __str__(self) -> str:
        about = "" if self.pair is None else f"{self.pair}: "
        return f"{about}{self.sentence} {self.advice}"


def group_by_kind(
    problems: Iterable[InputProblem],
) -> dict[ProblemKind, list[InputProblem]]:
    """Put problems of one kind together, so that each kind is told once.

    Parameters
    ----------
    problems : iterable of InputProblem
        In any order, which is kept.

    Returns
    -------
    dict of ProblemKind to list of InputProblem
        In the order of the first of each kind.
    """
    groups: dict[ProblemKind, list[InputProblem]] = {}
    for problem in problems:
        groups.setdefault(problem.kind, []).append(problem)
    return groups


@dataclass(frozen=True, eq=False, kw_only=True)
class TrainingPair:
    """An image and labels as they come, whatever they are.

    Parameters
    ----------
    name : str
        What a person calls it.
    image : ndarray
        Should be (Y, X), (Y, X, 3) or (Y, X, 4).
    labels : ndarray
        Should be (Y, X) whole numbers: 0 = background, -1 = ignored.
    """

    name: str
    image: NDArray[np.generic]
    labels: NDArray[np.generic]
