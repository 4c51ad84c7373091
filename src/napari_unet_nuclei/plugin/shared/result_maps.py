"""The maps behind the nuclei of a labels layer, for everything that works on them.

Who shows a result remembers its maps here; corrections, measurements and doubts look
them up.  They are freed with the layer.
"""

from __future__ import annotations

import weakref
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import numpy as np

from napari_unet_nuclei.core.images.axes import leading_axes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari.layers import Image, Labels

    from napari_unet_nuclei.core.instances.maps import Maps, SplittingParameters
    from napari_unet_nuclei.core.settings.segmentation import SegmentationSettings


@dataclass(frozen=True, kw_only=True, eq=False)
class ResultMaps:
    """What a network made of an image, and how that became the nuclei of a layer.

    Parameters
    ----------
    maps : sequence of Maps
        One for each plane that was segmented, in the order of the planes.
    splitting : SplittingParameters
        The model's own thresholds.
    settings : SegmentationSettings
        What the nuclei were found with.
    axes : str
        One letter for each axis of the labels layer, such as ``"ZYX"``.
    leading_shape : tuple of int
        Number of planes along each axis before Y and X, without channels; only 1s
        where a single plane was segmented.
    image_ref : weakref.ref
        The image layer; see ``image``.
    """

    maps: Sequence[Maps]
    splitting: SplittingParameters
    settings: SegmentationSettings
    axes: str
    leading_shape: tuple[int, ...]
    image_ref: weakref.ref[Image]

    @property
    def image(self) -> Image | None:
        """The image layer in which the nuclei were found, unless it is gone."""
        return self.image_ref()

    def at(self, place: Sequence[int]) -> Maps | None:
        """Return the maps of the plane in which a pixel of the layer lies.

        Parameters
        ----------
        place : sequence of int
            Index of the pixel along each axis of the layer.

        Returns
        -------
        Maps or None
            ``None`` outside the planes that were segmented.
        """
        by_axis = dict(zip(self.axes, place, strict=True))
        index = [by_axis[axis] for axis in leading_axes(self.axes)]
        pairs = list(zip(index, self.leading_shape, strict=True))
        if not all(0 <= number < length for number, length in pairs):
            return None
        number = int(np.ravel_multi_index(index, self.leading_shape)) if pairs else 0
        return self.maps[number]


_known: WeakKeyDictionary[Any, ResultMaps] = WeakKeyDictionary()


def remember_maps(layer: Labels, maps: ResultMaps) -> None:
    """Keep the maps of a labels layer for as long as the layer lives.

    Parameters
    ----------
    layer : napari.layers.Labels
        The layer that shows the nuclei, in place of what was remembered before.
    maps : ResultMaps
        Their maps.
    """
    _known[unwrapped(layer)] = maps


def maps_of(layer: Labels) -> ResultMaps | None:
    """Return the maps behind the nuclei of a labels layer, if a run has made them."""
    return _known.get(unwrapped(layer))


def unwrapped(layer: Any) -> Any:
    """Return a layer itself: napari hands plugins a new proxy at every access."""
    return getattr(layer, "__wrapped__", layer)
