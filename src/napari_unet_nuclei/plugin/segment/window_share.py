"""How much of following edits is done in the window's thread."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Generator


@dataclass(frozen=True, kw_only=True)
class WindowShare:
    """What a table may do in the window's thread; a worker does what takes longer.

    Parameters
    ----------
    seconds : float
        Time for one edit.
    seconds_per_turn : float
        Time for all edits until the window handles other events.
    n_pixels : int
        Changed pixels that are measured in it.
    """

    seconds: float = 0.01
    seconds_per_turn: float = 0.02
    n_pixels: int = 1 << 14

    def allows(self, steps: Generator[int, None, None]) -> bool:
        """Go through the steps of an edit, unless they take long.

        Parameters
        ----------
        steps : generator
            What follows the edit; yields the number of changed pixels that have not
            been measured yet.

        Returns
        -------
        bool
            False where a worker should go through those that are left.
        """
        start = time.perf_counter()
        for n_changed in steps:
            is_long = time.perf_counter() - start > self.seconds
            if is_long or n_changed > self.n_pixels:
                return False
        return True
