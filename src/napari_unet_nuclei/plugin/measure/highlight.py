"""Nuclei of a labels layer that stand out: in their own colours, the others grey."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from napari.utils.colormaps import DirectLabelColormap

from napari_unet_nuclei.plugin.shared.result_maps import unwrapped

if TYPE_CHECKING:
    from napari.layers import Labels
    from numpy.typing import NDArray

_OTHERS = (0.55, 0.55, 0.55, 0.8)  # red, green, blue, opacity


class Highlight:
    """Shows which nuclei are selected, and the colours of the layer again afterwards.

    napari marks no more than one label, so the others lose their colours instead.  A
    colormap that somebody else sets meanwhile stays.

    Parameters
    ----------
    layer : napari.layers.Labels
        The layer.
    """

    def __init__(self, layer: Labels) -> None:
        self._layer = unwrapped(layer)  # or its colormap is another one each time
        self._own: Any = None
        self._ours: Any = None
        self.labels: NDArray[np.integer] = np.zeros(0, np.int64)

    def show(self, labels: NDArray[np.integer]) -> None:
        """Let these nuclei stand out; none of them, to show all as they were.

        Parameters
        ----------
        labels : (N,) ndarray of int
            Their numbers.
        """
        self.labels = np.asarray(labels)
        if not self.labels.size:
            self.clear()
            return
        layer = self._layer
        if self._ours is None or layer.colormap is not self._ours:
            self._own = layer.colormap
        colours = self._own.map(self.labels.astype(np.int64))
        self._ours = DirectLabelColormap(
            color_dict={
                None: np.array(_OTHERS, np.float32),
                0: np.zeros(4, np.float32),
                **dict(zip(self.labels.tolist(), colours, strict=True)),
            }
        )
        layer.colormap = self._ours

    def clear(self) -> None:
        """Show all nuclei as they were."""
        self.labels = np.zeros(0, np.int64)
        if self._ours is not None and self._layer.colormap is self._ours:
            self._layer.colormap = self._own
        self._own = self._ours = None
