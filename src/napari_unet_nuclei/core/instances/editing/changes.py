"""Which pixels were changed by hand since nuclei were found, and so what is locked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

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
            Indices into the flattened labels, each once.
        before, after : (K,) ndarray of int
            Their labels.
        """
        together = np.concatenate([self._places, places])
        found = np.concatenate([self._found, before])
        now = np.concatenate([after[::-1], self._now[::-1]])
        # The first label of a pixel was found; the last is the one it has now.
        unique, first = np.unique(together, return_index=True)
        backwards = np.concatenate([places[::-1], self._places[::-1]])
        _, last = np.unique(backwards, return_index=True)
        found, now = found[first], now[last]
        is_changed = found != now
        self._places = unique[is_changed]
        self._found, self._now = found[is_changed], now[is_changed]

    @property
    def locked(self) -> Locked:
        """What these changes lock: nuclei that lost or won pixels, and erased ones."""
        numbers = np.union1d(np.unique(self._found), np.unique(self._now))
        return Locked(
            frozenset(numbers[numbers > 0].tolist()), self._places[self._now == 0]
        )
