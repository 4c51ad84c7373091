"""Which part of an image to segment: all, what the canvas shows, or what is drawn."""

from __future__ import annotations

import math
from dataclasses import replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import numpy as np
from magicgui.widgets import ComboBox
from napari.layers import Shapes

from napari_unet_nuclei.core.errors import ImageError
from napari_unet_nuclei.core.instances.regions import Region
from napari_unet_nuclei.core.models.bundle import read_config
from napari_unet_nuclei.core.models.store import find_model
from napari_unet_nuclei.plugin.segment.region_run import RegionRun
from napari_unet_nuclei.plugin.segment.results import take_back
from napari_unet_nuclei.plugin.shared.layers import found_features
from napari_unet_nuclei.plugin.shared.surfaces import iter_surfaces

if TYPE_CHECKING:
    import napari.viewer
    from napari.layers import Image
    from numpy.typing import NDArray

    from napari_unet_nuclei.plugin.segment.request import SegmentationRequest
    from napari_unet_nuclei.plugin.segment.result_layers import ShownResult


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

    def find(
        self,
        image: Image,
        axes: str,
        shape: tuple[int, int],
        factors: tuple[float, float] = (1.0, 1.0),
    ) -> Region | None:
        """Return where to look for nuclei.

        Parameters
        ----------
        image : napari.layers.Image
            The image to segment.
        axes : str
            Its axes.
        shape : tuple of int, in px
            Height and width at the resolution that is segmented.
        factors : tuple of float
            Height and width of its pixels, in px of the finest resolution.

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
        if self.value == RegionKind.SHAPE:
            return self._in_shapes(image, axes, shape, factors)
        box = _box_in_view(image, axes, shape, factors)
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
        if self.value == RegionKind.WHOLE:
            return request
        labels = None
        if shown is not None:
            labels = take_back(shown.layer.data, request.axes, is_rgb=image.rgb)
        if request.pyramid is not None:
            level = _level_of(request, labels)
            request = request.at_level(level)
            if labels is not None and labels.shape[-2:] != _plane_shape(request):
                labels = None  # of a resolution that there is no more
        region = self.find(image, request.axes, _plane_shape(request), request.factors)
        if region is None:
            return request
        if shown is None or labels is None:
            return replace(request, region=RegionRun(region=region))
        features = found_features(shown.layer)
        run = RegionRun(region=region, labels=labels, features=features)
        return replace(request, region=run)

    def _in_shapes(
        self,
        image: Image,
        axes: str,
        shape: tuple[int, int],
        factors: tuple[float, float],
    ) -> Region:
        from skimage.draw import polygon  # loads half of scikit-image

        mask = np.zeros(shape, np.bool_)
        for shapes in self._shapes():
            for outline in iter_surfaces(shapes, image):
                corners = (
                    (outline[:, axes.index(axis)] + 0.5) / factor - 0.5
                    for axis, factor in zip("YX", factors, strict=True)
                )
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


def _plane_shape(request: SegmentationRequest) -> tuple[int, int]:
    """Return height and width of the image, in px."""
    shape, axes = request.image.shape, request.axes
    return shape[axes.index("Y")], shape[axes.index("X")]


def _level_of(request: SegmentationRequest, labels: NDArray[Any] | None) -> int:
    """Return the resolution of the nuclei that there are, else that for new ones.

    Where the diameter of the nuclei is not known, it is the finest that memory holds.
    """
    from napari_unet_nuclei.core.segmentation.levels import nearest_level  # loads much

    pyramid = request.pyramid
    if pyramid is None:
        return 0
    if labels is not None:
        for level in range(len(pyramid.levels)):
            if pyramid.plane_shape(level) == labels.shape[-2:]:
                return level
    config = read_config(find_model(request.model))
    typical = config.estimated_diameter or config.diameter
    diameter = request.settings.diameter
    return nearest_level(pyramid, diameter, typical, pyramid.fitting())


def _box_in_view(
    image: Image, axes: str, shape: tuple[int, int], factors: tuple[float, float]
) -> tuple[slice, slice]:
    """Return the rows and columns that the canvas shows."""
    corners = np.asarray(image.corner_pixels, float)
    if image.multiscale:
        factor = image.downsample_factors[image.data_level]
        corners = np.stack([corners[0] * factor, (corners[1] + 1) * factor - 1])
    first, last = np.floor(corners[0]).astype(int), np.ceil(corners[1]).astype(int)
    rows, columns = (
        slice(
            max(0, int(first[axes.index(axis)] // factor)),
            min(math.ceil((last[axes.index(axis)] + 1) / factor), length),
        )
        for axis, length, factor in zip("YX", shape, factors, strict=True)
    )
    if rows.stop <= rows.start or columns.stop <= columns.start:
        raise ImageError(
            "The canvas shows no pixel of the image: move the image into view, or "
            "choose another region."
        )
    return rows, columns
