"""An image, its labels and what of them counts, as a training gets them.

Layers do not belong here: whoever makes one has copied what it needs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from napari_unet_nuclei.core.errors import LabelsError
from napari_unet_nuclei.core.settings.choices import Annotated

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from napari_unet_nuclei.core.images.lazy import ArrayLike


@dataclass(frozen=True, kw_only=True, eq=False)
class AnnotatedImage:
    """All that is known of an image and its labels.

    Parameters
    ----------
    name : str
        What the user calls it.
    image : array_like
        Pixels.
    axes : str
        Its axes, such as ``"YX"``, ``"YXC"`` or ``"ZYX"``.
    channel : int, optional
        Channel that shows the nuclei, where there is a choice.
    labels : (…, Y, X) ndarray of integers
        Nuclei of the image, 0 = background; planes without any are left out.
    plane : tuple of int, optional
        The plane of a stack that the labels belong to, if it is only one.
    annotated : Annotated
        What of the image is annotated.
    area : (…, Y, X) ndarray of bool, optional
        As large as the labels, True where they are complete; for ``Annotated.AREA``.
    """

    name: str = "image"
    image: ArrayLike
    axes: str
    channel: int | None = None
    labels: NDArray[np.integer]
    plane: tuple[int, ...] | None = None
    annotated: Annotated = Annotated.WHOLE_IMAGE
    area: NDArray[np.bool_] | None = None


@dataclass(frozen=True, kw_only=True, eq=False)
class AnnotatedPlane:
    """A plane of an `AnnotatedImage` on which something is annotated.

    Parameters
    ----------
    name : str
        What the user calls the image, and which plane it is.
    pixels : (Y, X) or (Y, X, C) ndarray
        As they come.
    labels : (Y, X) ndarray of integers
        As they were painted.
    area : (Y, X) ndarray of bool, optional
        As in `AnnotatedImage`.
    """

    name: str
    pixels: NDArray[np.generic]
    labels: NDArray[np.integer]
    area: NDArray[np.bool_] | None


def iter_planes(pair: AnnotatedImage) -> Iterator[AnnotatedPlane]:
    """Yield the planes on which something is annotated.

    Parameters
    ----------
    pair : AnnotatedImage
        An image and its labels.

    Yields
    ------
    AnnotatedPlane
        Those with nuclei; where an area is annotated, those with some of the area.

    Raises
    ------
    LabelsError
        If image, labels and area differ in shape.
    ImageError
        If the image cannot be used.
    """
    from napari_unet_nuclei.core.images.axes import PlaneStack

    stack = PlaneStack(pair.image, pair.axes, pair.channel)
    labels = pair.labels
    area = pair.area if pair.annotated is Annotated.AREA else None
    if pair.plane is not None:
        stack = stack.only(pair.plane)
        labels = labels.reshape(labels.shape[-2:])
        area = None if area is None else area.reshape(area.shape[-2:])
    expected = (*stack.leading_shape, *stack.plane_shape)
    for array, what in ((labels, "labels"), (area, "an area")):
        if array is not None and array.shape != expected:
            raise LabelsError(
                f"Expected {what} as large as the image, {expected}. Received: "
                f"{array.shape}; choose the {what.removeprefix('an ')} that belong"
                f"{'s' if array is area else ''} to the image."
            )
    for number, index in enumerate(np.ndindex(stack.leading_shape)):
        if (labels[index] > 0 if area is None else area[index]).any():
            yield AnnotatedPlane(
                name=f"{pair.name} plane {number}" if index else pair.name,
                pixels=stack.plane(index),
                labels=labels[index],
                area=None if area is None else area[index],
            )
