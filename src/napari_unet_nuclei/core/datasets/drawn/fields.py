"""Random fields: smooth noise, wavy fibres, and blobs, each the size of an image."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

if TYPE_CHECKING:
    from numpy.typing import NDArray

Rng = np.random.Generator
Shape = tuple[int, int]


def smooth_noise(rng: Rng, shape: Shape, sigma: float) -> NDArray[np.float32]:
    """Draw Gaussian noise of mean 0, standard deviation 1 and a typical size.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of randomness.
    shape : (int, int), in px
        Height and width.
    sigma : float, in px
        How far neighbours are alike.

    Returns
    -------
    (Y, X) ndarray of float32
        The noise; drawn coarsely and enlarged where it is smooth.
    """
    step = max(1, int(sigma / 2))
    coarse = tuple(length // step + 8 for length in shape)
    noise = rng.standard_normal(coarse, dtype=np.float32)
    noise = ndimage.gaussian_filter(noise, sigma / step)
    # White noise smoothed by a Gaussian has standard deviation 1 / (2 √π σ).
    noise *= np.float32(2 * np.sqrt(np.pi) * sigma / step)
    if step > 1:
        noise = ndimage.zoom(noise, step, order=1)
    return np.asarray(noise[: shape[0], : shape[1]], np.float32)


def fibres(
    rng: Rng, shape: Shape, angle: NDArray[np.float32], width: float
) -> NDArray[np.float32]:
    """Draw wavy fibres along a direction, such as collagen or muscle.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of randomness.
    shape : (int, int), in px
        Height and width.
    angle : (Y, X) ndarray of float32, in radians
        Direction of the fibres; it should vary slowly.
    width : float, in px
        Typical width of a fibre.

    Returns
    -------
    (Y, X) ndarray of float32, values in [0, 1]
        Density of the fibres.
    """
    # Noise averaged along its direction, a step at a time, is drawn out into lines.
    noise = smooth_noise(rng, shape, width / 2)
    y, x = np.mgrid[: shape[0], : shape[1]].astype(np.float32)
    dy, dx = np.sin(angle), np.cos(angle)
    for length in (1, 2, 4, 8):
        forth, back = (
            ndimage.map_coordinates(
                noise,
                (y + sign * width * length * dy, x + sign * width * length * dx),
                order=1,
                mode="mirror",
            )
            for sign in (0.4, -0.4)
        )
        noise = (noise + forth + back) / 3
    noise /= max(float(noise.std()), 1e-6)
    return np.asarray(np.clip(0.45 + 0.3 * noise, 0, 1), np.float32)


def blobs(
    rng: Rng,
    shape: Shape,
    n_blobs: int,
    radii: tuple[float, float],
    where: NDArray[np.bool_] | None = None,
) -> NDArray[np.float32]:
    """Draw round blobs that do not overlap, such as vacuoles or red cells.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of randomness.
    shape : (int, int), in px
        Height and width.
    n_blobs : int
        How many are tried.
    radii : (float, float), in px
        Smallest and largest radius.
    where : (Y, X) ndarray of bool, optional
        Where their centres may lie.

    Returns
    -------
    (Y, X) ndarray of float32, in px
        Depth below the outline of a blob, negative outside.
    """
    depth = np.full(shape, -np.inf, np.float32)
    for _ in range(n_blobs):
        radius = rng.uniform(*radii)
        cy, cx = (int(rng.integers(length)) for length in shape)
        if where is not None and not where[cy, cx]:
            continue
        half = int(radius * 1.6) + 2
        box = tuple(
            slice(max(c - half, 0), min(c + half + 1, length))
            for c, length in zip((cy, cx), shape, strict=True)
        )
        if (depth[box] > -1.5).any():
            continue
        y, x = np.ogrid[box]
        theta = np.arctan2(y - cy, x - cx)
        wobble = 1 + rng.uniform(0, 0.12) * np.cos(2 * theta + rng.uniform(0, 6.3))
        own = radius * wobble - np.hypot(y - cy, x - cx)
        np.maximum(depth[box], own, out=depth[box], casting="same_kind")
    return depth
