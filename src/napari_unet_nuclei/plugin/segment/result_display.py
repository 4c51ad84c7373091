"""How results are shown: in the layer of the one before, or beside corrections.

Knows the viewer's layers, but neither widgets nor networks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Labels

from napari_unet_nuclei.plugin.segment import followers
from napari_unet_nuclei.plugin.segment.edited_labels import EditedLabels
from napari_unet_nuclei.plugin.segment.kept_corrections import (
    can_keep,
    keep_corrections,
)
from napari_unet_nuclei.plugin.segment.live_table import LiveTable
from napari_unet_nuclei.plugin.segment.provenance import (
    corrected_metadata,
    result_metadata,
)
from napari_unet_nuclei.plugin.segment.result_appearance import (
    default_appearance,
    hide_truth,
    is_painting,
    same_appearance,
    same_tools,
)
from napari_unet_nuclei.plugin.segment.result_layers import ShownResult, is_same_layer
from napari_unet_nuclei.plugin.shared.layers import set_features
from napari_unet_nuclei.plugin.shared.locked_nuclei import locking_metadata
from napari_unet_nuclei.plugin.shared.quick_outlines import outline_quickly
from napari_unet_nuclei.plugin.shared.result_maps import remember_maps
from napari_unet_nuclei.plugin.shared.undo_history import carry_history

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    import napari.viewer
    from qtpy.QtCore import QObject

    from napari_unet_nuclei.plugin.segment.adopted_layers import AdoptedLayers
    from napari_unet_nuclei.plugin.segment.result_layers import ResultLayers
    from napari_unet_nuclei.plugin.segment.results import Result


class ResultDisplay:
    """Shows nuclei, in the same layer as before where there is one.

    Those of a single plane of a stack have a layer of their own.

    Nuclei that the user has corrected stay as they are.  A layer that has become
    another one, of another size or with columns of others, is left alone, and so is one
    that is gone: the result then gets a new layer, which looks the same and has the
    same tool.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
        Where the layers are.
    owner : QObject
        Nothing is done once this is gone.
    layers : ResultLayers
        What is shown where.
    earlier : AdoptedLayers
        Layers that hold nuclei of the same image from before; a result may take the
        place of one.
    on_edit : callable
        Gets the table of a layer each time an edit has changed it.
    """

    def __init__(
        self,
        viewer: napari.viewer.Viewer,
        owner: QObject,
        layers: ResultLayers,
        earlier: AdoptedLayers,
        on_edit: Callable[[LiveTable], object],
    ) -> None:
        self._viewer = viewer
        self._owner = owner
        self._layers = layers
        self._earlier = earlier
        self._on_edit = on_edit
        self._last: Labels | None = None
        self._have_results: set[Hashable] = set()

    def show(
        self, result: Result, on_shown: Callable[[Result, LiveTable | None], object]
    ) -> None:
        """Show the nuclei of an image, at once or when the user's stroke has ended.

        Parameters
        ----------
        result : Result
            What to show.
        on_shown : callable
            Gets the result as it is shown, with the corrected nuclei of the layer in
            it, and the table of the layer with the user's corrections, where there is
            one, so that the result has got a layer of its own.
        """
        before = self._layers.get(result.key) or self._adopt(result)
        if before is None:
            self._add(result, None)
            on_shown(result, self._earlier.find_corrected(result))
            return

        def replace() -> None:
            if result.image not in self._viewer.layers:
                return
            is_gone = before.layer not in self._viewer.layers
            # What nobody has edited is replaced, whatever its size was.
            is_replaced = not before.table.is_edited or can_keep(result, before.table)
            is_kept = not (is_gone or is_replaced)
            if is_gone or is_kept:
                self._add(result, before if is_kept else None)
                on_shown(result, before.table if is_kept else None)
            else:
                shown = keep_corrections(result, before.table)
                self._update(shown, before)
                on_shown(shown, None)

        before.table.when_settled(replace)

    def _adopt(self, result: Result) -> ShownResult | None:
        """Take the layer that a widget which is gone has left."""
        table = self._earlier.hand_over(result)
        if table is None:
            return None
        names = result.place(result.nuclei.labels)[1]
        return ShownResult(
            table=table,
            title=table.layer.name,
            placement=dict.fromkeys(names),  # unknown, so that it is set anew
        )

    def _add(self, result: Result, corrected: ShownResult | None) -> None:
        """Show a result in a new layer, beside the one that was corrected."""
        active = self._viewer.layers.selection.active
        if corrected is None:
            becomes_active, tools = not is_painting(active), {}
            appearance = self._appearance_of(result, self._last)
        else:
            becomes_active = is_same_layer(active, corrected.layer)
            tools = same_tools(corrected.layer) if becomes_active else {}
            appearance = self._appearance_of(result, corrected.layer)
            self._put_aside(result, corrected)
        labels, placement = result.place(result.nuclei.copy)
        # An invisible layer is not drawn, so this is drawn once, in the end.
        layer = Labels(labels, name=result.title, visible=False, **placement)
        outline_quickly(layer)
        _describe(layer, result)
        _set_all(layer, appearance)
        followers.claim(layer)  # before anybody else does
        self._viewer.add_layer(layer)
        layer.visible = True
        _set_all(layer, tools)
        if active is not None and not becomes_active:
            self._viewer.layers.selection.active = active
        self._follow(layer, result, placement)
        if result.image.unique_id not in self._have_results:
            self._have_results.add(result.image.unique_id)
            hide_truth(self._viewer, result.image, self._layers.newest)

    def _appearance_of(self, result: Result, before: Labels | None) -> dict[str, Any]:
        """Return how a new layer looks: like one before that is still there."""
        shape, area = result.nuclei.labels.shape, result.nuclei.features["area"]
        appearance = default_appearance(shape, area)
        if before is not None and before in self._viewer.layers:
            appearance = same_appearance(before, shape, area)
        if self._viewer.dims.ndisplay == 3:  # where napari has no outlines
            appearance |= {"contour": 0}
        return appearance

    def _put_aside(self, result: Result, corrected: ShownResult) -> None:
        """Keep a layer with corrections, out of sight and under a name that says so."""
        self._layers.set_aside(result.key, corrected)
        layer = corrected.layer
        if layer.name == corrected.title:
            layer.name = f"{corrected.title} (corrected)"
        layer.visible = False

    def _update(self, result: Result, before: ShownResult) -> None:
        """Show a result in the layer of the one before."""
        labels, placement = result.place(result.nuclei.copy)
        layer = before.layer
        before.table.stop()
        locked = result.locked.numbers
        carry_history(layer, labels, result.nuclei.features["label"], locked)
        outline_quickly(layer)
        _describe(layer, result)
        layer.data = labels
        # Each of these draws the layer anew, so none is set for nothing.
        if not _is_same(placement, before.placement):
            _set_all(layer, placement)
        self._follow(layer, result, placement)

    def _follow(self, layer: Labels, result: Result, placement: dict[str, Any]) -> None:
        if result.image_maps.request.region is None:  # or those of before stay
            remember_maps(layer, result.shared_maps)
        labels, _ = result.place(result.nuclei.labels)
        table = LiveTable(
            layer,
            EditedLabels(
                labels, result.nuclei.features, result.pixels, locked=result.locked
            ),
            self._owner,
            self._on_edit,
            earlier=result.corrections,
            is_slow=not isinstance(result.image_maps.request.image, np.ndarray),
        )
        shown = ShownResult(table=table, title=layer.name, placement=placement)
        self._layers.keep(result.key, shown)
        self._last = layer


def load_tables() -> None:
    """Import what napari needs for a first table, so that the window need not wait."""
    Labels(np.zeros((1, 1), np.int32), features={"index": [0]})


def _describe(layer: Labels, result: Result) -> None:
    set_features(layer, result.nuclei.features)
    metadata = corrected_metadata(result_metadata(result), result.corrections)
    layer.metadata = locking_metadata(metadata, result.locked.numbers)


def _set_all(layer: Labels, attributes: dict[str, Any]) -> None:
    for name, value in attributes.items():
        setattr(layer, name, value)


def _is_same(first: dict[str, Any], second: dict[str, Any]) -> bool:
    return all(
        np.array_equal(first[name], second[name])
        if isinstance(first[name], np.ndarray)
        else first[name] == second[name]
        for name in first
    )
