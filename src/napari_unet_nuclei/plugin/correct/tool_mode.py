"""Which tool is in use in which layer: keys, mouse, and napari's own tools.

A tool of ours borrows napari's mode for picking labels: a click then neither moves the
view nor zooms, and holding the space bar still does.  Any other tool of napari ends it.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QEvent, QObject, Qt
from qtpy.QtGui import QKeyEvent
from qtpy.QtWidgets import QApplication

from napari_unet_nuclei.plugin.correct.tools import TOOLS, Tool

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari.layers import Labels

    from napari_unet_nuclei.plugin.correct.pointer import Pointer

_BORROWED, _IDLE = "pick", "pan_zoom"


class ToolMode:
    """Gives a labels layer keys and at most one tool.

    Parameters
    ----------
    pointer : Pointer
        Follows the mouse while there is a tool.
    owner : QObject
        Everything ends with it.
    on_key : callable
        Gets the tool whose key was pressed.
    on_change : callable
        Called after the tool has changed.
    """

    def __init__(
        self,
        pointer: Pointer,
        owner: QObject,
        on_key: Callable[[Tool], object],
        on_change: Callable[[], object],
    ) -> None:
        self._pointer = pointer
        self._on_key = on_key
        self._on_change = on_change
        self._space = _SpaceWatch(owner)
        self._is_switching = False
        self.layer: Labels | None = None
        self.tool: Tool | None = None
        owner.destroyed.connect(self._end)

    def move_to(self, layer: Labels | None) -> None:
        """Give up the tool, and let the keys act in another layer."""
        self.leave()
        if self.layer is not None:
            for text in TOOLS.values():
                self.layer.bind_key(text.key, None)
        self.layer = layer
        if layer is not None:
            for tool, text in TOOLS.items():
                layer.bind_key(
                    text.key, lambda _, tool=tool: self._on_key(tool), overwrite=True
                )

    def _end(self) -> None:
        self.move_to(None)

    def take(self, tool: Tool) -> None:
        """Use a tool in the layer, in place of any other tool."""
        if self.layer is None:
            return
        self._pointer.drop()
        self._pointer.trace = TOOLS[tool].trace
        if self.tool is None:
            self._space.start()
            self._switch(self.layer, _BORROWED)
            self.layer.mouse_drag_callbacks.append(self._pointer.follow)
            self.layer.events.mode.connect(self._note_mode)
            self.layer.bind_key("Escape", lambda _: self.leave(), overwrite=True)
        self.tool = tool
        self._on_change()

    def leave(self) -> None:
        """Give up the tool; napari's own stay as they are."""
        layer = self.layer
        if self.tool is None or layer is None:
            return
        self.tool = None
        self._pointer.drop()
        self._space.stop()
        layer.events.mode.disconnect(self._note_mode)
        with suppress(ValueError):
            layer.mouse_drag_callbacks.remove(self._pointer.follow)
        layer.bind_key("Escape", None)
        if layer.mode == _BORROWED:
            self._switch(layer, _IDLE)
        self._on_change()

    def _switch(self, layer: Labels, mode: str) -> None:
        self._is_switching = True
        try:
            layer.mode = mode
        finally:
            self._is_switching = False

    def _note_mode(self, *_: Any) -> None:
        """Leave when the user takes a tool of napari, but not while space is held."""
        layer = self.layer
        if self._is_switching or layer is None or layer.mode == _BORROWED:
            return
        if not (layer.mode == _IDLE and self._space.is_held):
            self.leave()


class _SpaceWatch(QObject):
    """Knows whether the space bar is held, with which napari moves the view."""

    def __init__(self, owner: QObject) -> None:
        super().__init__(owner)
        self.is_held = False

    def start(self) -> None:
        """Watch from now on."""
        if (app := QApplication.instance()) is not None:
            app.installEventFilter(self)

    def stop(self) -> None:
        """Watch no longer."""
        self.is_held = False
        if (app := QApplication.instance()) is not None:
            app.removeEventFilter(self)

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        if (
            event is not None
            and event.type() in (QEvent.Type.KeyPress, QEvent.Type.KeyRelease)
            and isinstance(event, QKeyEvent)
            and event.key() == Qt.Key.Key_Space
            and not event.isAutoRepeat()
        ):
            self.is_held = event.type() == QEvent.Type.KeyPress
        return False
