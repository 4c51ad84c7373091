"""Fast smoothing and resizing of single planes, for changes of crops."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image, ImageFilter

if TYPE_CHECKING:
    from numpy.typing import NDArray


def smooth(plane: NDArray[Any], sigma: float) -> NDArray[np.float32]:
    """Blur a plane by about a Gaussian, at eight bits of its largest value.

    Parameters
    ----------
    plane : (Y, X) ndarray of bool or float, not negative
        What to blur.
    sigma : float, in px
        Radius of the blur.

    Returns
    -------
    (Y, X) ndarray of float32
        The same range.
    """
    largest = float(plane.max())
    if largest == 0:
        return np.zeros(plane.shape, np.float32)
    scale = np.float32(255 / largest)
    picture = Image.fromarray((plane * scale + np.float32(0.5)).astype(np.uint8))
    blurred = picture.filter(ImageFilter.GaussianBlur(sigma))
    return np.asarray(blurred, np.float32) / scale


def resize(image: NDArray[np.float32], shape: tuple[int, ...]) -> NDArray[np.float32]:
    """Bring the channels of an image to another height and width.

    Parameters
    ----------
    image : (Y, X, C) ndarray of float32
        Any values.
    shape : (int, int), in px
        Height and width of the result.

    Returns
    -------
    (height, width, C) ndarray of float32
        Averaged where it is smaller, interpolated where it is larger; no value lies
        outside of the range of the image.
    """
    size = shape[1], shape[0]
    channels = [
        np.asarray(
            Image.fromarray(np.ascontiguousarray(channel)).resize(
                size, Image.Resampling.BILINEAR
            )
        )
        for channel in np.moveaxis(image, -1, 0)
    ]
    return np.stack(channels, axis=-1)
