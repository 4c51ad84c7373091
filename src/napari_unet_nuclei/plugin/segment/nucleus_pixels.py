"""What the columns of the table average: image and probability at given pixels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_unet_nuclei.core.images.axes import PlaneStack, leading_axes
from napari_unet_nuclei.core.images.channels import distinct_channels, to_channels

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_unet_nuclei.plugin.segment.segmentation import ImageMaps


def whole_stack(image_maps: ImageMaps) -> PlaneStack:
    """Return the planes of all of the image, of which maps may show a window."""
    request = image_maps.request
    if request.region is None:
        return image_maps.stack
    stack = PlaneStack(request.image, request.axes, request.channel)
    return stack if request.plane is None else stack.only(request.plane)


@dataclass(frozen=True, kw_only=True, eq=False)
class NucleusPixels:
    """Values of pixels of a labels layer, by their places in it.

    Parameters
    ----------
    stack : PlaneStack
        The image.
    foreground : list of (Y, X) ndarray, optional
        Foreground probability of each pixel, for each plane.
    axes : str
        Axes of the labels layer, which may have a C that the stack has not.
    plane : tuple of int, optional
        The plane that was segmented, if it is only one.
    corner : tuple of int, in px
        Where the foreground begins in the image: that of a region covers its window.
    """

    stack: PlaneStack
    foreground: list[NDArray[np.float32]] | None
    axes: str
    plane: tuple[int, ...] | None
    corner: tuple[int, int] = (0, 0)

    @classmethod
    def of(cls, image_maps: ImageMaps, axes: str) -> NucleusPixels:
        """Keep what is needed of the maps of an image, and nothing else."""
        run = image_maps.request.region
        return cls(
            stack=whole_stack(image_maps),
            corner=(0, 0) if run is None else (run.region.top, run.region.left),
            foreground=[maps.foreground for maps in image_maps.maps],
            axes=axes,
            plane=image_maps.request.plane,
        )

    def __call__(self, places: tuple[NDArray[np.intp], ...]) -> dict[str, NDArray[Any]]:
        """Return a value at each place for each column of the table.

        Parameters
        ----------
        places : tuple of (K,) ndarray of int
            One for each axis of the labels layer.

        Returns
        -------
        dict of str to (K,) ndarray
            As `correct_features` wants it.
        """
        by_axis = dict(zip(self.axes, places, strict=True))
        y, x = by_axis["Y"], by_axis["X"]
        leading = leading_axes(self.axes)
        shape = self.stack.leading_shape
        numbers = np.zeros(y.size, np.intp)
        if shape:
            numbers = np.ravel_multi_index(
                tuple(by_axis[axis] for axis in leading), shape
            )
        intensity, probability = np.zeros((2, y.size))
        for number in np.unique(numbers):
            here = numbers == number
            plane = self.stack.plane(tuple(np.unravel_index(number, shape)))
            intensity[here] = _intensities(plane, y[here], x[here])
            if self.foreground is not None:
                top, left = self.corner
                probability[here] = _values_at(
                    self.foreground[number], y[here] - top, x[here] - left
                )
        values = {
            "centroid_y": y,
            "centroid_x": x,
            "mean_intensity": intensity,
        }
        if self.foreground is not None:
            values["probability"] = probability
        for index, axis in enumerate(leading):
            values[axis.lower()] = (
                by_axis[axis]
                if self.plane is None
                else np.full(y.size, self.plane[index])
            )
        return values


def _values_at(
    window: NDArray[np.float32], y: NDArray[np.intp], x: NDArray[np.intp]
) -> NDArray[np.float64]:
    """Return values of pixels of a window, NaN outside of it."""
    values = np.full(y.size, np.nan)
    inside = (y >= 0) & (y < window.shape[0]) & (x >= 0) & (x < window.shape[1])
    values[inside] = window[y[inside], x[inside]]
    return values


def _intensities(
    plane: NDArray[Any], y: NDArray[np.intp], x: NDArray[np.intp]
) -> NDArray[np.float64]:
    """Average R, G and B; what is not finite counts as in the whole plane."""
    pixels = plane[y, x][:, np.newaxis]
    if pixels.dtype.kind == "f" and not np.isfinite(pixels).all():
        pixels = to_channels(plane)[y, x][:, np.newaxis]
    channels = distinct_channels(to_channels(pixels))[:, 0].astype(np.float64)
    means: NDArray[np.float64] = channels.mean(axis=-1)
    return means
