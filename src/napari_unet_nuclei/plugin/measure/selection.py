"""Nuclei selected in a plot stand out in their layer, and the other way round."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from napari_unet_nuclei.plugin.measure.highlight import Highlight
from napari_unet_nuclei.plugin.shared.result_maps import unwrapped

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from napari.layers import Labels
    from numpy.typing import NDArray


class NucleiSelection:
    """Which nuclei of a labels layer are selected.

    Parameters
    ----------
    layer : napari.layers.Labels
        The layer.
    on_picked : callable
        Gets the label of a nucleus that was clicked or picked in the layer.
    """

    def __init__(self, layer: Labels, on_picked: Callable[[int], object]) -> None:
        self.layer = layer
        self._on_picked = on_picked
        self._highlight = Highlight(layer)
        self._is_ours = False
        self._is_stopped = False
        layer.events.selected_label.connect(self._note_picked)
        layer.events.data.connect(self._forget)
        unwrapped(layer).mouse_drag_callbacks.append(self._note_click)

    @property
    def labels(self) -> NDArray[np.integer]:
        """Labels of the nuclei that stand out."""
        return self._highlight.labels

    def select(self, labels: NDArray[np.integer]) -> None:
        """Let nuclei stand out; none, to show all as they were.

        Parameters
        ----------
        labels : (N,) ndarray of int
            Their numbers; a single one also becomes napari's selected label.
        """
        self._highlight.show(np.asarray(labels))
        if len(labels) == 1:
            self._is_ours = True
            try:
                self.layer.selected_label = int(labels[0])
            finally:
                self._is_ours = False

    def stop(self) -> None:
        """Show all nuclei as they were, and note no more clicks."""
        if self._is_stopped:
            return
        self._is_stopped = True
        self._highlight.clear()
        self.layer.events.selected_label.disconnect(self._note_picked)
        self.layer.events.data.disconnect(self._forget)
        unwrapped(self.layer).mouse_drag_callbacks.remove(self._note_click)

    def _note_picked(self, *_: Any) -> None:
        if not self._is_ours:
            self._on_picked(int(self.layer.selected_label))

    def _forget(self, *_: Any) -> None:
        """Show all nuclei once the labels are others: numbers mean other nuclei."""
        self._highlight.clear()

    def _note_click(self, layer: Any, event: Any) -> Iterator[None]:
        """Note a click without a tool; napari calls this for the active layer."""
        yield
        while event.type == "mouse_move":
            yield
            if event.type == "mouse_move":
                return  # the canvas is moved
        if str(layer.mode) == "pan_zoom":
            value = layer.get_value(
                event.position,
                view_direction=event.view_direction,
                dims_displayed=event.dims_displayed,
                world=True,
            )
            # Of a multiscale layer it comes with the level.
            label = value[1] if isinstance(value, tuple) else value
            self._on_picked(int(label or 0))
