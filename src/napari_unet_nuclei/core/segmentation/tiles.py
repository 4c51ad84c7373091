"""Where tiles lie, so that stitched maps equal those of the whole image.

Geometry only: no pixels are read here.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from napari_unet_nuclei.core.errors import SettingsError
from napari_unet_nuclei.core.images.channels import distinct_channels

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
    shape: tuple[int, int],
    *,
    max_area: int,
    margin: int,
    stride: int,
    side_multiple: int = 1,
) -> list[Tile]:
    """Cover an image with tiles of one size, so that little is computed twice.

    Tiles overlap by twice the network's receptive radius, so every kept pixel sees
    what it would see in the whole image.

    Parameters
    ----------
    shape : tuple of int
        Height and width of the image, in px.
    max_area : int, in px²
        Largest area of a tile; of all tiles that are no larger, those with the
        smallest area in all are chosen.
    margin : int, in px
        Receptive radius of the network.
    stride : int, in px
        Stride of the network: tiles start at multiples of it.
    side_multiple : int, in px
        What the sides of tiles are multiples of, as well as of the stride; the
        larger it is, the fewer shapes there are among many images.

    Returns
    -------
    list of Tile
        Row by row; their ``keep`` boxes partition the image.

    Raises
    ------
    SettingsError
        If so small a tile would hold nothing but its margins.
    """
    margin = _round_up(margin, stride)
    multiple = math.lcm(stride, side_multiple)
    heights, widths = (_divisions(length, margin, multiple) for length in shape)
    fitting = [
        (height, width)
        for height, width in product(heights, widths)
        if height.size * width.size <= max_area
    ]
    if not fitting:
        raise _too_small(shape, heights[-1].size * widths[-1].size, margin, max_area)
    height, width = min(fitting, key=lambda pair: pair[0].total * pair[1].total)
    return [
        Tile(
            read=(row[0], column[0]),
            shape=(height.size, width.size),
            keep=(row[1], column[1]),
        )
        for row, column in product(
            _spans(shape[0], heights[0].size, height, margin),
            _spans(shape[1], widths[0].size, width, margin),
        )
    ]


def _too_small(
    shape: tuple[int, int], smallest: int, margin: int, max_area: int
) -> SettingsError:
    return SettingsError(
        f"A tile of an image of {shape[0]}x{shape[1]} px must have {smallest} px² "
        f"or more, because the model needs a margin of {margin} px. Received: "
        "{tile_area}; allow larger tiles.",
        tile_area=max_area,
    )


class _Division(NamedTuple):
    """How one axis is divided: number of tiles and their padded size, in px."""

    n_tiles: int
    size: int

    @property
    def total(self) -> int:
        return self.n_tiles * self.size


def _divisions(length: int, margin: int, multiple: int) -> list[_Division]:
    """All sizes that make sense along an axis, largest first."""
    padded = _round_up(length, multiple)
    smallest = _round_up(2 * margin + 1, multiple)
    divisions = [_Division(1, padded)]
    n_tiles = 1
    while divisions[-1].size > smallest:
        n_tiles += 1
        overlaps = 2 * margin * (n_tiles - 1)
        size = _round_up(-(-(padded + overlaps) // n_tiles), multiple)
        if size < divisions[-1].size:
            divisions.append(_Division(n_tiles, size))
    return divisions


def _spans(
    length: int, padded: int, division: _Division, margin: int
) -> list[tuple[slice, slice]]:
    """Read slice and keep slice of each tile along an axis."""
    n_tiles, size = division
    step = size - 2 * margin
    spans = []
    kept = 0
    for index in range(n_tiles):
        is_last = index == n_tiles - 1
        start = padded - size if is_last else index * step
        stop = length if is_last else min(start + size - margin, length)
        spans.append((slice(start, min(start + size, length)), slice(kept, stop)))
        kept = stop
        if kept == length:  # the rest is nothing but padding
            break
    return spans


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
        The tile; the input itself when nothing is missing, else read-only.  Grey
        stays one plane that is seen in every channel.
    """
    missing = [
        (0, side - length) for side, length in zip(shape, pixels.shape, strict=False)
    ]
    if not any(after for _, after in missing):
        return pixels
    padded = np.pad(distinct_channels(pixels), [*missing, (0, 0)], mode="reflect")
    return np.broadcast_to(padded, (*shape, pixels.shape[-1]))
