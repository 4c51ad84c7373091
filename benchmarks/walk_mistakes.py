"""What is wrong in an image, and where hands that know the truth would work on it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy import ndimage
from skimage.draw import polygon2mask
from skimage.measure import approximate_polygon, find_contours

from napari_unet_nuclei.core.evaluation.contingency import cross_tabulate

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    Labels = NDArray[np.integer]
    Mask = NDArray[np.bool_]
    Path = NDArray[np.float64]

BETTER = 0.15  # by so much is an outline aimed at more than hands are content with
STEP = 2.0  # px, between the points of a border


class Cut(NamedTuple):
    """A true nucleus that has to be cut off, and the line for it."""

    true: int
    others: tuple[int, ...]
    path: Path
    inside: Path  # a point in the part to cut off


class Wrong(NamedTuple):
    """Nuclei of an image that do not fit, by their numbers."""

    merged: dict[int, list[int]]  # found: true
    split: dict[int, list[int]]  # true: found
    unmatched_true: list[int]
    unmatched_found: list[int]

    @property
    def is_perfect(self) -> bool:
        """Whether each nucleus matches one of the other image, and none is left."""
        return not (self.unmatched_true or self.unmatched_found)


def find_wrong(truth: Labels, labels: Labels) -> Wrong:
    """Compare as the evaluation does: pairs match above an IoU of .5."""
    table = cross_tabulate(truth, labels)
    true, found, shared = table.rows, table.columns, table.intersections
    areas = table.true_areas[true] + table.predicted_areas[found]
    match = 2 * shared > areas - shared
    covered = 2 * shared > table.true_areas[true]
    contained = 2 * shared > table.predicted_areas[found]
    names, numbers = table.true_labels, table.predicted_labels
    merged: dict[int, list[int]] = {}
    for row, column in zip(true[covered], found[covered], strict=True):
        merged.setdefault(int(numbers[column]), []).append(int(names[row]))
    split: dict[int, list[int]] = {}
    for row, column in zip(true[contained], found[contained], strict=True):
        split.setdefault(int(names[row]), []).append(int(numbers[column]))
    return Wrong(
        merged={n: each for n, each in merged.items() if len(each) > 1},
        split={n: each for n, each in split.items() if len(each) > 1},
        unmatched_true=sorted(set(names.tolist()) - set(names[true[match]].tolist())),
        unmatched_found=sorted(
            set(numbers.tolist()) - set(numbers[found[match]].tolist())
        ),
    )


def iou(one: Mask, other: Mask) -> float:
    """Return the part of two masks together that both share."""
    return float(np.count_nonzero(one & other) / max(np.count_nonzero(one | other), 1))


def deepest(mask: Mask) -> Path:
    """Return the pixel of a mask that is farthest from its edge."""
    depth = ndimage.distance_transform_edt(np.pad(mask, 1))[1:-1, 1:-1]
    return np.array(np.unravel_index(depth.argmax(), mask.shape), float)


def plan_cuts(truth: Labels, labels: Labels, number: int, true: list[int]) -> list[Cut]:
    """Plan to cut one true nucleus after the other off; the rest stays whole."""
    mask = labels == number
    centres = np.array([deepest(mask & (truth == n)) for n in true])
    along = centres @ _direction(centres)
    row = [true[n] for n in np.argsort(along)]
    cuts = []
    while len(row) > 1:
        sides = next(_without_gap(truth, mask, row))
        one = int(truth[sides == 1][0])
        row.remove(one)
        path = _border(mask, sides)
        cuts.append(Cut(one, tuple(row), path, deepest(mask & (sides == 1))))
        mask = mask & (_nearest(sides) == 2)
    return cuts


def _without_gap(truth: Labels, mask: Mask, row: list[int]) -> Iterator[Labels]:
    """Yield what to cut off, marked 1, and what stays, 2; first if it is one part."""
    plans = [np.where(np.isin(truth, row), 1 + (truth != one), 0) for one in row]
    n_parts = [ndimage.label(mask & (_nearest(sides) == 2))[1] for sides in plans]
    for n in np.argsort(n_parts, kind="stable"):
        yield plans[n]


def _border(mask: Mask, sides: Labels) -> Path:
    """Return the line between two sides, drawn on beyond the nucleus."""
    regions = np.where(mask, _nearest(sides), 0)
    reached = ndimage.binary_dilation(regions == 2, iterations=1) & (regions == 1)
    points = np.argwhere(reached).astype(float)
    if len(points) < 2:  # they hardly touch
        one, other = (deepest(mask & (sides == side)) for side in (1, 2))
        across = np.array([other[1] - one[1], one[0] - other[0]])
        points = (one + other) / 2 + np.outer([-1, 1], across / 2)
    places = np.round(points @ _direction(points) / STEP).astype(int)
    points = np.array([points[places == n].mean(axis=0) for n in np.unique(places)])
    path = approximate_polygon(points, max(1.5, 0.1 * np.sqrt(mask.sum())))
    if len(path) < 2:
        path = np.stack([path[0] - 1, path[0] + 1])
    line = path[-1] - path[0]
    line = line / max(float(np.linalg.norm(line)), 1e-9)
    first, last = _outside(path[0], -line, mask), _outside(path[-1], line, mask)
    return np.stack([first, *path[1:-1], last])


def _outside(point: Path, step: Path, mask: Mask) -> Path:
    """Go on from the end of a line until it has left a nucleus."""
    point = point + 2 * step
    inside = np.pad(mask, 1)
    while inside[
        tuple(np.clip(np.round(point + 1), 0, np.array(mask.shape) + 1).astype(int))
    ]:
        point = point + step
    return point + step


def _nearest(sides: Labels) -> Labels:
    where = ndimage.distance_transform_edt(
        sides == 0, return_distances=False, return_indices=True
    )
    return np.asarray(sides[tuple(where)])


def _direction(points: Path) -> Path:
    """Return the direction in which points are spread most."""
    _, _, axes = np.linalg.svd(points - points.mean(axis=0), full_matrices=False)
    return np.asarray(axes[0])


def path_through(truth: Labels, labels: Labels, true: int, parts: list[int]) -> Path:
    """Return a line through all parts of a true nucleus."""
    mask = truth == true
    points = np.array([deepest(mask & (labels == part)) for part in parts])
    return points[np.argsort(points @ _direction(points))]


def axis_of(mask: Mask) -> tuple[Path, float]:
    """Return the ends of the longer axis of a nucleus, and its width, in px."""
    points = np.argwhere(mask).astype(float)
    if len(points) < 3:
        return np.stack([points[0], points[-1]]), 1.0
    centre = points.mean(axis=0)
    values, axes = np.linalg.eigh(np.cov(points.T))
    width, length = 4 * np.sqrt(np.maximum(values, 0.1))
    reach = max(length - width, 0) / 2
    return centre + np.outer([-reach, reach], axes[:, 1]), float(width)


def diameter_of(mask: Mask) -> Path:
    """Return a line straight across a nucleus, as long as if it were round."""
    points = np.argwhere(mask).astype(float)
    radius = np.sqrt(len(points) / np.pi)
    return points.mean(axis=0) + np.outer([-radius, radius], [0.0, 1.0])


def disc_of(mask: Mask) -> Mask:
    """Return a disc of the area of a nucleus in its place."""
    (row, left), (_, right) = diameter_of(mask)
    y, x = np.ogrid[: mask.shape[0], : mask.shape[1]]
    distance = np.hypot(y - row, x - (left + right) / 2)
    return np.asarray(distance <= (right - left) / 2)


def outline_of(mask: Mask, content: float) -> Path:
    """Return the polygon with the fewest corners that is like a nucleus."""
    aim = min(content + BETTER, 0.9)
    padded = np.pad(mask, 1).astype(float)
    contour = max(find_contours(padded, 0.5), key=len) - 1
    for tolerance in np.sqrt(mask.sum()) * np.geomspace(0.5, 0.02, 12):
        path = approximate_polygon(contour, tolerance)
        if len(path) >= 4 and iou(polygon2mask(mask.shape, path), mask) > aim:
            return np.asarray(path)
    return np.asarray(contour)
