"""A drawn image on which other tools can check that a model works there as here."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from napari_unet_nuclei.core.datasets.synthetic import draw_nuclei
from napari_unet_nuclei.core.images.intensity import LIMIT_PERCENTILES

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_unet_nuclei.core.models.config import ModelConfig

EPSILON = 1e-6
"""Added to the range of intensities, so that an even image can be divided by it."""

_SEED = 11
_MIN_SIDE = 384  # px
_AREA_A_NUCLEUS = 3.5  # squared diameters


class Example(NamedTuple):
    """A drawn image, as a model gets it and as its network sees it.

    Parameters
    ----------
    image : (1, Y, X, 3) ndarray of float32
        Grey fluorescence, from 0 to 255, in all channels.
    normalised : (1, Y, X, 3) ndarray of float32
        The same in [0, 1].
    """

    image: NDArray[np.float32]
    normalised: NDArray[np.float32]


def min_side(config: ModelConfig) -> int:
    """Return the least height and width, in px, of which the margin leaves a part."""
    return math.ceil((2 * config.margin + 1) / config.stride) * config.stride


def draw_example(config: ModelConfig) -> Example:
    """Draw nuclei of the size that a model was trained on.

    Parameters
    ----------
    config : ModelConfig
        Of the model.

    Returns
    -------
    Example
        Always the same for the same model.
    """
    side = max(min_side(config), math.ceil(_MIN_SIDE / config.stride) * config.stride)
    n_nuclei = max(1, round(side**2 / config.diameter**2 / _AREA_A_NUCLEUS))
    grey, _ = draw_nuclei(_SEED, (side, side), n_nuclei, diameter=config.diameter)
    image = np.repeat(grey[np.newaxis, ..., np.newaxis], 3, axis=-1).astype(np.float32)
    low, high = np.percentile(image, LIMIT_PERCENTILES)
    stretched = (image - np.float32(low)) / np.float32(high - low + EPSILON)
    return Example(image, np.clip(stretched, 0, 1))
