"""The main job: planes of an image or a stack become maps, and maps become labels.

Python, the widget and batches all run `iter_segmentation`.  At which scale and of which
signal the network sees the planes belongs in
:mod:`~napari_unet_nuclei.core.segmentation.stack_prediction`.
"""

from __future__ import annotations

import time
from contextlib import closing
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from napari_unet_nuclei.core.concurrency import Stage, map_ahead
from napari_unet_nuclei.core.instances.dropping import drop_nuclei
from napari_unet_nuclei.core.instances.polarity import drop_pale
from napari_unet_nuclei.core.instances.splitting import split_instances
from napari_unet_nuclei.core.progress import PlaneDone, TileDone
from napari_unet_nuclei.core.segmentation.memory import check_memory, n_planes_at_once
from napari_unet_nuclei.core.segmentation.seen_planes import SeenPlanes
from napari_unet_nuclei.core.segmentation.stack_labels import StackLabels
from napari_unet_nuclei.core.segmentation.stack_prediction import StackPrediction
from napari_unet_nuclei.core.segmentation.volumes import (
    is_seen_as_volume,
    iter_volume_segmentation,
    iter_volume_split,
)

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from numpy.typing import NDArray

    from napari_unet_nuclei.core.images.axes import PlaneStack
    from napari_unet_nuclei.core.images.nuclear_signal import Window
    from napari_unet_nuclei.core.instances.depths import KeptDepths
    from napari_unet_nuclei.core.instances.maps import Maps, SplittingParameters
    from napari_unet_nuclei.core.segmentation.model import Model
    from napari_unet_nuclei.core.segmentation.seen_planes import Segmentation
    from napari_unet_nuclei.core.settings.segmentation import SegmentationSettings


def iter_segmentation(
    model: Model,
    stack: PlaneStack,
    settings: SegmentationSettings,
    *,
    keeps_maps: bool = False,
    spacing: float | None = None,
    frame: tuple[PlaneStack, Window] | None = None,
) -> Generator[TileDone | PlaneDone, None, Segmentation]:
    """Segment planes one by one, each split while the network sees the next.

    Parameters
    ----------
    model : Model
        Network, and the thresholds that split its maps.
    stack : PlaneStack
        Planes to segment.
    settings : SegmentationSettings
        How nuclei are found.
    keeps_maps : bool
        Whether the maps are returned, in a temporary file where memory is too small.
    spacing : float, optional
        Distance between depths, in pixels, for nuclei that are linked.
    frame : (PlaneStack, tuple of slice), optional
        The whole image, whose limits and dyes count, and where in it the stack lies.

    Yields
    ------
    TileDone
        After each tile that the network has seen; a caller may stop at any step.
    PlaneDone
        Once the network has seen all planes, for 0, 1, 2 … planes that are split.

    Returns
    -------
    Segmentation
        Labels, scales, signals and maps of all planes.

    Raises
    ------
    ImageError, EngineError, SettingsError
        If a plane cannot be used, there is no room, the engine fails, or there is no
        axis to link nuclei along.
    """
    if is_seen_as_volume(stack, settings):
        volume = model, stack, settings, spacing
        return (yield from iter_volume_segmentation(*volume, keeps_maps=keeps_maps))
    start = time.perf_counter()
    check_memory(stack.plane_shape, len(stack))
    labels = StackLabels(stack, settings, spacing)
    seen = SeenPlanes(len(stack), keeps_maps=keeps_maps)
    split = partial(_split_plane, model.config.splitting, labels.plane_settings)
    with Stage(split) as splitting:
        prediction = StackPrediction(model, stack, settings, frame)
        yield from prediction.iter_probes()
        for index in np.ndindex(stack.leading_shape):
            maps = yield from prediction.iter_plane(index)
            seen.append(maps)
            for plane in splitting.put(maps):
                labels.append(plane)
        seconds = time.perf_counter() - start
        yield from _iter_last_planes(splitting, labels, len(stack))
    return seen.to_segmentation(labels.to_array(), stack, seconds)


def iter_split(
    model: Model,
    stack: PlaneStack,
    maps: Sequence[Maps],
    settings: SegmentationSettings,
    depths: KeptDepths | None = None,
    *,
    spacing: float | None = None,
) -> Generator[PlaneDone, None, NDArray[np.int32]]:
    """Split maps again with other settings, several planes at once.

    Parameters
    ----------
    model : Model
        What the maps came from.
    stack : PlaneStack
        What they were made of.
    maps : sequence of Maps
        One for each plane, as kept by `iter_segmentation`.
    settings : SegmentationSettings
        Only what splits maps matters here: threshold, separation, areas and the like.
    depths : KeptDepths, optional
        Those of the maps, where they are split again and again.
    spacing : float, optional
        Distance between depths, in pixels, for nuclei that are linked.

    Yields
    ------
    PlaneDone
        After each plane; a caller may stop here.

    Returns
    -------
    (…, Y, X) ndarray of int32
        Labels, as in `Segmentation`.
    """
    if is_seen_as_volume(stack, settings):
        work = model, stack, maps, settings, spacing
        return (yield from iter_volume_split(*work))
    labels = StackLabels(stack, settings, spacing)
    parameters = model.config.splitting
    split = partial(_split_again, parameters, labels.plane_settings, depths)
    numbered = list(enumerate(maps))
    if len(numbered) == 1:  # a thread would have to wait for its turn
        planes = (split(plane) for plane in numbered)
    else:
        planes = map_ahead(split, numbered, n_planes_at_once(stack.plane_shape))
    with closing(planes):
        for plane in planes:
            labels.append(plane)
            yield PlaneDone(labels.n_planes, len(stack))
    return labels.to_array()


def _split_again(
    parameters: SplittingParameters,
    settings: SegmentationSettings,
    depths: KeptDepths | None,
    numbered: tuple[int, Maps],
) -> NDArray[np.int32]:
    number, maps = numbered
    depth = None if depths is None else depths.of(number)
    return _split_plane(parameters, settings, maps, depth)


def _split_plane(
    parameters: SplittingParameters,
    settings: SegmentationSettings,
    maps: Maps,
    depth: NDArray[np.float32] | None = None,
) -> NDArray[np.int32]:
    labels = split_instances(
        maps,
        parameters,
        threshold=settings.threshold,
        min_area=settings.smallest_area(maps.scale),
        separation=settings.separation,
        smooth=settings.smooth,
        depth=depth,
    )
    labels = drop_pale(labels, maps.darkness, maps.scale)
    return drop_nuclei(
        labels, max_area=settings.max_area, drop_border=settings.drop_border
    )


def _iter_last_planes(
    splitting: Stage[Maps, NDArray[np.int32]], labels: StackLabels, n_planes: int
) -> Generator[PlaneDone, None, None]:
    """Wait until all planes are split."""
    # Reported only now, those that were split meanwhile too: progress never falls.
    for n_done in range(labels.n_planes + 1):
        yield PlaneDone(n_done, n_planes)
    for plane in splitting.finish():
        labels.append(plane)
        yield PlaneDone(labels.n_planes, n_planes)
