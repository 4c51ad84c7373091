"""The shape of each kind of ImageJ's ROIs, as rings of corners."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    Point = tuple[float, float]

_FEWEST_CORNERS = 3
_CORNERS_A_PX = 4  # of the larger radius, along a round line
_FEWEST_ROUND, _MOST_ROUND = 180, 7_200
_CURVE = np.linspace(0, 1, 33)[1:, None]  # where a curve of a path is broken
# Parts of a path, as Java counts them, and how many coordinates each has.
_MOVE, _LINE, _QUADRATIC, _CUBIC, _CLOSE = range(5)
_N_COORDINATES = (2, 2, 4, 6, 0)


def roi_rings(roi: Any) -> tuple[NDArray[np.float64], ...]:
    """Return the rings of a ROI.

    Parameters
    ----------
    roi : roifile.ImagejRoi
        Of any kind.

    Returns
    -------
    tuple of (N, 2) ndarray of float
        Corners (y, x) in px; what lies in two rings is outside.  Empty for kinds that
        have no area.

    Raises
    ------
    ValueError
        If the coordinates make no shape.
    """
    rings = [np.asarray(ring, np.float64)[:, ::-1] for ring in _find_rings(roi)]
    if not all(np.isfinite(ring).all() for ring in rings):
        raise ValueError("a coordinate that is no number")
    if any(len(ring) < _FEWEST_CORNERS for ring in rings):
        raise ValueError("an outline of fewer than three corners")
    return tuple(rings)


def _find_rings(roi: Any) -> Sequence[Any]:
    """Return rings of x and y."""
    from roifile import ROI_SUBTYPE, ROI_TYPE

    if roi.subtype in (ROI_SUBTYPE.TEXT, ROI_SUBTYPE.IMAGE, ROI_SUBTYPE.ARROW):
        return []
    if roi.roitype in (ROI_TYPE.POLYGON, ROI_TYPE.FREEHAND, ROI_TYPE.TRACED):
        return [roi.coordinates()]
    if roi.roitype == ROI_TYPE.RECT and roi.composite:
        paths = list(_iter_paths(roi.multi_coordinates.tolist()))
        if not paths:
            raise ValueError("a path without lines")
        return paths
    if roi.roitype not in (ROI_TYPE.RECT, ROI_TYPE.OVAL):
        return []
    x, y, width, height = _box(roi)
    if width <= 0 or height <= 0:
        raise ValueError(f"a box of {width} × {height} px")
    if roi.roitype == ROI_TYPE.OVAL:
        return [_round_box(x, y, width, height, width / 2, height / 2)]
    radius = roi.rounded_rect_arc_size / 2
    return [
        _round_box(x, y, width, height, min(radius, width / 2), min(radius, height / 2))
    ]


def _box(roi: Any) -> tuple[float, float, float, float]:
    if roi.subpixelrect:
        return roi.xd, roi.yd, roi.widthd, roi.heightd
    return roi.left, roi.top, roi.right - roi.left, roi.bottom - roi.top


def _round_box(
    x: float, y: float, width: float, height: float, radius_x: float, radius_y: float
) -> NDArray[np.float64]:
    """Return a rectangle whose corners are quarters of an ellipse."""
    if radius_x <= 0 or radius_y <= 0:
        right, bottom = x + width, y + height
        return np.array([(x, y), (right, y), (right, bottom), (x, bottom)])
    n_corners = math.ceil(_CORNERS_A_PX * max(radius_x, radius_y))
    n_quarter = min(max(n_corners, _FEWEST_ROUND), _MOST_ROUND)
    angles = np.linspace(0, math.pi / 2, n_quarter)
    # From the right to the bottom, then to the left, to the top and to the right again.
    corners = np.array([(1, 1), (0, 1), (0, 0), (1, 0)])
    rounded = []
    for quarter, (at_right, at_bottom) in enumerate(corners):
        turned = angles + quarter * math.pi / 2
        centre_x = x + width - radius_x if at_right else x + radius_x
        centre_y = y + height - radius_y if at_bottom else y + radius_y
        rounded.append(
            np.stack(
                [
                    centre_x + radius_x * np.cos(turned),
                    centre_y + radius_y * np.sin(turned),
                ],
                axis=1,
            )
        )
    return np.concatenate(rounded)


def _iter_paths(path: Sequence[float]) -> Iterator[list[Point]]:
    """Yield the closed lines of a path of Java; curves become short straight lines."""
    ring: list[Point] = []
    place = 0
    while place < len(path):
        kind = int(path[place])
        if not 0 <= kind < len(_N_COORDINATES):
            raise ValueError(f"part {kind} of a path")
        end = place + 1 + _N_COORDINATES[kind]
        if end > len(path):
            raise ValueError("a path that ends too soon")
        numbers = path[place + 1 : end]
        points = list(zip(numbers[::2], numbers[1::2], strict=True))
        if kind == _MOVE:
            if len(ring) > 1:
                yield ring
            ring = points
        elif kind == _CLOSE:
            if len(ring) > 1:
                yield ring
            ring = ring[:1]
        else:
            ring = ring + (points if kind == _LINE else _curve([ring[-1], *points]))
        place = end
    if len(ring) > 1:
        yield ring


def _curve(controls: list[Point]) -> list[Point]:
    """Return points on a Bézier curve, without the first."""
    points = [np.array(control, np.float64) for control in controls]
    while len(points) > 1:
        points = [
            before + (after - before) * _CURVE for before, after in pairwise(points)
        ]
    return [(float(x), float(y)) for x, y in points[0]]
