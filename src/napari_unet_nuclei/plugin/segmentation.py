"""What the segment widget runs: the network once, the splitting often.

Arrays and settings only: layers belong in ``layers`` and ``result_layers``,
threads in ``workers``.  The heavy modules are imported by the functions that use
them, so that opening the widget stays fast.
"""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from napari_unet_nuclei.core.choices import EngineName

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from numpy.typing import NDArray

    from napari_unet_nuclei.core.axes import ArrayLike, PlaneStack
    from napari_unet_nuclei.core.features import Features
    from napari_unet_nuclei.core.prediction import Model
    from napari_unet_nuclei.core.settings import SegmentationSettings
    from napari_unet_nuclei.core.splitting import Maps
    from napari_unet_nuclei.core.tiled_prediction import TileDone


@dataclass(frozen=True, kw_only=True, eq=False)
class SegmentationRequest:
    """All a run needs to know.

    Parameters
    ----------
    image : array_like
        Pixels; one of Dask, Zarr or HDF5 is read plane by plane.
    axes : str
        Its axes, such as ``"YX"``, ``"YXC"`` or ``"ZYX"``.
    model : str
        Name or path of a model.
    settings : SegmentationSettings
        Threshold, smallest area, diameter and flips.
    channel : int, optional
        Channel that shows the nuclei, where there is a choice.
    """

    image: ArrayLike
    axes: str
    model: str
    settings: SegmentationSettings
    channel: int | None = None


@dataclass(frozen=True, kw_only=True, eq=False)
class ImageMaps:
    """What the network says of an image; kept for as long as its labels are shown.

    Parameters
    ----------
    stack : PlaneStack
        Planes of the image.
    maps : list of Maps
        One for each plane.
    model : Model
        The network.
    request : SegmentationRequest
        What was asked for.
    seconds : float
        Time the network took.
    """

    stack: PlaneStack
    maps: list[Maps]
    model: Model
    request: SegmentationRequest
    seconds: float


@dataclass(frozen=True, kw_only=True, eq=False)
class Nuclei:
    """Labels and their measurements.

    Parameters
    ----------
    labels : (…, Y, X) ndarray of int32
        Nuclei numbered from 1, 0 = background.
    features : dict of str to (N,) ndarray
        One row for each nucleus, by ascending label.
    settings : SegmentationSettings
        What they were found with; the threshold is never ``None``.
    """

    labels: NDArray[np.int32]
    features: Features
    settings: SegmentationSettings

    @property
    def n_nuclei(self) -> int:
        """Nuclei in all planes."""
        return len(self.features["label"])


class WarmModel:
    """The model that was used last, so that a second run need not load it."""

    def __init__(self) -> None:
        self._model: Model | None = None
        self._key: tuple[Path, int] | None = None

    def load(self, name: str) -> Model:
        """Load a model unless it is the one at hand and its file is the same.

        Parameters
        ----------
        name : str
            Name or path of a model.

        Returns
        -------
        Model
            Ready to segment.

        Raises
        ------
        ModelError, EngineError
            If there is no such model or it cannot be loaded.
        """
        from napari_unet_nuclei.core.model_store import find_model
        from napari_unet_nuclei.core.prediction import load_model

        path = find_model(name)
        key = path, path.stat().st_mtime_ns
        if self._model is None or self._key != key:
            self._model, self._key = load_model(path, _choose_engine()), key
        return self._model


def _choose_engine() -> EngineName:
    """Keep TensorFlow away from Mesa's OpenGL: in one process the two crash."""
    return EngineName.OPENVINO if sys.platform == "linux" else EngineName.AUTO


def iter_segmentation(
    request: SegmentationRequest, models: WarmModel
) -> Generator[TileDone, None, tuple[ImageMaps, Nuclei]]:
    """Find the nuclei of an image, tile by tile.

    Parameters
    ----------
    request : SegmentationRequest
        Image, model and settings.
    models : WarmModel
        Where the model comes from and stays.

    Yields
    ------
    TileDone
        After each tile.

    Returns
    -------
    image_maps : ImageMaps
        What the network says, to split again with other settings.
    nuclei : Nuclei
        What the settings make of it.

    Raises
    ------
    ImageError, ModelError, EngineError, SettingsError
        If image, model or settings cannot be used.
    """
    from napari_unet_nuclei.core.axes import PlaneStack

    stack = PlaneStack(request.image, request.axes, request.channel)
    model = models.load(request.model)
    start = time.perf_counter()
    maps = yield from model.iter_maps(stack, request.settings)
    image_maps = ImageMaps(
        stack=stack,
        maps=maps,
        model=model,
        request=request,
        seconds=time.perf_counter() - start,
    )
    return image_maps, split_maps(image_maps, request.settings)


def iter_split(
    image_maps: ImageMaps, settings: SegmentationSettings
) -> Generator[None, None, Nuclei]:
    """Split maps again; a generator only so that a worker can run it.

    Parameters
    ----------
    image_maps : ImageMaps
        Output of the network.
    settings : SegmentationSettings
        New threshold and smallest area.

    Yields
    ------
    None
        Once, before the work, so that a newer request can still replace it.

    Returns
    -------
    Nuclei
        What the settings make of the maps.
    """
    yield
    return split_maps(image_maps, settings)


def split_maps(image_maps: ImageMaps, settings: SegmentationSettings) -> Nuclei:
    """Turn maps into labels and measure them.

    Parameters
    ----------
    image_maps : ImageMaps
        Output of the network.
    settings : SegmentationSettings
        Threshold, the model's own if it is ``None``, and smallest area.

    Returns
    -------
    Nuclei
        Labels, measurements and the settings with the threshold filled in.
    """
    if settings.threshold is None:
        own = image_maps.model.config.splitting.threshold
        settings = replace(settings, threshold=own)
    labels = image_maps.model.split(image_maps.stack, image_maps.maps, settings)
    return Nuclei(
        labels=labels, features=_measure(image_maps, labels), settings=settings
    )


def _measure(image_maps: ImageMaps, labels: NDArray[np.int32]) -> Features:
    """Measure plane by plane; a stack gets a column for each leading axis."""
    from napari_unet_nuclei.core.features import measure_nuclei

    axes = image_maps.request.axes
    leading = [axis.lower() for axis in axes if axis not in "CYX"]
    tables = []
    for index, plane, maps in zip(
        np.ndindex(labels.shape[:-2]), image_maps.stack, image_maps.maps, strict=True
    ):
        table = measure_nuclei(labels[index], plane, maps.foreground)
        table |= {
            axis: np.full(len(table["label"]), position)
            for axis, position in zip(leading, index, strict=True)
        }
        tables.append(table)
    if not tables:
        return {"label": np.zeros(0, np.int32), "area": np.zeros(0, np.intp)}
    return {name: np.concatenate([t[name] for t in tables]) for name in tables[0]}
