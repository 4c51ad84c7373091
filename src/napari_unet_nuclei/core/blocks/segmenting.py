"""One block becomes nuclei: what it reads, what the network sees, what is found.

A block sees the pixels, limits and scale that it would see in the whole image, so its
nuclei are those that an undivided run finds there.
"""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from napari_unet_nuclei.core.blocks.block_files import BlockNuclei
from napari_unet_nuclei.core.blocks.grid import Block, within
from napari_unet_nuclei.core.blocks.seams import BorderNuclei, find_border_nuclei
from napari_unet_nuclei.core.images.channels import to_channels
from napari_unet_nuclei.core.instances.measurements import measure_nuclei
from napari_unet_nuclei.core.instances.polarity import drop_pale
from napari_unet_nuclei.core.instances.splitting import split_instances
from napari_unet_nuclei.core.progress import exhaust
from napari_unet_nuclei.core.segmentation.memory import affordable_tile
from napari_unet_nuclei.core.segmentation.scaled import iter_plane_maps
from napari_unet_nuclei.core.settings.choices import Stain

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_unet_nuclei.core.blocks.plan import RunPlan
    from napari_unet_nuclei.core.images.big_image import BigImage
    from napari_unet_nuclei.core.images.calibration import Calibration
    from napari_unet_nuclei.core.instances.maps import Maps
    from napari_unet_nuclei.core.segmentation.model import Model

_MAX_TILE_AREA = 4608**2  # px²; about 1.5 GB, see docs/benchmarks.md


class SeenBlock(NamedTuple):
    """A block as the network saw it.

    Parameters
    ----------
    block : Block
        Which.
    pixels : (Y, X) or (Y, X, C) ndarray
        Its view.
    maps : Maps, optional
        The same; ``None`` where all pixels of its window are the same.
    """

    block: Block
    pixels: NDArray[Any]
    maps: Maps | None


class BlockSegmenter:
    """Segments blocks of one image by one plan.

    Parameters
    ----------
    model : Model
        What the plan was made for.
    image : BigImage
        The image.
    plan : RunPlan
        Scale, signal, limits and settings.
    sample : (y, x) or (y, x, C) ndarray
        Sample of the image that its limits and dyes are found in.
    """

    def __init__(
        self, model: Model, image: BigImage, plan: RunPlan, sample: NDArray[Any]
    ) -> None:
        self._model, self._image, self._plan = model, image, plan
        self._typical = to_channels(sample)
        self._settings = plan.settings

    def read(self, block: Block) -> NDArray[Any]:
        """Read the window of a block."""
        pixels = self._image.read(block.window)
        if pixels.dtype.kind == "f":  # what stands for them is that of the whole image
            pixels = np.where(np.isfinite(pixels), pixels, self._plan.limits[0])
        return pixels

    def see(self, block: Block, pixels: NDArray[Any]) -> SeenBlock:
        """Let the network see the window of a block."""
        view = within(block.view, block.window)
        if np.ptp(pixels) == 0:  # beside a slide: nothing is there
            return SeenBlock(block, pixels[view], None)
        maps = exhaust(
            iter_plane_maps(
                self._model.engine,
                self._model.config,
                self._padded(pixels),
                self._settings,
                scale=float(Fraction(self._plan.scale)),
                stain=Stain(self._plan.stain),
                max_area=_largest_tile(pixels.shape[:2]),
                typical=self._typical,
            )
        )
        return SeenBlock(block, pixels[view], _cut(maps, view))

    def find(self, seen: SeenBlock) -> BlockNuclei:
        """Find the nuclei of a block in what the network saw."""
        if seen.maps is None:
            return empty_block(seen.block, self._image.calibration)
        block = seen.block
        core = within(block.core, block.view)
        labels = _number_first(self._split(seen.maps, block), core)
        features = _measure(
            *(labels, seen.pixels, seen.maps.foreground),
            *(block, self._image.calibration),
        )
        origin = block.view[0][0], block.view[1][0]
        return BlockNuclei(
            labels=np.ascontiguousarray(labels[core]),
            border=find_border_nuclei(labels, core, origin),
            features=features,
        )

    def _padded(self, pixels: NDArray[Any]) -> NDArray[Any]:
        """Mirror pixels at the end of an image, so that its scale is exact."""
        step = Fraction(self._plan.scale).denominator
        missing = [(0, -length % step) for length in pixels.shape[:2]]
        if not any(after for _, after in missing):
            return pixels
        return np.pad(
            pixels, [*missing, *[(0, 0)] * (pixels.ndim - 2)], mode="symmetric"
        )

    def _split(self, maps: Maps, block: Block) -> NDArray[np.int32]:
        settings = self._settings
        labels = split_instances(
            maps,
            self._model.config.splitting,
            threshold=settings.threshold,
            min_area=settings.smallest_area(maps.scale),
            separation=settings.separation,
            smooth=settings.smooth,
            min_part=self._plan.min_part,
        )
        labels = drop_pale(labels, maps.darkness, maps.scale)
        is_kept = np.ones(int(labels.max(initial=0)) + 1, np.bool_)
        if settings.max_area is not None:
            is_kept &= np.bincount(labels.ravel(), minlength=1) <= settings.max_area
        if settings.drop_border:
            for edge in _image_edges(labels, block, self._plan.shape):
                is_kept[edge] = False
        if is_kept.all():
            return labels
        return np.where(is_kept, np.arange(is_kept.size), 0).astype(np.int32)[labels]


def _largest_tile(shape: tuple[int, ...]) -> int:
    """Area of the largest tile of a window: all of it, where memory has room for that.

    Tiles overlap by what the network sees; the fewer there are, the less is computed
    twice.
    """
    return min(affordable_tile(shape), _MAX_TILE_AREA)


def empty_block(block: Block, calibration: Calibration) -> BlockNuclei:
    """Return a block without nuclei.

    Parameters
    ----------
    block : Block
        Which.
    calibration : Calibration
        Of the image, which has a say in the columns of the table.
    """
    height, width = (stop - start for start, stop in block.core)
    nothing = np.zeros((1, 1), np.int32)
    return BlockNuclei(
        labels=np.zeros((height, width), np.int32),
        border=BorderNuclei(*np.zeros((3, 0), np.int32)),
        features=_measure(
            *(nothing, nothing, nothing.astype(np.float32)), *(block, calibration)
        ),
    )


def _cut(maps: Maps, view: tuple[slice, slice]) -> Maps:
    """Keep of maps what lies in a view, without a copy."""
    boundary, distance = (
        None if each is None else each[view] for each in (maps.boundary, maps.distance)
    )
    return maps._replace(
        foreground=maps.foreground[view],
        boundary=boundary,
        distance=distance,
        darkness=tuple(np.ascontiguousarray(each[view]) for each in maps.darkness),
    )


def _image_edges(
    labels: NDArray[np.int32], block: Block, shape: tuple[int, int]
) -> list[NDArray[np.int32]]:
    """Return the first and last rows and columns that are those of the image."""
    (top, bottom), (left, right) = block.view
    edges = [
        (top == 0, labels[:1]),
        (bottom == shape[0], labels[-1:]),
        (left == 0, labels[:, :1]),
        (right == shape[1], labels[:, -1:]),
    ]
    return [edge for is_edge, edge in edges if is_edge]


def _number_first(
    labels: NDArray[np.int32], core: tuple[slice, slice]
) -> NDArray[np.int32]:
    """Give nuclei that lie in the core numbers from 1, and drop the others."""
    is_in_core = np.zeros(int(labels.max(initial=0)) + 1, np.bool_)
    is_in_core[labels[core]] = True
    is_in_core[0] = False
    return np.where(is_in_core, np.cumsum(is_in_core), 0).astype(np.int32)[labels]


def _measure(
    labels: NDArray[np.int32],
    pixels: NDArray[Any],
    foreground: NDArray[np.float32],
    block: Block,
    calibration: Calibration,
) -> dict[str, NDArray[Any]]:
    """Measure nuclei, with places in the whole image."""
    features = measure_nuclei(labels, pixels, foreground, calibration=calibration)
    size = calibration.pixel_size()
    for axis, name in enumerate("yx"):
        start = block.view[axis][0]
        features[f"centroid_{name}"] = features[f"centroid_{name}"] + start
        if size is not None:
            column = f"centroid_{name}_{calibration.unit}"
            features[column] = features[column] + start * size[axis]
    return features
