"""A drop-down list of layers that follows napari's active layer.

What the canvas shows of a layer is in ``canvas``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from magicgui.widgets import ComboBox

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    import napari.viewer
    from napari.layers import Layer

MAP_OF = "map_of_image"
"""Key of the metadata of a layer that shows what a network made of an image.

Such a layer is no image to work on, and no list offers it.
"""


class LayerChoice(ComboBox):
    """Keeps in step with the layer list; a renamed layer stays chosen.

    magicgui's own layer list works only inside a window.  Layers are compared by
    their ids, because napari hands plugins a new proxy every time.

    After a call of `follow`, the list follows napari's active layer.  A layer that
    the user has chosen in the list (``is_own``) stays until another layer of this kind
    is activated, or that layer is removed.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
        Whose layers to list.
    layer_type : type, or tuple of types
        Kind of layer, such as ``napari.layers.Image``.
    **kwargs
        Options of every magicgui widget: ``label``, ``tooltip``, …
    """

    def __init__(
        self,
        viewer: napari.viewer.Viewer,
        layer_type: type[Layer] | tuple[type[Layer], ...],
        **kwargs: Any,
    ) -> None:
        self._viewer = viewer
        self._layer_type = layer_type
        self._related: Callable[[Layer], Layer | None] | None = None
        self._is_held: Callable[[], bool] = lambda: False
        self._is_moving = False
        self._has_missed = False
        self._newest: Hashable = None
        self.is_own = False
        super().__init__(
            choices=lambda _: [(layer.name, layer.unique_id) for layer in self._layers],
            **kwargs,
        )
        for event in self._layer_events:
            event.connect(self.reset_choices)
        self.native.destroyed.connect(self._disconnect)

    @property
    def layer(self) -> Layer | None:
        """The chosen layer, if there is one."""
        for layer in self._layers:
            if layer.unique_id == self.value:
                return layer
        return None

    @property
    def _layers(self) -> list[Layer]:
        return [layer for layer in self._viewer.layers if self._is_offered(layer)]

    def _is_offered(self, layer: Layer) -> bool:
        return isinstance(layer, self._layer_type) and MAP_OF not in layer.metadata

    @property
    def _layer_events(self) -> list[Any]:
        events = self._viewer.layers.events
        return [events.inserted, events.removed, events.reordered, events.renamed]

    def _disconnect(self) -> None:
        for event in self._layer_events:
            event.disconnect(self.reset_choices)
        if self._related is not None:
            self._viewer.layers.events.inserted.disconnect(self._note_newest)
            self._viewer.layers.selection.events.active.disconnect(self._follow_active)

    def follow(
        self,
        related: Callable[[Layer], Layer | None],
        *,
        unless: Callable[[], bool] = lambda: False,
    ) -> None:
        """Follow napari's active layer from now on.

        Parameters
        ----------
        related : callable
            Finds the layer to choose where one of another kind is active, such as the
            image of labels; ``None`` to stay.
        unless : callable
            Whether the list stays as it is for now, as while a task is running.
        """
        self._related = related
        self._viewer.layers.events.inserted.connect(self._note_newest)
        self._viewer.layers.selection.events.active.connect(self._follow_active)
        self.changed.connect(self._mark_own)
        self._follow_active()
        self._is_held = unless

    def catch_up(self) -> None:
        """Follow a layer that became active while the list stayed as it was."""
        if self._has_missed:
            self._follow_active()

    def suggest(self, layer: Layer | None) -> None:
        """Choose a layer, unless the user has chosen one in the list."""
        ids = [each.unique_id for each in self._layers]
        if layer is not None and not self.is_own and layer.unique_id in ids:
            self._move_to(layer)

    def choose(self, layer: Layer) -> None:
        """Choose a layer of the list, as if the user had done it."""
        self.value = layer.unique_id
        self._mark_own()

    def reset_choices(self, *_: Any) -> None:
        """List the layers again and keep the choice."""
        before = self.value
        with self.changed.blocked():
            super().reset_choices()
            if before in self.choices and self.value != before:
                self.value = before
        if self.value != before:
            self._move(self.changed.emit, self.value)
        if before is not None and before not in self.choices:
            self.is_own = False
            if self._related is not None:
                self._follow_active()

    def _note_newest(self, event: Any) -> None:
        self._newest = event.value.unique_id

    def _mark_own(self, *_: Any) -> None:
        if not self._is_moving:
            self.is_own, self._has_missed = True, False

    def _follow_active(self, *_: Any) -> None:
        active = self._viewer.layers.selection.active
        if active is None or self._related is None:
            return
        self._has_missed = self._is_held()
        if self._has_missed:
            return
        # napari activates every new layer; the user has not asked for it.
        is_added = self._newest == active.unique_id
        if not is_added:
            self._newest = None
        if not self._is_offered(active):
            self.suggest(self._related(active))
        elif not (self.is_own and is_added):
            self.is_own = False
            self._move_to(active)

    def _move_to(self, layer: Layer) -> None:
        self._move(setattr, self, "value", layer.unique_id)

    def _move(self, change: Callable[..., object], *values: object) -> None:
        """Change the choice without counting it as the user's own."""
        was_moving, self._is_moving = self._is_moving, True
        try:
            change(*values)
        finally:
            self._is_moving = was_moving
