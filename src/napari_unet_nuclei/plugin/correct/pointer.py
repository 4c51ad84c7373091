"""The mouse on the canvas while a tool is in use: clicks, strokes and boxes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_unet_nuclei.plugin.correct.stroke_overlay import StrokeOverlay, canvas_of
from napari_unet_nuclei.plugin.correct.tools import Trace

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from napari.layers import Labels
    from qtpy.QtWidgets import QWidget

_LEFT = 1
_MOVED = 4  # px on the canvas, above which a click is a stroke


@dataclass(frozen=True, kw_only=True)
class Drawn:
    """What was drawn with the mouse.

    Parameters
    ----------
    positions : list of sequences of float
        Where the mouse was, in the world; of a box, its four corners.
    is_click : bool
        Whether it has hardly moved.
    """

    positions: list[Sequence[float]]
    is_click: bool


class Pointer:
    """Follows the mouse from press to release, and shows the stroke meanwhile.

    Parameters
    ----------
    owner : QWidget
        Docked in the window whose canvas shows the stroke.
    on_drawn : callable
        Gets what was drawn when the button is released.
    """

    def __init__(self, owner: QWidget, on_drawn: Callable[[Drawn], object]) -> None:
        self._owner = owner
        self._on_drawn = on_drawn
        self._overlay: StrokeOverlay | None = None
        self._is_dropped = False
        self.trace = Trace.LINE
        self.is_drawing = False

    def drop(self) -> None:
        """Forget the stroke that is being drawn."""
        self._is_dropped = True
        if self._overlay is not None:
            self._overlay.clear()

    def follow(self, _: Labels, event: Any) -> Iterator[None]:
        """Follow a drag of the left button; for ``layer.mouse_drag_callbacks``."""
        if event.button != _LEFT:
            return
        self._is_dropped, self.is_drawing = False, True
        start = np.array(event.pos, float)
        positions: list[Sequence[float]] = [tuple(event.position)]
        points = [start]
        yield
        while True:  # the button is released where no move may have been heard of
            positions.append(tuple(event.position))
            points.append(np.array(event.pos, float))
            if event.type != "mouse_move":
                break
            if not self._is_dropped and not _is_near(points, start):
                self._show(points)
            yield
        self.is_drawing = False
        if self._overlay is not None:
            self._overlay.clear()
        if self._is_dropped:
            return
        is_click = _is_near(points, start)
        if is_click:
            positions = positions[:1]
        elif self.trace is Trace.BOX:
            positions = _corners(positions[0], positions[-1], event.dims_displayed)
        self._on_drawn(Drawn(positions=positions, is_click=is_click))

    def _show(self, points: list[Any]) -> None:
        if self._overlay is None:
            canvas = canvas_of(self._owner)
            if canvas is None:
                return
            self._overlay = StrokeOverlay(canvas)
        self._overlay.draw(points, self.trace)


def _is_near(points: list[Any], start: Any) -> bool:
    return bool(np.abs(np.asarray(points) - start).max() < _MOVED)


def _corners(
    first: Sequence[float], last: Sequence[float], displayed: Sequence[int]
) -> list[Sequence[float]]:
    """Return the corners of a box that is upright on the canvas."""
    y, x = displayed[-2:]
    corners: list[Sequence[float]] = []
    for row, column in ((first, first), (first, last), (last, last), (last, first)):
        corner = list(first)
        corner[y], corner[x] = row[y], column[x]
        corners.append(tuple(corner))
    return corners
