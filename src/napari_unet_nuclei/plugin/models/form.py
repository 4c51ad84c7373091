"""The controls: the table, what the selected model is, and what to compare."""

from __future__ import annotations

from typing import TYPE_CHECKING

from magicgui.widgets import Label
from napari.layers import Image
from qtpy.QtWidgets import (
    QGridLayout,
    QPlainTextEdit,
    QPushButton,
    QWidget,
)

from napari_unet_nuclei.plugin.models.model_table import ModelTable
from napari_unet_nuclei.plugin.shared.form import make_form
from napari_unet_nuclei.plugin.shared.layer_choice import LayerChoice
from napari_unet_nuclei.plugin.shared.model_choice import ModelChoice
from napari_unet_nuclei.plugin.shared.status_line import StatusLine
from napari_unet_nuclei.plugin.shared.theme import follow_theme

if TYPE_CHECKING:
    from collections.abc import Callable

    import napari.viewer
    from napari.layers import Layer

    from napari_unet_nuclei.plugin.shared.theme import Colours

_NOTES_HEIGHT = 54  # px, three lines


class ModelsForm:
    """What the widget shows.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
        Whose images to offer.
    on_select : callable
        Called when another model is selected in the table.
    """

    def __init__(
        self, viewer: napari.viewer.Viewer, on_select: Callable[[], object]
    ) -> None:
        self.table = ModelTable(on_select)
        self.details = StatusLine(value="")
        self.notes = QPlainTextEdit()
        self.notes.setPlaceholderText("Notes: what it is for, what it was trained on …")
        self.notes.setFixedHeight(_NOTES_HEIGHT)
        self.notes.setTabChangesFocus(True)
        follow_theme(viewer, self.notes, self._paint)
        self.rename_button = QPushButton("Rename …")
        self.delete_button = QPushButton("Delete")
        self.delete_button.setToolTip(
            "Move it to the folder of deleted models, from where Import brings it back"
        )
        self.export_button = QPushButton("Export …")
        self.export_button.setToolTip("Copy the model to a file, to pass it on")
        self.import_button = QPushButton("Import …")
        self.import_button.setToolTip("Check a model file and add it to your models")
        self.image = LayerChoice(
            viewer, Image, label="Image", tooltip="Both models segment this image"
        )
        self.first = ModelChoice(label="Model A", tooltip="Orange where it is alone")
        self.second = ModelChoice(label="Model B", tooltip="Blue where it is alone")
        self.image.follow(_stay)
        self.native = make_form(
            [
                self.table,
                self._make_buttons(),
                self.details,
                self.notes,
                Label(value="Compare two models on an image"),
                self.image,
                self.first,
                self.second,
            ]
        )

    def _paint(self, colours: Colours) -> None:
        """Set table and notes off from the window, as napari does with text fields."""
        self.table.setStyleSheet("QTreeView::item { padding: 2px 0px; }")
        self.notes.setStyleSheet(
            f"QPlainTextEdit {{ background-color: {colours.foreground.name()}; }}"
        )

    def _make_buttons(self) -> QWidget:
        box = QWidget()
        grid = QGridLayout(box)
        grid.setContentsMargins(0, 0, 0, 0)
        buttons = (
            *(self.rename_button, self.delete_button),
            *(self.export_button, self.import_button),
        )
        for number, button in enumerate(buttons):
            grid.addWidget(button, number // 2, number % 2)
        return box


def _stay(layer: Layer) -> None:
    """Keep the image while another kind of layer is active."""
