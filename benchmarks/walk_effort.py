"""What hands do, in actions and in the seconds that these take."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

KEY, POINT, BUTTON, THINK = 0.2, 1.1, 0.1, 1.35  # s
CLICK = POINT + 2 * BUTTON
SEGMENT, CENTIMETRE = 0.9, 0.16  # s, of a line that is drawn
SCREEN_CM = 20.0  # the longer side of an image on the screen


def drawing(path: ArrayLike, side: int) -> float:
    """Return the seconds of a line in an image with a longer side of so many px."""
    points = np.asarray(path, float)
    length = line_length(points) * SCREEN_CM / side
    return SEGMENT * (len(points) - 1) + CENTIMETRE * length


def line_length(path: ArrayLike) -> float:
    """Return the length of a line, in px."""
    return float(np.linalg.norm(np.diff(np.asarray(path, float), axis=0), axis=1).sum())


@dataclass(kw_only=True)
class Effort:
    """Everything that was done with mouse and keys.

    ``clicks`` are all clicks, ``picks`` those of them that choose a label; ``undone``
    counts tries that were taken back, ``computing`` the seconds that the tools took.
    """

    mistakes: int = 0
    clicks: int = 0
    picks: int = 0
    strokes: int = 0
    stroke_px: float = 0.0
    keys: int = 0
    undone: int = 0
    seconds: float = 0.0
    computing: float = 0.0

    @property
    def actions(self) -> int:
        """Clicks, strokes and key presses."""
        return self.clicks + self.strokes + self.keys

    def __add__(self, other: Effort) -> Effort:
        names = [field.name for field in fields(self)]
        return Effort(**{n: getattr(self, n) + getattr(other, n) for n in names})

    def think(self) -> None:
        """See the next mistake, and decide what to do."""
        self.mistakes += 1
        self.seconds += THINK

    def key(self, n: int = 1) -> None:
        """Press keys."""
        self.keys += n
        self.seconds += n * KEY

    def click(self) -> None:
        """Move the mouse to a place and click."""
        self.clicks += 1
        self.seconds += CLICK

    def stroke(self, path: ArrayLike, side: int) -> None:
        """Move the mouse to a place, and drag it along a line."""
        self.strokes += 1
        self.stroke_px += line_length(path)
        self.seconds += CLICK + drawing(path, side)
