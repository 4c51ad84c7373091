"""Which nucleus to look at next: what is doubtful in each plane, and what is answered.

Arrays only.  What the user sees of it is in ``doubt_panel``, how doubtful a nucleus is
in ``core.instances.doubts``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum, auto
from typing import TYPE_CHECKING

import numpy as np

from napari_unet_nuclei.core.instances.doubts.finding import find_doubtful_nuclei
from napari_unet_nuclei.core.instances.labels import label_areas

if TYPE_CHECKING:
    from collections.abc import Collection

    from numpy.typing import NDArray

    from napari_unet_nuclei.core.instances.maps import Maps

    Plane = tuple[int, ...]

LEAST_DOUBT = 0.1
"""Below it nuclei are not proposed; see docs/benchmarks.md for what that leaves out."""


class Answer(Enum):
    """What the user says about what is proposed."""

    ACCEPTED = auto()
    DELETED = auto()
    ADDED = auto()
    SKIPPED = auto()


@dataclass(frozen=True, kw_only=True)
class Proposal:
    """A nucleus, or a place without one, to look at.

    Parameters
    ----------
    number : int
        The nucleus; 0 for a place where one may have been missed.
    place : tuple of int, in px
        Row and column of such a place; empty for a nucleus, which may move.
    doubt : float in [0, 1]
        How likely it is a mistake.
    sentence : str
        What is asked about it, and why.
    """

    number: int
    place: tuple[int, ...] = ()
    doubt: float
    sentence: str

    @property
    def key(self) -> tuple[int, ...]:
        """What it is known by as long as it is there."""
        return self.place or (self.number,)


@dataclass(frozen=True, kw_only=True, eq=False)
class PlaneDoubts:
    """What is doubtful in a plane, and which labels that is about.

    Parameters
    ----------
    labels : (Y, X) ndarray of int
        A copy of the plane.
    maps : Maps, optional
        What a network made of it.
    nuclei : dict of int to Proposal
        All nuclei, however doubtful.
    spots : tuple of Proposal
        Places where nuclei may have been missed.
    touched : frozenset of int
        Nuclei that are not what they were when the plane was last measured.
    diameter : float, in px
        That of a typical nucleus; 0 where there is none.
    """

    labels: NDArray[np.integer]
    maps: Maps | None
    nuclei: dict[int, Proposal]
    spots: tuple[Proposal, ...]
    touched: frozenset[int]
    diameter: float


def measure_plane(
    labels: NDArray[np.integer], maps: Maps | None, before: PlaneDoubts | None = None
) -> PlaneDoubts:
    """Find out what is doubtful in a plane, anew only where something has changed.

    Parameters
    ----------
    labels : (Y, X) ndarray of int
        The plane, which is copied.
    maps : Maps, optional
        What a network made of it.
    before : PlaneDoubts, optional
        What was known of the same plane.

    Returns
    -------
    PlaneDoubts
        The very same where nothing has changed.  Nuclei that neither changed nor
        touch a change are as doubtful as before.
    """
    current = np.array(labels)
    if before is not None:
        is_same = before.maps is maps and before.labels.shape == current.shape
        if is_same and np.array_equal(before.labels, current):
            return before
        before = before if is_same else None
    found = find_doubtful_nuclei(current, maps)
    columns = found.label.tolist(), found.doubt.tolist(), found.sentences()
    nuclei = {
        number: Proposal(number=number, doubt=doubt, sentence=sentence)
        for number, doubt, sentence in zip(*columns, strict=True)
    }
    touched = frozenset(nuclei)
    if before is not None:
        touched = _touched(before.labels, current)
        nuclei |= {
            number: old
            for number, old in before.nuclei.items()
            if number in nuclei and number not in touched
        }
    spots = tuple(
        Proposal(number=0, place=spot.place, doubt=spot.doubt, sentence=spot.sentence)
        for spot in found.spots
    )
    _, areas = label_areas(current)
    return PlaneDoubts(
        labels=current,
        maps=maps,
        nuclei=nuclei,
        spots=spots,
        touched=touched,
        diameter=float(np.sqrt(4 / np.pi * np.median(areas))) if areas.size else 0.0,
    )


@dataclass(frozen=True, kw_only=True)
class Answered:
    """An answer, and what it was about.

    Parameters
    ----------
    plane : tuple of int
        Index of the plane.
    proposal : Proposal
        What was proposed.
    answer : Answer
        What was said.
    nucleus : (Y, X) ndarray of bool, optional
        Pixels of a nucleus that was deleted.
    added : int
        Number of a nucleus that was added.
    """

    plane: Plane
    proposal: Proposal
    answer: Answer
    nucleus: NDArray[np.bool_] | None = None
    added: int = 0


@dataclass(kw_only=True, eq=False)
class DoubtQueue:
    """What is left to look at in the planes of a labels layer."""

    planes: dict[Plane, PlaneDoubts] = field(default_factory=dict)
    answers: list[Answered] = field(default_factory=list)

    def left(self, plane: Plane, locked: Collection[int]) -> list[Proposal]:
        """Return what is to be looked at in a plane, the most doubtful first.

        Parameters
        ----------
        plane : tuple of int
            Index of the plane.
        locked : collection of int
            Nuclei that were corrected or accepted.
        """
        known = self.planes.get(plane)
        if known is None:
            return []
        done = {each.proposal.key for each in self.answers if each.plane == plane}
        waiting = [
            each
            for each in (*known.nuclei.values(), *known.spots)
            if each.doubt >= LEAST_DOUBT
            and each.key not in done
            and each.number not in locked
        ]
        return sorted(waiting, key=lambda each: -each.doubt)

    def note(self, plane: Plane, doubts: PlaneDoubts) -> None:
        """Know a plane as it is now; some of what was said about it may be void."""
        if self.planes.get(plane) is doubts:
            return
        self.planes[plane] = doubts
        self.answers = [
            each
            for each in self.answers
            if each.plane != plane or not _is_void(each, doubts)
        ]

    def nuclei(self) -> dict[int, Proposal]:
        """Return all nuclei of the planes that were measured, by their numbers."""
        found: dict[int, Proposal] = {}
        for doubts in self.planes.values():
            found |= doubts.nuclei
        return found

    def n_done(self, plane: Plane) -> int:
        """Count what was answered in a plane, without what was skipped."""
        return sum(
            each.plane == plane and each.answer is not Answer.SKIPPED
            for each in self.answers
        )


def _is_void(answered: Answered, doubts: PlaneDoubts) -> bool:
    """Whether a deleted nucleus is there again, or one that was skipped has changed."""
    number = answered.proposal.number
    match answered.answer:
        case Answer.DELETED:
            return number in doubts.nuclei
        case Answer.SKIPPED:
            return number in doubts.touched
        case Answer.ADDED:
            return answered.added not in doubts.nuclei
        case _:
            return False


def _touched(before: NDArray[np.integer], after: NDArray[np.integer]) -> frozenset[int]:
    """Return the nuclei that have changed, or lie beside a pixel that has."""
    changed = before != after
    rows, columns = np.nonzero(changed)
    found = [before[changed], after[changed]]
    for down, right in ((-1, 0), (1, 0), (0, -1), (0, 1)):
        beside = (
            np.clip(rows + down, 0, after.shape[0] - 1),
            np.clip(columns + right, 0, after.shape[1] - 1),
        )
        found.append(after[beside])
    return frozenset(np.unique(np.concatenate(found)).tolist())
