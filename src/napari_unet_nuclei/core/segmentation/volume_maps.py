"""The maps of a volume as the mean of three views: from above, the front and the side.

How they become nuclei belongs in
:mod:`~napari_unet_nuclei.core.instances.volume_splitting`.
"""

from __future__ import annotations

from statistics import median_low
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from napari_unet_nuclei.core import hardware
from napari_unet_nuclei.core.errors import ImageError
from napari_unet_nuclei.core.models.config import MAPS
from napari_unet_nuclei.core.progress import TileDone, map_steps
from napari_unet_nuclei.core.segmentation.scaled import iter_plane_maps
from napari_unet_nuclei.core.segmentation.stack_prediction import StackPrediction

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from numpy.typing import NDArray

    from napari_unet_nuclei.core.images.axes import PlaneStack
    from napari_unet_nuclei.core.instances.maps import Maps
    from napari_unet_nuclei.core.segmentation.model import Model
    from napari_unet_nuclei.core.settings.segmentation import SegmentationSettings

Index = tuple[int, ...]
Result = TypeVar("Result")

_LEAST_HEIGHT = 64  # px, of a view from a side: a network needs surroundings
_N_STEPS = 10_000  # in which progress is told
_N_VIEWS = 3


class VolumePrediction:
    """Evaluates a network on volumes, each seen from three sides.

    Parameters
    ----------
    model : Model
        The network.
    stack : PlaneStack
        One volume or several, with an axis Z.
    settings : SegmentationSettings
        Diameter, test-time flips and stain.
    spacing : float
        Distance between planes, in pixels; between them, side views are interpolated.

    Raises
    ------
    ImageError
        If the maps do not fit into memory.
    """

    def __init__(
        self,
        model: Model,
        stack: PlaneStack,
        settings: SegmentationSettings,
        spacing: float,
    ) -> None:
        self._model, self._stack, self._settings = model, stack, settings
        self._spacing = spacing
        n_depths = stack.leading_shape[stack.axes.index("Z")]
        self._places = np.arange(n_depths) * spacing
        self._n_rows = round(float(self._places[-1])) + 1
        self._check_memory()

    def _check_memory(self) -> None:
        n_voxels = len(self._stack) * int(np.prod(self._stack.plane_shape))
        needed, free = 2 * 4 * _N_VIEWS * n_voxels, hardware.free_memory()
        if needed > free:
            raise ImageError(
                "Expected a volume whose maps fit into memory, to average them over "
                f"three views. Received: {needed / 1e9:.1f} GB, where {free / 1e9:.1f} "
                "GB are free. Cut it into pieces, or link its planes with {link}.",
                link="z",
            )

    def iter_maps(self) -> Generator[TileDone, None, dict[Index, Maps]]:
        """Evaluate the network on all planes, then from the other sides.

        Yields
        ------
        TileDone
            After each tile.

        Returns
        -------
        dict of tuple of int to Maps
            By the place of a plane; all maps of a volume are of one scale and signal.
        """
        # Planes seen from a side are as high as the volume is deep.
        share = 1 / (1 + 2 * self._n_rows / max(len(self._places), 1))
        maps = yield from _within(self._iter_from_above(), 0.0, share)
        volumes = list(volumes_of(self._stack))
        each = (1 - share) / max(len(volumes), 1)
        for number, planes in enumerate(volumes):
            start = share + number * each
            steps = self._iter_from_sides([maps[index] for index in planes], planes)
            averaged = yield from _within(steps, start, start + each)
            maps |= dict(zip(planes, averaged, strict=True))
        return maps

    def _iter_from_above(self) -> Generator[TileDone, None, dict[Index, Maps]]:
        prediction = StackPrediction(self._model, self._stack, self._settings)
        yield from prediction.iter_probes()
        maps = {}
        for index in np.ndindex(self._stack.leading_shape):
            maps[index] = yield from prediction.iter_plane(index)
        return maps

    def _iter_from_sides(
        self, above: list[Maps], planes: list[Index]
    ) -> Generator[TileDone, None, list[Maps]]:
        """Average the maps of a volume over all views."""
        volume = np.stack([self._stack.plane(index) for index in planes])
        kinds = [kind for kind in MAPS if getattr(above[0], kind) is not None]
        sums = {kind: np.stack([getattr(m, kind) for m in above]) for kind in kinds}
        scale, signal = median_low([maps.scale for maps in above]), above[0].signal
        sides = [(axis, at) for axis in (1, 2) for at in range(volume.shape[axis])]
        for number, (axis, at) in enumerate(sides):
            steps = iter_plane_maps(
                *(self._model.engine, self._model.config),
                *(self._heighten(np.take(volume, at, axis)), self._settings),
                scale=scale,
                stain=signal,
            )
            part = number / len(sides), (number + 1) / len(sides)
            seen = yield from _within(steps, *part)
            for kind, total in sums.items():
                np.moveaxis(total, axis, 0)[at] += self._lower(getattr(seen, kind))
        for total in sums.values():
            total /= _N_VIEWS
        return [
            maps._replace(**{kind: total[z] for kind, total in sums.items()})
            for z, maps in enumerate(above)
        ]

    def _heighten(self, side: NDArray[np.generic]) -> NDArray[np.float32]:
        """Interpolate a view from a side to square pixels, with rows around it."""
        rows = np.minimum(np.arange(self._n_rows) / self._spacing, len(side) - 1)
        square = _interpolate(side.astype(np.float32), rows)
        margin = self._margin
        around = [(margin, margin), *((0, 0) for _ in square.shape[1:])]
        return np.pad(square, around, mode="symmetric")

    def _lower(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the rows of a map where the planes are."""
        last = self._n_rows - 1
        return _interpolate(values, np.minimum(self._places, last) + self._margin)

    @property
    def _margin(self) -> int:
        return max(0, (_LEAST_HEIGHT - self._n_rows + 1) // 2)


def volumes_of(stack: PlaneStack) -> Iterator[list[Index]]:
    """Return the planes of each volume of a stack, from above to below.

    Parameters
    ----------
    stack : PlaneStack
        With an axis Z.

    Yields
    ------
    list of tuple of int
        Places along each of the leading axes.
    """
    shape, axis = stack.leading_shape, stack.axes.index("Z")
    for place in np.ndindex(shape[:axis] + shape[axis + 1 :]):
        yield [(*place[:axis], z, *place[axis:]) for z in range(shape[axis])]


def _interpolate(
    values: NDArray[np.float32], rows: NDArray[np.float64]
) -> NDArray[np.float32]:
    """Return rows between those of an array."""
    above = np.floor(rows).astype(np.intp)
    below = np.minimum(above + 1, len(values) - 1)
    weight = (rows - above).astype(np.float32).reshape(-1, *(1,) * (values.ndim - 1))
    return np.asarray((1 - weight) * values[above] + weight * values[below])


def _within(
    steps: Generator[TileDone, None, Result], start: float, stop: float
) -> Generator[TileDone, None, Result]:
    """Count steps as those from one part of the work to another."""

    def place(step: TileDone) -> TileDone:
        fraction = start + (stop - start) * step.fraction
        return TileDone(int(fraction * _N_STEPS), _N_STEPS)

    return map_steps(place, steps)
