"""Pictures of an image with the outlines of its nuclei on top, to look at.

Figures with axes and text do not belong here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image
from skimage.segmentation import find_boundaries

from napari_unet_nuclei.core.atomic_files import replacing
from napari_unet_nuclei.core.errors import LabelsError
from napari_unet_nuclei.core.images import intensity_limits, normalise, to_planes
from napari_unet_nuclei.core.labels import check_labels

if TYPE_CHECKING:
    import os

    from numpy.typing import ArrayLike, NDArray

OVERLAY_ENDING = "_overlay"
"""What the name of a picture ends in, so that it is never taken for labels."""

_GOLDEN_RATIO = (np.sqrt(5) - 1) / 2
"""Steps of this part of the colour circle never come close to a colour again."""


def draw_outlines(image: NDArray[Any], labels: ArrayLike) -> NDArray[np.uint8]:
    """Image in full contrast with a line of its own colour around each nucleus.

    Parameters
    ----------
    image : (Y, X), (Y, X, 3) or (Y, X, 4) ndarray
        The image the labels belong to.
    labels : (Y, X) ndarray of integers
        Label image, 0 = background.

    Returns
    -------
    (Y, X, 3) ndarray of uint8
        The outlines lie on the outermost pixels of the nuclei.

    Raises
    ------
    LabelsError
        If the labels are no label image, or not as high and wide as the image.
    ImageError
        If the image has a shape or type that nothing here can use.
    """
    labels = check_labels(labels)
    planes = to_planes(image)
    if planes.shape[:2] != labels.shape:
        raise LabelsError(
            "The labels must be as high and wide as the image. Received: labels "
            f"{labels.shape}, image {planes.shape[:2]}. Pass the image the labels "
            "were made from."
        )
    # A grey image has the same values in all channels: one is enough to stretch.
    channels = planes[..., :1] if planes.strides[-1] == 0 else planes
    stretched = normalise(channels, intensity_limits(planes))
    np.rint(np.multiply(stretched, 255, out=stretched), out=stretched)
    rgb = np.empty(planes.shape, np.uint8)
    np.copyto(rgb, stretched, casting="unsafe")
    outlines = find_boundaries(labels, mode="inner")
    rgb[outlines] = _bright_colours(labels[outlines])
    return rgb


def write_png(path: str | os.PathLike[str], rgb: NDArray[np.uint8]) -> None:
    """Write a picture as a PNG file.

    Parameters
    ----------
    path : path
        The file to write; what was there is replaced once all is written.
    rgb : (Y, X, 3) ndarray of uint8
        What `draw_outlines` returns.

    Raises
    ------
    OutputError
        If the file cannot be written.
    """
    with replacing(path) as part:
        Image.fromarray(rgb).save(part, format="PNG")


def _bright_colours(labels: NDArray[np.int32]) -> NDArray[np.uint8]:
    """Pick a light, saturated colour for each label: (N,) int32 to (N, 3) uint8."""
    hue = labels[:, np.newaxis] * _GOLDEN_RATIO % 1
    distance = np.abs((6 * hue + np.array([0, 4, 2])) % 6 - 3)
    pure = np.clip(distance - 1, 0, 1)
    return np.asarray(np.rint(255 * (0.3 + 0.7 * pure)), np.uint8)
