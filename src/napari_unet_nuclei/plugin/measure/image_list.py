"""A list of the images that labels can be measured in, with a check box for each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari.layers import Image
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QListWidget, QListWidgetItem, QSizePolicy

from napari_unet_nuclei.plugin.measure.layer_planes import can_be_measured_in
from napari_unet_nuclei.plugin.shared.pairing import image_of

if TYPE_CHECKING:
    from collections.abc import Hashable

    import napari.viewer
    from napari.layers import Labels

_MOST_ROWS = 5  # that are seen without scrolling
_ID = Qt.ItemDataRole.UserRole


class ImageList:
    """Lists images of the size of the labels; theirs is checked and comes first.

    What the user checks stays checked while the labels are the same.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
        Where the images are.
    """

    def __init__(self, viewer: napari.viewer.Viewer) -> None:
        self.native = QListWidget()
        self._viewer = viewer
        self._labels: Labels | None = None
        self._first: Image | None = None
        self._choices: dict[Hashable, bool] = {}
        self.native.setToolTip("Images whose intensities are measured")
        self.native.setSizePolicy(
            QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed
        )
        self.native.itemChanged.connect(self._note_choice)
        events = viewer.layers.events
        self._connected = [
            *(events.inserted, events.removed, events.reordered, events.renamed)
        ]
        for event in self._connected:
            event.connect(self.refresh)
        self.native.destroyed.connect(self._disconnect)
        self.refresh()

    def show_for(self, labels: Labels | None) -> None:
        """List the images that fit other labels."""
        if not _is_same(labels, self._labels):
            self._choices, self._first = {}, None
        self._labels = labels
        self.refresh()

    @property
    def images(self) -> list[Image]:
        """The images that are checked, that of the labels first."""
        items = [self.native.item(row) for row in range(self.native.count())]
        checked = [
            item.data(_ID)
            for item in items
            if item is not None and item.checkState() == Qt.CheckState.Checked
        ]
        by_id = {str(layer.unique_id): layer for layer in self._viewer.layers}
        return [by_id[each] for each in checked if each in by_id]

    def refresh(self, *_: Any) -> None:
        """List the images again."""
        self.native.blockSignals(True)
        self.native.clear()
        for image, is_own in self._fitting():
            item = QListWidgetItem(image.name)
            item.setFlags(Qt.ItemFlag.ItemIsUserCheckable | Qt.ItemFlag.ItemIsEnabled)
            is_checked = self._choices.get(str(image.unique_id), is_own)
            state = Qt.CheckState.Checked if is_checked else Qt.CheckState.Unchecked
            item.setCheckState(state)
            item.setData(_ID, str(image.unique_id))
            self.native.addItem(item)
        self.native.blockSignals(False)
        n_rows = min(max(self.native.count(), 1), _MOST_ROWS)
        height = (
            self.native.sizeHintForRow(0)
            if self.native.count()
            else self.native.fontMetrics().height()
        )
        self.native.setFixedHeight(
            n_rows * max(height, 1) + 2 * self.native.frameWidth() + 4
        )

    def _fitting(self) -> list[tuple[Image, bool]]:
        labels = self._labels
        if labels is None:
            return []
        images = [each for each in self._viewer.layers if isinstance(each, Image)]
        fitting = [image for image in images if can_be_measured_in(image, labels)]
        own = image_of(labels, fitting)
        # Without a clear origin it is the topmost, and stays it when others are added.
        known = [image for image in fitting if _is_same(image, self._first)]
        first = own or next(iter([*known, *reversed(fitting)]), None)
        self._first = first
        listed = [(image, _is_same(image, first)) for image in reversed(fitting)]
        return sorted(listed, key=lambda each: not each[1])

    def _note_choice(self, item: QListWidgetItem) -> None:
        self._choices[item.data(_ID)] = item.checkState() == Qt.CheckState.Checked

    def _disconnect(self) -> None:
        for event in self._connected:
            event.disconnect(self.refresh)


def _is_same(one: Any, other: Any) -> bool:
    if one is None or other is None:
        return one is other
    return bool(one.unique_id == other.unique_id)
