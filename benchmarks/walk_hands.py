"""Hands that know the truth, and correct nuclei with the tools of this plugin."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

import numpy as np
from walk_effort import Effort
from walk_mistakes import (
    BETTER,
    deepest,
    diameter_of,
    disc_of,
    find_wrong,
    iou,
    outline_of,
    path_through,
)

from napari_unet_nuclei.core.instances.editing.edit import EditError
from napari_unet_nuclei.plugin.correct.actions import Gesture, Scene, correct
from napari_unet_nuclei.plugin.correct.shown_plane import ShownPlane
from napari_unet_nuclei.plugin.correct.tools import Tool

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from napari.components import ViewerModel
    from napari.layers import Labels
    from numpy.typing import ArrayLike, NDArray
    from walk_mistakes import Cut

    Mask = NDArray[np.bool_]

TAKEN = 0.25  # of a missing nucleus: if others hold more, it is drawn over them

ENOUGH = 2  # clicks in vain, after which the others are drawn at once


class Hands(ABC):
    """Hands that know the truth, and what they have done so far.

    Parameters
    ----------
    viewer : ViewerModel
        Shows the layer.
    layer : Labels
        What is corrected.
    truth : (Y, X) ndarray of int
        What it is to become.
    shape : float
        IoU with which they are content when they add a nucleus.
    """

    name = ""

    def __init__(
        self, viewer: ViewerModel, layer: Labels, truth: NDArray[np.int32], shape: float
    ) -> None:
        self.viewer, self.layer, self.truth, self.shape = viewer, layer, truth, shape
        self.effort = Effort()
        self.log: list[str] = []

    @property
    def labels(self) -> NDArray[np.integer]:
        """What has become of the labels so far."""
        return self.layer.data

    @property
    def side(self) -> int:
        """Longer side of the image, in px."""
        return max(self.truth.shape)

    @abstractmethod
    def split(self, cuts: Iterable[Cut]) -> None:
        """Cut found nuclei that are several."""

    @abstractmethod
    def merge(self, true: int, parts: list[int]) -> None:
        """Join the parts of a true nucleus."""

    @abstractmethod
    def delete(self, numbers: Iterable[int]) -> None:
        """Make nuclei background."""

    @abstractmethod
    def add(self, true: int) -> None:
        """Make a true nucleus that is missing."""

    def timed(self, action: Callable[[], object]) -> None:
        """Let a tool compute."""
        start = time.perf_counter()
        action()
        self.effort.computing += time.perf_counter() - start

    def undo(self, why: str) -> None:
        """Press Ctrl+Z."""
        self.effort.key(2)
        self.effort.undone += 1
        self.log.append(why)
        self.timed(self.layer.undo)

    def is_split(self, cut: Cut) -> bool:
        """Whether a true nucleus and its neighbours have parts of their own now."""
        merged = find_wrong(self.truth, self.labels).merged
        lumps = [set(each) for each in merged.values()]
        others = set(cut.others)
        return not any(cut.true in each and each & others for each in lumps)


class OurTools(Hands):
    """The tools of *Correct nuclei*, called as its widget calls them."""

    name = "ours"
    _tool = ""
    _in_vain = 0  # clicks in a row

    def split(self, cuts: Iterable[Cut]) -> None:
        """Cut found nuclei that are several."""
        for cut in cuts:
            self.effort.think()
            self._take(Tool.SPLIT)
            self.effort.stroke(cut.path, self.side)
            if self._draw(cut.path) and not self.is_split(cut):
                self.undo(f"split {cut.true} by a stroke")

    def merge(self, true: int, parts: list[int]) -> None:
        """Join the parts of a true nucleus."""
        self.effort.think()
        self._take(Tool.MERGE)
        path = path_through(self.truth, self.labels, true, parts)
        steps = np.linspace(path[:-1], path[1:], 200).reshape(-1, 2).round().astype(int)
        if set(self.labels[tuple(steps.T)].tolist()) <= {0, *parts}:
            self.effort.stroke(path, self.side)
            self._draw(path)
            return
        for point in path[1:]:
            self.effort.click()
            self.effort.click()
            self._draw([point], before=path[0])

    def delete(self, numbers: Iterable[int]) -> None:
        """Make nuclei background."""
        for number in numbers:
            self.effort.think()
            self._take(Tool.DELETE)
            self.effort.click()
            self._draw([deepest(self.labels == number)])

    def add(self, true: int) -> None:
        """Make a true nucleus that is missing."""
        self.effort.think()
        wanted = self.truth == true
        taken = self.labels[wanted]
        self._take(Tool.ADD)
        if self._in_vain < ENOUGH and np.count_nonzero(taken) <= TAKEN * taken.size:
            self.effort.click()
            done = self._draw([deepest(wanted & (self.labels == 0))])
            if done and self._is_good(wanted):
                self._in_vain = 0
                return
            self._in_vain += 1
            if done:
                self.undo(f"add {true}, {np.count_nonzero(wanted)} px², by a click")
        path = outline_of(wanted, self.shape)
        if iou(disc_of(wanted), wanted) > self.shape + BETTER:
            path = diameter_of(wanted)
        self.effort.stroke(path, self.side)
        self._draw(path)

    def _is_good(self, wanted: Mask) -> bool:
        return iou(self.labels == self.labels.max(), wanted) > self.shape

    def _take(self, tool: Tool) -> None:
        if tool != self._tool:
            self.effort.key()
            self._tool = tool

    def _draw(self, path: ArrayLike, before: ArrayLike | None = None) -> bool:
        points = np.asarray(path, float)
        gesture = Gesture(
            tool=Tool(self._tool),
            path=points,
            is_click=len(points) == 1,
            before=None if before is None else np.asarray(before, float),
        )
        start = time.perf_counter()
        try:
            plane = ShownPlane.of(self.layer, self.viewer.dims)
            number = plane.free_number()
            labels = plane.labels_up_to(number)
            scene = Scene(labels=labels, free_number=number, maps=plane.maps)
            edit = correct(gesture, scene).edit
            return edit is not None and plane.apply(edit)
        except EditError as error:
            self.log.append(f"{self._tool}: {error}")
            return False
        finally:
            self.effort.computing += time.perf_counter() - start
