"""Tiles of an image that may be proposed, and the pixels that a model sees of them.

An image of moderate size is seen whole, and its tiles overlap.  Of a larger one an even
sample of tiles is put together into one picture, so that looking at any image takes
bounded time and memory, and all tiles share intensities, signal and scale.
"""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from napari_unet_nuclei.core.errors import ImageError
from napari_unet_nuclei.core.images.lazy import as_array_like

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_unet_nuclei.core.images.lazy import ArrayLike

MAX_SEEN_AREA = 9 * 2**20
"""Area in px² up to which an image is seen whole."""

_STEPS_PER_TILE = 4  # places of tiles along the side of one
_CONTEXT = 32  # px around a sampled tile, so that its neighbours do not matter

Box = tuple[slice, slice]


class Candidates(NamedTuple):
    """Tiles of one size that may be proposed.

    Parameters
    ----------
    pixels : (Y, X) or (Y, X, C) ndarray
        What a model sees: the image, or a picture made of some of its tiles.
    corners : (N, 2) ndarray of int, in px
        Top and left of each tile in these pixels.
    places : (N, 2) ndarray of int, in px
        Top and left of each tile in the image.
    shape : (int, int), in px
        Height and width of a tile.
    """

    pixels: NDArray[np.generic]
    corners: NDArray[np.intp]
    places: NDArray[np.intp]
    shape: tuple[int, int]

    def seen(self, number: int) -> Box:
        """Rows and columns of a tile in the pixels."""
        return _box(self.corners[number], self.shape)

    def place(self, number: int) -> Box:
        """Rows and columns of a tile in the image."""
        return _box(self.places[number], self.shape)

    def overlapping(self, number: int) -> NDArray[np.bool_]:
        """Whether each tile shares pixels of the image with one of them."""
        apart = np.abs(self.places - self.places[number]) >= self.shape
        return np.asarray(~apart.any(axis=1))


def find_candidates(
    image: ArrayLike, tile_size: int, max_area: int = MAX_SEEN_AREA
) -> Candidates:
    """Find the tiles of an image that may be proposed.

    Parameters
    ----------
    image : (Y, X) or (Y, X, 1|3|4) array_like
        One plane; of a large one on disk only the sampled tiles are read.
    tile_size : int, in px
        Side of a tile; one side of the image where that is shorter.
    max_area : int, in px²
        Area that is seen at most.

    Returns
    -------
    Candidates
        Row by row.

    Raises
    ------
    ImageError
        If this is no plane.
    """
    image = as_array_like(image)
    is_plane = len(image.shape) == 2 or (
        len(image.shape) == 3 and image.shape[-1] in (1, 3, 4)
    )
    if not is_plane or 0 in image.shape:
        raise ImageError(
            "Expected one plane, an image of shape (Y, X) or (Y, X, 3) with some "
            f"pixels. Received: shape {tuple(image.shape)}; take one plane of a stack."
        )
    height, width = image.shape[:2]
    shape = min(tile_size, height), min(tile_size, width)
    if height * width > max_area:
        return _sample_tiles(image, shape, max_area)
    axes = [
        _starts(length, side, max(1, side // _STEPS_PER_TILE))
        for length, side in zip((height, width), shape, strict=True)
    ]
    places = np.array(list(product(*axes)), np.intp)
    return Candidates(np.asarray(image[:]), places, places, shape)


def _starts(length: int, side: int, step: int) -> list[int]:
    """Where tiles start along an axis; the last one ends where the axis does."""
    last = length - side
    return [*range(0, last, step), last]


def _sample_tiles(
    image: ArrayLike, shape: tuple[int, int], max_area: int
) -> Candidates:
    """Put an even sample of tiles, each with some context, into one picture."""
    lengths = image.shape[:2]
    cell = [
        min(side + 2 * _CONTEXT, length)
        for side, length in zip(shape, lengths, strict=True)
    ]
    axes = [
        np.arange(0, length - side + 1, side)
        for side, length in zip(shape, lengths, strict=True)
    ]
    n_most = max(1, max_area // (cell[0] * cell[1]))
    step = 1
    while np.prod([len(_thin(starts, step)) for starts in axes]) > n_most:
        step += 1
    places = np.array(list(product(*(_thin(starts, step) for starts in axes))))
    n_columns = int(np.ceil(np.sqrt(len(places))))
    n_rows = -(-len(places) // n_columns)
    picture = np.zeros(
        (n_rows * cell[0], n_columns * cell[1], *image.shape[2:]), image.dtype
    )
    corners = np.empty_like(places)
    for number, place in enumerate(places):
        first = np.clip(place - _CONTEXT, 0, np.subtract(lengths, cell))
        cell_corner = np.multiply(divmod(number, n_columns), cell)
        picture[_box(cell_corner, cell)] = image[_box(first, cell)]
        corners[number] = cell_corner + place - first
    _fill_rest(picture, len(places), n_columns, cell)
    return Candidates(picture, corners, places, shape)


def _thin(starts: NDArray[np.intp], step: int) -> NDArray[np.intp]:
    """Keep every n-th, as far from the first end as from the last."""
    return starts[min(step // 2, len(starts) // 2) :: step]


def _fill_rest(
    picture: NDArray[np.generic], n_cells: int, n_columns: int, cell: list[int]
) -> None:
    """Repeat the first cells where the last row has none, so that nothing is odd."""
    for number in range(n_cells, picture.shape[0] // cell[0] * n_columns):
        to = _box(np.multiply(divmod(number, n_columns), cell), cell)
        source = _box(np.multiply((0, number % n_columns), cell), cell)
        picture[to] = picture[source]


def _box(corner: NDArray[np.intp], shape: tuple[int, int] | list[int]) -> Box:
    top, left = (int(start) for start in corner)
    return slice(top, top + shape[0]), slice(left, left + shape[1])


def window_means(values: NDArray[np.generic], tiles: Candidates) -> NDArray[np.float64]:
    """Return the mean of a map over each tile.

    Parameters
    ----------
    values : (Y, X) ndarray
        A value for each of the pixels that are seen.
    tiles : Candidates
        The tiles.

    Returns
    -------
    (N,) ndarray of float64
        Means, from sums along both axes, so that overlapping tiles cost nothing.
    """
    height, width = values.shape
    sums = np.zeros((height + 1, width + 1))
    np.cumsum(values, axis=0, out=sums[1:, 1:], dtype=np.float64)
    np.cumsum(sums[1:, 1:], axis=1, out=sums[1:, 1:])
    (top, left), (rows, columns) = tiles.corners.T, tiles.shape
    bottom, right = top + rows, left + columns
    total = sums[bottom, right] - sums[top, right]
    total += sums[top, left] - sums[bottom, left]
    return np.asarray(total / (rows * columns))
