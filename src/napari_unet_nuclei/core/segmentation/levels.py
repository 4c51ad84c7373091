"""An image at several resolutions, and which of them a network should see.

How napari keeps such images is known to the plugin.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_unet_nuclei.core.errors import ImageError
from napari_unet_nuclei.core.images.axes import PlaneStack, leading_axes
from napari_unet_nuclei.core.images.channels import to_channels
from napari_unet_nuclei.core.instances.diameter import estimate_diameter
from napari_unet_nuclei.core.progress import Preparing
from napari_unet_nuclei.core.segmentation.memory import check_memory

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from numpy.typing import NDArray

    from napari_unet_nuclei.core.images.lazy import ArrayLike
    from napari_unet_nuclei.core.segmentation.model import Model
    from napari_unet_nuclei.core.settings.segmentation import SegmentationSettings

WINDOW = 1024
"""Side of a window in which the diameter of the nuclei is estimated, in px."""
_MOST_WINDOWS = 3
_LARGEST_OVERVIEW = 2048  # px: side of a level that is read as a whole


@dataclass(frozen=True, kw_only=True, eq=False)
class Pyramid:
    """An image at several resolutions.

    Parameters
    ----------
    levels : tuple of array_like
        The finest first; all have the same planes and channels.
    axes : str
        Their axes.

    Examples
    --------
    >>> fine = np.zeros((40, 60))
    >>> pyramid = Pyramid.of([fine, fine[::2, ::2], fine[::4, ::4]], "YX")
    >>> [pyramid.factor(level) for level in range(3)]
    [1.0, 2.0, 4.0]
    """

    levels: tuple[ArrayLike, ...]
    axes: str

    @classmethod
    def of(cls, levels: Sequence[ArrayLike], axes: str) -> Pyramid:
        """Take the levels that differ in height and width only."""
        rest = [number for number, axis in enumerate(axes) if axis not in "YX"]
        finest = levels[0].shape
        same = [
            level
            for level in levels
            if len(level.shape) == len(finest)
            and all(level.shape[number] == finest[number] for number in rest)
        ]
        return cls(levels=tuple(same), axes=axes)

    def factors(self, level: int) -> tuple[float, float]:
        """Return height and width of a pixel of a level, in px of the finest."""
        fine, coarse = self.plane_shape(0), self.plane_shape(level)
        height, width = (a / b for a, b in zip(fine, coarse, strict=True))
        return height, width

    def factor(self, level: int) -> float:
        """Return the side of a square with the area of a pixel, in px of the finest."""
        return math.sqrt(math.prod(self.factors(level)))

    def plane_shape(self, level: int) -> tuple[int, int]:
        """Return height and width of a level, in px."""
        shape = self.levels[level].shape
        return shape[self.axes.index("Y")], shape[self.axes.index("X")]

    def settings_at(
        self, level: int, settings: SegmentationSettings
    ) -> SegmentationSettings:
        """Return settings in pixels of the finest level in those of another."""
        if level == 0:
            return settings
        side = self.factor(level)
        changed = {
            name: max(round(area / side**2), least)
            for name, least in (("min_area", 0), ("max_area", 1))
            if (area := getattr(settings, name)) is not None
        }
        if settings.diameter is not None:
            return replace(
                settings, diameter=max(settings.diameter / side, 2.0), **changed
            )
        return replace(settings, **changed)

    def fitting(self) -> list[int]:
        """Return the levels that memory holds; the coarsest if it holds none."""
        leading = leading_axes(self.axes)
        shape = self.levels[0].shape
        n_planes = math.prod(shape[self.axes.index(axis)] for axis in leading)
        found = []
        for level in range(len(self.levels)):
            try:
                check_memory(self.plane_shape(level), n_planes)
            except ImageError:
                continue
            found.append(level)
        return found or [len(self.levels) - 1]


def nearest_level(
    pyramid: Pyramid, diameter: float | None, typical: float, among: Sequence[int]
) -> int:
    """Return the level whose nuclei come nearest to what a model knows.

    Parameters
    ----------
    pyramid : Pyramid
        The image.
    diameter : float, in px of the finest level, optional
        Of its nuclei; ``None`` takes the finest level.
    typical : float, in px
        Diameter of the nuclei that the model was trained on.
    among : sequence of int
        Levels that may be taken.

    Returns
    -------
    int
        The finer of two that are as near.
    """
    if diameter is None:
        return min(among)

    def distance(level: int) -> float:
        return abs(math.log2(diameter / pyramid.factor(level) / typical))

    return min(sorted(among), key=lambda level: round(distance(level), 6))


def iter_level(
    model: Model,
    pyramid: Pyramid,
    settings: SegmentationSettings,
    *,
    channel: int | None = None,
    plane: tuple[int, ...] | None = None,
) -> Generator[Preparing, None, int]:
    """Choose the level of an image that a model should see.

    Parameters
    ----------
    model : Model
        The network.
    pyramid : Pyramid
        The image.
    settings : SegmentationSettings
        With the diameter of the nuclei in px of the finest level, if that is known;
        else it is estimated in a few windows of that level.
    channel : int, optional
        Channel that shows the nuclei.
    plane : tuple of int, optional
        The plane in which nuclei are sought; by default one in the middle.

    Yields
    ------
    Preparing
        Before each window.

    Returns
    -------
    int
        Number of the level, from 0, the finest; never one that is too large for memory
        if there is another.
    """
    among = pyramid.fitting()
    if len(among) == 1:
        return among[0]
    diameter = settings.diameter
    if diameter is None:
        diameter = yield from _iter_diameter(model, pyramid, settings, channel, plane)
    typical = model.config.estimated_diameter or model.config.diameter
    return nearest_level(pyramid, diameter, typical, among)


def _iter_diameter(
    model: Model,
    pyramid: Pyramid,
    settings: SegmentationSettings,
    channel: int | None,
    plane: tuple[int, ...] | None,
) -> Generator[Preparing, None, float | None]:
    """Estimate the diameter where the image shows most, in px of the finest level."""
    yield Preparing("Choosing the resolution")
    if plane is None:
        places = PlaneStack(pyramid.levels[-1], pyramid.axes, channel).typical_places
        plane = places[len(places) // 2]
    finest = pyramid.levels[0]
    once = replace(settings, tta=False)
    for rows, columns in _likely_windows(pyramid, channel, plane):
        parts = {"Y": rows, "X": columns}
        window = finest[tuple(parts.get(axis, slice(None)) for axis in pyramid.axes)]
        pixels = _plane(window, pyramid.axes, channel, plane)
        diameter = estimate_diameter(model.maps(pixels, once))
        if diameter is not None:
            return diameter
        yield Preparing("Choosing the resolution")
    return None


def _plane(
    image: ArrayLike, axes: str, channel: int | None, place: tuple[int, ...]
) -> NDArray[Any]:
    """Read one plane of an image, and no other."""
    return PlaneStack(image, axes, channel).only(place).single_plane()


def _likely_windows(
    pyramid: Pyramid, channel: int | None, plane: tuple[int, ...]
) -> list[tuple[slice, slice]]:
    """List windows of the finest level, first those farthest from the middle grey."""
    height, width = pyramid.plane_shape(0)
    rows, columns = (
        [slice(start, start + WINDOW) for start in range(0, length, WINDOW)]
        for length in (height, width)
    )
    windows = [(row, column) for row in rows for column in columns]
    last = len(pyramid.levels) - 1
    if max(pyramid.plane_shape(last)) > _LARGEST_OVERVIEW:  # too much for a glance
        return windows[len(windows) // 2 :][:_MOST_WINDOWS]
    overview = _plane(pyramid.levels[last], pyramid.axes, channel, plane)
    grey = to_channels(overview).mean(axis=-1, dtype=np.float64)
    contrast = np.abs(grey - np.median(grey))
    factors = pyramid.factors(last)
    shown = [_mean_inside(contrast, window, factors) for window in windows]
    order = np.argsort(-np.asarray(shown), kind="stable")
    return [windows[number] for number in order[:_MOST_WINDOWS]]


def _mean_inside(
    contrast: NDArray[np.float64],
    window: tuple[slice, slice],
    factors: tuple[float, float],
) -> float:
    """Average what a window of the finest level shows in the coarsest one."""
    top, left = (
        min(int(part.start / factor), length - 1)
        for part, factor, length in zip(window, factors, contrast.shape, strict=True)
    )
    bottom, right = (
        max(math.ceil(part.stop / factor), start + 1)
        for part, factor, start in zip(window, factors, (top, left), strict=True)
    )
    return float(contrast[top:bottom, left:right].mean())
