"""The widget that corrects nuclei: a tool for each kind of mistake.

Only what connects its parts: the mouse is in ``pointer``, keys and napari's own tools
in ``tool_mode``, what a stroke does in ``actions``, where its pixels are in
``shown_plane``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from magicgui.widgets import Container
from magicgui.widgets.bases import Widget
from napari.layers import Labels

from napari_unet_nuclei.core.instances.editing.edit import EditError
from napari_unet_nuclei.plugin.correct.actions import Gesture, Scene, correct
from napari_unet_nuclei.plugin.correct.doubt_panel import DoubtPanel
from napari_unet_nuclei.plugin.correct.journal_row import JournalRow
from napari_unet_nuclei.plugin.correct.locked_row import LockedRow
from napari_unet_nuclei.plugin.correct.pointer import Drawn, Pointer
from napari_unet_nuclei.plugin.correct.shown_plane import ShownPlane, check_editable
from napari_unet_nuclei.plugin.correct.tool_mode import ToolMode
from napari_unet_nuclei.plugin.correct.tool_row import ToolRow
from napari_unet_nuclei.plugin.correct.tools import TOOLS, Tool
from napari_unet_nuclei.plugin.shared.docking import lay_out
from napari_unet_nuclei.plugin.shared.form import make_form
from napari_unet_nuclei.plugin.shared.layer_events import LayerEvents
from napari_unet_nuclei.plugin.shared.locked_nuclei import locked_ids, unlock
from napari_unet_nuclei.plugin.shared.result_maps import unwrapped
from napari_unet_nuclei.plugin.shared.status_line import StatusLine
from napari_unet_nuclei.plugin.shared.undo_history import UndoWatch

if TYPE_CHECKING:
    import napari.viewer
    from numpy.typing import NDArray

NO_LAYER = "Choose the labels layer to correct in napari's layer list."
READY = "press a button or its key, then work on the canvas; Ctrl+Z undoes."


class CorrectWidget(Container[Widget]):
    """Corrects the nuclei of the active labels layer with the mouse.

    Keeps in step: the tools with the active layer and napari's own tools, the count of
    locked nuclei with the layer, the status line with the last correction.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
        Whose labels layers are corrected.
    """

    def __init__(self, viewer: napari.viewer.Viewer) -> None:
        self._viewer = viewer
        self._clicked: NDArray[Any] | None = None
        self._is_closed = False
        self.status = StatusLine(value=NO_LAYER)
        super().__init__(widgets=[self.status], labels=False)
        self.locked = LockedRow()
        self.tools = ToolRow(viewer, self.toggle)
        self.unsaved = JournalRow(viewer, self.say)
        self.doubts = DoubtPanel(viewer, self.native, self._offer_layer, self.say)
        self.form = make_form([self.unsaved, self.tools, self.doubts, self.locked])
        lay_out(self, self.form, viewer, n_below=1)
        self.mode = ToolMode(
            Pointer(self.native, self._take_drawn),
            self.native,
            on_key=self.toggle,
            on_change=self._show_tool,
        )
        self._changes = LayerEvents(("metadata",), self._show_layer)
        self._painted = LayerEvents(("paint",), self._watch_undo)
        self._redrawn = LayerEvents(("set_data",), self._say_undone)
        self._undo: UndoWatch | None = None
        self._selection = viewer.layers.selection.events.active
        self._selection.connect(self._follow_active)
        self._view = viewer.dims.events.ndisplay
        self._view.connect(self._follow_view)
        self.locked.unlock_button.changed.connect(lambda: self.unlock())
        self.native_parent_changed.connect(lambda: self._note_parent())
        self.native.destroyed.connect(self._stop)
        self._follow_active()

    @property
    def layer(self) -> Labels | None:
        """The labels layer that is corrected, if one is active."""
        return self.mode.layer

    def toggle(self, tool: Tool) -> None:
        """Take a tool, or put it away if it is in use."""
        self._clicked = None
        if self.mode.tool is tool:
            self.mode.leave()
            return
        self._activate_labels()
        try:
            if self.layer is None:
                raise EditError(NO_LAYER)
            check_editable(self.layer)
        except EditError as error:
            self.say(str(error))
            self._show_tool()
            return
        self.mode.take(tool)

    def unlock(self) -> None:
        """Unlock all nuclei of the layer."""
        if self.layer is not None:
            unlock(self.layer)
            self.say("Unlocked: sliders and new runs may change all nuclei again.")

    def say(self, text: str) -> None:
        """Show a sentence in the status line."""
        self.status.value = text

    # What is done on the canvas.

    def _take_drawn(self, drawn: Drawn) -> None:
        """Correct what was drawn on, and say what has happened."""
        tool, layer = self.mode.tool, self.layer
        if tool is None or layer is None:
            return
        before, self._clicked = self._clicked, None
        try:
            plane = ShownPlane.of(layer, self._viewer.dims)
            path = plane.place(drawn.positions)
            gesture = Gesture(
                tool=tool, path=path, is_click=drawn.is_click, before=before
            )
            number = plane.free_number()
            labels = plane.labels_up_to(number)
            scene = Scene(labels=labels, free_number=number, maps=plane.maps)
            correction = correct(gesture, scene)
            if correction.edit is None:
                self._clicked = path[0]
            elif not plane.apply(correction.edit):
                self.say("Nothing to change there.")
                return
        except EditError as error:
            self.say(str(error))
            return
        self.say(correction.text)

    # What is shown.

    def _follow_active(self, *_: Any) -> None:
        active = self._viewer.layers.selection.active
        is_usable = isinstance(active, Labels) and not self._is_closed
        layer = active if is_usable else None
        if unwrapped(layer) is unwrapped(self.layer):
            return
        self._clicked = None
        self.mode.move_to(layer)
        self.doubts.move_to(layer)
        for events in (self._changes, self._painted, self._redrawn):
            events.watch(layer)
        self._watch_undo()
        self.unsaved.journal.watch(layer)
        self._show_layer()
        self.say(NO_LAYER if layer is None else f"{layer.name}: {READY}")

    def _note_parent(self) -> None:
        """Let go of the layer once the dock is closed: napari keeps what was in it."""
        self._is_closed = self.native.parent() is None
        self._follow_active()

    def _activate_labels(self) -> None:
        """Activate the topmost labels that are shown, if no labels are active."""
        if self.layer is None:
            shown = [
                layer
                for layer in self._viewer.layers
                if isinstance(layer, Labels) and layer.visible
            ]
            if shown:
                self._viewer.layers.selection.active = shown[-1]

    def _offer_layer(self) -> Labels | None:
        self._activate_labels()
        return self.layer

    def _show_layer(self, *_: Any) -> None:
        layer = self.layer
        self.locked.show_count(0 if layer is None else len(locked_ids(layer.metadata)))

    def _watch_undo(self, *_: Any) -> None:
        self._undo = None if self.layer is None else UndoWatch(self.layer)

    def _say_undone(self, _: Any) -> None:
        """Say no longer what a correction has done once it is undone."""
        if self.layer is None or self._undo is None:
            return
        n_redone = self._undo.n_redone(self.layer)
        if n_redone:
            self._clicked = None
            self.say("Undone." if n_redone < 0 else "Redone.")

    def _follow_view(self, _: Any) -> None:
        """Say no longer that the view has to be changed."""
        tool = self.mode.tool
        self._clicked = None
        if tool is not None:
            self.say(f"{TOOLS[tool].hint}. Esc ends it.")
        elif self.layer is not None:
            self.say(f"{self.layer.name}: {READY}")

    def _show_tool(self) -> None:
        tool = self.mode.tool
        self._clicked = None
        self.tools.show_tool(tool)
        if tool is not None:
            self.say(f"{TOOLS[tool].hint}. Esc ends it.")

    def _stop(self) -> None:
        self._selection.disconnect(self._follow_active)
        self._view.disconnect(self._follow_view)
        self.doubts.stop()
        for events in (self._changes, self._painted, self._redrawn):
            events.watch(None)
