"""Pictures of an image with the outlines of its nuclei on top, to look at.

Figures with axes and text do not belong here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image
from scipy import ndimage

from napari_unet_nuclei.core.errors import LabelsError
from napari_unet_nuclei.core.images.channels import distinct_channels, to_channels
from napari_unet_nuclei.core.images.intensity import intensity_limits, normalise
from napari_unet_nuclei.core.instances.labels import check_labels, hide_ignored
from napari_unet_nuclei.core.writing.atomic_files import replacing
from napari_unet_nuclei.core.writing.own_files import png_mark

if TYPE_CHECKING:
    import os

    from numpy.typing import ArrayLike, NDArray

OVERLAY_ENDING = "_overlay"
"""What the name of a picture ends in, so that it is never taken for labels."""

_ENLARGED_SIDE = 640  # px, the longer side of an enlarged image at most
_GAP = 8  # px
_BRIGHTEST = 0.65
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
    labels = hide_ignored(check_labels(labels, may_ignore=True))
    rgb = stretch(image)
    _check_shapes(labels, rgb)
    add_outlines(rgb, labels)
    return rgb


def draw_side_by_side(image: NDArray[Any], labels: ArrayLike) -> NDArray[np.uint8]:
    """Image beside the same image with outlines: what was seen, what was found.

    Parameters
    ----------
    image : (Y, X), (Y, X, 3) or (Y, X, 4) ndarray
        The image the labels belong to.
    labels : (Y, X) ndarray of integers
        Label image, 0 = background.

    Returns
    -------
    (n Y, 2 n X + 8, 3) ndarray of uint8
        In full contrast, a white gap, and grey and dimmed with a line of its own
        colour around each nucleus.  Small images are enlarged *n* times, so that
        the lines do not hide what they surround.

    Raises
    ------
    LabelsError, ImageError
        As in `draw_outlines`.
    """
    labels = hide_ignored(check_labels(labels, may_ignore=True))
    plain = stretch(image)
    _check_shapes(labels, plain)
    zoom = max(1, _ENLARGED_SIDE // max(labels.shape))
    plain = enlarge(plain, zoom)
    gap = np.full((plain.shape[0], _GAP, 3), 255, np.uint8)
    found = dim(plain)
    add_outlines(found, enlarge(labels, zoom), width=min(zoom, 2))
    return np.concatenate([plain, gap, found], axis=1)


def stretch(image: NDArray[Any]) -> NDArray[np.uint8]:
    """Image in full contrast, as the networks see it.

    Parameters
    ----------
    image : (Y, X), (Y, X, 3) or (Y, X, 4) ndarray
        Grey or colour image.

    Returns
    -------
    (Y, X, 3) ndarray of uint8
        A new array.

    Raises
    ------
    ImageError
        If the image has a shape or type that nothing here can use.
    """
    channels = to_channels(image)
    stretched = distinct_channels(normalise(channels, intensity_limits(channels)))
    rgb = np.empty(channels.shape, np.uint8)
    rgb[:] = np.rint(stretched * 255)
    return rgb


def enlarge(pixels: NDArray[Any], zoom: int) -> NDArray[Any]:
    """Picture or labels in which each pixel has become a square.

    Parameters
    ----------
    pixels : (Y, X) or (Y, X, C) ndarray
        Any picture or label image.
    zoom : int
        Side of the squares in px.

    Returns
    -------
    (zoom Y, zoom X) or (zoom Y, zoom X, C) ndarray
        A new array.
    """
    return pixels.repeat(zoom, axis=0).repeat(zoom, axis=1)


def dim(rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Grey and darker picture, on which lines of any colour stand out.

    Parameters
    ----------
    rgb : (Y, X, 3) ndarray of uint8
        What `stretch` returns.

    Returns
    -------
    (Y, X, 3) ndarray of uint8
        A new array, values up to about 165.
    """
    grey = np.asarray(rgb.mean(axis=-1) * _BRIGHTEST, np.uint8)
    return grey[..., np.newaxis].repeat(3, axis=-1)


def find_outlines(labels: NDArray[np.int32], width: int = 1) -> NDArray[np.bool_]:
    """Outermost pixels of nuclei.

    Parameters
    ----------
    labels : (Y, X) ndarray of int32
        Label image, 0 = background.
    width : int
        How many pixels deep.

    Returns
    -------
    (Y, X) ndarray of bool
        True on the outlines, which lie inside the nuclei.
    """
    from skimage.segmentation import find_boundaries  # loads half of scikit-image

    outlines = find_boundaries(hide_ignored(labels), mode="inner")
    if width > 1:
        outlines = ndimage.maximum_filter(outlines, 2 * width - 1) & (labels > 0)
    return np.asarray(outlines, bool)


def add_outlines(
    rgb: NDArray[np.uint8], labels: NDArray[np.int32], width: int = 1
) -> None:
    """Draw a line of its own colour around each nucleus, on the picture itself.

    Parameters
    ----------
    rgb : (Y, X, 3) ndarray of uint8
        Changed in place.
    labels : (Y, X) ndarray of int32
        Label image of the same height and width, 0 = background.
    width : int
        Width of the line in px.
    """
    outlines = find_outlines(labels, width)
    rgb[outlines] = _bright_colours(labels[outlines])


def write_png(
    path: str | os.PathLike[str], rgb: NDArray[np.uint8], *, may_replace: bool = True
) -> None:
    """Write a picture as a PNG file.

    Parameters
    ----------
    path : path
        The file to write; what was there is replaced once all is written.
    rgb : (Y, X, 3) ndarray of uint8
        What `draw_outlines` returns.
    may_replace : bool
        Whether what is there is replaced.

    Raises
    ------
    OutputError
        If the file cannot be written, or is there and may not be replaced.
    """
    with replacing(path, may_replace=may_replace) as part:
        Image.fromarray(rgb).save(part, format="PNG", pnginfo=png_mark())


def _check_shapes(labels: NDArray[np.int32], rgb: NDArray[np.uint8]) -> None:
    if rgb.shape[:2] != labels.shape:
        raise LabelsError(
            "The labels must be as high and wide as the image. Received: labels "
            f"{labels.shape}, image {rgb.shape[:2]}. Pass the image the labels "
            "were made from."
        )


def _bright_colours(labels: NDArray[np.int32]) -> NDArray[np.uint8]:
    """Pick a light, saturated colour for each label: (N,) int32 to (N, 3) uint8."""
    hue = labels[:, np.newaxis] * _GOLDEN_RATIO % 1
    distance = np.abs((6 * hue + np.array([0, 4, 2])) % 6 - 3)
    pure = np.clip(distance - 1, 0, 1)
    return np.asarray(np.rint(255 * (0.3 + 0.7 * pure)), np.uint8)
