"""Tiles of an image as layers: its labels in one plane, a frame, the checked ones.

Which tile is next belongs in ``tile_search``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Shapes

from napari_unet_nuclei.core.errors import LabelsError
from napari_unet_nuclei.core.images.axes import leading_axes
from napari_unet_nuclei.plugin.finetune.area_layers import pixels_of_area
from napari_unet_nuclei.plugin.shared.camera import camera_of
from napari_unet_nuclei.plugin.shared.layer_axes import image_axes
from napari_unet_nuclei.plugin.shared.layers import image_array, labels_layer_metadata
from napari_unet_nuclei.plugin.shared.placement import (
    annotated_planes,
    axes_of_labels,
    carry_points,
    place_labels,
    transforms_of,
)

if TYPE_CHECKING:
    import napari.viewer
    from napari.layers import Image, Labels
    from numpy.typing import NDArray

    from napari_unet_nuclei.core.proposals.candidates import Box

_FRAME = {"face_color": "transparent", "edge_color": "yellow", "edge_width": 2}
_CHECKED = {"face_color": "#59c2ff40", "edge_color": "white", "edge_width": 1}
_CHECKED_IMAGE = "checked_image"  # in the metadata of a layer of checked tiles
_MARGIN = 0.9  # of the canvas that a tile takes
_MOST_PAINTED = 0.5  # part of a nucleus; more of it, and the user has painted it


@dataclass(frozen=True, kw_only=True, eq=False)
class PlaneLabels:
    """The labels of the plane that is shown, to be read and painted.

    Parameters
    ----------
    image : napari.layers.Image
        The image.
    layer : napari.layers.Labels
        Its labels, of all planes or of one.
    channel : int, optional
        The channel that shows the nuclei.
    plane : tuple of int
        The plane, by its place along each axis before Y and X.
    """

    image: Image
    layer: Labels
    channel: int | None
    plane: tuple[int, ...]

    def read(self) -> NDArray[np.int64]:
        """Return the labels, (Y, X).

        Raises
        ------
        LabelsError
            If they are those of another plane.
        """
        labels, place = annotated_planes(self.image, self.layer, self.channel)
        return np.asarray(self._take(labels, place), np.int64)

    def read_area(self, area: Shapes) -> NDArray[np.bool_]:
        """Return which pixels lie in an area, (Y, X); none if it lies elsewhere."""
        _, place = annotated_planes(self.image, self.layer, self.channel)
        try:
            inside = pixels_of_area(area, self.image, self.layer, self.channel)
        except LabelsError:
            return np.zeros(self.read().shape, bool)
        return np.asarray(self._take(inside, place), bool)

    def paint(self, box: Box, numbers: NDArray[np.integer]) -> None:
        """Paint into a tile, which one *undo* takes back.

        Parameters
        ----------
        box : tuple of slice
            Rows and columns of the tile.
        numbers : (height, width) ndarray of int
            All labels that it has afterwards.
        """
        rows, columns = np.mgrid[box]
        known = {"Y": rows.ravel(), "X": columns.ravel()}
        indices = tuple(
            known[axis] if axis in known else np.full(rows.size, self._place[axis])
            for axis in self._axes
        )
        self.layer.data_setitem(indices, numbers.ravel())

    def corners(self, box: Box) -> NDArray[np.int64]:
        """Return where the outermost pixels of a tile are, (4, axes) in the layer."""
        (top, bottom), (left, right) = ((side.start, side.stop - 1) for side in box)
        return np.array(
            [
                [{**self._place, "Y": row, "X": column}[axis] for axis in self._axes]
                for row, column in (
                    *((top, left), (top, right)),
                    *((bottom, right), (bottom, left)),
                )
            ]
        )

    @property
    def _axes(self) -> str:
        return axes_of_labels(self.image, self.layer) or "YX"

    @property
    def _place(self) -> dict[str, int]:
        """Where the plane lies in the layer, along each axis but Y and X."""
        leading = leading_axes(image_axes(self.image)[: self.image.ndim])
        known = dict(zip(leading, self.plane, strict=True)) | {"C": self.channel or 0}
        lengths = zip(self._axes, self.layer.data.shape, strict=True)
        return {
            axis: known[axis] if length > 1 else 0
            for axis, length in lengths
            if axis not in "YX"
        }

    def _take(
        self, planes: NDArray[Any], place: tuple[int, ...] | None
    ) -> NDArray[Any]:
        shape = planes.shape[-2:]
        if place is None and planes.ndim - 2 == len(self.plane):
            return np.asarray(planes[self.plane])
        if place == self.plane:
            return planes.reshape(shape)
        raise LabelsError(
            f"The labels {self.layer.name!r} are not those of the plane that is shown: "
            "move the sliders to their plane, or choose other labels."
        )


def add_empty_labels(
    viewer: napari.viewer.Viewer,
    image: Image,
    channel: int | None,
    plane: tuple[int, ...],
) -> Labels:
    """Add a layer to annotate the plane that is shown.

    Returns
    -------
    napari.layers.Labels
        Zeros on top of the plane.
    """
    axes = image_axes(image)
    pixels, _ = image_array(image)
    length = dict(zip(axes, pixels.shape, strict=True))
    zeros = np.zeros((*(1 for _ in plane), length["Y"], length["X"]), np.int32)
    labels, kwargs = place_labels(image, zeros, axes, channel, plane or None)
    name = f"{image.name} annotations"
    metadata = labels_layer_metadata(image)
    return viewer.add_labels(labels, name=name, metadata=metadata, **kwargs)


def add_frame(viewer: napari.viewer.Viewer, labels: PlaneLabels, box: Box) -> Shapes:
    """Add a layer that frames a tile, and show the tile as large as it can be.

    Returns
    -------
    napari.layers.Shapes
        A rectangle on the outermost pixels of the tile.
    """
    frame = viewer.add_shapes(
        [labels.corners(box)],
        name="annotate here",
        **_FRAME,
        **transforms_of(labels.layer),
    )
    _jump(viewer, frame)
    return frame


def _jump(viewer: napari.viewer.Viewer, frame: Shapes) -> None:
    """Move the camera to a frame."""
    viewer.reset_view()
    if viewer.dims.ndisplay != 2:
        return
    shown = list(viewer.dims.displayed)
    whole = np.ptp(viewer.layers.extent.world, axis=0)[shown]
    low, high = frame.extent.world[:, -2:]
    camera = camera_of(viewer)
    camera.center = (0, *(low + high) / 2)
    camera.zoom *= _MARGIN * float(np.min(whole / (high - low)))


def checked_layer(viewer: napari.viewer.Viewer, image: Image) -> Shapes | None:
    """Return the layer of the checked tiles of an image, if there is one."""
    for layer in viewer.layers:
        is_of_image = layer.metadata.get(_CHECKED_IMAGE) == str(image.unique_id)
        if isinstance(layer, Shapes) and is_of_image:
            return layer
    return None


def mark_checked(
    viewer: napari.viewer.Viewer, labels: PlaneLabels, area: Shapes | None, box: Box
) -> Shapes:
    """Add a tile to an area.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
        The viewer.
    labels : PlaneLabels
        The labels of the tile.
    area : napari.layers.Shapes, optional
        The area; a new layer where there is none.
    box : tuple of slice
        Rows and columns of the tile.

    Returns
    -------
    napari.layers.Shapes
        The area.
    """
    image = labels.image
    if area is None:
        area = viewer.add_shapes(
            name=f"{image.name} checked tiles",
            ndim=labels.layer.ndim,
            metadata={_CHECKED_IMAGE: str(image.unique_id)},
            **transforms_of(labels.layer),
        )
    corners = carry_points(labels.corners(box), labels.layer, area)
    area.add_rectangles(corners, **_CHECKED)
    return area


def merge_found(
    painted: NDArray[np.int64], found: NDArray[np.int32], first: int
) -> NDArray[np.int64]:
    """Put what a model finds where nothing is painted.

    Parameters
    ----------
    painted : (height, width) ndarray of int64
        Labels of a tile.
    found : (height, width) ndarray of int32
        The nuclei that a model finds in it, 0 = background.
    first : int
        Number of the first nucleus that is added.

    Returns
    -------
    (height, width) ndarray of int64
        What was painted, and around it the nuclei of the model; those of which more
        than half is painted are left out.
    """
    is_painted = painted > 0
    areas = np.bincount(found.ravel())
    n_painted = np.bincount(found[is_painted], minlength=areas.size)
    is_added = n_painted <= _MOST_PAINTED * areas
    is_added[0] = False
    is_added &= areas > 0
    numbers = np.where(is_added, first - 1 + np.cumsum(is_added), 0)
    added = numbers[found]
    return np.where(is_painted | (added == 0), painted, added)
