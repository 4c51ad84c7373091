"""Hands that correct nuclei with the tools of napari's labels layer alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from walk_effort import CLICK, KEY, drawing
from walk_hands import Hands
from walk_mistakes import BETTER, axis_of, deepest, iou, outline_of, path_through

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import ArrayLike, NDArray
    from walk_mistakes import Cut

    Mask = NDArray[np.bool_]


class BareTools(Hands):
    """Picker, bucket, eraser, brush and polygon of napari, used as an expert would.

    Tools are taken by their keys, as seldom as can be; a brush that fits is foreseen,
    so that nothing is ever undone.
    """

    name = "napari alone"

    _has_zero = False  # whether the background is the label to fill with

    def split(self, cuts: Iterable[Cut]) -> None:
        """Cut found nuclei that are several."""
        cuts = list(cuts)
        if not cuts:
            return
        self._take("erase")
        self._size_to(1)
        for cut in cuts:
            self.effort.think()
            self.effort.stroke(cut.path, self.side)
            self.timed(lambda cut=cut: self._brush(cut.path, 0))
        self._take("fill")
        for cut in cuts:
            self._new_label()
            self.effort.click()
            self.timed(
                lambda cut=cut: self.layer.fill(cut.inside, self.layer.selected_label)
            )
            if not self.is_split(cut):
                self.log.append(f"split {cut.true} by the eraser")

    def merge(self, true: int, parts: list[int]) -> None:
        """Join the parts of a true nucleus."""
        self.effort.think()
        path = path_through(self.truth, self.labels, true, parts)
        self._take("pick")
        self.effort.picks += 1
        self.effort.click()
        number = int(self.labels[tuple(path[0].astype(int))])
        self.layer.selected_label = number
        self._has_zero = False
        self._take("fill")
        for point in path[1:]:
            self.effort.click()
            self.timed(lambda point=point: self.layer.fill(point, number))

    def delete(self, numbers: Iterable[int]) -> None:
        """Make nuclei background."""
        for number in numbers:
            self.effort.think()
            self._take("fill")
            if not self._has_zero:
                self.effort.key()  # X takes the background
                self._has_zero = True
            self.effort.click()
            place = deepest(self.labels == number)
            self.timed(lambda place=place: self.layer.fill(place, 0))

    def add(self, true: int) -> None:
        """Make a true nucleus that is missing."""
        self.effort.think()
        self._new_label()
        wanted = self.truth == true
        ways = [self._plan_stamp(wanted), self._plan_stroke(wanted)]
        outline = outline_of(wanted, self.shape)
        seconds = (len(outline) - 1) * CLICK + 2 * KEY + self._cost_of("polygon")
        found = [way for way in ways if way is not None and way[0] < seconds]
        if found:
            _, size, path = min(found, key=lambda way: way[0])
            self._take("paint")
            self._size_to(size)
            if len(path) == 1:
                self.effort.click()
            else:
                self.effort.stroke(path, self.side)
            number = self.layer.selected_label
            self.timed(lambda: self._brush(path, number))
            return
        self._take("polygon")
        for _ in outline[1:]:
            self.effort.click()
        self.effort.key()  # Enter ends it
        number = self.layer.selected_label
        self.timed(lambda: self.layer.paint_polygon(outline.round(), number))

    def _plan_stamp(self, wanted: Mask) -> tuple[float, int, ArrayLike] | None:
        """Return the seconds, size and place of a click with the brush that is good."""
        best = round(2 * np.sqrt(np.count_nonzero(wanted) / np.pi))
        centre = np.argwhere(wanted).mean(axis=0)
        for size in self._sizes_to(best):
            if iou(self._painted([centre], size), wanted) > self.shape + BETTER:
                seconds = CLICK + self._size_cost(size) + self._cost_of("paint")
                return seconds, size, np.array([centre])
        return None

    def _plan_stroke(self, wanted: Mask) -> tuple[float, int, ArrayLike] | None:
        path, width = axis_of(wanted)
        for size in self._sizes_to(max(1, round(width))):
            if iou(self._painted(path, size), wanted) > self.shape + BETTER:
                seconds = CLICK + drawing(path, self.side) + self._size_cost(size)
                return seconds + self._cost_of("paint"), size, path
        return None

    def _sizes_to(self, size: int) -> list[int]:
        """Return sizes of the brush, from what it is to what would be best."""
        now = int(self.layer.brush_size)
        return [*range(now, size, 1 if size > now else -1), size]

    def _painted(self, path: ArrayLike, size: int) -> Mask:
        ends = np.asarray(path, float)
        points = np.linspace(ends[0], ends[-1], 50) if len(ends) > 1 else ends
        y, x = np.indices(self.truth.shape)
        near = np.full(self.truth.shape, np.inf)
        for row, column in points:
            near = np.minimum(near, (y - round(row)) ** 2 + (x - round(column)) ** 2)
        return near <= (size // 2 + 0.5) ** 2

    def _brush(self, path: ArrayLike, number: int) -> None:
        """Press the button, move the mouse along a line, and release it."""
        points = np.asarray(path, float)
        with self.layer.block_history():
            for last, point in zip([points[0], *points], points, strict=False):
                self.layer._draw(number, last, point)

    def _new_label(self) -> None:
        self.effort.key()  # M
        self.layer.selected_label = int(self.labels.max()) + 1
        self._has_zero = False

    def _take(self, mode: str) -> None:
        self.effort.key(self.layer.mode != mode)
        self.layer.mode = mode

    def _cost_of(self, mode: str) -> float:
        return KEY * (self.layer.mode != mode)

    def _size_cost(self, size: int) -> float:
        """Return the seconds for another brush: by steps, or with Alt and the mouse."""
        return min(abs(size - self.layer.brush_size) * KEY, KEY + 1.1)

    def _size_to(self, size: int) -> None:
        n_steps = abs(size - int(self.layer.brush_size))
        if n_steps:
            self.effort.keys += n_steps if n_steps * KEY <= KEY + 1.1 else 1
            self.effort.seconds += self._size_cost(size)
            self.layer.brush_size = size
