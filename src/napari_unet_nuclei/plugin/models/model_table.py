"""The table of models: a row each, with score, date and size."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import QSize, Qt
from qtpy.QtWidgets import QAbstractItemView, QHeaderView, QTreeWidget, QTreeWidgetItem

from napari_unet_nuclei.plugin.shared.model_origin import (
    describe_origin,
    describe_score,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from napari_unet_nuclei.core.models.managing import KnownModel

_COLUMNS = ("Model", "Score", "Date", "MB")
_LEAST_HEIGHT = 150  # px, some six models
_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter


class ModelTable(QTreeWidget):
    """Lists models; one of them is selected, and stays so when the list changes.

    Parameters
    ----------
    on_select : callable
        Called when another model is selected.
    """

    def __init__(self, on_select: Callable[[], object]) -> None:
        super().__init__()
        self._models: list[KnownModel] = []
        self.setHeaderLabels(_COLUMNS)
        self.setRootIsDecorated(False)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self.setMinimumHeight(_LEAST_HEIGHT)
        header = self.header()
        if header is not None:
            header.setStretchLastSection(False)
            header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
            for column in range(1, len(_COLUMNS)):
                header.setSectionResizeMode(
                    column, QHeaderView.ResizeMode.ResizeToContents
                )
        self.itemSelectionChanged.connect(lambda: on_select())

    def sizeHint(self) -> QSize:
        """As high as some models."""
        return QSize(super().sizeHint().width(), _LEAST_HEIGHT)

    @property
    def names(self) -> list[str]:
        """Names of the models, in their order."""
        return [model.name for model in self._models]

    @property
    def selected(self) -> KnownModel | None:
        """The selected model, if one is."""
        rows = [self.indexOfTopLevelItem(item) for item in self.selectedItems()]
        return self._models[rows[0]] if rows else None

    def show_models(self, models: Sequence[KnownModel], chosen: str | None) -> None:
        """List models, and select one by its name, else the first."""
        self.blockSignals(True)
        self.clear()
        self._models = list(models)
        for model in models:
            self.addTopLevelItem(_make_row(model))
        self.blockSignals(False)
        if models:
            names = self.names
            self.select(names.index(chosen) if chosen in names else 0)

    def select(self, row: int) -> None:
        """Select a row."""
        self.setCurrentItem(self.topLevelItem(row))


def describe_model(model: KnownModel) -> str:
    """Return what a model is, how it was made and where it is, in a few lines."""
    if model.config is None:
        return model.problem
    config = model.config
    lines = [f"{config.architecture}, nuclei of {config.diameter:.0f} px"]
    if model.is_shipped:
        lines[0] += ", came with this package"
    lines.append(describe_origin(config.provenance))
    return "\n".join(filter(None, lines))


def _make_row(model: KnownModel) -> QTreeWidgetItem:
    provenance = {} if model.config is None else model.config.provenance
    changed = "" if model.is_shipped or model.changed is None else f"{model.changed:%F}"
    score = describe_score(provenance) if model.config is not None else "unreadable"
    row = QTreeWidgetItem([model.name, score, changed, f"{model.n_bytes / 1e6:.1f}"])
    row.setTextAlignment(len(_COLUMNS) - 1, _RIGHT)
    tooltip = "\n".join(filter(None, [describe_model(model), str(model.path)]))
    for column in range(len(_COLUMNS)):
        row.setToolTip(column, tooltip)
    return row
