"""Images become maps and labels, with a model that is kept warm.

This is the main job, and what the command line, the widgets and the Python
interface call alike.
"""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from functools import partial
from statistics import median_low
from typing import TYPE_CHECKING

import numpy as np

from napari_unet_nuclei.core.concurrency import overlap
from napari_unet_nuclei.core.engines.engine import Engine, create_engine
from napari_unet_nuclei.core.images.axes import PlaneStack
from napari_unet_nuclei.core.instances.diameter import estimate_diameter
from napari_unet_nuclei.core.instances.maps import Maps
from napari_unet_nuclei.core.instances.splitting import split_instances
from napari_unet_nuclei.core.models.bundle import ModelBundle, read_bundle
from napari_unet_nuclei.core.models.config import ModelConfig
from napari_unet_nuclei.core.models.store import find_model
from napari_unet_nuclei.core.progress import PlaneDone, TileDone, exhaust, map_steps
from napari_unet_nuclei.core.segmentation.memory import (
    check_memory,
    explained,
    n_planes_at_once,
)
from napari_unet_nuclei.core.segmentation.scaled import iter_plane_maps
from napari_unet_nuclei.core.segmentation.stack_labels import iter_stack_labels
from napari_unet_nuclei.core.segmentation.stack_maps import StackMaps
from napari_unet_nuclei.core.settings.choices import EngineName, parse_engine
from napari_unet_nuclei.core.settings.segmentation import SegmentationSettings

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from napari_unet_nuclei.core.images.lazy import ArrayLike
    from napari_unet_nuclei.core.instances.maps import Maps
    from napari_unet_nuclei.core.models.config import ModelConfig


class Model:
    """A model that is loaded and stays warm, ready to segment any number of images.

    `load_model` makes one.  It can be used from several threads, which take turns.

    Parameters
    ----------
    bundle : ModelBundle
        Configuration and weights, as one ``.unetnuclei`` file holds them.
    engine : Engine
        Runtime that holds the network.

    Attributes
    ----------
    bundle : ModelBundle
        What the model was loaded from.
    engine : Engine
        What evaluates its network; ``model.engine.description`` names the device.

    See Also
    --------
    segment : The same for a single image, in one call.

    Examples
    --------
    >>> import numpy as np
    >>> from napari_unet_nuclei import SegmentationSettings, load_model
    >>> model = load_model("classic")
    >>> rows, columns = np.ogrid[:64, :64]
    >>> image = np.hypot(rows - 30, columns - 30) < 12
    >>> int(model.segment(image).max())
    1
    >>> int(model.segment(image, SegmentationSettings(min_area=1000)).max())
    0
    >>> model.maps(image).foreground.shape
    (64, 64)
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

    @explained()
    def segment(
        self,
        image: ArrayLike,
        settings: SegmentationSettings | None = None,
        *,
        axes: str | None = None,
        channel: int | None = None,
    ) -> NDArray[np.int32]:
        """Find the nuclei of an image or a stack.

        Parameters
        ----------
        image : (Y, X) or (Y, X, 3|4) array, or a stack described by ``axes``
            Grey or colour image of any real type.  One of Dask, Zarr or HDF5 is read
            chunk by chunk where memory does not hold it.
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
            segmented one by one, all at the middle of the scales that suit the planes
            after one, two and three quarters; no number occurs in two of them.

        Raises
        ------
        ImageError, SettingsError
            If the image or its axes cannot be used, or it takes more memory than this
            computer has.
        """
        settings = settings or SegmentationSettings()
        stack = PlaneStack(image, axes, channel)
        check_memory(stack.plane_shape, len(stack))
        looks = exhaust(self._iter_looks(stack, settings))
        scale = _common_scale(looks.values())
        maps = (
            exhaust(self._iter_plane(stack, index, settings, scale, looks))
            for index in np.ndindex(stack.leading_shape)
        )
        split = partial(self._split_plane, settings=settings)
        # A single plane has nothing to overlap with.
        planes = map(split, maps) if len(stack) == 1 else overlap(split, maps)
        return exhaust(iter_stack_labels(stack, planes))

    @explained()
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
            Foreground, boundary and distance, (Y, X) float32 each, and the scale at
            which the network saw the image.

        Raises
        ------
        ImageError
            If the image cannot be used, or takes more memory than this computer has.
        """
        settings = settings or SegmentationSettings()
        check_memory(np.shape(image)[:2])
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
            One for each plane; those of a stack too large for the memory are in a
            temporary file.

        Raises
        ------
        ImageError
            If a plane cannot be used, or its labels or maps find room nowhere.
        EngineError
            If the engine fails.
        """
        check_memory(stack.plane_shape, len(stack))
        looks = yield from self._iter_looks(stack, settings)
        scale = _common_scale(looks.values())
        n_before = len(looks)
        maps = StackMaps(len(stack))
        for n_done, index in enumerate(np.ndindex(stack.leading_shape), n_before):
            steps = self._iter_plane(stack, index, settings, scale, looks)
            count = _count_looks(n_done, n_before + len(stack))
            maps.append((yield from map_steps(count, steps)))
        return maps.to_list()

    def _iter_looks(
        self, stack: PlaneStack, settings: SegmentationSettings
    ) -> Generator[TileDone, None, dict[tuple[int, ...], Maps]]:
        """Look at a few planes of a stack, to see at which scale to look at all."""
        if len(stack) < 2 or settings.diameter is not None:
            return {}
        once = replace(settings, tta=False)
        indices = {
            tuple(length * quarter // 4 for length in stack.leading_shape)
            for quarter in (1, 2, 3)
        }
        looks = {}
        for n_done, index in enumerate(sorted(indices)):
            steps = iter_plane_maps(self.engine, self.config, stack.plane(index), once)
            count = _count_looks(n_done, len(indices) + len(stack))
            looks[index] = yield from map_steps(count, steps)
        return looks

    def _iter_plane(
        self,
        stack: PlaneStack,
        index: tuple[int, ...],
        settings: SegmentationSettings,
        scale: float | None,
        looks: dict[tuple[int, ...], Maps],
    ) -> Generator[TileDone, None, Maps]:
        """Evaluate the network on a plane, unless an earlier look at it will do."""
        look = looks.pop(index, None)
        if look is not None and not settings.tta and scale in (None, look.scale):
            yield TileDone(1, 1)
            return look
        plane = stack.plane(index)
        return (
            yield from iter_plane_maps(
                self.engine, self.config, plane, settings, scale=scale
            )
        )

    def iter_split(
        self, stack: PlaneStack, maps: Sequence[Maps], settings: SegmentationSettings
    ) -> Generator[PlaneDone, None, NDArray[np.int32]]:
        """Turn the maps of a stack into labels, several planes at once.

        Parameters
        ----------
        stack : PlaneStack
            What the maps were made of.
        maps : sequence of Maps
            One for each plane.
        settings : SegmentationSettings
            Only threshold and smallest area matter here.

        Yields
        ------
        PlaneDone
            After each plane; a caller may stop here.

        Returns
        -------
        (…, Y, X) ndarray of int32
            Labels; see :meth:`segment`.
        """
        split = partial(self._split_plane, settings=settings)
        if len(stack) == 1:
            return (yield from iter_stack_labels(stack, map(split, maps)))
        with closing(
            overlap(split, maps, n_planes_at_once(stack.plane_shape))
        ) as planes:
            return (yield from iter_stack_labels(stack, planes))

    def _split_plane(
        self, maps: Maps, settings: SegmentationSettings
    ) -> NDArray[np.int32]:
        return split_instances(
            maps,
            self.config.splitting,
            threshold=settings.threshold,
            min_area=settings.smallest_area(maps.scale),
        )


def _common_scale(looks: Iterable[Maps]) -> float | None:
    """Scale for all planes, as nuclei are of one size in a stack.

    ``None``, where none of the looks shows nuclei, leaves it to each plane.
    """
    scales = [maps.scale for maps in looks if estimate_diameter(maps) is not None]
    return median_low(scales) if scales else None


def _count_looks(n_done: int, n_looks: int) -> Callable[[TileDone], TileDone]:
    """Count the tiles of one look at a plane as a part of those of all looks."""

    def count(done: TileDone) -> TileDone:
        n_tiles = done.n_total
        return TileDone(n_done * n_tiles + done.n_done, n_looks * n_tiles)

    return count


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
        If there is no such engine, or not the device that the environment names.
    EngineError
        If the engine is not available.

    Examples
    --------
    >>> model = load_model("classic", engine="openvino")
    >>> model.name, model.config.maps
    ('classic', ('foreground', 'boundary', 'distance'))
    """
    bundle = read_bundle(find_model(model))
    return Model(bundle, create_engine(bundle, parse_engine(engine)))


def segment(
    image: ArrayLike,
    model: str | Path | Model = "resnet",
    threshold: float | None = None,
    *,
    min_area: int | None = None,
    diameter: float | None = None,
    tta: bool = False,
    axes: str | None = None,
    channel: int | None = None,
) -> NDArray[np.int32]:
    """Find the nuclei of an image or a stack.

    Parameters
    ----------
    image : (Y, X) or (Y, X, 3|4) array, or a stack described by ``axes``
        Grey or colour image of any real type.  One of Dask, Zarr or HDF5 is read chunk
        by chunk where memory does not hold it.
    model : str, Path or Model
        Name or path of a model, or a loaded one.
    threshold : float in (0, 1), optional
        Foreground probability above which a pixel belongs to a nucleus; ``None``
        takes the model's own.
    min_area : int, in px², optional
        Nuclei smaller than this are dropped; ``None`` takes 30 px² of what the
        network saw.
    diameter : float, in px, optional
        Typical diameter of the nuclei in this image, to rescale it by; ``None``
        estimates it and rescales where it is far from the model's own.
    tta : bool
        Average over eight flips and quarter turns, or those of them that the model
        was trained with.
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

    Examples
    --------
    Two bright discs that touch:

    >>> import numpy as np
    >>> rows, columns = np.ogrid[:96, :96]
    >>> image = np.hypot(rows - 30, columns - 30) < 12
    >>> image |= np.hypot(rows - 48, columns - 48) < 12
    >>> labels = segment(image, model="classic")
    >>> labels.shape, labels.dtype, int(labels.max())
    ((96, 96), dtype('int32'), 2)

    A stack of three planes, where no number occurs in two of them:

    >>> labels = segment(np.stack([image] * 3), "classic", axes="ZYX", min_area=50)
    >>> [np.unique(plane).tolist() for plane in labels]
    [[0, 1, 2], [0, 3, 4], [0, 5, 6]]
    """
    if not isinstance(model, Model):
        model = load_model(model)
    settings = SegmentationSettings(
        threshold=threshold, min_area=min_area, diameter=diameter, tta=tta
    )
    return model.segment(image, settings, axes=axes, channel=channel)
