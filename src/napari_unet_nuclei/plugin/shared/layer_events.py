"""Events of the layers that are chosen now, and of no others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from napari.layers import Layer


class LayerEvents:
    """Calls back when something happens to a layer that is watched.

    Parameters
    ----------
    names : sequence of str
        Which of ``layer.events``, such as ``("data", "scale")``.
    callback : callable
        Gets the event.
    """

    def __init__(self, names: Sequence[str], callback: Callable[..., object]) -> None:
        self._names = names
        self._callback = callback
        self._layers: list[Layer] = []

    def watch(self, *layers: Layer | None) -> None:
        """Watch these layers instead of those before; ``None`` stands for no layer."""
        wanted = [layer for layer in layers if layer is not None]
        # napari hands plugins a new proxy of a layer every time.
        if [each.unique_id for each in wanted] == [
            each.unique_id for each in self._layers
        ]:
            return
        for event in self._events():
            event.disconnect(self._callback)
        self._layers = wanted
        for event in self._events():
            event.connect(self._callback)

    def _events(self) -> list[Any]:
        return [
            getattr(layer.events, name)
            for layer in self._layers
            for name in self._names
        ]
