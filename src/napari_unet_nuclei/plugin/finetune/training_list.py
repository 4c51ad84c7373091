"""What is trained on besides the chosen image: other pairs of layers, and data sets.

What is wrong with each is found in ``input_check``; here it only has its place.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from magicgui.widgets import CheckBox, Container, PushButton
from qtpy.QtWidgets import QFileDialog, QHBoxLayout, QToolButton, QVBoxLayout, QWidget

from napari_unet_nuclei.plugin.finetune.layer_pair import LayerPair
from napari_unet_nuclei.plugin.finetune.report_lines import show_finding
from napari_unet_nuclei.plugin.shared.status_line import StatusLine

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Mapping

    import napari.viewer
    from magicgui.widgets.bases import Widget

    from napari_unet_nuclei.plugin.finetune.findings import Finding


@dataclass(frozen=True)
class DataSet:
    """A data set on disk.

    Parameters
    ----------
    path : Path
        A folder with images and labels, or in the layout of DSB2018.
    """

    path: Path

    @property
    def key(self) -> Hashable:
        """The same for the same folder."""
        return self.path

    def describe(self) -> str:
        """Name it in a few words."""
        return f"{self.path.name} (data set)"


Item = LayerPair | DataSet


class TrainingList:
    """Pairs and data sets that are trained on as well, a row each.

    Keeps in step: the rows with the layers of the viewer, which may be removed and
    renamed.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
        Whose layers are listed.
    on_add : callable
        Called when the user wants the chosen pair on the list.
    on_change : callable
        Called after the list has changed.
    """

    def __init__(
        self,
        viewer: napari.viewer.Viewer,
        *,
        on_add: Callable[[], object],
        on_change: Callable[[], object],
    ) -> None:
        self._viewer, self._on_change = viewer, on_change
        self._rows: dict[Hashable, _Row] = {}
        self.add_button = PushButton(
            text="Add this pair",
            tooltip="Train on several images at once: keep this one, then choose the "
            "next",
        )
        self.folder_button = PushButton(
            text="Add a data set …",
            tooltip="A folder with images and labels, or DSB2018 samples",
        )
        self.buttons = Container[PushButton](
            widgets=[self.add_button, self.folder_button],
            layout="horizontal",
            labels=False,
            label="",
        )
        self.buttons.margins = (0, 0, 0, 0)
        self.takes_chosen = CheckBox(
            value=True, text="The pair chosen above, too", visible=False
        )
        self.native = QWidget()
        QVBoxLayout(self.native).setContentsMargins(0, 0, 0, 0)
        self.native.hide()
        self.add_button.changed.connect(lambda: on_add())
        self.folder_button.changed.connect(lambda: self._ask_for_folder())
        self.takes_chosen.changed.connect(lambda: on_change())
        for event in self._layer_events:
            event.connect(self._follow_layers)
        self.native.destroyed.connect(self._disconnect)

    @property
    def widgets(self) -> list[Widget | QWidget]:
        """The rows of a form."""
        return [self.native, self.takes_chosen, self.buttons]

    @property
    def items(self) -> list[Item]:
        """What is on the list, in the order in which it was added."""
        return [row.item for row in self._rows.values()]

    def add(self, item: Item) -> None:
        """Add a pair or a data set; one that is there is replaced."""
        if (known := self._rows.pop(item.key, None)) is not None:
            known.remove()
        row = _Row(item, lambda: self._remove(item.key))
        self._rows[item.key] = row
        layout = self.native.layout()
        if layout is not None:
            layout.addWidget(row.native)
        self._show()

    def show(self, findings: Mapping[Hashable, Finding]) -> None:
        """Show what was found beside each row."""
        for key, row in self._rows.items():
            row.show(findings.get(key))

    def _remove(self, key: Hashable) -> None:
        self._rows.pop(key).remove()
        self._show()

    def _show(self) -> None:
        self.native.setVisible(bool(self._rows))
        self.takes_chosen.visible = bool(self._rows)
        self._on_change()

    def _ask_for_folder(self) -> None:
        folder = QFileDialog.getExistingDirectory(
            self.native, "Choose a data set to train on"
        )
        if folder:
            self.add(DataSet(Path(folder)))

    @property
    def _layer_events(self) -> list[Any]:
        events = self._viewer.layers.events
        return [events.removed, events.renamed]

    def _follow_layers(self, *_: object) -> None:
        there = {layer.unique_id for layer in self._viewer.layers}
        gone = [
            row.item.key
            for row in self._rows.values()
            if isinstance(row.item, LayerPair)
            and any(layer.unique_id not in there for layer in row.item.layers)
        ]
        for key in gone:
            self._rows.pop(key).remove()
        for row in self._rows.values():
            row.rename()
        if gone:
            self._show()

    def _disconnect(self) -> None:
        for event in self._layer_events:
            event.disconnect(self._follow_layers)


class _Row:
    """One line with a button that takes it off the list, and what was found below."""

    def __init__(self, item: Item, on_remove: Callable[[], object]) -> None:
        self.item = item
        self.name = StatusLine(value=item.describe())
        self.words = StatusLine(value="", visible=False)
        self._remove_button = QToolButton()
        self._remove_button.setText("✕")
        self._remove_button.setToolTip("Take it off the list")
        self._remove_button.setAccessibleName(f"Take {item.describe()} off the list")
        self._remove_button.clicked.connect(lambda: on_remove())
        self.native = QWidget()
        layout = QVBoxLayout(self.native)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        line = QHBoxLayout()
        line.addWidget(self.name.native, 1)
        line.addWidget(self._remove_button)
        layout.addLayout(line)
        layout.addWidget(self.words.native)

    def rename(self) -> None:
        """Use the present names of the layers."""
        self.name.value = self.item.describe()

    def show(self, finding: Finding | None) -> None:
        """Say what was found, in red where it stops the training."""
        show_finding(self.words, finding)

    def remove(self) -> None:
        """Vanish."""
        self.native.hide()
        self.native.deleteLater()
