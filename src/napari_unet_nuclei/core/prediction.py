"""Images become maps and labels, with a model that is kept warm.

This is the main job, and what the command line, the widgets and the Python
interface call alike.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import numpy as np
from skimage.transform import resize

from napari_unet_nuclei.core.axes import PlaneStack
from napari_unet_nuclei.core.engine import Engine, create_engine
from napari_unet_nuclei.core.images import (
    Limits,
    intensity_limits,
    normalise,
    to_planes,
)
from napari_unet_nuclei.core.model_store import (
    ModelBundle,
    ModelConfig,
    find_model,
    read_bundle,
)
from napari_unet_nuclei.core.settings import (
    EngineName,
    SegmentationSettings,
    parse_engine,
)
from napari_unet_nuclei.core.splitting import Maps, split_instances
from napari_unet_nuclei.core.tiles import pad_to_shape, plan_tiles

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator
    from pathlib import Path

    from numpy.typing import NDArray

TILE_SIZE = 1024

Result = TypeVar("Result")


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


class Model:
    """A model bundle on an engine, ready to segment.

    Parameters
    ----------
    bundle : ModelBundle
        Configuration and weights.
    engine : Engine
        Runtime that holds the network.
    """

    def __init__(self, bundle: ModelBundle, engine: Engine) -> None:
        self.bundle = bundle
        self.engine = engine

    @property
    def name(self) -> str:
        """What the model is called."""
        return self.bundle.name

    @property
    def config(self) -> ModelConfig:
        """Everything about the model that is not a weight."""
        return self.bundle.config

    def segment(
        self,
        image: NDArray[np.generic],
        settings: SegmentationSettings | None = None,
        *,
        axes: str | None = None,
        channel: int | None = None,
    ) -> NDArray[np.int32]:
        """Find the nuclei of an image or a stack.

        Parameters
        ----------
        image : (Y, X) or (Y, X, 3|4) ndarray, or a stack described by ``axes``
            Grey or colour image of any real type.
        settings : SegmentationSettings, optional
            Threshold, smallest area, diameter and test-time flips.
        axes : str, optional
            Axes of a stack, such as ``"ZYX"`` or ``"TCYX"``.
        channel : int, optional
            Channel that shows the nuclei.

        Returns
        -------
        (Y, X) ndarray of int32, or (…, Y, X) for a stack
            Nuclei numbered from 1, 0 = background.  Planes of a stack are
            segmented one by one; no number occurs in two of them.

        Raises
        ------
        ImageError, SettingsError
            If the image or its axes cannot be used.
        """
        settings = settings or SegmentationSettings()
        stack = PlaneStack(np.asarray(image), axes, channel)
        maps = exhaust(self.iter_maps(stack, settings))
        return self.split(stack, maps, settings)

    def maps(
        self,
        image: NDArray[np.generic],
        settings: SegmentationSettings | None = None,
    ) -> Maps:
        """Evaluate the network on one image.

        Parameters
        ----------
        image : (Y, X) or (Y, X, 3|4) ndarray
            Grey or colour image.
        settings : SegmentationSettings, optional
            Only diameter and test-time flips matter here.

        Returns
        -------
        Maps
            Foreground, boundary and distance, (Y, X) float32 each.

        Raises
        ------
        ImageError
            If the image cannot be used.
        """
        settings = settings or SegmentationSettings()
        return exhaust(iter_plane_maps(self.engine, self.config, image, settings))

    def iter_maps(
        self, stack: PlaneStack, settings: SegmentationSettings
    ) -> Generator[TileDone, None, list[Maps]]:
        """Evaluate the network on each plane, tile by tile.

        Parameters
        ----------
        stack : PlaneStack
            Planes to evaluate.
        settings : SegmentationSettings
            Only diameter and test-time flips matter here.

        Yields
        ------
        TileDone
            After each tile; a caller may stop here.

        Returns
        -------
        list of Maps
            One for each plane.
        """
        maps = []
        for index, plane in enumerate(stack):
            steps = iter_plane_maps(self.engine, self.config, plane, settings)
            while True:
                try:
                    done = next(steps)
                except StopIteration as stop:
                    maps.append(stop.value)
                    break
                yield TileDone(
                    index * done.n_tiles + done.n_done, len(stack) * done.n_tiles
                )
        return maps

    def split(
        self, stack: PlaneStack, maps: list[Maps], settings: SegmentationSettings
    ) -> NDArray[np.int32]:
        """Turn the maps of a stack into labels; see :meth:`segment`."""
        labels = np.zeros((len(stack), *stack.plane_shape), np.int32)
        n_nuclei = 0
        for plane, plane_maps in zip(labels, maps, strict=True):
            split = split_instances(
                plane_maps,
                self.config.splitting,
                threshold=settings.threshold,
                min_area=settings.min_area,
            )
            np.copyto(plane, split + n_nuclei, where=split > 0)
            n_nuclei += int(split.max(initial=0))
        return labels.reshape(*stack.leading_shape, *stack.plane_shape)


def exhaust(steps: Generator[object, None, Result]) -> Result:
    """Run a generator to its end and hand out what it returns."""
    while True:
        try:
            next(steps)
        except StopIteration as stop:
            result: Result = stop.value
            return result


def load_model(
    model: str | Path = "resnet", engine: EngineName | str = EngineName.AUTO
) -> Model:
    """Load a model and keep it warm.

    Parameters
    ----------
    model : str or Path
        ``"resnet"``, ``"classic"``, the name of a model you have trained, or
        the path of a ``.unetnuclei`` file.
    engine : {"auto", "openvino", "keras"}
        Runtime to use.

    Returns
    -------
    Model
        Ready to segment.

    Raises
    ------
    ModelError
        If there is no such model or its file is damaged.
    SettingsError
        If there is no such engine.
    EngineError
        If the engine is not available.
    """
    bundle = read_bundle(find_model(model))
    return Model(bundle, create_engine(bundle, parse_engine(engine)))


def segment(
    image: NDArray[np.generic],
    model: str | Path | Model = "resnet",
    threshold: float | None = None,
    *,
    min_area: int = SegmentationSettings.min_area,
    diameter: float | None = None,
    tta: bool = False,
    axes: str | None = None,
    channel: int | None = None,
) -> NDArray[np.int32]:
    """Find the nuclei of an image or a stack.

    Parameters
    ----------
    image : (Y, X) or (Y, X, 3|4) ndarray, or a stack described by ``axes``
        Grey or colour image of any real type.
    model : str, Path or Model
        Name or path of a model, or a loaded one.
    threshold : float in (0, 1), optional
        Foreground probability above which a pixel belongs to a nucleus; ``None``
        takes the model's own.
    min_area : int, in px²
        Nuclei smaller than this are dropped.
    diameter : float, in px, optional
        Typical diameter of the nuclei in this image, to rescale it by.
    tta : bool
        Average over eight flips and quarter turns.
    axes : str, optional
        Axes of a stack, such as ``"ZYX"``.
    channel : int, optional
        Channel that shows the nuclei.

    Returns
    -------
    (Y, X) ndarray of int32, or (…, Y, X) for a stack
        Nuclei numbered from 1, 0 = background.

    Raises
    ------
    ImageError, SettingsError, ModelError, EngineError
        If the image, a setting, the model or the engine cannot be used.
    """
    if not isinstance(model, Model):
        model = load_model(model)
    settings = SegmentationSettings(
        threshold=threshold, min_area=min_area, diameter=diameter, tta=tta
    )
    return model.segment(image, settings, axes=axes, channel=channel)


def iter_plane_maps(
    engine: Engine,
    config: ModelConfig,
    image: NDArray[np.generic],
    settings: SegmentationSettings,
    *,
    tile_size: int = TILE_SIZE,
) -> Generator[TileDone, None, Maps]:
    """Evaluate a network on one image, tile by tile.

    Parameters
    ----------
    engine : Engine
        Runtime that holds the network.
    config : ModelConfig
        Its stride, receptive radius and typical diameter.
    image : (Y, X) or (Y, X, 3|4) ndarray
        Grey or colour image.
    settings : SegmentationSettings
        Only diameter and test-time flips matter here.
    tile_size : int, in px
        Largest side of a tile.

    Yields
    ------
    TileDone
        After each tile.

    Returns
    -------
    Maps
        Foreground, boundary and distance, (Y, X) float32 each.
    """
    planes = to_planes(image)
    limits = intensity_limits(planes)
    shape = planes.shape[:2]
    if settings.diameter is not None:
        planes = _rescale(planes, limits, config.diameter / settings.diameter)
        limits = (0.0, 1.0)
    tiles = plan_tiles(
        planes.shape[:2],
        tile_size=max(tile_size, 4 * config.margin),
        margin=config.margin,
        multiple=config.multiple,
    )
    maps = np.empty((*planes.shape[:2], len(config.maps)), np.float32)
    for n_done, tile in enumerate(tiles, start=1):
        pixels = pad_to_shape(normalise(planes[tile.read], limits), tile.shape)
        maps[tile.keep] = _predict_tile(engine, pixels, tta=settings.tta)[
            tile.keep_in_tile
        ]
        yield TileDone(n_done, len(tiles))
    if maps.shape[:2] != shape:
        maps = resize(maps, shape, order=1, mode="edge", anti_aliasing=False)
    return Maps(*np.moveaxis(maps, -1, 0))


def _rescale(
    planes: NDArray[np.generic], limits: Limits, scale: float
) -> NDArray[np.float32]:
    shape = [max(1, round(length * scale)) for length in planes.shape[:2]]
    rescaled: NDArray[np.float32] = resize(
        normalise(planes, limits), (*shape, 3), order=1, anti_aliasing=scale < 1
    )
    return rescaled


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
