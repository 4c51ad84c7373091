"""The nuclei of an image as a labels layer: its name, place and owner."""

from __future__ import annotations

import weakref
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_unet_nuclei.core.images.axes import leading_axes
from napari_unet_nuclei.core.instances.editing.changes import NOTHING_LOCKED, Locked
from napari_unet_nuclei.plugin.segment.nucleus_pixels import NucleusPixels
from napari_unet_nuclei.plugin.shared.placement import labels_axes, place_labels
from napari_unet_nuclei.plugin.shared.result_maps import ResultMaps, unwrapped

if TYPE_CHECKING:
    from collections.abc import Hashable

    from napari.layers import Image
    from numpy.typing import NDArray

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
        Output of the network.
    nuclei : Nuclei
        What the settings make of that.
    command : str, optional
        The command that finds the same nuclei, if there is one.
    locked : Locked
        What of the nuclei was corrected by hand.
    corrections : str
        That in words.
    """

    image: Image
    image_maps: ImageMaps
    nuclei: Nuclei
    command: str | None
    locked: Locked = NOTHING_LOCKED
    corrections: str = ""

    @property
    def key(self) -> ResultKey:
        """What the result is of; a newer one with the same key takes its place."""
        return self.image.unique_id, self.image_maps.request.plane

    @property
    def title(self) -> str:
        """Name of the layer."""
        plane = self.image_maps.request.plane
        where = "" if plane is None else f", plane {', '.join(map(str, plane))}"
        return f"{self.image.name} nuclei{where}"

    @property
    def pixels(self) -> NucleusPixels:
        """What measures pixels of the layer."""
        axes = labels_axes(self.image_maps.request.axes, is_rgb=self.image.rgb)
        return NucleusPixels.of(self.image_maps, axes)

    @property
    def shared_maps(self) -> ResultMaps:
        """What other widgets learn about the maps behind the nuclei."""
        request = self.image_maps.request
        only = request.plane
        return ResultMaps(
            maps=self.image_maps.maps,
            splitting=self.image_maps.model.config.splitting,
            settings=self.nuclei.settings,
            axes=labels_axes(request.axes, is_rgb=self.image.rgb),
            leading_shape=(
                self.image_maps.stack.leading_shape
                if only is None
                else tuple(1 for _ in only)
            ),
            image_ref=weakref.ref(unwrapped(self.image)),
        )

    def place(
        self, labels: NDArray[np.int32]
    ) -> tuple[NDArray[np.int32], dict[str, Any]]:
        """Return labels in the shape of the layer, and where that lies.

        Parameters
        ----------
        labels : (…, Y, X) ndarray of int32
            In the shape of the nuclei.

        Returns
        -------
        labels : ndarray of int32
            As `place_labels` returns them.
        placement : dict
            Attributes of the layer.
        """
        request = self.image_maps.request
        return place_labels(
            *(self.image, labels, request.axes, request.channel, request.plane),
            factors=request.factors,
        )

    def take_back(self, labels: NDArray[Any]) -> NDArray[Any]:
        """Return what lies in the layer in the shape of the nuclei; undoes `place`.

        Parameters
        ----------
        labels : ndarray
            In the shape of the layer.

        Returns
        -------
        (…, Y, X) ndarray
            A view.
        """
        axes = self.image_maps.request.axes
        return take_back(labels, axes, is_rgb=self.image.rgb)

    def take_back_places(
        self, places: NDArray[np.intp], shape: tuple[int, ...]
    ) -> tuple[NDArray[np.intp], ...]:
        """Return where pixels of the layer lie among the nuclei.

        Parameters
        ----------
        places : (K,) ndarray of int
            Indices into the flattened layer.
        shape : tuple of int
            Its shape.

        Returns
        -------
        tuple of (K,) ndarray of int
            One for each axis of the nuclei, Y and X last.
        """
        axes = self.image_maps.request.axes
        wanted = labels_axes(axes, is_rgb=self.image.rgb)
        by_axis = dict(zip(wanted, np.unravel_index(places, shape), strict=True))
        return tuple(by_axis[axis] for axis in [*leading_axes(axes), "Y", "X"])

    def place_pixels(
        self, plane: tuple[int, ...], y: NDArray[np.intp], x: NDArray[np.intp]
    ) -> tuple[NDArray[np.intp], ...]:
        """Return where pixels of a plane of the nuclei lie in the layer.

        Parameters
        ----------
        plane : tuple of int
            Index of the plane.
        y, x : (K,) ndarray of int
            Rows and columns of the pixels.

        Returns
        -------
        tuple of (K,) ndarray of int
            One for each axis of the layer.
        """
        axes = self.image_maps.request.axes
        by_axis = {"Y": y, "X": x}
        for axis, position in zip(leading_axes(axes), plane, strict=True):
            by_axis[axis] = np.full(y.size, position)
        wanted = labels_axes(axes, is_rgb=self.image.rgb)
        nowhere = np.zeros(y.size, np.intp)  # the only place along an axis of channels
        return tuple(by_axis.get(axis, nowhere) for axis in wanted)


def take_back(labels: NDArray[Any], axes: str, *, is_rgb: bool) -> NDArray[Any]:
    """Return what lies in the layer of a result in the shape of its nuclei.

    Parameters
    ----------
    labels : ndarray
        In the shape of the layer.
    axes : str
        Axes of the image.
    is_rgb : bool
        Whether napari shows its channels as colours.

    Returns
    -------
    (…, Y, X) ndarray
        A view.
    """
    wanted = labels_axes(axes, is_rgb=is_rgb)
    if "C" in wanted:
        labels = labels.squeeze(wanted.index("C"))
        wanted = wanted.replace("C", "")
    found = [*leading_axes(axes), "Y", "X"]
    return labels.transpose([wanted.index(axis) for axis in found])
