"""Where results are shown: one labels layer for each image, kept up to date.

Knows the viewer's layers, but neither widgets nor networks.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Labels
from qtpy.QtCore import QTimer

from napari_unet_nuclei import __version__
from napari_unet_nuclei.plugin.segment import followers
from napari_unet_nuclei.plugin.segment.edited_labels import EditedLabels
from napari_unet_nuclei.plugin.segment.live_table import LiveTable
from napari_unet_nuclei.plugin.segment.nucleus_pixels import NucleusPixels
from napari_unet_nuclei.plugin.segment.result_look import (
    first_look,
    hide_truth,
    is_painting,
    same_look,
    same_tools,
)
from napari_unet_nuclei.plugin.shared.layers import labels_layer_metadata, set_features
from napari_unet_nuclei.plugin.shared.placement import labels_axes, place_labels

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    import napari.viewer
    from napari.layers import Image
    from numpy.typing import NDArray
    from qtpy.QtCore import QObject

    from napari_unet_nuclei.plugin.segment.edited_labels import PixelValues
    from napari_unet_nuclei.plugin.segment.segmentation import ImageMaps, Nuclei

    # Id of the image and the only plane that was segmented, if it is only one.
    ResultKey = tuple[Hashable, tuple[int, ...] | None]


@dataclass(frozen=True, kw_only=True, eq=False)
class Result:
    """Nuclei of an image.

    Parameters
    ----------
    image : napari.layers.Image
        The image.
    image_maps : ImageMaps
        What the network said of it.
    nuclei : Nuclei
        What the settings made of that.
    command : str, optional
        The command that finds the same nuclei, if there is one.
    """

    image: Image
    image_maps: ImageMaps
    nuclei: Nuclei
    command: str | None

    @property
    def key(self) -> ResultKey:
        """Whose place the result takes."""
        return self.image.unique_id, self.image_maps.request.plane

    @property
    def title(self) -> str:
        """Name of the layer."""
        plane = self.image_maps.request.plane
        where = "" if plane is None else f", plane {', '.join(map(str, plane))}"
        return f"{self.image.name} nuclei{where}"


@dataclass(frozen=True, kw_only=True, eq=False)
class _Shown:
    """A labels layer as it was left: how it follows edits and where it lies."""

    table: LiveTable
    title: str
    placement: dict[str, Any]

    @property
    def layer(self) -> Labels:
        return self.table.layer


class ResultLayers:
    """Shows nuclei, in the same layer as before where there is one.

    Those of a single plane of a stack have a layer of their own.

    A layer the user has corrected is left alone, and so is one that is gone: the
    result then gets a new layer, which looks the same and has the same tool.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
        Where the layers are.
    owner : QObject
        Nothing is done once this is gone.
    on_edit : callable
        Gets the table of a layer each time an edit has changed it.
    """

    def __init__(
        self,
        viewer: napari.viewer.Viewer,
        owner: QObject,
        on_edit: Callable[[LiveTable], object],
    ) -> None:
        self._viewer = viewer
        self._owner = owner
        self._on_edit = on_edit
        self._shown: dict[ResultKey, _Shown] = {}
        self._set_aside: list[tuple[ResultKey, LiveTable]] = []
        self._is_stopped = False
        self._look: Labels | None = None
        self._have_results: set[Hashable] = set()
        owner.destroyed.connect(self._stop)

    def show(
        self, result: Result, on_shown: Callable[[LiveTable | None], object]
    ) -> None:
        """Show the nuclei of an image, at once or when the user's stroke has ended.

        Parameters
        ----------
        result : Result
            What to show.
        on_shown : callable
            Gets the table of the layer with the user's corrections, where there is
            one, so that the result has got a layer of its own.
        """
        before = self._shown.get(result.key)
        if before is None or before.layer not in self._viewer.layers:
            self._add(result, None)
            on_shown(None)
            return

        def replace() -> None:
            if result.image not in self._viewer.layers:
                return
            if before.layer not in self._viewer.layers:
                self._add(result, None)
            elif before.table.is_edited:
                self._add(result, before)
                on_shown(before.table)
                return
            else:
                self._update(result, before)
            on_shown(None)

        before.table.when_settled(replace)

    def has(self, table: LiveTable) -> bool:
        """Whether a table is that of a result, of now or before."""
        return table in self._tables

    def key_of(self, layer: Any) -> ResultKey | None:
        """Return whose newest nuclei a layer shows, if it shows any."""
        for key, shown in self._shown.items():
            if _is_layer(shown.layer, layer):
                return key
        return None

    @property
    def _tables(self) -> list[LiveTable]:
        return [
            *(table for _, table in self._set_aside),
            *(shown.table for shown in self._shown.values()),
        ]

    def pixels_of(self, layer: Labels) -> PixelValues | None:
        """Return what measures the image of a result of which a layer is a copy."""
        for table in self._tables:
            other = table.layer
            if other.data.shape == layer.data.shape and all(
                other.metadata.get(name) == layer.metadata.get(name)
                for name in ("image_id", "axes", "channel", "plane")
            ):
                return table.pixel_values
        return None

    def table(self, key: ResultKey) -> LiveTable | None:
        """Return the table of the layer that a result is shown in, if there is one."""
        shown = self._shown.get(key)
        is_there = shown is not None and shown.layer in self._viewer.layers
        return shown.table if shown is not None and is_there else None

    def corrected(self, image: Image) -> list[LiveTable]:
        """Return the tables of the layers of an image that hold corrections."""
        tables = [
            *(table for key, table in self._set_aside if key[0] == image.unique_id),
            *(
                shown.table
                for key, shown in self._shown.items()
                if key[0] == image.unique_id
            ),
        ]
        return [
            table
            for table in tables
            if table.layer in self._viewer.layers and table.is_edited
        ]

    def forget(self, layer: Any) -> None:
        """Let go of what belongs to an image, or of a labels layer, that is gone."""
        for key, shown in list(self._shown.items()):
            if key[0] == layer.unique_id:
                shown.table.forget_pixels()
                self._set_aside.append((key, self._shown.pop(key).table))
            elif _is_layer(shown.layer, layer):
                self._end(self._shown.pop(key).table)
        for key, table in list(self._set_aside):
            if key[0] == layer.unique_id:
                table.forget_pixels()
            elif _is_layer(table.layer, layer):
                self._set_aside.remove((key, table))
                table.stop()

    def _end(self, table: LiveTable) -> None:
        """Follow a layer no longer that is gone; what waited for it is shown anyway."""
        waiting = table.waiting
        table.stop()
        if waiting is not None:
            # Once napari has finished removing the layer.
            QTimer.singleShot(0, lambda: self._is_stopped or waiting())

    def _stop(self) -> None:
        """Follow no layer any longer."""
        self._is_stopped = True
        tables = self._tables
        self._shown, self._set_aside = {}, []
        for table in tables:
            table.stop()
            followers.release(table.layer, self._owner)

    def _add(self, result: Result, corrected: _Shown | None) -> None:
        """Show a result in a new layer, beside the one that was corrected."""
        active = self._viewer.layers.selection.active
        image, shape = result.image, result.nuclei.labels.shape
        look, tools = first_look(shape), {}
        if corrected is not None:
            if _is_layer(active, corrected.layer):
                active, tools = None, same_tools(corrected.layer)
            look = same_look(corrected.layer, shape)
            self._put_aside(result.key, corrected)
        else:
            if self._look is not None and self._look in self._viewer.layers:
                look = same_look(self._look, shape)
            active = active if is_painting(active) else None
        if self._viewer.dims.ndisplay == 3:  # where napari has no outlines
            look |= {"contour": 0}
        labels, placement = _place(result, result.nuclei.copy)
        # An invisible layer is not drawn, so this is drawn once, in the end.
        layer = Labels(labels, name=result.title, visible=False, **placement)
        self._set_table(layer, result)
        for name, value in look.items():
            setattr(layer, name, value)
        followers.claim(layer)  # before anybody else does
        self._viewer.add_layer(layer)
        layer.visible = True
        for name, value in tools.items():
            setattr(layer, name, value)
        if active is not None:
            self._viewer.layers.selection.active = active
        self._look = layer
        self._follow(layer, result, placement)
        if image.unique_id not in self._have_results:
            self._have_results.add(image.unique_id)
            hide_truth(
                self._viewer, image, [shown.layer for shown in self._shown.values()]
            )

    def _put_aside(self, key: ResultKey, corrected: _Shown) -> None:
        """Keep a layer with corrections, out of sight and under a name that says so."""
        self._set_aside.append((key, corrected.table))
        layer = corrected.layer
        if layer.name == corrected.title:
            layer.name = f"{corrected.title} (corrected)"
        layer.visible = False

    def _update(self, result: Result, before: _Shown) -> None:
        """Show a result in the layer of the one before."""
        labels, placement = _place(result, result.nuclei.copy)
        layer = before.layer
        before.table.stop()
        before.table.forget_history()
        self._set_table(layer, result)
        layer.data = labels
        # Each of these draws the layer anew, so none is set for nothing.
        if not _is_same(placement, before.placement):
            for name, value in placement.items():
                setattr(layer, name, value)
        self._look = layer
        self._follow(layer, result, placement)

    def _set_table(self, layer: Labels, result: Result) -> None:
        set_features(layer, result.nuclei.features)
        layer.metadata = _describe(result)

    def _follow(
        self,
        layer: Labels,
        result: Result,
        placement: dict[str, Any],
    ) -> None:
        labels, _ = _place(result, result.nuclei.labels)
        request = result.image_maps.request
        axes = labels_axes(request.axes, is_rgb=result.image.rgb)
        table = LiveTable(
            layer,
            EditedLabels(
                labels,
                result.nuclei.features,
                NucleusPixels.of(result.image_maps, axes),
            ),
            self._owner,
            self._on_edit,
            is_slow=not isinstance(request.image, np.ndarray),
        )
        self._shown[result.key] = _Shown(
            table=table, title=layer.name, placement=placement
        )


def load_tables() -> None:
    """Import what napari needs for a first table, lest the window's thread does so."""
    Labels(np.zeros((1, 1), np.int32), features={"index": [0]})


def _is_layer(first: Any, second: Any) -> bool:
    """Compare by id: napari hands plugins a new proxy of a layer at every look."""
    return first is not None and first.unique_id == second.unique_id


def _place(
    result: Result, labels: NDArray[np.int32]
) -> tuple[NDArray[np.int32], dict[str, Any]]:
    request = result.image_maps.request
    return place_labels(
        result.image,
        labels,
        request.axes,
        request.channel,
        request.plane,
    )


def _is_same(first: dict[str, Any], second: dict[str, Any]) -> bool:
    return all(
        np.array_equal(first[name], second[name])
        if isinstance(first[name], np.ndarray)
        else first[name] == second[name]
        for name in first
    )


def _describe(result: Result) -> dict[str, Any]:
    image_maps, nuclei, command = result.image_maps, result.nuclei, result.command
    return labels_layer_metadata(
        result.image,
        model=image_maps.model.name,
        settings=asdict(nuclei.settings),
        axes=image_maps.request.axes,
        channel=image_maps.request.channel,
        plane=image_maps.request.plane,
        engine=image_maps.model.engine.description,
        package=f"napari-unet-nuclei {__version__}",
        **({} if command is None else {"command": command}),
    )
