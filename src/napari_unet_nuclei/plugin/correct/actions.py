"""What a click or a stroke with a tool does to the nuclei of a plane."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from napari_unet_nuclei.core.instances.editing.adding import draw_nucleus, grow_nucleus
from napari_unet_nuclei.core.instances.editing.cutting import (
    split_along,
    split_between,
)
from napari_unet_nuclei.core.instances.editing.deleting import (
    delete_nuclei,
    nuclei_inside,
)
from napari_unet_nuclei.core.instances.editing.edit import EditError
from napari_unet_nuclei.core.instances.editing.merging import merge_nuclei
from napari_unet_nuclei.core.instances.editing.paths import nuclei_along, pixel_at
from napari_unet_nuclei.core.instances.editing.smoothing import smooth_nuclei
from napari_unet_nuclei.core.instances.labels import label_areas
from napari_unet_nuclei.plugin.correct.tools import Tool

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_unet_nuclei.core.instances.editing.edit import Edit
    from napari_unet_nuclei.core.instances.maps import Maps

_TYPICAL_DIAMETER = 20.0  # px, where a plane has no other nucleus


@dataclass(frozen=True, kw_only=True, eq=False)
class Gesture:
    """What the user has done on the canvas with a tool.

    Parameters
    ----------
    tool : Tool
        The tool.
    path : (N, 2) ndarray of float, in px
        Rows and columns under the mouse; of a box, its corners.
    is_click : bool
        Whether the mouse has hardly moved.
    before : (2,) ndarray of float, optional
        Where the user has clicked before, if that waits for a second click.
    """

    tool: Tool
    path: NDArray[np.float64]
    is_click: bool
    before: NDArray[np.float64] | None = None


@dataclass(frozen=True, kw_only=True, eq=False)
class Scene:
    """What a correction works on.

    Parameters
    ----------
    labels : (Y, X) ndarray of int
        The plane.
    free_number : int
        For a nucleus more.
    maps : Maps, optional
        What a network made of the plane.
    """

    labels: NDArray[np.integer]
    free_number: int
    maps: Maps | None


@dataclass(frozen=True, kw_only=True, eq=False)
class Correction:
    """What follows from a gesture.

    Parameters
    ----------
    text : str
        What the status line says.
    edit : Edit, optional
        What changes; ``None`` while a second click is waited for.
    """

    text: str
    edit: Edit | None = None


def correct(gesture: Gesture, scene: Scene) -> Correction:
    """Return what a gesture changes.

    Parameters
    ----------
    gesture : Gesture
        What was done.
    scene : Scene
        Labels, maps and a free number.

    Raises
    ------
    EditError
        If nothing can be corrected there; the message says why.
    """
    return _ACTIONS[gesture.tool](gesture, scene)


def _delete(gesture: Gesture, scene: Scene) -> Correction:
    if gesture.is_click:
        numbers = [_number_at(gesture, scene)]
    else:
        numbers = nuclei_inside(scene.labels, gesture.path)
        if not numbers:
            raise EditError("No nucleus lies in the box.")
    edit = delete_nuclei(scene.labels, numbers)
    return Correction(text=f"Deleted {_name(numbers)}.", edit=edit)


def _merge(gesture: Gesture, scene: Scene) -> Correction:
    if not gesture.is_click:
        numbers = list(nuclei_along(scene.labels, gesture.path))
        if not numbers:
            raise EditError("The stroke crosses no nucleus.")
    else:
        here = _number_at(gesture, scene)
        first = 0 if gesture.before is None else _at(gesture.before, scene.labels)
        if first in (0, here):
            return Correction(text=f"Merge {here} with which one? Click it.")
        numbers = [first, here]
    edit = merge_nuclei(scene.labels, numbers)
    merged = f"{', '.join(map(str, numbers[:-1]))} and {numbers[-1]}"
    return Correction(text=f"Merged {merged} into {numbers[0]}.", edit=edit)


def _split(gesture: Gesture, scene: Scene) -> Correction:
    new = scene.free_number
    if not gesture.is_click:
        edit = split_along(scene.labels, gesture.path, new, scene.maps)
    else:
        here = _number_at(gesture, scene)
        if gesture.before is None or _at(gesture.before, scene.labels) != here:
            return Correction(text=f"Split {here}: now click into its other half.")
        points = gesture.before, gesture.path[0]
        edit = split_between(scene.labels, *points, new, scene.maps)
    old = edit.numbers[0]
    return Correction(text=f"Split {old} into {old} and {new}.", edit=edit)


def _add(gesture: Gesture, scene: Scene) -> Correction:
    new = scene.free_number
    if not gesture.is_click:
        edit = draw_nucleus(scene.labels, gesture.path, new)
    elif scene.maps is None:
        raise EditError(
            "A click lets a nucleus grow in the maps of a run, and there are none for "
            "this layer: draw around the nucleus instead."
        )
    else:
        edit = grow_nucleus(
            scene.labels,
            scene.maps.foreground,
            gesture.path[0],
            new,
            _typical_area(scene.labels),
        )
    return Correction(text=f"Added {new}.", edit=edit)


def _smooth(gesture: Gesture, scene: Scene) -> Correction:
    numbers = (
        [_number_at(gesture, scene)]
        if gesture.is_click
        else list(nuclei_along(scene.labels, gesture.path))
    )
    if not numbers:
        raise EditError("The stroke crosses no nucleus.")
    edit = smooth_nuclei(scene.labels, numbers)
    return Correction(text=f"Smoothed {_name(numbers)}.", edit=edit)


_ACTIONS = {
    Tool.DELETE: _delete,
    Tool.MERGE: _merge,
    Tool.SPLIT: _split,
    Tool.ADD: _add,
    Tool.SMOOTH: _smooth,
}


def _at(point: NDArray[np.float64], labels: NDArray[np.integer]) -> int:
    pixel = pixel_at(point, labels.shape)
    return 0 if pixel is None else max(int(labels[pixel]), 0)


def _number_at(gesture: Gesture, scene: Scene) -> int:
    number = _at(gesture.path[0], scene.labels)
    if number == 0:
        raise EditError("There is no nucleus under the mouse.")
    return number


def _name(numbers: list[int]) -> str:
    return str(numbers[0]) if len(numbers) == 1 else f"{len(numbers):,} nuclei"


def _typical_area(labels: NDArray[np.integer]) -> float:
    """Median area of the nuclei of a plane, in px², by every second pixel."""
    _, areas = label_areas(labels[::2, ::2])
    if not areas.size:
        return float(np.pi * (_TYPICAL_DIAMETER / 2) ** 2)
    return 4 * float(np.median(areas))
