"""The maps of the network as image layers, where users ask to see them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Image as ImageLayer

from napari_unet_nuclei.plugin.segment.nucleus_pixels import whole_stack
from napari_unet_nuclei.plugin.shared.layer_choice import MAP_OF
from napari_unet_nuclei.plugin.shared.placement import place_labels
from napari_unet_nuclei.plugin.shared.removing_layers import remove_layers

if TYPE_CHECKING:
    from collections.abc import Sequence

    import napari.viewer
    from napari.layers import Image
    from numpy.typing import NDArray

    from napari_unet_nuclei.plugin.segment.segmentation import ImageMaps

_COLOURS = {"foreground": "green", "boundary": "magenta", "distance": "cyan"}


class MapLayers:
    """Shows foreground, boundary and distance of an image, and keeps them up to date.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
        Where the layers go, below the labels.
    """

    def __init__(self, viewer: napari.viewer.Viewer) -> None:
        self._viewer = viewer

    def show(self, image: Image, image_maps: ImageMaps) -> None:
        """Add the maps of an image as layers, or update those that there are.

        Parameters
        ----------
        image : napari.layers.Image
            The image.
        image_maps : ImageMaps
            Output of the network for it.
        """
        active = self._viewer.layers.selection.active
        for name in _COLOURS:
            if getattr(image_maps.maps[0], name) is not None:
                self._show_map(image, image_maps, name)
        if active is not None:
            self._viewer.layers.selection.active = active

    def update(self, image: Image, image_maps: ImageMaps) -> None:
        """Update the maps that are shown, if any are."""
        if any(self._find(image, name) is not None for name in _COLOURS):
            self.show(image, image_maps)

    def _show_map(self, image: Image, image_maps: ImageMaps, name: str) -> None:
        request = image_maps.request
        pixels, placement = place_labels(
            image,
            _arrange(image_maps, name),
            request.axes,
            request.channel,
            request.plane,
            request.factors,
        )
        layer = self._find(image, name)
        if layer is not None and layer.data.shape == pixels.shape:
            layer.data = pixels
            return
        if layer is not None:
            remove_layers(self._viewer, [layer])
        layer = ImageLayer(
            pixels,
            name=f"{image.name} {name}",
            rgb=False,
            colormap=_COLOURS[name],
            blending="additive",
            contrast_limits=(0, 1),
            metadata={MAP_OF: (str(image.unique_id), name)},
            **placement,
        )
        index = next(
            number
            for number, each in enumerate(self._viewer.layers)
            if each.unique_id == image.unique_id
        )
        self._viewer.layers.insert(index + 1, layer)

    def _find(self, image: Image, name: str) -> Any:
        wanted = str(image.unique_id), name
        return next(
            (
                each
                for each in self._viewer.layers
                if isinstance(each, ImageLayer) and each.metadata.get(MAP_OF) == wanted
            ),
            None,
        )


def _arrange(image_maps: ImageMaps, name: str) -> NDArray[Any]:
    """Return a map in the shape of the nuclei; of a stack, read once it is seen."""
    planes = [getattr(maps, name) for maps in image_maps.maps]
    if (run := image_maps.request.region) is not None:
        planes = [_paste(plane, run.region.window, image_maps) for plane in planes]
    only, shape = image_maps.request.plane, image_maps.stack.leading_shape
    if only is not None:
        shape = tuple(1 for _ in only)
    array = planes[0] if len(planes) == 1 else _stack(planes)
    arranged: NDArray[Any] = array.reshape((*shape, *planes[0].shape))
    return arranged


def _paste(
    plane: NDArray[np.float32],
    window: tuple[slice, slice],
    image_maps: ImageMaps,
) -> NDArray[np.float32]:
    """Put a window into a plane that is empty elsewhere."""
    whole = np.zeros(whole_stack(image_maps).plane_shape, np.float32)
    whole[window] = plane
    return whole


def _stack(planes: Sequence[NDArray[np.float32]]) -> Any:
    import dask.array  # loads much; napari brings it along

    array: Any = dask.array
    return array.stack([array.from_array(plane, name=False) for plane in planes])
