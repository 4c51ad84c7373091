"""Light that falls on a crop, or comes from other depths of the sample."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

from napari_unet_nuclei.core.training.crops.planes import resize

if TYPE_CHECKING:
    from numpy.typing import NDArray

Rng = np.random.Generator

_COARSE = 4  # haze is drawn at a quarter of the size


def add_haze(image: NDArray[np.float32], rng: Rng) -> NDArray[np.float32]:
    """Add the glow of what is in the image, as in thick sections.

    Parameters
    ----------
    image : (Y, X, 3) ndarray of float32, values in [0, 1]
        Fluorescence, bright on dark.
    rng : numpy.random.Generator
        Source of randomness.

    Returns
    -------
    (Y, X, 3) ndarray of float32, values in [0, 1]
        Brightest where the image is; what was brighter than its surroundings still is.
    """
    coarse = resize(image, _coarse_shape(image))
    sigma = rng.uniform(3, 12)
    return _add_glow(image, coarse, sigma, rng.uniform(0.2, 0.9))


def add_defocused_nuclei(
    image: NDArray[np.float32], labels: NDArray[np.int32], rng: Rng
) -> NDArray[np.float32]:
    """Add nuclei of other depths, too blurred for anybody to annotate.

    Parameters
    ----------
    image : (Y, X, 3) ndarray of float32, values in [0, 1]
        Fluorescence, bright on dark.
    labels : (Y, X) ndarray of int32
        Its nuclei, 0 = background.
    rng : numpy.random.Generator
        Source of randomness.

    Returns
    -------
    (Y, X, 3) ndarray of float32, values in [0, 1]
        The image and, turned elsewhere, its nuclei blurred by about half of their
        width, at less than half of their brightness.
    """
    counts = np.bincount(labels.ravel())[1:]
    if not counts.any():
        return image
    width = 2 * np.sqrt(np.median(counts[counts > 0]) / np.pi)
    coarse = resize(image * (labels > 0)[..., np.newaxis], _coarse_shape(image))
    turned = coarse[::-1, ::-1] if rng.random() < 0.5 else coarse[:, ::-1]
    shifts = [int(rng.integers(length)) for length in turned.shape[:2]]
    sigma = rng.uniform(0.35, 0.7) * width / _COARSE
    moved = np.roll(turned, shifts, axis=(0, 1))
    return _add_glow(image, moved, sigma, rng.uniform(0.2, 0.7))


def light_unevenly(image: NDArray[np.float32], rng: Rng) -> NDArray[np.float32]:
    """Multiply a crop by a smooth field of light.

    Parameters
    ----------
    image : (Y, X, 3) ndarray of float32, values in [0, 1]
        Crop.
    rng : numpy.random.Generator
        Source of randomness.

    Returns
    -------
    (Y, X, 3) ndarray of float32, values in [0, 1]
        From two thirds to all of the light in bright crops, from a third in dark ones.
    """
    weakest = 0.67 if float(np.median(image[::4, ::4])) > 0.5 else 0.33
    field = rng.random((3, 3, 1), dtype=np.float32)
    field -= field.min()
    field /= field.max()
    lowest = np.float32(rng.uniform(weakest, 1))
    return image * resize(lowest + (1 - lowest) * field, image.shape[:2])


def saturate(
    image: NDArray[np.float32], labels: NDArray[np.int32], rng: Rng
) -> NDArray[np.float32]:
    """Expose a crop so long that the brightest nuclei, or the empty slide, are white.

    Parameters
    ----------
    image : (Y, X, 3) ndarray of float32, values in [0, 1]
        Crop.
    labels : (Y, X) ndarray of int32
        Its nuclei, 0 = background.
    rng : numpy.random.Generator
        Source of randomness.

    Returns
    -------
    (Y, X, 3) ndarray of float32, values in [0, 1]
        Multiplied by up to 3; never so much that half of what is between the nuclei
        would be white.
    """
    factor = np.exp(rng.uniform(0.1, 1.1))
    between = image[::4, ::4].max(axis=-1)[labels[::4, ::4] == 0]
    if between.size:
        factor = min(factor, max(0.95 / max(float(np.median(between)), 1e-3), 1))
    exposed: NDArray[np.float32] = np.minimum(image * np.float32(factor), 1)
    return exposed


def _coarse_shape(image: NDArray[np.float32]) -> tuple[int, int]:
    height, width = image.shape[:2]
    return max(height // _COARSE, 1), max(width // _COARSE, 1)


def _add_glow(
    image: NDArray[np.float32],
    coarse: NDArray[np.float32],
    sigma: float,
    strength: float,
) -> NDArray[np.float32]:
    """Add the blurred light of a coarse image, and bring the brightest back to 1."""
    glow = ndimage.gaussian_filter(coarse, (sigma, sigma, 0), truncate=2.5)
    lit = image + np.float32(strength) * resize(glow, image.shape[:2])
    return np.asarray(lit / np.float32(max(float(lit.max()), 1)), np.float32)
