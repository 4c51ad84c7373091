"""The image of the list that is on show: its layers, and what has changed in them.

Layers that were there before, or belong to another image, are left alone.
"""

from __future__ import annotations

import math
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Image, Labels, Layer
from napari.layers._source import layer_source  # what viewer.open notes, too

from napari_unet_nuclei.plugin.browse.label_snapshots import LabelsSnapshot
from napari_unet_nuclei.plugin.browse.spared_objects import SparedObjects
from napari_unet_nuclei.plugin.shared.layer_choice import MAP_OF
from napari_unet_nuclei.plugin.shared.layers import labels_layer_metadata
from napari_unet_nuclei.plugin.shared.pairing import Confidence, pair
from napari_unet_nuclei.plugin.shared.quick_outlines import outline_quickly
from napari_unet_nuclei.plugin.shared.removing_layers import remove_layers
from napari_unet_nuclei.plugin.shared.saved_labels import saved

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable
    from pathlib import Path

    import napari.viewer

    from napari_unet_nuclei.plugin.browse.image_layers import OpenedImage
    from napari_unet_nuclei.plugin.browse.label_snapshots import SavedLabels

_NAME = "napari-unet-nuclei"
_CONTOUR = 2  # px, so that the nuclei stay visible
_MOST_OUTLINED = 4096 * 4096  # px; for larger planes napari takes seconds
_OF_IMAGES = ("colormap", "gamma", "opacity", "blending", "interpolation2d")
_OF_LABELS = ("opacity", "blending", "contour")
_TOOLS = (
    *("brush_size", "n_edit_dimensions", "contiguous", "preserve_labels"),
    "selected_label",
)
_ORIGINS = {"sample_id", "image_id", "image_path"}
_EDITS = ("paint", "labels_update", "data", "metadata")


@dataclass(frozen=True, kw_only=True)
class _Known:
    """A layer as it was read or saved."""

    digest: bytes
    path: Path | None


class OpenImage:
    """Shows one image of a list at a time, in the place of the one before.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
        Where the layers go.
    on_edit : callable
        Called after each change of its labels.
    """

    def __init__(
        self,
        viewer: napari.viewer.Viewer,
        on_edit: Callable[[], object],
    ) -> None:
        self._viewer, self._on_edit = viewer, on_edit
        self._image: Image | None = None
        self._name = ""
        self._others: set[Hashable] = set()
        self._known: dict[Hashable, _Known] = {}
        self._look: dict[str, Any] = {}
        self._mode: str | None = None
        self._is_replacing = False
        self._spared = SparedObjects()
        self.n_edits = self._n_taken = 0
        viewer.layers.events.inserted.connect(self._watch)
        viewer.layers.events.removed.connect(self._forget)
        for layer in viewer.layers:
            self._listen(layer)

    def stop(self) -> None:
        """Hear of nothing any more."""
        self._spared.end()
        self._viewer.layers.events.inserted.disconnect(self._watch)
        self._viewer.layers.events.removed.disconnect(self._forget)
        for layer in self._viewer.layers:
            self._listen(layer, is_on=False)

    @property
    def is_open(self) -> bool:
        """Whether the image is still in the viewer."""
        image = self._image
        return image is not None and any(
            layer.unique_id == image.unique_id for layer in self._viewer.layers
        )

    @property
    def labels(self) -> list[Labels]:
        """Labels of the image, the chosen ones first: active, or else topmost."""
        if not self._name:
            return []
        mine = [each for each in self._viewer.layers if self._is_mine(each)]
        active = self._viewer.layers.selection.active
        chosen = None if active is None else active.unique_id
        ranked = sorted(
            enumerate(each for each in mine if _holds_nuclei(each)),
            key=lambda item: (item[1].unique_id == chosen, item[1].visible, item[0]),
            reverse=True,
        )
        return [layer for _, layer in ranked]

    def snapshots(self) -> list[LabelsSnapshot]:
        """Copy the labels of the image, the chosen ones first."""
        self._n_taken = self.n_edits
        return [
            self._take(layer, is_chosen=number == 0)
            for number, layer in enumerate(self.labels)
        ]

    def note_saved(self, written: SavedLabels) -> None:
        """Know from now on which labels are in a file."""
        known = _Known(digest=written.digest, path=written.path)
        self._known[written.layer_id] = known
        if self.n_edits != self._n_taken:
            return  # there is more by now
        for layer in self._viewer.layers:
            if layer.unique_id == written.layer_id:
                saved(value=layer)

    def replace(self, opened: OpenedImage, name: str) -> Image:
        """Show another image; view, contrast, look and tool stay.

        Parameters
        ----------
        opened : OpenedImage
            What to show.
        name : str
            Its name.

        Returns
        -------
        napari.layers.Image
            The image.
        """
        old = [each for each in self._viewer.layers if self._is_mine(each)]
        is_editing = isinstance(self._viewer.layers.selection.active, Labels)
        before = self._image if self.is_open else None
        old_labels = self.labels
        self._spared.begin()  # what is made from now on can be collected
        layers = self._make(opened)
        self._keep_look(layers, before, old_labels)
        self._is_replacing = True
        try:
            for layer in layers:
                self._viewer.add_layer(layer)
            remove_layers(self._viewer, old)
            self._show_labels(layers)
        finally:
            self._is_replacing = False
        mine = {layer.unique_id for layer in layers}
        self._others = {each.unique_id for each in self._viewer.layers} - mine
        self._image, self._name = layers[0], name
        self._known = {}
        if opened.digest is not None:
            known = _Known(digest=opened.digest, path=opened.result)
            self._known[layers[-1].unique_id] = known
        if before is None or not _is_same_place(before, layers[0]):
            self._viewer.reset_view()
        chosen = layers[-1] if is_editing else layers[0]
        self._viewer.layers.selection.active = chosen
        return self._image

    def _make(self, opened: OpenedImage) -> list[Layer]:
        if opened.file is None:
            layers = [Layer.create(*opened.image)]
        else:
            with layer_source(path=os.fspath(opened.file), reader_plugin=_NAME):
                layers = [Layer.create(*opened.image)]
        if opened.labels is not None:
            # An invisible layer is not drawn, so this one is drawn once, in the end.
            data, kwargs, kind = opened.labels
            layers.append(Layer.create(data, {**kwargs, "visible": False}, kind))
            outline_quickly(layers[-1])
        return layers

    def _keep_look(
        self, layers: list[Layer], before: Image | None, old: list[Labels]
    ) -> None:
        """Give new layers the look and the tool of those before."""
        image = layers[0]
        if before is not None and _is_same_kind(before, image):
            _copy(before, image, (*_OF_IMAGES, "contrast_limits"))
        if old:
            self._look = {name: getattr(old[0], name) for name in _OF_LABELS}
            self._look |= {name: getattr(old[0], name) for name in _TOOLS}
            self._mode = old[0].mode
        if len(layers) == 1:
            return
        size = math.prod(layers[1].data.shape[-2:])
        is_outlined = size <= _MOST_OUTLINED and self._viewer.dims.ndisplay == 2
        look = {"contour": _CONTOUR if is_outlined else 0} | self._look
        for name, value in look.items():
            setattr(layers[1], name, value)

    def _show_labels(self, layers: list[Layer]) -> None:
        """Draw labels, and take the tool, which napari takes from invisible ones."""
        for layer in layers[1:]:
            layer.visible = True
            if self._mode is not None:
                layer.mode = self._mode

    def _is_mine(self, layer: Any) -> bool:
        """Whether a layer is of the image, and not there before or of another one."""
        image = self._image
        if image is None or layer.unique_id in self._others:
            return False
        if layer.unique_id == image.unique_id:
            return True
        own = str(image.unique_id)
        if layer.metadata.get("image_id") == own or _is_map_of(layer, own):
            return True
        if not isinstance(layer, Labels):
            return False
        if layer.unique_id in self._known:
            return True
        images = [
            each
            for each in self._viewer.layers
            if isinstance(each, Image) and MAP_OF not in each.metadata
        ]
        confidence = pair(image, layer, images).confidence
        says_origin = not _ORIGINS.isdisjoint(layer.metadata)
        return confidence >= (
            Confidence.PLAUSIBLE if says_origin else Confidence.DOUBTFUL
        )

    def _take(self, layer: Labels, *, is_chosen: bool) -> LabelsSnapshot:
        data, meta, _ = layer.as_layer_data_tuple()
        image = self._image
        known = self._known.get(layer.unique_id)
        origin = {} if image is None else labels_layer_metadata(image)
        return LabelsSnapshot(
            layer_id=layer.unique_id,
            name=self._name,
            data=data.copy() if isinstance(data, np.ndarray) else data,
            meta={
                **meta,
                "metadata": dict(layer.metadata),
                "features": layer.features.copy(),
            },
            origin=origin,
            is_chosen=is_chosen,
            digest=None if known is None else known.digest,
            path=None if known is None else known.path,
        )

    def _watch(self, event: Any) -> None:
        self._listen(event.value)
        if isinstance(event.value, Labels):
            self._note_edit()

    def _forget(self, event: Any) -> None:
        self._listen(event.value, is_on=False)
        if not self._is_replacing:  # it may be as old as what is spared
            self._spared.end()

    def _listen(self, layer: Any, *, is_on: bool = True) -> None:
        if isinstance(layer, Labels):
            for name in _EDITS:
                emitter = getattr(layer.events, name)
                (emitter.connect if is_on else emitter.disconnect)(self._note_edit)

    def _note_edit(self, *_: object) -> None:
        if self._name and not self._is_replacing:
            self.n_edits += 1
            self._on_edit()


def _holds_nuclei(layer: Layer) -> bool:
    """Whether labels are nuclei, and not such as the difference of two models."""
    return isinstance(layer, Labels) and "derived_from" not in layer.metadata


def _is_map_of(layer: Layer, image_id: str) -> bool:
    """Whether a layer is a map that the network made of an image."""
    origin = layer.metadata.get(MAP_OF)
    return isinstance(origin, tuple) and origin[:1] == (image_id,)


def _copy(source: Layer, target: Layer, names: tuple[str, ...]) -> None:
    for name in names:
        setattr(target, name, getattr(source, name))


def _is_same_kind(one: Image, other: Image) -> bool:
    """Whether the contrast of one image suits another."""
    return bool(
        one.rgb == other.rgb
        and one.ndim == other.ndim
        and np.dtype(one.dtype) == np.dtype(other.dtype)
    )


def _is_same_place(one: Image, other: Image) -> bool:
    """Whether two images cover the same part of the canvas."""
    extents = [each.extent.world for each in (one, other)]
    return extents[0].shape == extents[1].shape and np.allclose(*extents)
