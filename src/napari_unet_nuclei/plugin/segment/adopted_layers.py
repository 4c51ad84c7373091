"""Labels found earlier whose tables follow edits too: duplicates, and opened files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Image, Labels

from napari_unet_nuclei.core.errors import UNetNucleiError
from napari_unet_nuclei.core.images.axes import PlaneStack
from napari_unet_nuclei.core.instances.corrections import count_corrections
from napari_unet_nuclei.core.instances.editing.changes import Locked
from napari_unet_nuclei.plugin.segment import followers
from napari_unet_nuclei.plugin.segment.edited_labels import (
    EditedLabels,
    is_about,
    measure_anew,
    positions_only,
)
from napari_unet_nuclei.plugin.segment.kept_corrections import can_keep
from napari_unet_nuclei.plugin.segment.live_table import LiveTable
from napari_unet_nuclei.plugin.segment.messages import describe_corrections
from napari_unet_nuclei.plugin.segment.nucleus_pixels import NucleusPixels
from napari_unet_nuclei.plugin.segment.provenance import (
    corrected_metadata,
    earlier_corrections,
    find_image,
    is_result,
    join_corrections,
    plane_of,
)
from napari_unet_nuclei.plugin.shared.axes_choice import axes_by_name
from napari_unet_nuclei.plugin.shared.layers import (
    found_features,
    image_array,
    name_rows,
    set_features,
)
from napari_unet_nuclei.plugin.shared.locked_nuclei import erased_pixels, locked_ids
from napari_unet_nuclei.plugin.shared.placement import labels_axes

if TYPE_CHECKING:
    from collections.abc import Callable

    import napari.viewer
    from qtpy.QtCore import QObject

    from napari_unet_nuclei.core.instances.measurements import Features
    from napari_unet_nuclei.plugin.segment.edited_labels import PixelValues
    from napari_unet_nuclei.plugin.segment.result_layers import ResultLayers
    from napari_unet_nuclei.plugin.segment.results import Result


class AdoptedLayers:
    """Follows every labels layer with a table of ours that nothing else follows.

    Edits that the table of another widget has followed are passed on too.

    Intensities are measured in the image that the metadata name, if it is open and
    fits.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
        Where the layers are.
    owner : QObject
        Nothing is done once this is gone.
    results : ResultLayers
        The results of this widget, which are followed already.
    on_edit : callable
        Gets the table of a layer each time an edit has changed it, except for those
        results.
    """

    def __init__(
        self,
        viewer: napari.viewer.Viewer,
        owner: QObject,
        results: ResultLayers,
        on_edit: Callable[[LiveTable], object],
    ) -> None:
        self._viewer = viewer
        self._owner = owner
        self._results = results
        self._on_edit = on_edit
        # Whether all is locked that was corrected in a layer before it was adopted.
        self._tables: dict[LiveTable, bool] = {}
        for layer in viewer.layers:
            self._adopt(layer)
        viewer.layers.events.inserted.connect(self._take)
        followers.released.connect(self._take_over)
        followers.edited.connect(self._hear)
        owner.destroyed.connect(self._stop)

    def shows(self, image: Image) -> bool:
        """Whether one of these layers, which is there, shows nuclei of an image."""
        return any(
            table.layer in self._viewer.layers
            and find_image(table.layer.metadata, [image]) is not None
            for table in self._tables
        )

    def hand_over(self, result: Result) -> LiveTable | None:
        """Give up the layer in which a new result belongs, and return its table.

        Parameters
        ----------
        result : Result
            Nuclei of a whole image, or of a plane of it.

        Returns
        -------
        LiveTable, optional
            That of the only layer with nuclei of the same image that the result can
            take the place of, with all that was corrected in it.
        """
        if result.image_maps.request.region is not None:
            return None
        fitting = [
            table
            for table in self._tables_of(result)
            if self._tables[table] and can_keep(result, table)
        ]
        if len(fitting) != 1:
            return None
        del self._tables[fitting[0]]
        return fitting[0]

    def find_corrected(self, result: Result) -> LiveTable | None:
        """Return the table of a layer with corrections that a new result lacks.

        Parameters
        ----------
        result : Result
            Nuclei in a layer of their own.
        """
        corrected = (
            table
            for table in self._tables_of(result)
            if earlier_corrections(table.layer.metadata)
        )
        return next(corrected, None)

    def _tables_of(self, result: Result) -> list[LiveTable]:
        """Return the tables of the same image, or of the same plane of it."""
        image, plane = result.image, result.image_maps.request.plane
        return [
            table
            for table in self._tables
            if table.layer in self._viewer.layers
            and find_image(table.layer.metadata, [image]) is not None
            and plane_of(table.layer.metadata) == plane
        ]

    def forget(self, layer: Any) -> None:
        """Stop following a layer that is gone."""
        for table in list(self._tables):
            if table.layer.unique_id == layer.unique_id:
                del self._tables[table]
                table.stop()

    def _stop(self) -> None:
        self._viewer.layers.events.inserted.disconnect(self._take)
        followers.released.disconnect(self._take_over)
        followers.edited.disconnect(self._hear)
        tables, self._tables = self._tables, {}
        for table in tables:
            table.stop()
            followers.release(table.layer, self._owner)

    def _take(self, event: Any) -> None:
        self._adopt(event.value)

    def _take_over(self, event: Any) -> None:
        """Follow a layer that another widget has followed, now that this is gone."""
        if event.owner is not self._owner and event.value in self._viewer.layers:
            self._adopt(event.value)

    def _hear(self, event: Any) -> None:
        table = event.value
        if table.layer in self._viewer.layers and table not in self._results.tables:
            self._on_edit(table)

    def _adopt(self, layer: Any) -> None:
        if (
            not isinstance(layer, Labels)
            or not is_result(layer.metadata)
            or not isinstance(layer.data, np.ndarray)
            or followers.is_followed(layer)
        ):
            return
        features = found_features(layer)
        if features is None:
            return
        name_rows(layer)
        # Files do not say what was deleted.
        is_locked = (
            not earlier_corrections(layer.metadata) or erased_pixels(layer) is not None
        )
        pixels = self._results.pixels_of(layer) or self._find_pixels(layer)
        measured = _catch_up(layer, features, pixels or positions_only)
        edited = EditedLabels(
            layer.data.copy(),
            measured,
            pixels or positions_only,
            locked=_locked_before(layer),
        )
        table = LiveTable(
            layer,
            edited,
            self._owner,
            lambda _: None,  # `_hear` passes it on like those of other widgets
            earlier=earlier_corrections(layer.metadata),
        )
        self._tables[table] = is_locked and measured is features

    def _find_pixels(self, layer: Labels) -> PixelValues | None:
        images = [each for each in self._viewer.layers if isinstance(each, Image)]
        image = find_image(layer.metadata, images)
        try:
            return None if image is None else _pixels_of(image, layer)
        except UNetNucleiError:  # not the image it was
            return None


def _locked_before(layer: Labels) -> Locked:
    """Return what was corrected before the layer is followed, as far as is known."""
    erased = erased_pixels(layer)
    return Locked(
        locked_ids(layer.metadata),
        np.zeros(0, np.intp) if erased is None else np.asarray(erased, np.intp),
    )


def _catch_up(layer: Labels, features: Features, pixels: PixelValues) -> Features:
    """Return the measurements of a layer as it is now.

    If it was edited before anything followed it, its table and metadata are brought
    up to date.
    """
    axes = axes_by_name(layer.axis_labels) or "YX"
    if not axes.endswith("YX") or is_about(features, layer.data):
        return features
    measured = measure_anew(features, layer.data, pixels)
    set_features(layer, measured)
    corrections = describe_corrections(count_corrections(features, measured))
    told = join_corrections(earlier_corrections(layer.metadata), corrections)
    layer.metadata = corrected_metadata(layer.metadata, told)
    return measured


def _pixels_of(image: Image, layer: Labels) -> PixelValues | None:
    """Return what measures the pixels of an image under labels, if these fit."""
    pixels, axes = image_array(image)
    stack = PlaneStack(pixels, axes, layer.metadata.get("channel"))
    wanted = labels_axes(axes, is_rgb=image.rgb)
    length = dict(zip(wanted, layer.data.shape, strict=False))
    shape = tuple(length.get(axis) for axis in stack.axes)
    is_fitting = len(wanted) == layer.ndim and isinstance(pixels, np.ndarray)
    if not is_fitting or shape != (*stack.leading_shape, *stack.plane_shape):
        return None
    return NucleusPixels(stack=stack, foreground=None, axes=wanted, plane=None)
