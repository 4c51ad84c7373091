"""Where tiles lie, so that stitched maps equal those of the whole image.

Geometry only: no pixels are read here.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING

import numpy as np

from napari_unet_nuclei.core.errors import SettingsError

if TYPE_CHECKING:
    from numpy.typing import NDArray

Box = tuple[slice, slice]


@dataclass(frozen=True)
class Tile:
    """One piece of work.

    Parameters
    ----------
    read : tuple of slice
        Pixels of the image that the tile covers, clipped to the image.
    shape : tuple of int
        Height and width that are fed to the network; what ``read`` lacks is
        padded at the bottom and on the right.
    keep : tuple of slice
        Pixels of the image that this tile is responsible for.
    """

    read: Box
    shape: tuple[int, int]
    keep: Box

    @property
    def keep_in_tile(self) -> Box:
        """The same pixels as ``keep``, counted from the corner of the tile."""
        return tuple(  # type: ignore[return-value]
            slice(keep.start - read.start, keep.stop - read.start)
            for keep, read in zip(self.keep, self.read, strict=True)
        )


def plan_tiles(
    shape: tuple[int, int], *, tile_size: int, margin: int, multiple: int
) -> list[Tile]:
    """Cover an image with tiles of one size.

    Tiles start at multiples of the network's stride and overlap by twice its
    receptive radius, so every kept pixel sees what it would see in the whole
    image.

    Parameters
    ----------
    shape : tuple of int
        Height and width of the image, in px.
    tile_size : int, in px
        Largest side of a tile; rounded up to a multiple.
    margin : int, in px
        Receptive radius of the network.
    multiple : int, in px
        Stride of the network.

    Returns
    -------
    list of Tile
        Row by row; their ``keep`` boxes partition the image.

    Raises
    ------
    SettingsError
        If the tile is not larger than two margins.
    """
    rows, columns = (
        _plan_axis(length, tile_size, margin, multiple) for length in shape
    )
    return [
        Tile(
            read=(row[0], column[0]),
            shape=(row[1], column[1]),
            keep=(row[2], column[2]),
        )
        for row, column in product(rows, columns)
    ]


def _plan_axis(
    length: int, tile_size: int, margin: int, multiple: int
) -> list[tuple[slice, int, slice]]:
    """Read slice, padded size and keep slice of each tile along one axis."""
    padded = _round_up(length, multiple)
    size = _round_up(tile_size, multiple)
    if padded <= size:
        return [(slice(0, length), padded, slice(0, length))]
    margin = _round_up(margin, multiple)
    step = size - 2 * margin
    if step <= 0:
        raise SettingsError(
            f"A tile must be larger than twice the margin of {margin} px that this "
            f"model needs. Received: tile_size={tile_size}; choose a larger one."
        )
    plan = []
    kept = 0
    for start in [*range(0, padded - size, step), padded - size]:
        is_last = start == padded - size
        stop = length if is_last else start + size - margin
        plan.append((slice(start, min(start + size, length)), size, slice(kept, stop)))
        kept = stop
    return plan


def _round_up(value: int, multiple: int) -> int:
    return -(-value // multiple) * multiple


def pad_to_shape(
    pixels: NDArray[np.float32], shape: tuple[int, int]
) -> NDArray[np.float32]:
    """Mirror pixels at the bottom and on the right until a tile is full.

    Parameters
    ----------
    pixels : (Y, X, channels) ndarray
        What an image holds of a tile.
    shape : tuple of int
        Height and width of the tile.

    Returns
    -------
    (*shape, channels) ndarray
        The tile; the input itself when nothing is missing.
    """
    missing = [
        (0, side - length) for side, length in zip(shape, pixels.shape, strict=False)
    ]
    if not any(after for _, after in missing):
        return pixels
    return np.pad(pixels, [*missing, (0, 0)], mode="reflect")
