"""Watershed of a few components of an image, without touching the rest of it."""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from napari_unet_nuclei.core.cancellation import carrying_cancellation
from napari_unet_nuclei.core.instances.runs import Runs, expand

if TYPE_CHECKING:
    from numpy.typing import NDArray

_N_THREADS = 2  # more would wait for memory
# How the work is divided; the labels do not depend on it.
MIN_PART_AREA = 10_000
"""Pixels of the smallest part; less is flooded before another thread has begun."""
PART_AREA = 250_000
"""Pixels of the largest part: 80 bytes each, and a tenth of a second for all."""


class Flooded(NamedTuple):
    """Pixels that were divided, and among what.

    Parameters
    ----------
    pixels : (n,) ndarray of int
        Indices into the flattened image.
    numbers : (n,) ndarray of int32
        Number of the seed that each belongs to.
    """

    pixels: NDArray[np.intp]
    numbers: NDArray[np.int32]

    @property
    def highest(self) -> int:
        """Highest number, 0 without any."""
        return int(self.numbers.max(initial=0))


def flood(depth: NDArray[np.float32], components: Runs, seeds: Runs) -> Flooded:
    """Divide components among their seeds, deepest pixels first.

    Parameters
    ----------
    depth : (Y, X) ndarray of float32
        Depth inside a nucleus.
    components : Runs
        Components to divide.
    seeds : Runs
        Seeds, which lie inside them.

    Returns
    -------
    Flooded
        All pixels of the components.

    Notes
    -----
    The components are copied side by side into an atlas, which is flooded in one
    go.  They cannot flow into each other, and within each the order of pixels
    stays what it was, so the result is that of flooding the image.  Of pixels of
    seeds that are equally deep, the first in raster order floods first.
    """
    areas = np.bincount(components.numbers, components.lengths)
    area = areas.sum()
    n_parts = int(np.clip(area / MIN_PART_AREA, 1, max(_N_THREADS, area / PART_AREA)))
    # Every second one by area, so that the parts are alike in size.
    ranks = np.argsort(np.argsort(areas, kind="stable"))
    part_of_run = ranks[components.numbers] % n_parts
    part_of_seed_run = part_of_run[components.around(seeds.starts)]

    @carrying_cancellation
    def flood_part(part: int) -> Flooded:
        return _flood_atlas(
            depth,
            components.chosen(part_of_run == part),
            seeds.chosen(part_of_seed_run == part),
        )

    # This thread takes part, as it has not to wait for its turn.
    with ThreadPoolExecutor(_N_THREADS - 1, thread_name_prefix="flood") as executor:
        others = executor.map(flood_part, range(1, n_parts, 2))
        parts = [flood_part(part) for part in range(0, n_parts, 2)]
        parts += others
    return Flooded(*(np.concatenate(values) for values in zip(*parts, strict=True)))


def merge_small(flooded: Flooded, min_area: int, shape: tuple[int, int]) -> Flooded:
    """Give parts that are too small for a nucleus to what they touch most.

    Parameters
    ----------
    flooded : Flooded
        Components, divided.
    min_area : int, in px²
        Area of the smallest part that stays.
    shape : tuple of int
        Height and width of the image.

    Returns
    -------
    Flooded
        The same pixels; a part is small only where it is a whole component.
    """
    from scipy.sparse import csgraph, csr_array  # loads much

    pixels, numbers = flooded
    while True:
        areas = np.bincount(numbers, minlength=1)
        small = (areas > 0) & (areas < min_area)
        pairs = _contacts(pixels, numbers, small, shape) if small.any() else None
        if pairs is None or pairs.shape[1] == 0:
            return Flooded(pixels, numbers)
        (first, second), lengths = np.unique(pairs, axis=1, return_counts=True)
        order = np.lexsort((second, -lengths, first))
        first, second = first[order], second[order]
        is_longest = np.append(True, first[1:] != first[:-1])
        links = np.ones(is_longest.sum()), (first[is_longest], second[is_longest])
        graph = csr_array(links, shape=(areas.size, areas.size))
        _, groups = csgraph.connected_components(graph, directed=False)
        # A group is called by its largest part, the first of several.
        by_area = np.lexsort((np.arange(areas.size), -areas))
        _, largest = np.unique(groups[by_area], return_index=True)
        numbers = by_area[largest][groups[numbers]].astype(np.int32)


def _contacts(
    pixels: NDArray[np.intp],
    numbers: NDArray[np.int32],
    small: NDArray[np.bool_],
    shape: tuple[int, int],
) -> NDArray[np.int32]:
    """Pairs of a small part and another, one for each side that pixels share."""
    image = np.zeros((shape[0] + 2, shape[1] + 2), np.int32)
    rows, columns = np.divmod(pixels, shape[1])
    places = (rows + 1) * (shape[1] + 2) + columns + 1
    image.ravel()[places] = numbers
    which = small[numbers]
    own = numbers[which]
    found = []
    for step in (-1, 1, -shape[1] - 2, shape[1] + 2):
        other = image.ravel()[places[which] + step]
        is_contact = (other > 0) & (other != own)
        found.append(np.stack([own[is_contact], other[is_contact]]))
    return np.concatenate(found, axis=1)


def _flood_atlas(depth: NDArray[np.float32], components: Runs, seeds: Runs) -> Flooded:
    """Flood some components side by side."""
    from skimage.segmentation import watershed  # loads half of scikit-image

    moves, shape = _arrange(components, depth.shape[1])
    pixels = expand(components.starts, components.lengths)
    places = expand(components.starts + moves, components.lengths)
    height = np.zeros(shape)
    height.ravel()[places] = -depth.ravel()[pixels]
    mask = np.zeros(shape, np.bool_)
    mask.ravel()[places] = True
    markers = np.zeros(shape, np.int32)
    seed_moves = moves[components.around(seeds.starts)]
    seed_places = expand(seeds.starts + seed_moves, seeds.lengths)
    markers.ravel()[seed_places] = np.repeat(seeds.numbers, seeds.lengths)
    is_inner = _inner_pixels(markers)
    mask &= ~is_inner
    _order_equals(height, np.flatnonzero(mask & (markers > 0)))
    flooded = watershed(height, np.where(is_inner, 0, markers), mask=mask)
    np.copyto(flooded, markers, where=is_inner)
    return Flooded(pixels, flooded.ravel()[places])


def _order_equals(height: NDArray[np.float64], places: NDArray[np.intp]) -> None:
    """Make pixels of seeds that are equally deep differ, the first deepest, in place.

    The queue of the watershed would order them by chance: by what else is in it.
    """
    # Less than half of what lies between two numbers of 32 bits.
    steps = np.arange(places.size, 0, -1) / (places.size or 1) * 2.0**-26
    height.ravel()[places] *= 1 + steps


def _inner_pixels(markers: NDArray[np.int32]) -> NDArray[np.bool_]:
    """Find pixels of seeds with nothing else beside them: nothing flows from there.

    The queue of the watershed takes most of its time, and half of a nucleus is seed.
    """
    is_inner = markers > 0
    for axis in (0, 1):
        moved, inner = np.moveaxis(markers, axis, 0), np.moveaxis(is_inner, axis, 0)
        is_same = moved[1:] == moved[:-1]
        inner[1:] &= is_same
        inner[:-1] &= is_same
    return is_inner


def _arrange(components: Runs, width: int) -> tuple[NDArray[np.intp], tuple[int, int]]:
    """How far each run moves, counted in flattened pixels, and the atlas' shape."""
    chosen, boxes = np.unique(components.numbers, return_inverse=True)
    rows, columns = np.divmod(components.starts, width)
    tops, lefts = (np.full(chosen.size, np.iinfo(np.intp).max) for _ in range(2))
    np.minimum.at(tops, boxes, rows)
    np.minimum.at(lefts, boxes, columns)
    bottoms, rights = (np.zeros(chosen.size, np.intp) for _ in range(2))
    np.maximum.at(bottoms, boxes, rows + 1)
    np.maximum.at(rights, boxes, columns + components.lengths)
    new_tops, new_lefts, shape = pack(bottoms - tops, rights - lefts)
    new_rows = rows + (new_tops - tops)[boxes]
    new_columns = columns + (new_lefts - lefts)[boxes]
    return new_rows * shape[1] + new_columns - components.starts, shape


def pack(
    heights: NDArray[np.intp], widths: NDArray[np.intp]
) -> tuple[NDArray[np.intp], NDArray[np.intp], tuple[int, int]]:
    """Place boxes side by side on shelves, tall ones first, one pixel apart.

    Parameters
    ----------
    heights, widths : (n,) ndarray of int, in px
        Sides of the boxes.

    Returns
    -------
    tops, lefts : (n,) ndarray of int
        Where each box goes, in the order given.
    shape : tuple of int
        Height and width of the atlas that holds them.
    """
    area = int(((heights + 1) * (widths + 1)).sum())
    atlas_width = max(math.isqrt(area), int(widths.max(initial=0)))
    tops, lefts = np.zeros_like(heights), np.zeros_like(widths)
    top = left = shelf_height = 0
    for index in np.argsort(-heights, kind="stable"):
        if left + widths[index] > atlas_width:
            top, left, shelf_height = top + shelf_height + 1, 0, 0
        tops[index], lefts[index] = top, left
        shelf_height = max(shelf_height, int(heights[index]))
        left += int(widths[index]) + 1
    return tops, lefts, (top + shelf_height, atlas_width)
