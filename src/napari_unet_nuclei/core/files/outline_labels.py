"""Outlines of nuclei → label images; nothing of them is lost without a sentence."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_unet_nuclei.core.cancellation import check_cancelled
from napari_unet_nuclei.core.errors import LabelsError
from napari_unet_nuclei.core.files.stored_outlines import (
    ObjectNotes,
    name_objects,
    number_nuclei,
)
from napari_unet_nuclei.core.instances.contours import signed_area
from napari_unet_nuclei.core.instances.filling import crosses_itself, fill_rings

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from napari_unet_nuclei.core.files.stored_outlines import (
        StoredOutline,
        StoredOutlines,
    )

_MOST_PIXELS = 2**30  # of an image whose size only the outlines tell
_LEADING = "TZ"

_OUTSIDE = "Outside of the image, so left out"
_CUT = "Cut at the border of the image"
_NO_PLANE = "In planes that the image does not have, so left out"
_SELF_CROSSING = "Outlines that cross themselves; check their shape"
_NO_PIXEL = "Too small for a pixel, or covered by smaller ones, so left out"


@dataclass(frozen=True, kw_only=True, eq=False)
class PaintedOutlines:
    """Labels that outlines were painted into.

    Parameters
    ----------
    labels : (…, Y, X) ndarray of int32
        Label image or stack of them, 0 = background.
    axes : str
        Its axes, out of T, Z, Y and X.
    notes : tuple of str
        What was left out or cut, in sentences.
    """

    labels: NDArray[np.int32]
    axes: str
    notes: tuple[str, ...] = ()


def paint_outlines(
    stored: StoredOutlines,
    shape: tuple[int, ...] | None = None,
    axes: str = "YX",
) -> PaintedOutlines:
    """Return the label image that outlines describe.

    Parameters
    ----------
    stored : StoredOutlines
        What a file says.
    shape : tuple of int, optional
        Shape of the image that they belong to; as large as the outlines by default.
    axes : str
        Axes of the image, out of T, Z, Y and X; Y and X last.

    Returns
    -------
    PaintedOutlines
        A pixel belongs to a nucleus if its centre lies in the outline; where two
        overlap, to the smaller one.

    Raises
    ------
    LabelsError
        If there are no outlines to tell the size of the image, or they tell one of
        more than 2³⁰ pixels.
    """
    if shape is None:
        shape, axes = _extent(stored.outlines)
    labels = np.zeros(shape, np.int32)
    numbers = number_nuclei(stored.outlines)
    by_size = sorted(
        zip(stored.outlines, numbers, strict=True), key=lambda each: -_area(each[0])
    )
    notes, painted = ObjectNotes(), []
    for outline, number in by_size:
        check_cancelled()
        planes = _planes(labels, axes, outline)
        if _note_place(outline, labels, planes, notes):
            n_shared = sum(_paint(plane, outline, number) for plane in planes)
            painted.append((outline.number, number, n_shared))
    is_left = np.isin([number for _, number, _ in painted], np.unique(labels))
    for (place, *_), is_seen in zip(painted, is_left, strict=True):
        if not is_seen:
            notes.add(_NO_PIXEL, place)
    return PaintedOutlines(
        labels=labels,
        axes=axes,
        notes=(*stored.notes, *notes.sentences(), *_overlaps(painted)),
    )


def fits_image(
    stored: StoredOutlines, shape: tuple[int, ...], axes: str = "YX"
) -> bool:
    """Return whether all outlines lie in an image, or reach over its border at most.

    Parameters
    ----------
    stored : StoredOutlines
        What a file says.
    shape : tuple of int
        Shape of the image.
    axes : str
        Its axes, out of T, Z, Y and X; Y and X last.

    Returns
    -------
    bool
        False if the middle of one lies outside, or its plane does not exist.
    """
    size = np.array(shape[-2:])
    for outline in stored.outlines:
        low, high = _bounds(outline)
        middle = (low + high) / 2
        is_inside = np.all(middle >= 0) and np.all(middle <= size)
        if not is_inside or not _has_planes(shape, axes, outline):
            return False
    return True


def _note_place(
    outline: StoredOutline,
    labels: NDArray[np.int32],
    planes: Sequence[NDArray[np.int32]],
    notes: ObjectNotes,
) -> bool:
    """Note what is odd about an outline, and return whether it lies in the image."""
    if not planes:
        notes.add(_NO_PLANE, outline.number)
        return False
    low, high = _bounds(outline)
    size = np.array(labels.shape[-2:])
    if np.any(high <= 0) or np.any(low >= size):
        notes.add(_OUTSIDE, outline.number)
        return False
    if np.any(low < 0) or np.any(high > size):
        notes.add(_CUT, outline.number)
    if any(crosses_itself(ring) for piece in outline.pieces for ring in piece):
        notes.add(_SELF_CROSSING, outline.number)
    return True


def _paint(plane: NDArray[np.int32], outline: StoredOutline, number: int) -> int:
    """Paint an outline into a plane, and return how many pixels others lose to it."""
    n_taken = 0
    for piece in outline.pieces:
        (rows, columns), mask = fill_rings(piece, plane.shape)
        part = plane[rows, columns]
        n_taken += int(np.count_nonzero(part[mask & (part != number)]))
        part[mask] = number
    return n_taken


def _overlaps(painted: Sequence[tuple[int, int, int]]) -> tuple[str, ...]:
    n_shared = sum(n for *_, n in painted)
    objects = sorted(place for place, _, n in painted if n)
    if not n_shared:
        return ()
    return (
        f"Overlapping larger ones, which lost {n_shared:,} px² to them: "
        f"{name_objects(objects)}.",
    )


def _planes(
    labels: NDArray[np.int32], axes: str, outline: StoredOutline
) -> list[NDArray[np.int32]]:
    """Return the planes of an outline; none where the image does not have its place."""
    if not _has_planes(labels.shape, axes, outline):
        return []
    place = _place_in(axes, outline)
    index = [
        [place[axis]] if axis in place else range(length)
        for axis, length in zip(axes[:-2], labels.shape[:-2], strict=True)
    ]
    return [labels[place] for place in product(*index)]


def _has_planes(shape: Sequence[int], axes: str, outline: StoredOutline) -> bool:
    lengths = dict(zip(axes, shape, strict=True))
    return all(
        place < lengths.get(axis, 1) for axis, place in _place_in(axes, outline).items()
    )


def _place_in(axes: str, outline: StoredOutline) -> Mapping[str, int]:
    """Return the plane; files may call the only axis of a stack by another name."""
    leading, place = axes[:-2], outline.place
    if len(leading) == 1 and not place.get(leading):
        others = [along for axis, along in place.items() if axis != leading]
        if len(others) == 1 and (others[0] or leading not in place):
            return {leading: others[0]}
    return place


def _bounds(outline: StoredOutline) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return the smallest and the largest coordinates (y, x)."""
    corners = np.concatenate([ring for piece in outline.pieces for ring in piece])
    return corners.min(axis=0), corners.max(axis=0)


def _area(outline: StoredOutline) -> float:
    """Return the area of an outline in px², holes left out if they go the other way."""
    return sum(
        abs(sum(signed_area(ring) for ring in piece)) for piece in outline.pieces
    )


def _extent(outlines: Sequence[StoredOutline]) -> tuple[tuple[int, ...], str]:
    """Return the shape and the axes of the smallest image that holds all outlines."""
    if not outlines:
        raise LabelsError(
            "Expected outlines, which tell how large their image is. Received: a file "
            "without any. Open the image first, or add outlines."
        )
    height, width = np.ceil(
        np.max([_bounds(outline)[1] for outline in outlines], axis=0)
    ).tolist()
    lengths = {
        axis: 1 + max(outline.place.get(axis, 0) for outline in outlines)
        for axis in _LEADING
    }
    axes = "".join(axis for axis in _LEADING if lengths[axis] > 1)
    shape = (*(lengths[axis] for axis in axes), max(int(height), 1), max(int(width), 1))
    if math.prod(shape) > _MOST_PIXELS:
        raise LabelsError(
            f"Expected outlines in an image of at most {_MOST_PIXELS:,} pixels. "
            f"Received: outlines that reach over {' × '.join(map(str, shape))}. Open "
            "the image that they belong to first."
        )
    return shape, f"{axes}YX"
