"""One image becomes maps, tile by tile, whatever its size.

Which tiles, in which order, with how much memory and how many flips: here.  What
an image must be like before, and the scale of its nuclei, belong to
:mod:`~napari_unet_nuclei.core.segmentation.scaled`.
"""

from __future__ import annotations

import math
import warnings
from typing import TYPE_CHECKING

import numpy as np

from napari_unet_nuclei.core.cancellation import check_cancelled
from napari_unet_nuclei.core.errors import EngineError, OutOfMemoryError
from napari_unet_nuclei.core.images.intensity import Limits, normalise
from napari_unet_nuclei.core.progress import TileDone
from napari_unet_nuclei.core.segmentation.memory import affordable_tile, check_tile
from napari_unet_nuclei.core.segmentation.tiles import Tile, pad_to_shape, plan_tiles

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence

    from numpy.typing import NDArray

    from napari_unet_nuclei.core.engines.engine import Engine
    from napari_unet_nuclei.core.models.config import ModelConfig

_MAX_TILE_AREA = 5 * 2**20  # px²; larger ones gain little, see docs/benchmarks.md
_MIN_TILE_MARGINS = 4  # a tile of fewer margins a side is mostly margin
_MIN_TILE_SIDE = 256  # px
_SIDE_MULTIPLE = 64  # px; the fewer shapes there are, the less is compiled
# Quarter turns, and whether the image is mirrored left to right before.
_SYMMETRIES = [(turns, flip) for turns in range(4) for flip in (False, True)]


def iter_tiles(
    engine: Engine,
    config: ModelConfig,
    channels: NDArray[np.generic],
    limits: Limits,
    *,
    tta: bool = False,
    max_area: int | None = None,
) -> Generator[TileDone, None, NDArray[np.float32]]:
    """Evaluate a network on one image, tile by tile.

    Parameters
    ----------
    engine, config : Engine and ModelConfig
        Runtime that holds the network; its stride, margin, maps and symmetries.
    channels : (Y, X, 3) ndarray
        Output of :func:`~napari_unet_nuclei.core.images.channels.to_channels`.
    limits : tuple of float
        Intensities that become 0 and 1.
    tta : bool
        Average over the flips and quarter turns that the network has learned.
    max_area : int, in px², optional
        Largest area of a tile, as far as its margins allow; by default what fits into
        half of the memory that maps and splitting leave.  Where the engine still runs
        out of memory, all is done again in smaller tiles, with a warning.

    Yields
    ------
    TileDone
        After each tile.

    Returns
    -------
    (maps, Y, X) ndarray of float32
        The maps of the network, in its order.

    Raises
    ------
    EngineError
        If the engine fails, or memory is too small for the smallest tiles.
    """
    shape = channels.shape[:2]
    symmetries = _SYMMETRIES[: config.n_symmetries if tta else 1]
    n_maps = len(config.maps)

    def predict(tile: Tile) -> NDArray[np.float32]:
        pixels = pad_to_shape(normalise(channels[tile.read], limits), tile.shape)
        return _predict_tile(engine, pixels, symmetries, n_maps)

    largest = max_area or _largest_area(shape)
    while True:
        tiles = _plan(shape, config, largest)
        try:
            return (yield from _iter_predicted(predict, tiles, (n_maps, *shape)))
        except OutOfMemoryError:
            area = math.prod(tiles[0].shape)
            if area <= _smallest_area(config):
                raise
            _warn_of_memory(tiles[0])
            largest = area // 2


def _iter_predicted(
    predict: Callable[[Tile], NDArray[np.float32]],
    tiles: Sequence[Tile],
    shape: tuple[int, ...],
) -> Generator[TileDone, None, NDArray[np.float32]]:
    """Put maps together from what is predicted of each tile."""
    maps: NDArray[np.float32]
    if len(tiles) > 1:  # a single one brings its own
        maps = np.empty(shape, np.float32)
    for n_done, tile in enumerate(tiles, start=1):
        check_cancelled()
        predicted = predict(tile)
        kept = np.moveaxis(predicted[tile.keep_in_tile], -1, 0)
        if len(tiles) == 1:
            maps = kept
        else:
            maps[:, *tile.keep] = kept
        del predicted, kept  # so that the next tile takes their memory
        yield TileDone(n_done, len(tiles))
    return maps


def _plan(shape: tuple[int, int], config: ModelConfig, max_area: int) -> list[Tile]:
    """Plan tiles that there is memory for, and refuse those that there is not."""
    tiles = plan_tiles(
        shape,
        max_area=max(max_area, _smallest_area(config)),
        margin=config.margin,
        stride=config.stride,
        side_multiple=_SIDE_MULTIPLE,
    )
    check_tile(tiles[0].shape)
    return tiles


def _smallest_area(config: ModelConfig) -> int:
    """Area of the smallest tile that is worth it, in px²."""
    return max(_MIN_TILE_MARGINS * config.margin, _MIN_TILE_SIDE) ** 2


def _warn_of_memory(tile: Tile) -> None:
    warnings.warn(
        f"There is too little memory for tiles of {tile.shape[0]}x{tile.shape[1]} px; "
        "going on with smaller ones, which takes longer.",
        stacklevel=3,
    )


def _largest_area(shape: tuple[int, ...]) -> int:
    """Area of the largest tile of a plane, in px²."""
    return min(affordable_tile(shape), _MAX_TILE_AREA)


def _predict_tile(
    engine: Engine,
    pixels: NDArray[np.float32],
    symmetries: Sequence[tuple[int, bool]],
    n_maps: int,
) -> NDArray[np.float32]:
    """Average what the network sees, looking at a tile in one way or several."""
    if len(symmetries) == 1:
        return _evaluate(engine, pixels, n_maps)
    total = np.zeros((*pixels.shape[:2], 1), np.float32)
    for turns, flip in symmetries:
        seen = np.rot90(pixels[:, ::-1] if flip else pixels, turns)
        maps = np.rot90(_evaluate(engine, seen, n_maps), -turns)
        total = total + (maps[:, ::-1] if flip else maps)
        del maps  # so that the next takes its memory
    return np.asarray(total / len(symmetries), np.float32)


def _evaluate(
    engine: Engine, pixels: NDArray[np.float32], n_maps: int
) -> NDArray[np.float32]:
    """Evaluate a network once, and see that it gives maps and probabilities."""
    batch = engine.predict(pixels[np.newaxis])
    expected = (1, *pixels.shape[:2], n_maps)
    if batch.shape != expected:
        raise EngineError(
            f"Expected maps of shape {expected} from the network. Received: "
            f"{batch.shape}; choose another model."
        )
    maps = np.asarray(batch[0])
    if not (maps.min() >= 0 and maps.max() <= 1):  # as comparing with NaN is false
        maps = np.clip(np.nan_to_num(maps, nan=0.0, posinf=1.0, neginf=0.0), 0, 1)
    return maps
