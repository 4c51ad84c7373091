"""Outlines of nuclei as polygons along the sides of their pixels.

Filled again, they give the very same pixels.  Files that hold polygons are written in
:mod:`~napari_unet_nuclei.core.files`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

from napari_unet_nuclei.core.cancellation import check_cancelled

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    Ring = NDArray[np.intp]
    Corner = tuple[int, int]

# Directions along the sides of a pixel, with the pixel to the right: east along its
# upper side, then south, west and north; see `_follow`.
_STEPS = np.array([(0, 1), (1, 0), (0, -1), (-1, 0)])
_STARTS = np.array([(0, 0), (0, 1), (1, 1), (1, 0)])  # corners of a pixel


@dataclass(frozen=True, kw_only=True, eq=False)
class Polygon:
    """A piece of a nucleus whose pixels are connected by their sides.

    Parameters
    ----------
    outer : (N, 2) ndarray of int
        Corners (y, x) in px from the upper left corner of the image, clockwise as
        seen on a screen; the first one is not repeated.
    holes : tuple of (N, 2) ndarray of int
        What is left out of it, the other way round.
    """

    outer: Ring
    holes: tuple[Ring, ...] = ()


def trace_contours(labels: NDArray[np.int32]) -> dict[int, tuple[Polygon, ...]]:
    """Return the outline of each nucleus.

    Parameters
    ----------
    labels : (Y, X) ndarray of int32
        Label image; nuclei are above 0.

    Returns
    -------
    dict of int to tuple of Polygon
        The pieces of each nucleus, by ascending label.  No ring touches itself, and
        rings of one nucleus share no side, so they are valid in any geometry program.

    Examples
    --------
    >>> (square,) = trace_contours(np.array([[0, 0], [0, 7]], np.int32))[7]
    >>> square.outer.tolist()
    [[1, 1], [1, 2], [2, 2], [2, 1]]
    """
    return dict(iter_contours(labels))


def iter_contours(
    labels: NDArray[np.int32],
) -> Iterator[tuple[int, tuple[Polygon, ...]]]:
    """Yield the label and the outline of each nucleus; see `trace_contours`."""
    for label, (rows, columns) in _iter_boxes(labels):
        check_cancelled()
        mask = labels[rows, columns] == label
        corner = rows.start, columns.start
        rings = [
            part + corner
            for ring in _iter_rings(mask)
            for part in _split_where_touching(ring)
        ]
        yield label, _put_together(rings)


def _iter_boxes(labels: NDArray[np.int32]) -> Iterator[tuple[int, tuple[slice, slice]]]:
    """Yield each label with the box around its pixels."""
    numbers, names = np.maximum(labels, 0), None
    if int(numbers.max(initial=0)) > 2 * labels.size:
        names, inverse = np.unique(numbers, return_inverse=True)
        numbers = inverse.reshape(labels.shape) + (names[0] > 0)
        names = names[names > 0]
    for number, box in enumerate(ndimage.find_objects(numbers)):
        if box is not None:
            yield number + 1 if names is None else int(names[number]), box


def signed_area(ring: Ring | NDArray[np.float64]) -> float:
    """Return the area of a ring; above 0 if it goes round clockwise on a screen."""
    y, x = ring[:, 0], ring[:, 1]
    return float((x * np.roll(y, -1) - np.roll(x, -1) * y).sum() / 2)


def _iter_rings(mask: NDArray[np.bool_]) -> Iterator[list[Corner]]:
    """Yield each closed line around or in a nucleus."""
    padded = np.pad(mask, 1)
    own, places, follower = _follow(padded)
    direction = own % 4
    # A ring has a corner where the side before has another direction.
    is_corner = np.zeros(own.size, bool)
    is_corner[follower[direction != direction[follower]]] = True
    corners = list(map(tuple, (places + _STARTS[direction] - 1).tolist()))
    is_kept, after = is_corner.tolist(), follower.tolist()
    is_seen = bytearray(own.size)
    for first in range(own.size):
        ring, here = [], first
        while not is_seen[here]:
            is_seen[here] = 1
            if is_kept[here]:
                ring.append(corners[here])
            here = after[here]
        if ring:
            yield ring


def _follow(
    padded: NDArray[np.bool_],
) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.intp]]:
    """Return the sides of pixels at which a nucleus ends, and which follows each.

    A side is known by the number of its pixel times 4 and its direction.  Pixels that
    touch at a corner only are not connected, so a ring always turns right if it can.
    """
    width, flat = padded.shape[1], padded.reshape(-1)
    inside, steps = np.flatnonzero(flat), _STEPS @ (width, 1)
    # What is to the left of the way along a side is no part of the nucleus.
    sides = [
        inside[~flat[inside + steps[direction - 1]]] * 4 + direction
        for direction in range(4)
    ]
    own = np.sort(np.concatenate(sides))
    pixels, directions = own // 4, own % 4
    ahead = pixels + steps[directions]
    beside = ahead + steps[directions - 1]
    turning_left, going_on = beside * 4 + (directions - 1) % 4, ahead * 4 + directions
    following = np.where(flat[beside], turning_left, going_on)
    following = np.where(flat[ahead], following, pixels * 4 + (directions + 1) % 4)
    places = np.stack(np.divmod(pixels, width), axis=-1)
    return own, places, np.searchsorted(own, following)


def _split_where_touching(ring: list[Corner]) -> list[Ring]:
    """Cut a ring that comes to a corner twice into rings that do not."""
    if len(set(ring)) == len(ring):
        return [np.array(ring, np.intp)]
    whole: list[Ring] = []
    path: list[Corner] = []
    place: dict[Corner, int] = {}
    for corner in ring:
        if corner in place:
            start = place[corner]
            whole.append(np.array(path[start:], np.intp))
            for passed in path[start:]:
                del place[passed]
            del path[start:]
        place[corner] = len(path)
        path.append(corner)
    whole.append(np.array(path, np.intp))
    return whole


def _put_together(rings: list[Ring]) -> tuple[Polygon, ...]:
    """Find out which ring surrounds which hole."""
    outer = [ring for ring in rings if signed_area(ring) > 0]
    holes = [ring for ring in rings if signed_area(ring) < 0]
    of_outer: list[list[Ring]] = [[] for _ in outer]
    for hole in holes:
        inside = _pixel_beside(hole)
        around = [n for n, ring in enumerate(outer) if _surrounds(ring, inside)]
        smallest = min(around, key=lambda n: signed_area(outer[n]))
        of_outer[smallest].append(hole)
    return tuple(
        Polygon(outer=ring, holes=tuple(found))
        for ring, found in zip(outer, of_outer, strict=True)
    )


def _pixel_beside(hole: Ring) -> tuple[float, float]:
    """Return the centre of a pixel of the nucleus at a hole, to the right of it."""
    (y0, x0), (y1, x1) = hole[0], hole[1]
    y, x = np.sign(y1 - y0), np.sign(x1 - x0)
    return y0 + (y + x) / 2, x0 + (x - y) / 2


def _surrounds(ring: Ring, point: tuple[float, float]) -> bool:
    """Whether a line from a point to the right crosses a ring oddly often."""
    y, x = point
    (y0, x0), (y1, _) = ring.T, np.roll(ring, -1, axis=0).T
    crossings = (np.minimum(y0, y1) < y) & (y < np.maximum(y0, y1)) & (x0 > x)
    return bool(crossings.sum() % 2)
