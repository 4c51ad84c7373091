"""What programs do to pictures after they were taken."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from napari_unet_nuclei.core.training.crops.planes import resize

if TYPE_CHECKING:
    from numpy.typing import NDArray

Rng = np.random.Generator

_LARGEST_FACTOR = 2.2
_QUALITY = (20, 90)


def rescale(image: NDArray[np.float32], rng: Rng) -> NDArray[np.float32]:
    """Shrink a crop and enlarge it again, as where a picture had fewer pixels.

    Parameters
    ----------
    image : (Y, X, 3) ndarray of float32, values in [0, 1]
        Crop.
    rng : numpy.random.Generator
        Source of randomness.

    Returns
    -------
    (Y, X, 3) ndarray of float32, values in [0, 1]
        Of the same size, without its finest detail.
    """
    return _without_detail(image, rng.uniform(1.2, _LARGEST_FACTOR))


def sharpen(image: NDArray[np.float32], rng: Rng) -> NDArray[np.float32]:
    """Add detail to itself, so that edges have a rim.

    Parameters
    ----------
    image : (Y, X, 3) ndarray of float32, values in [0, 1]
        Crop.
    rng : numpy.random.Generator
        Source of randomness.

    Returns
    -------
    (Y, X, 3) ndarray of float32, values in [0, 1]
        Every pixel farther away from its surroundings, up to twice and a half.
    """
    detail = image - _without_detail(image, rng.uniform(2, 5))
    detail *= np.float32(rng.uniform(0.4, 1.5))
    detail += image
    return np.clip(detail, 0, 1, out=detail)


def _without_detail(image: NDArray[np.float32], factor: float) -> NDArray[np.float32]:
    """Shrink an image by a factor, and enlarge it again."""
    height, width = image.shape[:2]
    small = max(round(height / factor), 1), max(round(width / factor), 1)
    return resize(resize(image, small), (height, width))


def compress(image: NDArray[np.float32], rng: Rng) -> NDArray[np.float32]:
    """Pass a crop through JPEG.

    Parameters
    ----------
    image : (Y, X, 3) ndarray of float32, values in [0, 1]
        Crop.
    rng : numpy.random.Generator
        Source of randomness.

    Returns
    -------
    (Y, X, 3) ndarray of float32, values in [0, 1]
        What is read back, with blocks of 8 px.
    """
    file = BytesIO()
    picture = Image.fromarray((image * 255 + np.float32(0.5)).astype(np.uint8))
    picture.save(file, "JPEG", quality=int(rng.integers(*_QUALITY)))
    return np.asarray(Image.open(file), np.float32) / np.float32(255)
