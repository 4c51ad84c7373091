"""Which labels layers show results, and which hold corrections of earlier ones.

How a layer comes to show a result is known to ``result_display``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QTimer

from napari_unet_nuclei.plugin.segment import followers
from napari_unet_nuclei.plugin.segment.provenance import has_same_pixels

if TYPE_CHECKING:
    import napari.viewer
    from napari.layers import Image, Labels
    from qtpy.QtCore import QObject

    from napari_unet_nuclei.plugin.segment.edited_labels import PixelValues
    from napari_unet_nuclei.plugin.segment.live_table import LiveTable
    from napari_unet_nuclei.plugin.segment.results import ResultKey


@dataclass(frozen=True, kw_only=True, eq=False)
class ShownResult:
    """A labels layer as this package left it: its table, its name and its place.

    Parameters
    ----------
    table : LiveTable
        The table of the layer.
    title : str
        Name that the layer was given.
    placement : dict
        Where it was put, as `place_labels` returns it.
    """

    table: LiveTable
    title: str
    placement: dict[str, Any]

    @property
    def layer(self) -> Labels:
        """The layer."""
        return self.table.layer


class ResultLayers:
    """The newest layer of each result, and older ones that hold corrections.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
        Where the layers are.
    owner : QObject
        Once this is gone, the layers are left to other widgets.
    """

    def __init__(self, viewer: napari.viewer.Viewer, owner: QObject) -> None:
        self._viewer = viewer
        self._owner = owner
        self._newest: dict[ResultKey, ShownResult] = {}
        self._set_aside: list[tuple[ResultKey, LiveTable]] = []
        self._is_stopped = False
        owner.destroyed.connect(self._stop)

    @property
    def tables(self) -> list[LiveTable]:
        """The tables of all these layers."""
        return [table for _, table in self._keyed_tables()]

    @property
    def newest(self) -> list[Labels]:
        """The newest layer of each result."""
        return [shown.layer for shown in self._newest.values()]

    def get(self, key: ResultKey | None) -> ShownResult | None:
        """Return where a result is shown, if its layer is there."""
        shown = None if key is None else self._newest.get(key)
        is_there = shown is not None and shown.layer in self._viewer.layers
        return shown if is_there else None

    def keep(self, key: ResultKey, shown: ShownResult) -> None:
        """Remember the newest layer of a result."""
        self._newest[key] = shown

    def set_aside(self, key: ResultKey, corrected: ShownResult) -> None:
        """Remember a layer with corrections before another takes its place."""
        self._set_aside.append((key, corrected.table))

    def key_of(self, layer: Any) -> ResultKey | None:
        """Return whose newest nuclei a layer shows, if it shows any."""
        for key, shown in self._newest.items():
            if is_same_layer(shown.layer, layer):
                return key
        return None

    def pixels_of(self, layer: Labels) -> PixelValues | None:
        """Return what measures the image of the result that a layer copies."""
        for table in self.tables:
            other = table.layer
            if other.data.shape == layer.data.shape and has_same_pixels(
                other.metadata, layer.metadata
            ):
                return table.pixel_values
        return None

    def has_corrections(self, image: Image) -> bool:
        """Whether a layer of an image that is there holds corrections."""
        return any(
            table.layer in self._viewer.layers and table.is_edited
            for key, table in self._keyed_tables()
            if key[0] == image.unique_id
        )

    def forget(self, layer: Any) -> None:
        """Forget an image or a labels layer that is gone, and what belongs to it."""
        for key, shown in list(self._newest.items()):
            if key[0] == layer.unique_id:
                self.set_aside(key, self._newest.pop(key))
            elif is_same_layer(shown.layer, layer):
                self._end(self._newest.pop(key).table)
        for key, table in list(self._set_aside):
            if key[0] == layer.unique_id:
                table.forget_pixels()
            elif is_same_layer(table.layer, layer):
                self._set_aside.remove((key, table))
                table.stop()

    def _keyed_tables(self) -> list[tuple[ResultKey, LiveTable]]:
        newest = [(key, shown.table) for key, shown in self._newest.items()]
        return [*self._set_aside, *newest]

    def _end(self, table: LiveTable) -> None:
        """Stop following a layer that is gone; a result that waited is shown anyway."""
        waiting = table.waiting
        table.stop()
        if waiting is not None:
            # Once napari has finished removing the layer.
            QTimer.singleShot(0, lambda: self._is_stopped or waiting())

    def _stop(self) -> None:
        """Stop following all layers."""
        self._is_stopped = True
        tables = self.tables
        self._newest, self._set_aside = {}, []
        for table in tables:
            table.stop()
            followers.release(table.layer, self._owner)


def is_same_layer(first: Any, second: Any) -> bool:
    """Compare by id: napari hands plugins a new proxy of a layer at every access."""
    return first is not None and first.unique_id == second.unique_id
