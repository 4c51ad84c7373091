"""The main job: planes of an image or a stack become maps, and maps become labels.

Python, the widget and batches all run `iter_segmentation`.  One plane alone belongs in
:mod:`~napari_unet_nuclei.core.segmentation.scaled`.
"""

from __future__ import annotations

import time
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial
from statistics import median, median_low
from typing import TYPE_CHECKING

import numpy as np

from napari_unet_nuclei.core.concurrency import Stage, map_ahead
from napari_unet_nuclei.core.instances.diameter import confidence, estimate_diameter
from napari_unet_nuclei.core.instances.polarity import drop_pale
from napari_unet_nuclei.core.instances.splitting import split_instances
from napari_unet_nuclei.core.progress import PlaneDone, TileDone, map_steps
from napari_unet_nuclei.core.segmentation.memory import check_memory, n_planes_at_once
from napari_unet_nuclei.core.segmentation.plausibility import (
    Doubt,
    doubt_nothing_found,
    find_doubts,
)
from napari_unet_nuclei.core.segmentation.scaled import iter_plane_maps
from napari_unet_nuclei.core.segmentation.stack_labels import StackLabels
from napari_unet_nuclei.core.segmentation.stack_maps import StackMaps
from napari_unet_nuclei.core.settings.choices import Stain

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Sequence

    from numpy.typing import NDArray

    from napari_unet_nuclei.core.images.axes import PlaneStack
    from napari_unet_nuclei.core.instances.maps import Maps, SplittingParameters
    from napari_unet_nuclei.core.segmentation.model import Model
    from napari_unet_nuclei.core.settings.segmentation import SegmentationSettings

Index = tuple[int, ...]
"""Place of a plane, along each axis before Y and X."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Segmentation:
    """The nuclei of an image or a stack, and how they were seen.

    Parameters
    ----------
    labels : (…, Y, X) ndarray of int32
        Nuclei numbered from 1, 0 = background; no number occurs in two planes.
    scales : tuple of float
        How much larger the network saw each plane than it is.
    signals : tuple of Stain
        What of each plane the network saw, see
        :class:`~napari_unet_nuclei.core.instances.maps.Maps`.
    maps : list of Maps
        One for each plane; empty where they were not to be kept.
    seconds : float
        Time until the network had seen all planes.
    confidence : float in [0, 1]
        How confident the network was, in the median of the planes where it saw
        anything; 0 where it saw nothing.
    doubts : tuple of Doubt
        What should be checked, if anything.
    """

    labels: NDArray[np.int32]
    scales: tuple[float, ...]
    signals: tuple[Stain, ...]
    maps: list[Maps]
    seconds: float
    confidence: float
    doubts: tuple[Doubt, ...]

    @property
    def signal(self) -> Stain:
        """What of most planes the network saw."""
        return max(self.signals, key=self.signals.count, default=Stain.NONE)


def iter_segmentation(
    model: Model,
    stack: PlaneStack,
    settings: SegmentationSettings,
    *,
    keeps_maps: bool = False,
) -> Generator[TileDone | PlaneDone, None, Segmentation]:
    """Segment planes one by one, each split while the network sees the next.

    Parameters
    ----------
    model : Model
        Network, and the thresholds that split its maps.
    stack : PlaneStack
        Planes to segment.
    settings : SegmentationSettings
        Threshold, smallest area, diameter, test-time flips and stain.
    keeps_maps : bool
        Whether the maps are returned, in a temporary file where memory is too small.

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
    ImageError, EngineError
        If a plane cannot be used, there is no room for labels or maps, or the engine
        fails.
    """
    start = time.perf_counter()
    check_memory(stack.plane_shape, len(stack))
    labels, seen = StackLabels(stack), _SeenPlanes(len(stack), keeps_maps=keeps_maps)
    with Stage(partial(_split_plane, model.config.splitting, settings)) as splitting:
        prediction = _StackPrediction(model, stack, settings)
        yield from prediction.iter_probes()
        for index in np.ndindex(stack.leading_shape):
            maps = yield from prediction.iter_plane(index)
            seen.append(maps)
            for plane in splitting.put(maps):
                labels.append(plane)
        seconds = time.perf_counter() - start
        yield from _iter_last_planes(splitting, labels, len(stack))
    return seen.to_segmentation(labels.to_array(), stack, seconds)


class _SeenPlanes:
    """What is remembered of the maps of each plane."""

    def __init__(self, n_planes: int, *, keeps_maps: bool) -> None:
        self._scales: list[float] = []
        self._signals: list[Stain] = []
        self._confidences: list[float] = []
        self._maps = StackMaps(n_planes) if keeps_maps else None

    def append(self, maps: Maps) -> None:
        """Remember those of the next plane."""
        self._scales.append(maps.scale)
        self._signals.append(maps.signal)
        self._confidences.append(confidence(maps))
        if self._maps is not None:
            self._maps.append(maps)

    def to_segmentation(
        self, labels: NDArray[np.int32], stack: PlaneStack, seconds: float
    ) -> Segmentation:
        """Return the nuclei of all planes with what is to be said of them."""
        confident = median([each for each in self._confidences if each > 0] or [0.0])
        doubts = find_doubts(labels, self._scales, confident)
        return Segmentation(
            labels=labels,
            scales=tuple(self._scales),
            signals=tuple(self._signals),
            maps=[] if self._maps is None else self._maps.to_list(),
            seconds=seconds,
            confidence=confident,
            doubts=doubts if labels.any() else doubt_nothing_found(stack),
        )


def iter_split(
    model: Model,
    stack: PlaneStack,
    maps: Sequence[Maps],
    settings: SegmentationSettings,
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
        Only threshold and smallest area matter here.

    Yields
    ------
    PlaneDone
        After each plane; a caller may stop here.

    Returns
    -------
    (…, Y, X) ndarray of int32
        Labels, as in `Segmentation`.
    """
    split = partial(_split_plane, model.config.splitting, settings)
    labels = StackLabels(stack)
    n_threads = n_planes_at_once(stack.plane_shape)
    with closing(map_ahead(split, maps, n_threads)) as planes:
        for plane in planes:
            labels.append(plane)
            yield PlaneDone(labels.n_planes, len(stack))
    return labels.to_array()


def _split_plane(
    parameters: SplittingParameters, settings: SegmentationSettings, maps: Maps
) -> NDArray[np.int32]:
    labels = split_instances(
        maps,
        parameters,
        threshold=settings.threshold,
        min_area=settings.smallest_area(maps.scale),
    )
    return drop_pale(labels, maps.darkness, maps.scale)


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


class _StackPrediction:
    """Evaluates a network on the planes of a stack: all at one scale, of one signal.

    Nuclei are of one size and colour in a stack, so a few planes are probed first:
    those after one, two and three quarters of each axis say how all are seen.
    """

    def __init__(
        self, model: Model, stack: PlaneStack, settings: SegmentationSettings
    ) -> None:
        self._model, self._stack, self._settings = model, stack, settings
        self._scale: float | None = None
        self._signal: Stain | None = None
        self._probes: dict[Index, Maps] = {}
        is_open = stack.has_colours and settings.stain is Stain.AUTO
        needs_probes = len(stack) > 1 and (settings.diameter is None or is_open)
        self._probed = sorted(
            {
                tuple(length * quarter // 4 for length in stack.leading_shape)
                for quarter in (1, 2, 3)
                if needs_probes
            }
        )
        self._n_begun = 0

    def iter_probes(self) -> Generator[TileDone, None, None]:
        """Find signal and scale for all planes; without nuclei, each has its own."""
        once = replace(self._settings, tta=False)
        for index in self._probed:
            self._probes[index] = yield from self._count(self._iter_maps(index, once))
        self._signal = _common_signal(self._probes.values())
        self._scale = _common_scale(
            maps for maps in self._probes.values() if maps.signal is self._signal
        )

    def iter_plane(self, index: Index) -> Generator[TileDone, None, Maps]:
        """Evaluate the network on a plane, unless its probe will do."""
        return (yield from self._count(self._iter_plane(index)))

    def _iter_plane(self, index: Index) -> Generator[TileDone, None, Maps]:
        probe = self._probes.pop(index, None)
        is_once = not self._settings.tta
        if probe is not None and is_once and self._is_like_others(probe):
            yield TileDone(1, 1)
            return probe
        return (yield from self._iter_maps(index, self._settings))

    def _is_like_others(self, probe: Maps) -> bool:
        is_of_signal = self._signal in (None, probe.signal)
        return is_of_signal and self._scale in (None, probe.scale)

    def _iter_maps(
        self, index: Index, settings: SegmentationSettings
    ) -> Generator[TileDone, None, Maps]:
        return iter_plane_maps(
            self._model.engine,
            self._model.config,
            self._stack.plane(index),
            settings,
            scale=self._scale,
            stain=self._signal,
        )

    def _count(
        self, steps: Generator[TileDone, None, Maps]
    ) -> Generator[TileDone, None, Maps]:
        """Count the tiles of a plane as a part of those of all planes and probes."""
        n_before, n_planes = self._n_begun, len(self._probed) + len(self._stack)
        self._n_begun += 1

        def count(done: TileDone) -> TileDone:
            n_tiles = done.n_total
            return TileDone(n_before * n_tiles + done.n_done, n_planes * n_tiles)

        return map_steps(count, steps)


def _common_scale(probes: Iterable[Maps]) -> float | None:
    """Scale for all planes; ``None`` where none of the probes shows nuclei."""
    scales = [maps.scale for maps in probes if estimate_diameter(maps) is not None]
    return median_low(scales) if scales else None


def _common_signal(probes: Iterable[Maps]) -> Stain | None:
    """Signal for all planes, that of most probes that show nuclei, if any does."""
    signals = [maps.signal for maps in probes if estimate_diameter(maps) is not None]
    return max(signals, key=signals.count, default=None)
