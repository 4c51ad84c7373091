"""Image arrays get three channels, whatever they have: what networks are fed.

What their intensities become belongs in
:mod:`~napari_unet_nuclei.core.images.intensity`, files in
:mod:`~napari_unet_nuclei.core.files.images`, layers in the plugin.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import numpy as np

from napari_unet_nuclei.core.errors import ImageError

if TYPE_CHECKING:
    from numpy.typing import NDArray

Pixel = TypeVar("Pixel", bound=np.generic)


def to_channels(image: NDArray[np.generic]) -> NDArray[np.generic]:
    """Bring an image to three channels, last.

    Parameters
    ----------
    image : (Y, X), (Y, X, 1), (Y, X, 3) or (Y, X, 4) ndarray of bool, int or float
        Grey, RGB or RGBA image.  An alpha channel is dropped.

    Returns
    -------
    (Y, X, 3) ndarray of the same dtype (uint8 for bool)
        Grey is repeated in every channel, as a read-only view where it can be.
        NaN and infinities are replaced by the smallest finite value.

    Raises
    ------
    ImageError
        If the shape or dtype is none of these, or the image has no pixels.
    """
    image = np.asarray(image)
    is_grey = image.ndim == 2 or (image.ndim == 3 and image.shape[-1] == 1)
    if not is_grey and not (image.ndim == 3 and image.shape[-1] in (3, 4)):
        raise ImageError(
            "Expected an image of shape (Y, X), (Y, X, 3) or (Y, X, 4). Received: "
            f"shape {image.shape}; name the axes of a stack, as in {{axes}}.",
            axes="ZYX",
        )
    if image.size == 0:
        raise ImageError(
            "Expected an image with at least one pixel. "
            f"Received: shape {image.shape}; choose another image."
        )
    if image.dtype == np.bool_:
        image = image.astype(np.uint8)
    if image.dtype.kind not in "uif":
        raise ImageError(
            "Expected an image of integers or real numbers. "
            f"Received: dtype {image.dtype}; convert it first."
        )
    if image.dtype.kind == "f":
        image = _replace_non_finite(image)
    if is_grey:
        grey = image.reshape(image.shape[:2])
        return np.broadcast_to(grey[..., np.newaxis], (*grey.shape, 3))
    return image[..., :3]


def _replace_non_finite(image: NDArray[np.generic]) -> NDArray[np.generic]:
    # Beyond single precision counts as infinite; comparing with NaN is false.
    finite = np.abs(image) <= np.finfo(np.float32).max
    if finite.all():
        return image
    smallest = image[finite].min() if finite.any() else image.dtype.type(0)
    return np.where(finite, image, smallest)


def distinct_channels(channels: NDArray[Pixel]) -> NDArray[Pixel]:
    """Take channels that are all the same only once.

    Parameters
    ----------
    channels : (..., channels) ndarray
        Output of :func:`to_channels`, or what was made of it.

    Returns
    -------
    (..., 1) or (..., channels) ndarray
        A view of the one channel of a grey image, else all channels.
    """
    return channels[..., :1] if channels.strides[-1] == 0 else channels
