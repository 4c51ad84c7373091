"""Which pixels were changed by hand since nuclei were found, and so what is locked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from napari_unet_nuclei.core.instances.distinct import distinct

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Locked:
    """What sliders and new runs leave as it is.

    Parameters
    ----------
    numbers : frozenset of int
        Nuclei.
    erased : (K,) ndarray of int
        Pixels that were made background, as ascending indices into the flattened
        labels.
    """

    numbers: frozenset[int]
    erased: NDArray[np.intp]

    def __bool__(self) -> bool:
        """Whether there is anything."""
        return bool(self.numbers) or self.erased.size > 0

    def joined(self, other: Locked) -> Locked:
        """Return what either of two locks."""
        return Locked(self.numbers | other.numbers, distinct(self.erased, other.erased))


NOTHING_LOCKED = Locked(frozenset(), np.zeros(0, np.intp))


class ChangedPixels:
    """The pixels that differ from labels as they were found.

    What is undone is forgotten: a pixel that is what it was has not changed.
    """

    def __init__(self) -> None:
        self._places = np.zeros(0, np.intp)
        self._found = np.zeros(0, np.int64)
        self._now = np.zeros(0, np.int64)

    def __len__(self) -> int:
        return self._places.size

    def note(
        self,
        places: NDArray[np.intp],
        before: NDArray[np.integer],
        after: NDArray[np.integer],
    ) -> None:
        """Note that some pixels have another label now.

        Parameters
        ----------
        places : (K,) ndarray of int
            Indices into the flattened labels.  Of a pixel that is named more than
            once, the last change comes last.
        before, after : (K,) ndarray of int
            Their labels.
        """
        order = np.argsort(places, kind="stable")
        places, before, after = places[order], before[order], after[order]
        is_first = np.append(True, places[1:] != places[:-1])[: places.size]
        is_last = np.append(places[1:] != places[:-1], True)[: places.size]
        places, before, after = places[is_first], before[is_first], after[is_last]
        at = np.searchsorted(self._places, places)
        known = np.zeros(places.size, np.bool_)
        inside = at < self._places.size
        known[inside] = self._places[at[inside]] == places[inside]
        self._now[at[known]] = after[known]
        new = ~known
        self._places = np.insert(self._places, at[new], places[new])
        self._found = np.insert(self._found, at[new], before[new])
        self._now = np.insert(self._now, at[new], after[new])
        is_changed = self._found != self._now
        if not is_changed.all():
            self._places = self._places[is_changed]
            self._found, self._now = self._found[is_changed], self._now[is_changed]

    @property
    def locked(self) -> Locked:
        """What these changes lock: nuclei that lost or won pixels, and erased ones."""
        numbers = distinct(self._found, self._now)
        return Locked(
            frozenset(numbers[numbers > 0].tolist()), self._places[self._now == 0]
        )
