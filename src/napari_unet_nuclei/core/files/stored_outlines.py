"""What files of outlines say, in the same words for all formats.

Formats are read in ``geojson_reading`` and ``roi_reading``; outlines become labels in
``outline_labels``.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    Rings = tuple[NDArray[np.float64], ...]

_NUMBER = re.compile(r"([1-9]\d{0,9})(?:-([1-9]\d*))?")
_LARGEST = np.iinfo(np.int32).max
_MOST_NAMED = 5


@dataclass(frozen=True, kw_only=True, eq=False)
class StoredOutline:
    """One object of a file.

    Parameters
    ----------
    number : int
        Its place in the file, from 1; what messages call it.
    pieces : tuple of tuples of (N, 2) ndarray of float
        Rings of corners (y, x) in px from the upper left corner of the image.  Within
        a piece, what lies in two rings is outside.
    name : str
        Its name in the file.
    place : mapping of str to int
        Its plane along T and Z, from 0.  It lies in all planes along an axis that is
        missing.
    """

    number: int
    pieces: tuple[Rings, ...]
    name: str = ""
    place: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, eq=False)
class StoredOutlines:
    """All objects of a file that have an area.

    Parameters
    ----------
    outlines : tuple of StoredOutline
        In the order of the file.
    notes : tuple of str
        Sentences on what was left out or read in another way, by number of the object.
    """

    outlines: tuple[StoredOutline, ...]
    notes: tuple[str, ...] = ()


class ObjectNotes:
    """Collects what is to be said about objects, one sentence for all of a kind."""

    def __init__(self) -> None:
        self._numbers: dict[str, set[int]] = {}

    def add(self, what: str, number: int) -> None:
        """Note what is true of an object, by its number in the file."""
        self._numbers.setdefault(what, set()).add(number)

    def sentences(self) -> tuple[str, ...]:
        """Return what was noted, such as ``"Cut at the border: objects 3 and 5."``."""
        return tuple(
            f"{what}: {name_objects(sorted(numbers))}."
            for what, numbers in self._numbers.items()
        )


def name_objects(numbers: Sequence[int]) -> str:
    """Return objects by their numbers in the file, in a sentence.

    Examples
    --------
    >>> name_objects([3]), name_objects([3, 5]), name_objects([1, 2, 3, 4, 5, 6, 7])
    ('object 3', 'objects 3 and 5', 'objects 1, 2, 3, 4, 5 and 2 more')
    """
    if len(numbers) == 1:
        return f"object {numbers[0]}"
    words = [str(number) for number in numbers[:_MOST_NAMED]]
    n_more = len(numbers) - len(words)
    last = f"{n_more:,} more" if n_more else words.pop()
    return f"objects {', '.join(words)} and {last}"


def number_nuclei(outlines: Sequence[StoredOutline]) -> tuple[int, ...]:
    """Return the label of each outline.

    Parameters
    ----------
    outlines : sequence of StoredOutline
        All of a file.

    Returns
    -------
    tuple of int
        Their names, where all are numbers as this package writes them: 7, and for the
        same nucleus in further planes again 7, or 7-2, 7-3 and so on.  Otherwise their
        places in the file.
    """
    in_order = tuple(outline.number for outline in outlines)
    matches = [_NUMBER.fullmatch(outline.name) for outline in outlines]
    named: list[int] = []
    counted: Counter[int] = Counter()
    for match in matches:
        if match is None or int(match[1]) > _LARGEST:
            return in_order
        number = int(match[1])
        counted[number] += 1
        if match[2] is not None and int(match[2]) != counted[number]:
            return in_order  # such as 1204-2210, a place in ImageJ
        named.append(number)
    return tuple(named) if _are_distinct(named, outlines) else in_order


def _are_distinct(numbers: Iterable[int], outlines: Sequence[StoredOutline]) -> bool:
    """Whether no number occurs twice in a plane."""
    found = {
        (number, tuple(sorted(outline.place.items())))
        for number, outline in zip(numbers, outlines, strict=True)
    }
    return len(found) == len(outlines)
