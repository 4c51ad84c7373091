"""Random changes of how crops look, where every pixel stays in its place."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

if TYPE_CHECKING:
    from numpy.typing import NDArray

Rng = np.random.Generator

_STAIN_SPREAD = 0.15
_INTENSITY_STEPS = (6, 40)


def augment_intensity(image: NDArray[np.float32], rng: Rng) -> NDArray[np.float32]:
    """Change how an image looks, not what it shows.

    Parameters
    ----------
    image : (Y, X, 3) ndarray of float32, values in [0, 1]
        Crop; may be overwritten.
    rng : numpy.random.Generator
        Source of randomness.

    Returns
    -------
    (Y, X, 3) ndarray of float32, values in [0, 1]
        Channels shuffled or mixed to grey, stain changed, inverted, exposed in
        another way (of each channel, perhaps), rounded to few levels, each with its
        own probability.
    """
    if rng.random() < 0.3:
        image = image[..., rng.permutation(3)]
    if rng.random() < 0.15:
        weights = rng.dirichlet(np.ones(3)).astype(np.float32)
        # Rounding may exceed 1, and inverting that be a negative base for gamma.
        grey = np.minimum(image @ weights, 1)
        image = np.repeat(grey[..., np.newaxis], 3, axis=-1)
    if rng.random() < 0.5:
        image = _change_stain(image, rng)
    if rng.random() < 0.33:
        image = 1 - image
    image = augment_exposure(image, rng, per_channel=rng.random() < 0.4)
    if rng.random() < 0.1:  # as in a dim image, of which few of 256 levels are used
        steps = np.exp(rng.uniform(*np.log(_INTENSITY_STEPS))).astype(np.float32)
        image = np.minimum(np.round(image * steps) / steps, 1)
    return image


def augment_exposure(
    image: NDArray[np.float32], rng: Rng, *, per_channel: bool = False
) -> NDArray[np.float32]:
    """Change how an image was taken, not what kind of image it is.

    Parameters
    ----------
    image, rng
        As in :func:`augment_intensity`.
    per_channel : bool
        Change brightness and contrast of each channel on its own.

    Returns
    -------
    (Y, X, 3) ndarray of float32, values in [0, 1]
        Gamma, brightness and contrast changed, blurred, noise added, each with its
        own probability.
    """
    if rng.random() < 0.5:
        image = image ** np.float32(np.exp(rng.uniform(-0.6, 0.6)))
    if rng.random() < 0.5:
        n_values = 3 if per_channel else 1
        contrast = rng.uniform(0.7, 1.3, n_values).astype(np.float32)
        brightness = rng.uniform(-0.1, 0.1, n_values).astype(np.float32)
        image = (image - 0.5) * contrast + 0.5 + brightness
    if rng.random() < 0.2:
        sigma = rng.uniform(0.4, 1.5)
        image = ndimage.gaussian_filter(image, (sigma, sigma, 0))
    if rng.random() < 0.4:
        noise = rng.standard_normal((*image.shape[:2], 1), dtype=np.float32)
        image = image + noise * np.float32(rng.uniform(0.01, 0.08))
    return np.asarray(np.clip(image, 0, 1), np.float32)


def _change_stain(image: NDArray[np.float32], rng: Rng) -> NDArray[np.float32]:
    """Mix a little of each channel into the others, by optical density.

    White stays white and grey stays grey, as where another dye had been used.
    """
    density = 1 - image
    mixing = np.eye(3) + rng.normal(0, _STAIN_SPREAD, (3, 3))
    mixing /= mixing.sum(axis=0)
    mixed: NDArray[np.float32] = 1 - density @ mixing.astype(np.float32)
    return np.clip(mixed, 0, 1, out=mixed)
