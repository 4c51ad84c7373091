"""Which part of an image to segment: all, what the canvas shows, or what is drawn."""

from __future__ import annotations

from dataclasses import replace
from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np
from magicgui.widgets import ComboBox
from napari.layers import Shapes

from napari_unet_nuclei.core.errors import ImageError
from napari_unet_nuclei.core.instances.regions import Region
from napari_unet_nuclei.plugin.segment.region_run import RegionRun
from napari_unet_nuclei.plugin.segment.results import take_back
from napari_unet_nuclei.plugin.shared.layer_axes import image_shape
from napari_unet_nuclei.plugin.shared.layers import found_features
from napari_unet_nuclei.plugin.shared.surfaces import iter_surfaces

if TYPE_CHECKING:
    import napari.viewer
    from napari.layers import Image

    from napari_unet_nuclei.plugin.segment.result_layers import ShownResult
    from napari_unet_nuclei.plugin.segment.segmentation import SegmentationRequest


class RegionKind(StrEnum):
    """What is segmented."""

    WHOLE = "The whole image"
    VIEW = "The view"
    SHAPE = "The drawn shape"


class RegionChoice(ComboBox):
    """Lists the parts of an image that can be segmented.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
        Whose canvas and shapes are meant.
    """

    def __init__(self, viewer: napari.viewer.Viewer) -> None:
        self._viewer = viewer
        super().__init__(
            label="Region",
            choices=[(str(kind), kind) for kind in RegionKind],
            value=RegionKind.WHOLE,
            tooltip="What to segment: all of the image, what the canvas shows, or what "
            "you have drawn in a Shapes layer. The nuclei of a region replace those "
            "that were there; the others stay.",
        )

    def find(self, image: Image, axes: str) -> Region | None:
        """Return where to look for nuclei.

        Parameters
        ----------
        image : napari.layers.Image
            The image to segment.
        axes : str
            Its axes.

        Returns
        -------
        Region, optional
            ``None`` for all of the image.

        Raises
        ------
        ImageError
            If the region holds no pixel of the image.
        """
        if self.value == RegionKind.WHOLE:
            return None
        whole = image_shape(image)
        shape = whole[axes.index("Y")], whole[axes.index("X")]
        if self.value == RegionKind.SHAPE:
            return self._in_shapes(image, axes, shape)
        box = _box_in_view(image, axes, shape)
        is_whole = all(
            part == slice(0, length) for part, length in zip(box, shape, strict=True)
        )
        return None if is_whole else Region.of_box(box, shape)

    def narrow(
        self, request: SegmentationRequest, image: Image, shown: ShownResult | None
    ) -> SegmentationRequest:
        """Return what to ask for if only the chosen region is segmented.

        Parameters
        ----------
        request : SegmentationRequest
            What would be asked for.
        image : napari.layers.Image
            The image to segment.
        shown : ShownResult, optional
            The layer of its nuclei, if there is one.

        Raises
        ------
        ImageError
            If the region holds no pixel of the image.
        """
        region = self.find(image, request.axes)
        if region is None:
            return request
        if shown is None:
            return replace(request, region=RegionRun(region=region))
        layer = shown.layer
        labels = take_back(layer.data, request.axes, is_rgb=image.rgb)
        run = RegionRun(region=region, labels=labels, features=found_features(layer))
        return replace(request, region=run)

    def _in_shapes(self, image: Image, axes: str, shape: tuple[int, int]) -> Region:
        from skimage.draw import polygon  # loads half of scikit-image

        mask = np.zeros(shape, np.bool_)
        for shapes in self._shapes():
            for outline in iter_surfaces(shapes, image):
                corners = outline[:, axes.index("Y")], outline[:, axes.index("X")]
                mask[polygon(*corners, mask.shape)] = True
        if not mask.any():
            raise ImageError(
                "No shape is drawn on the image: add a Shapes layer and draw a "
                "rectangle, an ellipse or a polygon on it, or choose another region."
            )
        return Region.of_mask(mask)

    def _shapes(self) -> list[Shapes]:
        """Return the Shapes layer that is active, else all that are seen."""
        active = self._viewer.layers.selection.active
        if isinstance(active, Shapes):
            return [active]
        return [
            each
            for each in self._viewer.layers
            if isinstance(each, Shapes) and each.visible
        ]


def _box_in_view(
    image: Image, axes: str, shape: tuple[int, int]
) -> tuple[slice, slice]:
    """Return the rows and columns that the canvas shows."""
    corners = np.asarray(image.corner_pixels, float)
    if image.multiscale:
        corners = corners * image.downsample_factors[image.data_level]
    first, last = np.floor(corners[0]).astype(int), np.ceil(corners[1]).astype(int)
    rows, columns = (
        slice(max(0, int(first[axis])), min(int(last[axis]) + 1, length))
        for axis, length in zip((axes.index("Y"), axes.index("X")), shape, strict=True)
    )
    if rows.stop <= rows.start or columns.stop <= columns.start:
        raise ImageError(
            "The canvas shows no pixel of the image: move the image into view, or "
            "choose another region."
        )
    return rows, columns
