"""Numbers along one side of a plot."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

_N_TICKS = 5


@dataclass(frozen=True, kw_only=True)
class Scale:
    """Numbers along one side of a plot.

    Parameters
    ----------
    low, high : float
        What lies at its ends.
    """

    low: float
    high: float

    @classmethod
    def around(cls, values: Sequence[float], least: float) -> Scale:
        """Return a scale with room for values.

        Parameters
        ----------
        values : sequence of float
            At least one.
        least : float
            How much the scale spans at least.

        Returns
        -------
        Scale
            With a little more than the values at both ends.
        """
        low, high = min(values), max(values)
        more = max((least - (high - low)) / 2, 0.08 * (high - low))
        return cls(low=low - more, high=high + more)

    @property
    def ticks(self) -> list[float]:
        """Round numbers on this scale, few enough to be read."""
        rough = (self.high - self.low) / _N_TICKS
        power = 10.0 ** math.floor(math.log10(rough))
        step = next(
            step * power for step in (1, 2, 2.5, 5, 10) if step * power >= 0.999 * rough
        )
        first, last = math.ceil(self.low / step), math.floor(self.high / step)
        return [round(number * step, 10) for number in range(first, last + 1)]

    def place(self, value: float) -> float:
        """Return how far along the scale a value lies, from 0 to 1."""
        return (value - self.low) / (self.high - self.low)
