"""The dye of the nuclei, separated from the other dyes of a stained image.

Light that passes dyes one after the other is weakened by each in turn, so their optical
densities add up: each pixel is a sum of a few colours.  Whether an image is stained,
and which of its dyes to show, belongs in
:mod:`~napari_unet_nuclei.core.images.nuclear_signal`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from napari_unet_nuclei.core.images.dyes import DAB, EOSIN, HEMATOXYLIN, dye_basis
from napari_unet_nuclei.core.images.intensity import (
    LIMIT_PERCENTILES,
    intensity_limits,
    sample_pixels,
)
from napari_unet_nuclei.core.images.rescaling import iter_strips
from napari_unet_nuclei.core.settings.choices import Stain

if TYPE_CHECKING:
    from numpy.typing import NDArray

_DARKEST = 1 / 255  # of the light; below it, densities are noise
_DENSE = 0.15  # optical density, to the base e, above which a pixel shows a dye
_BROWN_PART = 0.05  # of the dyed pixels


def _dye_weights(*dyes: tuple[float, float, float]) -> NDArray[np.float32]:
    """Return the weights of red, green and blue that give the density of the first."""
    return np.asarray(np.linalg.inv(dye_basis(*dyes))[:, 0], np.float32)


_WEIGHTS = {
    # With DAB as a third dye, as brown pigment occurs in any tissue.
    Stain.HE: _dye_weights(HEMATOXYLIN, EOSIN, DAB),
    Stain.HDAB: _dye_weights(HEMATOXYLIN, DAB),
}

STAINS = tuple(_WEIGHTS)
"""Pairs of dyes that can be separated."""


class NuclearStain:
    """Shows the nuclear dye of an image alone, as grey: the denser, the brighter.

    The limits of the density come once per image, from a fixed sample of its pixels; so
    a pixel means the same in every part of it, and a tinted background, which adds the
    same density everywhere, makes no difference.

    Parameters
    ----------
    channels : (Y, X, 3) ndarray
        Output of :func:`~napari_unet_nuclei.core.images.channels.to_channels`.
    stain : {Stain.HE, Stain.HDAB}
        The dyes of the image.

    References
    ----------
    Ruifrok and Johnston: Quantification of histochemical staining by color
    deconvolution, Anal. Quant. Cytol. Histol. 2001; PMID 11531144

    Examples
    --------
    >>> white, purple, pink = (240, 240, 240), (80, 60, 140), (230, 120, 200)
    >>> image = np.array([[white, purple, pink]], np.uint8)
    >>> NuclearStain(image, Stain.HE).show(image)[..., 0].tolist()
    [[11, 255, 0]]
    """

    def __init__(self, channels: NDArray[np.generic], stain: Stain) -> None:
        self._weights = _WEIGHTS[stain]
        self._light = _brightest(channels)
        low, high = np.percentile(
            self._density(sample_pixels(channels)), LIMIT_PERCENTILES
        )
        self._low = np.float32(low)
        self._steps = np.float32(255 / (high - low) if high > low else 0)

    def show(self, channels: NDArray[np.generic]) -> NDArray[np.uint8]:
        """Show the dye in an image, or in a part of it.

        Parameters
        ----------
        channels : (Y, X, 3) ndarray
            All of the image or a part.

        Returns
        -------
        (Y, X, 3) ndarray of uint8
            One channel that is seen in every channel, a read-only view; all 0 where the
            density is the same everywhere.
        """
        height, width = channels.shape[:2]
        shown = np.empty((height, width, 1), np.uint8)
        for rows in iter_strips(height, width):
            density = self._density(channels[rows])
            density -= self._low
            density *= self._steps
            np.clip(density, 0, 255, out=density)
            shown[rows, :, 0] = np.rint(density, out=density)
        return np.broadcast_to(shown, (height, width, 3))

    def _density(self, channels: NDArray[np.generic]) -> NDArray[np.float32]:
        total = np.zeros(channels.shape[:2], np.float32)
        for channel, weight in enumerate(self._weights):
            density = _optical_density(channels[..., channel], self._light)
            density *= weight
            total += density
        return total


def red_density(channels: NDArray[np.generic]) -> NDArray[np.float32]:
    """Measure how much red light each pixel takes away.

    Hematoxylin absorbs it, eosin hardly does: the nuclei of either kind of section are
    denser than what is around them.

    Parameters
    ----------
    channels : (Y, X, 3) ndarray
        Output of :func:`~napari_unet_nuclei.core.images.channels.to_channels`.

    Returns
    -------
    (Y, X) ndarray of float32
        Optical density to the base e, about 0 where all light passes.
    """
    return _optical_density(channels[..., 0], _brightest(channels))


def stain_of(channels: NDArray[np.generic]) -> Stain:
    """Tell by its hues which dyes an image of stained tissue shows.

    Parameters
    ----------
    channels : (Y, X, 3) ndarray
        Output of :func:`~napari_unet_nuclei.core.images.channels.to_channels`.

    Returns
    -------
    Stain
        ``Stain.HDAB`` where a twentieth of what is dyed is brown, else ``Stain.HE``.
    """
    light = _brightest(channels)
    sample = sample_pixels(channels)
    red, green, blue = (
        _optical_density(sample[..., channel], light) for channel in range(3)
    )
    for density in (red, green, blue):
        density -= np.percentile(density, 2)  # the colour of the light is no dye
    is_dyed = np.maximum(np.maximum(red, green), blue) > _DENSE
    # Of all these dyes, DAB alone absorbs more blue than green, and more than red.
    is_brown = is_dyed & (blue > green) & (green > red)
    return Stain.HDAB if is_brown.sum() > _BROWN_PART * is_dyed.sum() else Stain.HE


def _brightest(channels: NDArray[np.generic]) -> float:
    """Return the intensity that counts as all of the light."""
    _, high = intensity_limits(channels)
    return high


def _optical_density(channel: NDArray[np.generic], light: float) -> NDArray[np.float32]:
    if not light > 0:
        return np.zeros(channel.shape, np.float32)
    density = np.maximum(channel, np.float64(light * _DARKEST)).astype(np.float32)
    density /= np.float32(light)
    np.log(density, out=density)
    return np.asarray(np.negative(density, out=density), np.float32)
