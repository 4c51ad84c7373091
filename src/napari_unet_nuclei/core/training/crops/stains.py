"""Stained crops as another laboratory would have stained them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from napari_unet_nuclei.core.images.dyes import (
    EOSIN,
    HEMATOXYLIN,
    dye_matrix,
    optical_density,
    random_dyes,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

Rng = np.random.Generator

_MIN_COLOUR, _MIN_BRIGHT = 0.012, 0.35
_KEPT_CONTRAST = 0.6  # of the density by which nuclei exceed the tissue around them
_LIMITS = (0.1, 99.8)  # percentiles, as of whole images


def is_stained(image: NDArray[np.float32]) -> bool:
    """Whether a crop shows colours on a bright background."""
    some = image[::4, ::4]
    spread = some.max(axis=-1) - some.min(axis=-1)
    is_bright = float(np.median(some)) > _MIN_BRIGHT
    return is_bright and float(spread.mean()) > _MIN_COLOUR


def change_dyes(
    image: NDArray[np.float32], labels: NDArray[np.int32], rng: Rng
) -> NDArray[np.float32]:
    """Replace the dyes of a stained crop by others, and the tint of its background.

    Parameters
    ----------
    image : (Y, X, 3) ndarray of float32, values in [0, 1]
        Crop of stained tissue or cells.
    labels : (Y, X) ndarray of int32
        Its nuclei, 0 = background.
    rng : numpy.random.Generator
        Source of randomness.

    Returns
    -------
    (Y, X, 3) ndarray of float32, values in [0, 1]
        Hue and strength of both dyes changed; the crop as it was where they would hide
        its nuclei.
    """
    density = optical_density(image)
    # The colour of the empty slide is no stain.
    empty = np.percentile(density[::4, ::4], 2, axis=(0, 1)).astype(np.float32)
    density -= empty
    before = dye_matrix(HEMATOXYLIN, EOSIN)
    strengths = np.exp(rng.normal(0, (0.25, 0.5, 0.2))).astype(np.float32)
    dyes = before if rng.random() < 0.4 else random_dyes(rng)
    changed = density @ (np.linalg.inv(before) @ (strengths[:, np.newaxis] * dyes))
    tint = rng.uniform(0.75, 1, 3).astype(np.float32)
    if _contrast(changed, labels) < _KEPT_CONTRAST * _contrast(density, labels):
        return image
    np.exp(-changed, out=changed)
    return np.clip(changed * tint, 0, 1, out=changed)


def _contrast(density: NDArray[np.float32], labels: NDArray[np.int32]) -> float:
    """Measure by how much nuclei are denser than what is between them."""
    some, numbers = density[::4, ::4].mean(axis=-1), labels[::4, ::4]
    inside, between = numbers > 0, numbers == 0
    if not (inside.any() and between.any()):
        return 0.0
    return float(some[inside].mean() - some[between].mean())


def separate_nuclear_dye(image: NDArray[np.float32], rng: Rng) -> NDArray[np.float32]:
    """Show the density of about the nuclear dye alone, bright on dark.

    Parameters
    ----------
    image : (Y, X, 3) ndarray of float32, values in [0, 1]
        Crop of stained tissue or cells.
    rng : numpy.random.Generator
        Source of randomness.

    Returns
    -------
    (Y, X, 3) ndarray of float32, values in [0, 1]
        Hematoxylin by dyes that fit not quite, the density of red, or darkness.
    """
    match int(rng.integers(3)):
        case 0:
            dyes = dye_matrix(
                np.array(HEMATOXYLIN) + rng.normal(0, 0.05, 3),
                np.array(EOSIN) + rng.normal(0, 0.05, 3),
            )
            grey = optical_density(image) @ np.linalg.inv(dyes)[:, 0]
        case 1:
            grey = optical_density(image[..., :1])[..., 0]
        case _:
            grey = 1 - image @ rng.dirichlet((3, 3, 1)).astype(np.float32)
    low, high = np.percentile(grey[::2, ::2], _LIMITS)
    grey = (grey - np.float32(low)) / np.float32(max(high - low, 1e-3))
    return np.repeat(np.clip(grey, 0, 1)[..., np.newaxis], 3, axis=-1)
