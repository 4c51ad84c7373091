"""The widget for models: what its buttons do, and the comparison of two."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from magicgui.widgets import Container
from magicgui.widgets.bases import Widget
from qtpy.QtWidgets import QFileDialog, QInputDialog

from napari_unet_nuclei.core.errors import ImageError, ModelError, UNetNucleiError
from napari_unet_nuclei.core.models import managing, store
from napari_unet_nuclei.core.models.bundle import SUFFIX
from napari_unet_nuclei.core.models.notes import read_notes, write_notes
from napari_unet_nuclei.plugin.models.comparing import (
    ComparisonRequest,
    describe_difference,
    iter_comparison,
    make_layer,
)
from napari_unet_nuclei.plugin.models.form import ModelsForm
from napari_unet_nuclei.plugin.models.model_table import describe_model
from napari_unet_nuclei.plugin.shared.canvas import chosen_channel
from napari_unet_nuclei.plugin.shared.docking import lay_out
from napari_unet_nuclei.plugin.shared.error_messages import describe_error
from napari_unet_nuclei.plugin.shared.layers import image_array
from napari_unet_nuclei.plugin.shared.model_choice import models_changed
from napari_unet_nuclei.plugin.shared.model_name import check_model_name
from napari_unet_nuclei.plugin.shared.removing_layers import remove_layers
from napari_unet_nuclei.plugin.shared.run_panel import RunPanel
from napari_unet_nuclei.plugin.shared.task_callbacks import TaskCallbacks
from napari_unet_nuclei.plugin.shared.timers import make_quiet_timer

if TYPE_CHECKING:
    from collections.abc import Callable

    import napari.viewer
    from napari.layers import Image

    from napari_unet_nuclei.core.evaluation.difference import Difference

_FILTER = f"Models (*{SUFFIX})"
_QUIET_MS = 700  # after the last letter of a note


class ModelsWidget(Container[Widget]):
    """Lists models, and keeps every other list of them in step.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
        Where images come from and differences go.
    """

    def __init__(self, viewer: napari.viewer.Viewer) -> None:
        self._viewer = viewer
        self._noted: managing.KnownModel | None = None
        self.panel = RunPanel(
            "Compare A and B", "Segment the image with both models", self.compare
        )
        super().__init__(widgets=[self.panel], labels=False)
        self.form = ModelsForm(viewer, self._show_selected)
        form = self.form
        lay_out(self, form.native, viewer)
        self._writing = make_quiet_timer(self.native, _QUIET_MS, self._write_notes)
        form.notes.textChanged.connect(self._writing.start)
        form.rename_button.clicked.connect(self.ask_for_name)
        form.delete_button.clicked.connect(self.delete)
        form.export_button.clicked.connect(self.ask_for_export)
        form.import_button.clicked.connect(self.ask_for_import)
        models_changed.connect(self._list_models)
        self.native.destroyed.connect(self._disconnect)
        self.panel.cancel_on_close(self)
        self._list_models()
        if len(form.table.names) > 1:
            form.second.prefer(form.table.names[1])

    # What the buttons do.

    def ask_for_name(self) -> None:
        """Ask for another name of the selected model."""
        model = self.form.table.selected
        if model is None:
            return
        name, is_given = QInputDialog.getText(
            self.native, "Rename model", "New name", text=model.name
        )
        if is_given and name.strip() != model.name:
            self.rename(name)

    def rename(self, new: str) -> None:
        """Rename the selected model; lists in which it is chosen follow."""
        model = self.form.table.selected
        if model is not None:
            self._write_notes()
            self._do(lambda: self._rename(model.name, new))

    def _rename(self, old: str, new: str) -> str:
        path = managing.rename_model(old, check_model_name(new))
        models_changed(renamed=(old, path.stem))
        self._list_models(path.stem)
        return f"{old} is called {path.stem} now."

    def delete(self) -> None:
        """Move the selected model to the deleted ones."""
        model = self.form.table.selected
        if model is not None:
            self._write_notes()
            self._do(lambda: self._delete(model.name))

    def _delete(self, name: str) -> str:
        path = managing.delete_model(name)
        models_changed()
        return f"Deleted {name}. To bring it back, import {path}."

    def ask_for_export(self) -> None:
        """Ask where to copy the selected model to."""
        model = self.form.table.selected
        if model is None:
            return
        target, _ = QFileDialog.getSaveFileName(
            self.native, "Export model", f"{model.name}{SUFFIX}", _FILTER
        )
        if target:
            self.export(Path(target))

    def export(self, target: Path) -> None:
        """Copy the selected model to a file."""
        model = self.form.table.selected
        if model is None:
            return
        if target.suffix != SUFFIX:
            target = target.with_name(f"{target.name}{SUFFIX}")

        def copy() -> str:
            managing.export_model(model.path, target)
            return f"Copied {model.name} to {target}."

        self._do(copy)

    def ask_for_import(self) -> None:
        """Ask for a model file to add."""
        start = str(store.user_model_folder())
        path, _ = QFileDialog.getOpenFileName(
            self.native, "Import model", start, _FILTER
        )
        if path:
            self.import_file(Path(path))

    def import_file(self, path: Path) -> None:
        """Check a model file, and add it to the user's models under a free name."""

        def add() -> str:
            added = managing.import_model(path, _free_name(path.stem))
            models_changed()
            self._list_models(added.stem)
            return f"Added {added.stem}."

        self._do(add)

    def _do(self, act: Callable[[], str]) -> None:
        """Do something, and say what came of it."""
        try:
            self.panel.say(act())
        except UNetNucleiError as error:
            self.panel.say(describe_error(error), is_doubtful=True)

    # What is shown.

    def _list_models(self, chosen: object = None) -> None:
        """List the models again; the selected one stays selected."""
        selected = self.form.table.selected
        name = selected.name if selected is not None else None
        if isinstance(chosen, str):
            name = chosen
        self.form.table.show_models(managing.list_known(), name)
        self._show_selected()

    def _show_selected(self) -> None:
        """Show what the selected model is, and what can be done with it."""
        self._write_notes()
        model = self.form.table.selected
        is_own = model is not None and not model.is_shipped
        self.form.details.value = "" if model is None else describe_model(model)
        for button in (self.form.rename_button, self.form.delete_button):
            button.setEnabled(is_own)
        self.form.export_button.setEnabled(model is not None)
        self.form.notes.setEnabled(is_own)
        self._noted = None  # what follows is no edit
        notes = "" if model is None else read_notes(model.path)
        self.form.notes.setPlainText(notes)
        self._noted = model if is_own else None
        self._writing.stop()

    def _write_notes(self) -> None:
        """Keep the notes, if they have changed and the model is still there."""
        model, notes = self._noted, self.form.notes.toPlainText()
        if model is None or not model.path.exists():
            return
        if read_notes(model.path) != notes:
            try:
                write_notes(model.path, notes)
            except UNetNucleiError as error:
                self.panel.say(describe_error(error), is_doubtful=True)

    def _disconnect(self) -> None:
        models_changed.disconnect(self._list_models)

    # The comparison.

    def compare(self) -> None:
        """Segment the chosen image with both models, in the background."""
        if self.panel.is_running:
            return
        try:
            image, request = self._make_request()
        except UNetNucleiError as error:
            self.panel.refuse(error)
            return
        self.panel.start(
            iter_comparison(request),
            f"Comparing on {image.name}",
            TaskCallbacks(
                on_step=lambda step: self.panel.say(f"{step.what} …"),
                on_result=lambda found: self._show_difference(found, image, request),
            ),
            may_be_left=True,
        )

    def _make_request(self) -> tuple[Image, ComparisonRequest]:
        image: Any = self.form.image.layer
        first, second = self.form.first.model, self.form.second.model
        if image is None:
            raise ImageError("There is no image to compare on: open an image first.")
        if first is None or second is None or first == second:
            raise ModelError("Expected two models. Choose another one as A or as B.")
        pixels, axes = image_array(image)
        channel = chosen_channel(image, axes, self._viewer.dims)
        return image, ComparisonRequest(
            image=pixels, axes=axes, channel=channel, first=first, second=second
        )

    def _show_difference(
        self, difference: Difference, image: Image, request: ComparisonRequest
    ) -> None:
        """Add a layer that takes the place of the last one of these models."""
        if image not in self._viewer.layers:
            self.panel.say(f"{image.name} is no longer open.")
            return
        layer = make_layer(difference, image, request)
        if layer.name in self._viewer.layers:
            remove_layers(self._viewer, [self._viewer.layers[layer.name]])
        self._viewer.add_layer(layer)
        self._viewer.layers.selection.active = image
        self.panel.say(describe_difference(difference, request))


def _free_name(stem: str) -> str:
    """Return the name of a file, or one like it that no model has."""
    try:
        return check_model_name(stem)
    except UNetNucleiError:
        for number in range(2, 100):
            name = f"{stem}-{number}"
            try:
                return check_model_name(name)
            except UNetNucleiError:
                continue
        return check_model_name(stem)
