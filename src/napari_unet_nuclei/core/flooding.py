"""Watershed of a few components of an image, without touching the rest of it."""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

Box = tuple[slice, slice]

_N_PARTS = 2  # more threads would wait for memory


def flood(
    labels: NDArray[np.int32],
    depth: NDArray[np.float32],
    hearts: NDArray[np.integer],
    components: NDArray[np.integer],
    chosen: Mapping[int, Box],
) -> None:
    """Divide components among their hearts, deepest pixels first.

    Parameters
    ----------
    labels : (Y, X) ndarray of int32
        Gets, in the chosen components, the number of the heart that each pixel
        belongs to; left alone elsewhere.
    depth : (Y, X) ndarray of float32
        Depth inside a nucleus.
    hearts : (Y, X) ndarray of int
        Numbered seeds, 0 elsewhere.
    components : (Y, X) ndarray of int
        Numbered components of the foreground, 0 = background.
    chosen : mapping of int to tuple of slice
        Components to divide, and the box around each.

    Notes
    -----
    The boxes of the components are copied side by side into an atlas, which is
    flooded in one go.  Components cannot flow into each other, and within each the
    order of pixels stays what it was, so the result is that of flooding the image.
    """
    by_area = sorted(chosen, key=lambda number: _area(chosen[number]))
    # Every second one, so that the parts are alike in size.
    parts = [by_area[start::_N_PARTS] for start in range(min(_N_PARTS, len(by_area)))]

    def flood_part(numbers: list[int]) -> None:
        boxes = [chosen[number] for number in numbers]
        _flood_atlas(labels, depth, hearts, components, numbers, boxes)

    with ThreadPoolExecutor(_N_PARTS, thread_name_prefix="flood") as executor:
        list(executor.map(flood_part, parts))


def _area(box: Box) -> int:
    return math.prod(side.stop - side.start for side in box)


def _flood_atlas(
    labels: NDArray[np.int32],
    depth: NDArray[np.float32],
    hearts: NDArray[np.integer],
    components: NDArray[np.integer],
    numbers: Sequence[int],
    boxes: Sequence[Box],
) -> None:
    """Flood some components side by side."""
    from skimage.segmentation import watershed  # loads half of scikit-image

    places, shape = pack(boxes)
    height = np.zeros(shape, np.float32)
    seeds = np.zeros(shape, np.int32)
    mask = np.zeros(shape, np.bool_)
    for number, box, place in zip(numbers, boxes, places, strict=True):
        inside = np.equal(components[box], number, out=mask[place])
        np.negative(depth[box], out=height[place])
        np.multiply(hearts[box], inside, out=seeds[place], casting="unsafe")
    flooded = watershed(height, seeds, mask=mask)
    for box, place in zip(boxes, places, strict=True):
        np.copyto(labels[box], flooded[place], where=mask[place])


def pack(boxes: Sequence[Box]) -> tuple[list[Box], tuple[int, int]]:
    """Place boxes side by side on shelves, tall ones first, one pixel apart.

    Parameters
    ----------
    boxes : sequence of tuple of slice
        Boxes of any image.

    Returns
    -------
    places : list of tuple of slice
        Where each box goes, in the order given.
    shape : tuple of int
        Height and width of the atlas that holds them.
    """
    sides = [(y.stop - y.start, x.stop - x.start) for y, x in boxes]
    area = sum((height + 1) * (width + 1) for height, width in sides)
    atlas_width = max(math.isqrt(area), *(width for _, width in sides))
    places: dict[int, Box] = {}
    top = left = shelf_height = 0
    for index in sorted(range(len(sides)), key=lambda i: -sides[i][0]):
        height, width = sides[index]
        if left + width > atlas_width:
            top, left, shelf_height = top + shelf_height + 1, 0, 0
        places[index] = (slice(top, top + height), slice(left, left + width))
        shelf_height = max(shelf_height, height)
        left += width + 1
    return [places[i] for i in range(len(sides))], (top + shelf_height, atlas_width)
