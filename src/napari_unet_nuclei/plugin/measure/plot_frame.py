"""Where nuclei lie in a plot, and which nuclei lie at a place of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from napari_unet_nuclei.plugin.shared.plot_scale import Scale

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from qtpy.QtCore import QPoint, QRectF

    from napari_unet_nuclei.plugin.measure.plotted_nuclei import PlottedNuclei

    Places = tuple[NDArray[np.float64], NDArray[np.float64]]

_NEAR = 8  # px, from a point that is clicked
_ROOM = 0.04  # of the range of values, at both ends


@dataclass(frozen=True, kw_only=True, eq=False)
class PlotFrame:
    """Nuclei and the scales along the two sides of their plot.

    Parameters
    ----------
    nuclei : PlottedNuclei
        At least one.
    area : QRectF
        Where they are drawn.
    across, up : Scale
        Values from left to right, and from bottom to top.
    edges : (B + 1,) ndarray of float
        Ends of the bins of a histogram.
    counts : (groups, B) ndarray of int
        Nuclei in each of them.
    """

    nuclei: PlottedNuclei
    area: QRectF
    across: Scale
    up: Scale
    edges: NDArray[np.float64]
    counts: NDArray[np.intp]

    @classmethod
    def around(cls, nuclei: PlottedNuclei, area: QRectF) -> PlotFrame:
        """Return a frame with room for all nuclei."""
        edges, counts = nuclei.histogram()
        highest = float(counts.max(initial=1))
        return cls(
            nuclei=nuclei,
            area=area,
            across=_scale_of(edges if nuclei.y is None else nuclei.x),
            up=Scale(low=0.0, high=highest * (1 + _ROOM))
            if nuclei.y is None
            else _scale_of(nuclei.y),
            edges=edges,
            counts=counts,
        )

    def to_places(self, x: NDArray[np.float64], y: NDArray[np.float64]) -> Places:
        """Return where values lie in the plot, in px."""
        area = self.area
        left = area.left() + _share(self.across, x) * area.width()
        return left, area.bottom() - _share(self.up, y) * area.height()

    def places(self) -> Places:
        """Return where the points of all nuclei lie; in a histogram, on its axis."""
        nuclei = self.nuclei
        y = np.zeros(nuclei.label.size) if nuclei.y is None else nuclei.y
        return self.to_places(nuclei.x, y)

    def labels_at(self, point: QPoint) -> NDArray[np.integer]:
        """Return the label of the nearest nucleus, if near, or those of a bar."""
        label = self.nuclei.label
        if self.nuclei.y is None:
            value, _ = self._value_at(point)
            number = int(np.searchsorted(self.edges, value, side="right")) - 1
            if not 0 <= number < self.edges.size - 1:
                return label[:0]
            return self.nuclei.within((self.edges[number], self.edges[number + 1]))
        x, y = self.places()
        distance = np.hypot(x - point.x(), y - point.y())
        nearest = int(distance.argmin())
        return label[nearest : nearest + int(distance[nearest] <= _NEAR)]

    def labels_between(self, one: QPoint, other: QPoint) -> NDArray[np.integer]:
        """Return the labels of the nuclei in a box with these corners."""
        x, y = zip(self._value_at(one), self._value_at(other), strict=True)
        return self.nuclei.within((min(x), max(x)), (min(y), max(y)))

    def _value_at(self, point: QPoint) -> tuple[float, float]:
        area = self.area
        x = (point.x() - area.left()) / max(area.width(), 1)
        y = (area.bottom() - point.y()) / max(area.height(), 1)
        return (
            self.across.low + x * (self.across.high - self.across.low),
            self.up.low + y * (self.up.high - self.up.low),
        )


def _scale_of(values: NDArray[np.float64]) -> Scale:
    low, high = float(values.min()), float(values.max())
    more = _ROOM * (high - low) or 0.5
    return Scale(low=low - more, high=high + more)


def _share(scale: Scale, values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return how far along a scale values lie, from 0 to 1."""
    return (values - scale.low) / (scale.high - scale.low)
