"""Save results: labels, table, outlines and picture at once, by one button."""

from __future__ import annotations

import weakref
from pathlib import Path
from typing import TYPE_CHECKING

from napari import current_viewer
from napari.utils.history import update_save_history
from napari.utils.notifications import show_warning
from qtpy.QtCore import Qt
from qtpy.QtWidgets import (
    QCheckBox,
    QDialog,
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QLineEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from napari_unet_nuclei.core.batch.saving import (
    FORMATS,
    check_paths,
    iter_save,
    result_paths,
)
from napari_unet_nuclei.core.errors import UNetNucleiError
from napari_unet_nuclei.core.settings.choices import OutputFormat
from napari_unet_nuclei.core.writing.outputs import find_existing
from napari_unet_nuclei.plugin.files.result_layers import (
    input_files_of,
    possible_formats,
    proposed_place,
    take_result,
)
from napari_unet_nuclei.plugin.files.saving import labels_to_save
from napari_unet_nuclei.plugin.shared.run_panel import RunPanel
from napari_unet_nuclei.plugin.shared.saved_labels import saved
from napari_unet_nuclei.plugin.shared.task_callbacks import TaskCallbacks
from napari_unet_nuclei.plugin.shared.theme import follow_theme, style_sheet

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari.components import ViewerModel
    from napari.layers import Labels

    from napari_unet_nuclei.plugin.shared.theme import Colours

_WIDTH = 460  # px
_TITLES = {
    OutputFormat.TIFF: "Labels, for ImageJ and to open here again (TIFF)",
    OutputFormat.FEATURES: "Table of nuclei (csv)",
    OutputFormat.ROIS: "Outlines for ImageJ's ROI Manager (zip)",
    OutputFormat.GEOJSON: "Outlines and table for QuPath (GeoJSON)",
    OutputFormat.OVERLAY: "Image beside its nuclei, to look at (PNG)",
}
_LACKING = {
    OutputFormat.FEATURES: "There is no table yet: measure the nuclei first",
    OutputFormat.OVERLAY: "Only for labels of a single plane whose image is open",
}


def open_dialog() -> ResultsDialog | None:
    """Ask what to save of the selected labels; a command of napari's menu."""
    viewer = current_viewer()
    layer = None if viewer is None else labels_to_save(viewer)
    if layer is None:
        show_warning("Select one labels layer to save.")
        return None
    dialog = ResultsDialog(viewer, layer, viewer.window._qt_window)
    dialog.show()
    return dialog


class ResultsDialog(QDialog):
    """Says which files will be written, writes them in the background, says so.

    Parameters
    ----------
    viewer : napari.components.ViewerModel
        Where the image of the labels is.
    layer : napari.layers.Labels
        What to save.
    parent : QWidget, optional
        The window.
    """

    def __init__(
        self,
        viewer: ViewerModel,
        layer: Labels,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._viewer, self._layer = viewer, layer
        self.setWindowTitle(f"Save results of {layer.name}")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        folder, name = proposed_place(layer)
        self.folder, self.name = QLineEdit(str(folder)), QLineEdit(name)
        self.boxes = {kind: QCheckBox(_TITLES[kind]) for kind in FORMATS}
        self.replace = QCheckBox("Replace files that exist")
        self.panel = RunPanel("Save", "Write all checked files", self.save)
        possible = possible_formats(layer, viewer.layers)
        for kind, box in self.boxes.items():
            box.setChecked(kind in possible)
            box.setEnabled(kind in possible)
            box.setToolTip("" if kind in possible else _LACKING[kind])
            box.toggled.connect(self._look)
        for field in (self.folder, self.name):
            field.textChanged.connect(self._look)
        self.replace.toggled.connect(self._look)
        self._lay_out()
        follow_theme(viewer, self, _make_painter(self))
        self._look()

    def _lay_out(self) -> None:
        choose = QPushButton("Choose…")
        choose.setToolTip("Choose another folder")
        choose.clicked.connect(self._choose_folder)
        row = QHBoxLayout()
        row.addWidget(self.folder, 1)
        row.addWidget(choose)
        form = QFormLayout()
        form.addRow("Folder", row)
        form.addRow("Name", self.name)
        layout = QVBoxLayout(self)
        layout.addLayout(form)
        for box in (*self.boxes.values(), self.replace):
            layout.addWidget(box)
        layout.addWidget(self.panel.native)
        self.setMinimumWidth(_WIDTH)

    @property
    def paths(self) -> dict[OutputFormat, Path]:
        """The files to write.

        Raises
        ------
        OutputError
            If the name is none that a file can have.
        """
        kinds = [kind for kind, box in self.boxes.items() if box.isChecked()]
        folder = Path(self.folder.text()).expanduser()
        return result_paths(folder, self.name.text(), kinds)

    def save(self) -> None:
        """Write the files, in the background."""
        if self.panel.is_running:
            return
        try:
            paths, may_replace = self.paths, self.replace.isChecked()
            inputs = input_files_of(self._layer, self._viewer.layers)
            check_paths(paths.values(), inputs, may_replace=may_replace)
            result = take_result(self._layer, self._viewer.layers)
        except UNetNucleiError as error:
            self._offer_to_replace()
            self.panel.refuse(error)
            return
        self.panel.start(
            iter_save(result, paths, may_replace=may_replace),
            f"Saving {self._layer.name}",
            TaskCallbacks(on_result=self._tell, fraction=lambda step: step.fraction),
        )

    def _tell(self, written: list[Path]) -> None:
        update_save_history(str(written[0]))
        self._offer_to_replace()  # whoever saves once more
        if any(path.suffix == ".tif" for path in written):  # the labels are among them
            saved(value=self._layer)
        names = ", ".join(path.name for path in written)
        self.panel.say(f"Saved {names} in {written[0].parent}.")

    def _choose_folder(self) -> None:
        folder = QFileDialog.getExistingDirectory(
            self, "Save results in", self.folder.text()
        )
        if folder:
            self.folder.setText(folder)

    def _look(self, *_: object) -> None:
        """Say what would be written, and what exists."""
        if self.panel.is_running:
            return
        try:
            paths = list(self.paths.values())
        except UNetNucleiError as error:
            self.panel.say(str(error))
            return
        existing = self._offer_to_replace()
        if not existing:
            self.panel.say(f"Writes {', '.join(path.name for path in paths)}.")
            return
        names = ", ".join(path.name for path in existing)
        is_replaced = self.replace.isChecked()
        end = "will be replaced." if is_replaced else "exist: replace, or rename."
        self.panel.say(f"{names} {end}", is_doubtful=True)

    def _offer_to_replace(self) -> list[Path]:
        """Show the box for it where files exist, and return these."""
        try:
            existing = find_existing(self.paths.values())
        except UNetNucleiError:  # which is said where they are saved
            existing = []
        self.replace.setVisible(bool(existing))
        return existing

    def reject(self) -> None:
        """Stop writing when the dialog is closed; nothing half is left."""
        self.panel.cancel()
        super().reject()


def _make_painter(dialog: QDialog) -> Callable[[Colours], None]:
    """Return what gives a dialog the colours of a theme, and does not keep it alive.

    A dialog that only its own signal kept alive would be freed inside of that signal.
    """
    reference = weakref.ref(dialog)

    def paint(colours: Colours) -> None:
        if (known := reference()) is not None:
            known.setStyleSheet(style_sheet(colours))

    return paint
