"""The planes of a labels layer, and of the images under it: arrays, no layers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_unet_nuclei.core.images.axes import leading_axes
from napari_unet_nuclei.core.instances.remeasuring import PlaneImage
from napari_unet_nuclei.core.settings.measurements import MeasurementSettings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from numpy.typing import NDArray

    from napari_unet_nuclei.core.images.axes import PlaneStack
    from napari_unet_nuclei.core.images.calibration import Calibration

    Index = tuple[int, ...]


@dataclass(frozen=True, kw_only=True, eq=False)
class ImageUnder:
    """An image that the nuclei of a labels layer are measured in.

    Parameters
    ----------
    stack : PlaneStack
        What ``mean_intensity`` is measured in.
    channels : mapping of str to PlaneStack
        Each channel, by the name that its columns end in.
    offset : mapping of str to int
        Where the first plane of the labels lies in the image, by axis; 0 for others.
    """

    stack: PlaneStack
    channels: Mapping[str, PlaneStack]
    offset: Mapping[str, int] = field(default_factory=dict)

    def plane(self, stack: PlaneStack, place: Mapping[str, int]) -> NDArray[Any]:
        """Return the plane of a stack of this image at a place of the labels."""
        leading = leading_axes(stack.axes)
        return stack.plane(
            tuple(place.get(axis, 0) + self.offset.get(axis, 0) for axis in leading)
        )


@dataclass(frozen=True, kw_only=True, eq=False)
class LabelPlanes:
    """What is measured: where planes of labels are, and the images under them.

    Parameters
    ----------
    axes : str
        Axes of the labels layer; an axis of channels has the length 1.
    shape : tuple of int
        Its shape.
    images : tuple of ImageUnder
        The first one is that in which the nuclei were found; may be empty.
    foreground : callable, optional
        Gets the index of a plane; returns the probability of its pixels, if known.
    calibration : Calibration
        How large a pixel is.
    settings : MeasurementSettings
        What is measured.
    """

    axes: str
    shape: tuple[int, ...]
    images: tuple[ImageUnder, ...] = ()
    foreground: Callable[[Index], NDArray[Any] | None] | None = None
    calibration: Calibration
    settings: MeasurementSettings = field(default_factory=MeasurementSettings)

    @property
    def leading(self) -> str:
        """The axes along which planes follow each other."""
        return leading_axes(self.axes)

    def indices(self) -> Iterator[Index]:
        """Yield the index of each plane along the leading axes."""
        length = dict(zip(self.axes, self.shape, strict=True))
        yield from np.ndindex(*(length[axis] for axis in self.leading))

    def labels(self, data: Any, index: Index) -> NDArray[np.integer]:
        """Return a copy of a plane of labels, Y before X.

        Parameters
        ----------
        data : array_like
            The data of the layer as it is now.
        index : tuple of int
            Which plane.
        """
        place = dict(zip(self.leading, index, strict=True)) | {"C": 0}
        where = tuple(place.get(axis, slice(None)) for axis in self.axes)
        plane = np.array(data[where])
        is_turned = self.axes.index("X") < self.axes.index("Y")
        return plane.T if is_turned else plane

    def position(self, index: Index) -> dict[str, int]:
        """Return the number of a plane in the image along each leading axis."""
        offset = self.images[0].offset if self.images else {}
        place = dict(zip(self.leading, index, strict=True))
        return {axis: number + offset.get(axis, 0) for axis, number in place.items()}

    def image(self, index: Index) -> PlaneImage:
        """Return what the nuclei of a plane are measured in; reads it from disk."""
        place = dict(zip(self.leading, index, strict=True))
        found = None
        channels: dict[str, NDArray[Any]] = {}
        for number, image in enumerate(self.images):
            if number == 0:
                found = image.plane(image.stack, place)
            if self.settings:
                channels |= {
                    name: image.plane(stack, place)
                    for name, stack in image.channels.items()
                }
        return PlaneImage(
            image=found,
            channels=channels,
            foreground=None if self.foreground is None else self.foreground(index),
            calibration=self.calibration,
            settings=self.settings,
        )
