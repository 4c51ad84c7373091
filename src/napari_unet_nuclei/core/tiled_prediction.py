"""One image becomes maps, tile by tile, whatever its size.

Which tiles, in which order, with how much memory and how many flips: here.  What
is done with the maps, and stacks of planes, belong to
:mod:`~napari_unet_nuclei.core.prediction`.
"""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from napari_unet_nuclei.core import devices
from napari_unet_nuclei.core.errors import OutOfMemoryError
from napari_unet_nuclei.core.images import (
    Limits,
    intensity_limits,
    normalise,
    to_planes,
)
from napari_unet_nuclei.core.rescaling import rescale
from napari_unet_nuclei.core.splitting import Maps
from napari_unet_nuclei.core.tiles import Tile, pad_to_shape, plan_tiles

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from numpy.typing import NDArray

    from napari_unet_nuclei.core.engine import Engine
    from napari_unet_nuclei.core.model_store import ModelConfig
    from napari_unet_nuclei.core.settings import SegmentationSettings

_MAX_TILE_AREA = 5 * 2**20  # px²; larger ones gain little, see docs/benchmarks.md
_MIN_TILE_MARGINS = 4  # a tile of fewer margins a side is mostly margin
_BYTES_PER_PIXEL = 160  # of a tile in float32, tensors and copies in all
_MIN_TILE_SIDE = 256  # px
_SIDE_MULTIPLE = 64  # px; the fewer shapes there are, the less is compiled


@dataclass(frozen=True)
class TileDone:
    """Progress of a prediction.

    Parameters
    ----------
    n_done, n_tiles : int
        Tiles finished, and tiles in all.
    """

    n_done: int
    n_tiles: int


def iter_plane_maps(
    engine: Engine,
    config: ModelConfig,
    image: NDArray[np.generic],
    settings: SegmentationSettings,
    *,
    max_area: int | None = None,
) -> Generator[TileDone, None, Maps]:
    """Evaluate a network on one image, tile by tile.

    Parameters
    ----------
    engine : Engine
        Runtime that holds the network.
    config : ModelConfig
        Its stride, receptive radius, maps and typical diameter.
    image : (Y, X) or (Y, X, 3|4) ndarray
        Grey or colour image.
    settings : SegmentationSettings
        Only diameter and test-time flips matter here.
    max_area : int, in px², optional
        Largest area of a tile, as far as its margins allow; by default what half of
        the free memory suffices for.  Where the engine finds too little memory all
        the same, smaller tiles are tried, with a warning.

    Yields
    ------
    TileDone
        After each tile.

    Returns
    -------
    Maps
        Those of the network, (Y, X) float32 each.

    Raises
    ------
    ImageError
        If the image cannot be used.
    EngineError
        If the engine fails, or finds no memory for the smallest tiles either.
    """
    planes = to_planes(image)
    limits = intensity_limits(planes)
    shape = planes.shape[:2]
    if settings.diameter is not None:
        scale = config.diameter / settings.diameter
        height, width = (max(1, round(length * scale)) for length in shape)
        planes = rescale(normalise(planes, limits), (height, width))
        limits = (0.0, 1.0)
    maps = yield from _iter_tiles(
        engine, config, planes, limits, settings, max_area or _affordable_area()
    )
    if maps.shape[1:] != shape:
        maps = np.moveaxis(rescale(np.moveaxis(maps, 0, -1), shape), -1, 0)
    return Maps(**dict(zip(config.maps, maps, strict=True)))


def _affordable_area() -> int:
    """Area of the largest tile that half of the free memory suffices for, in px²."""
    return min(devices.free_memory() // 2 // _BYTES_PER_PIXEL, _MAX_TILE_AREA)


def _iter_tiles(
    engine: Engine,
    config: ModelConfig,
    planes: NDArray[np.generic],
    limits: Limits,
    settings: SegmentationSettings,
    max_area: int,
) -> Generator[TileDone, None, NDArray[np.float32]]:
    """Predict all tiles, with smaller ones when memory is short: (maps, Y, X)."""
    smallest = max(_MIN_TILE_MARGINS * config.margin, _MIN_TILE_SIDE) ** 2
    tiles = plan_tiles(
        planes.shape[:2],
        max_area=max(max_area, smallest),
        margin=config.margin,
        stride=config.multiple,
        side_multiple=_SIDE_MULTIPLE,
    )
    maps = np.empty((len(config.maps), *planes.shape[:2]), np.float32)
    for n_done, tile in enumerate(tiles, start=1):
        pixels = _read_tile(planes, limits, tile)
        try:
            predicted = _predict_tile(engine, pixels, tta=settings.tta)
        except OutOfMemoryError:
            area = math.prod(tile.shape)
            if area <= smallest:
                raise
            warnings.warn(
                f"There is too little memory for tiles of {tile.shape[0]}x"
                f"{tile.shape[1]} px; going on with smaller ones, which takes longer.",
                stacklevel=2,
            )
            return (
                yield from _iter_tiles(
                    engine, config, planes, limits, settings, area // 2
                )
            )
        kept = np.moveaxis(predicted[tile.keep_in_tile], -1, 0)
        if len(tiles) == 1:
            maps = kept
        else:
            maps[:, *tile.keep] = kept
        yield TileDone(n_done, len(tiles))
    return maps


def _read_tile(
    planes: NDArray[np.generic], limits: Limits, tile: Tile
) -> NDArray[np.float32]:
    """Normalise and pad what a tile covers; grey stays one plane, seen three times."""
    pixels = planes[tile.read]
    if pixels.strides[-1] != 0:
        return pad_to_shape(normalise(pixels, limits), tile.shape)
    grey = pad_to_shape(normalise(pixels[..., :1], limits), tile.shape)
    return np.broadcast_to(grey, (*tile.shape, pixels.shape[-1]))


def _predict_tile(
    engine: Engine, pixels: NDArray[np.float32], *, tta: bool
) -> NDArray[np.float32]:
    if not tta:
        return np.asarray(engine.predict(pixels[np.newaxis])[0])
    total = np.zeros((*pixels.shape[:2], 1), np.float32)
    for turns, flip in _symmetries():
        seen = np.rot90(pixels[:, ::-1] if flip else pixels, turns)
        maps = np.rot90(engine.predict(seen[np.newaxis])[0], -turns)
        total = total + (maps[:, ::-1] if flip else maps)
    return np.asarray(total / 8, np.float32)


def _symmetries() -> Iterator[tuple[int, bool]]:
    for flip in (False, True):
        for turns in range(4):
            yield turns, flip
