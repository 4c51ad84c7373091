"""Stacks as volumes: three views of each, and nuclei split in three dimensions."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING

import numpy as np

from napari_unet_nuclei.core.errors import SettingsError
from napari_unet_nuclei.core.instances.volume_splitting import split_volume
from napari_unet_nuclei.core.progress import PlaneDone, TileDone
from napari_unet_nuclei.core.segmentation.memory import check_memory
from napari_unet_nuclei.core.segmentation.seen_planes import SeenPlanes, Segmentation
from napari_unet_nuclei.core.segmentation.volume_maps import (
    VolumePrediction,
    volumes_of,
)
from napari_unet_nuclei.core.settings.choices import Link

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping, Sequence

    from numpy.typing import NDArray

    from napari_unet_nuclei.core.images.axes import PlaneStack
    from napari_unet_nuclei.core.instances.maps import Maps
    from napari_unet_nuclei.core.segmentation.model import Model
    from napari_unet_nuclei.core.settings.segmentation import SegmentationSettings


def is_seen_as_volume(stack: PlaneStack, settings: SegmentationSettings) -> bool:
    """Whether planes are to be seen from three sides, and there are several."""
    return settings.link is Link.MAPS and len(stack) > 1


def iter_volume_segmentation(
    model: Model,
    stack: PlaneStack,
    settings: SegmentationSettings,
    spacing: float | None,
    *,
    keeps_maps: bool = False,
) -> Generator[TileDone | PlaneDone, None, Segmentation]:
    """Segment volumes, each seen from three sides.

    Parameters
    ----------
    model : Model
        Network, and the thresholds that split its maps.
    stack : PlaneStack
        One volume or several.
    settings : SegmentationSettings
        How nuclei are found.
    spacing : float
        Distance between planes, in pixels.
    keeps_maps : bool
        Whether the averaged maps are returned.

    Yields
    ------
    TileDone, PlaneDone
        As `iter_segmentation`; the planes of a volume are done together.

    Returns
    -------
    Segmentation
        As that of planes that are linked.

    Raises
    ------
    ImageError, EngineError, SettingsError
        If a plane cannot be used, there is no room for the maps, the engine fails,
        there is no axis Z, or nobody knows the distance between planes.
    """
    start = time.perf_counter()
    known = _check(stack, spacing)
    check_memory(stack.plane_shape, len(stack))
    prediction = VolumePrediction(model, stack, settings, known)
    maps = yield from prediction.iter_maps()
    seconds = time.perf_counter() - start
    seen = SeenPlanes(len(stack), keeps_maps=keeps_maps)
    for index in np.ndindex(stack.leading_shape):
        seen.append(maps[index])
    yield PlaneDone(0, len(stack))
    labels = yield from _iter_labels(model, stack, maps, settings, known)
    return seen.to_segmentation(labels, stack, seconds)


def iter_volume_split(
    model: Model,
    stack: PlaneStack,
    maps: Sequence[Maps],
    settings: SegmentationSettings,
    spacing: float | None,
) -> Generator[PlaneDone, None, NDArray[np.int32]]:
    """Split averaged maps again with other settings.

    Parameters
    ----------
    model, stack, maps, settings, spacing
        As for `iter_volume_segmentation`, with one of the maps for each plane.

    Yields
    ------
    PlaneDone
        The planes of a volume are done together.

    Returns
    -------
    (…, Y, X) ndarray of int32
        Labels.
    """
    known = _check(stack, spacing)
    by_index = dict(zip(np.ndindex(stack.leading_shape), maps, strict=True))
    return (yield from _iter_labels(model, stack, by_index, settings, known))


def _iter_labels(
    model: Model,
    stack: PlaneStack,
    maps: Mapping[tuple[int, ...], Maps],
    settings: SegmentationSettings,
    spacing: float,
) -> Generator[PlaneDone, None, NDArray[np.int32]]:
    """Split volume after volume, and number nuclei through all of them."""
    labels = np.zeros((*stack.leading_shape, *stack.plane_shape), np.int32)
    n_nuclei = n_done = 0
    for planes in volumes_of(stack):
        own = [maps[index] for index in planes]
        found = split_volume(own, model.config.splitting, settings, spacing)
        found[found > 0] += n_nuclei
        n_nuclei = max(n_nuclei, int(found.max(initial=0)))
        for index, plane in zip(planes, found, strict=True):
            labels[index] = plane
            n_done += 1
            yield PlaneDone(n_done, len(stack))
    return labels


def _check(stack: PlaneStack, spacing: float | None) -> float:
    """Return the distance between planes, where volumes can be seen from the side."""
    if "Z" not in stack.axes:
        raise SettingsError(
            "Expected a stack with an axis Z, to see its volume from three sides with "
            f"{{link}}. Received: axes {stack.axes}.",
            link=Link.MAPS.value,
        )
    if spacing is None:
        raise SettingsError(
            "Expected a stack whose distance between planes is known, to see it from "
            "the side with {link}. Received: no such distance in the file; give it in "
            "pixels as {spacing}.",
            link=Link.MAPS.value,
            spacing=2.5,
        )
    if not 0 < spacing < math.inf:
        raise SettingsError(
            "The distance between planes must be above 0. Received: {spacing}",
            spacing=spacing,
        )
    return spacing
