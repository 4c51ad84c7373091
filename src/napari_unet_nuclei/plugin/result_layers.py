"""Where results are shown: one labels layer for each image, kept up to date.

Knows the viewer's layers, but neither widgets nor networks.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_unet_nuclei import __version__
from napari_unet_nuclei.plugin.layers import labels_features, labels_layer_metadata
from napari_unet_nuclei.plugin.placement import place_labels

if TYPE_CHECKING:
    from collections.abc import Hashable

    import napari.viewer
    from napari.layers import Image, Labels
    from numpy.typing import NDArray

    from napari_unet_nuclei.plugin.segmentation import ImageMaps, Nuclei

    # Id of the image and the only plane that was segmented, if it is only one.
    ResultKey = tuple[Hashable, tuple[int, ...] | None]


@dataclass(frozen=True, kw_only=True, eq=False)
class _Shown:
    """A labels layer as it was left: what it holds and where it lies."""

    layer: Labels
    labels: NDArray[np.int32]
    placement: dict[str, Any]


class ResultLayers:
    """Shows nuclei, in the same layer as before where there is one.

    Those of a single plane of a stack have a layer of their own.

    A layer the user has painted in is left alone, and so is one that is gone:
    the result then gets a new layer.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
        Where the layers are.
    """

    def __init__(self, viewer: napari.viewer.Viewer) -> None:
        self._viewer = viewer
        self._shown: dict[ResultKey, _Shown] = {}

    def show(
        self,
        image: Image,
        image_maps: ImageMaps,
        nuclei: Nuclei,
        command: str | None,
    ) -> Labels:
        """Show the nuclei of an image.

        Parameters
        ----------
        image : napari.layers.Image
            The image.
        image_maps : ImageMaps
            What the network said of it.
        nuclei : Nuclei
            What to show.
        command : str, optional
            The command that finds the same nuclei, if there is one.

        Returns
        -------
        napari.layers.Labels
            The layer, new or updated.
        """
        request, title = image_maps.request, f"{image.name} nuclei"
        if request.plane is not None:
            title += f", plane {', '.join(map(str, request.plane))}"
        labels, placement = place_labels(
            image, nuclei.labels, request.axes, request.channel, request.plane
        )
        key = image.unique_id, request.plane
        table = {
            "features": labels_features(nuclei.features),
            "metadata": _describe(image, image_maps, nuclei, command),
        }
        before = self._find_unchanged(key)
        if before is None:
            layer = self._viewer.add_labels(
                labels.copy(),
                name=title,
                **placement,
                **table,
            )
        else:
            layer = before.layer
            layer.data = labels.copy()
            # Each of these draws the layer anew, so none is set for nothing.
            moved = {} if _is_same(placement, before.placement) else placement
            for name, value in (table | moved).items():
                setattr(layer, name, value)
        self._shown = {
            each: shown
            for each, shown in self._shown.items()
            if shown.layer in self._viewer.layers
        }
        self._shown[key] = _Shown(layer=layer, labels=labels, placement=placement)
        return layer

    def forget(self, image: Image) -> None:
        """Stop to update the layers of an image."""
        for key in [key for key in self._shown if key[0] == image.unique_id]:
            del self._shown[key]

    def _find_unchanged(self, key: ResultKey) -> _Shown | None:
        shown = self._shown.get(key)
        if shown is None or shown.layer not in self._viewer.layers:
            return None
        return shown if np.array_equal(shown.layer.data, shown.labels) else None


def _is_same(first: dict[str, Any], second: dict[str, Any]) -> bool:
    return all(
        np.array_equal(first[name], second[name])
        if isinstance(first[name], np.ndarray)
        else first[name] == second[name]
        for name in first
    )


def _describe(
    image: Image, image_maps: ImageMaps, nuclei: Nuclei, command: str | None
) -> dict[str, Any]:
    return labels_layer_metadata(
        image,
        model=image_maps.model.name,
        settings=asdict(nuclei.settings),
        axes=image_maps.request.axes,
        channel=image_maps.request.channel,
        plane=image_maps.request.plane,
        engine=image_maps.model.engine.description,
        package=f"napari-unet-nuclei {__version__}",
        **({} if command is None else {"command": command}),
    )
