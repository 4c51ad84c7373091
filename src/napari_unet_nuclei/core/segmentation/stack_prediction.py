"""At which scale, and of which signal, a network sees the planes of a stack.

One plane alone belongs in :mod:`~napari_unet_nuclei.core.segmentation.scaled`.
"""

from __future__ import annotations

from dataclasses import replace
from statistics import median_low
from typing import TYPE_CHECKING

from napari_unet_nuclei.core.images.nuclear_signal import WHOLE
from napari_unet_nuclei.core.instances.diameter import estimate_diameter
from napari_unet_nuclei.core.progress import TileDone, map_steps
from napari_unet_nuclei.core.segmentation.scaled import iter_plane_maps
from napari_unet_nuclei.core.settings.choices import Stain

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable

    from napari_unet_nuclei.core.images.axes import PlaneStack
    from napari_unet_nuclei.core.images.nuclear_signal import Window
    from napari_unet_nuclei.core.instances.maps import Maps
    from napari_unet_nuclei.core.segmentation.model import Model
    from napari_unet_nuclei.core.settings.segmentation import SegmentationSettings

Index = tuple[int, ...]
"""Place of a plane, along each axis before Y and X."""


class StackPrediction:
    """Evaluates a network on the planes of a stack: all at one scale, of one signal.

    Nuclei are of one size and colour in a stack, so a few planes are probed first:
    those after one, two and three quarters of each axis say how all are seen.
    ``frame`` says of which image the stack is a window, see
    :func:`~napari_unet_nuclei.core.segmentation.stacks.iter_segmentation`.
    """

    def __init__(
        self,
        model: Model,
        stack: PlaneStack,
        settings: SegmentationSettings,
        frame: tuple[PlaneStack, Window] | None = None,
    ) -> None:
        self._seen, self._window = frame or (stack, WHOLE)
        self._model, self._stack, self._settings = model, stack, settings
        self._scale: float | None = None
        self._signal: Stain | None = None
        self._probes: dict[Index, Maps] = {}
        is_open = stack.has_colours and settings.stain is Stain.AUTO
        needs_probes = len(stack) > 1 and (settings.diameter is None or is_open)
        self._probed = stack.typical_places if needs_probes else []
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
            self._seen.plane(index),
            settings,
            scale=self._scale,
            stain=self._signal,
            window=self._window,
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
