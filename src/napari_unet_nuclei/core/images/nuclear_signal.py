"""What of an image shows its nuclei: all of it, one of its dyes, or one of its colours.

Which of these a network is most confident of is found out in
:mod:`~napari_unet_nuclei.core.segmentation.signal_choice`; dyes are separated in
:mod:`~napari_unet_nuclei.core.images.stains`.
"""

from __future__ import annotations

from enum import Enum, auto
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from napari_unet_nuclei.core.images.channels import distinct_channels
from napari_unet_nuclei.core.images.intensity import (
    LIMIT_PERCENTILES,
    Limits,
    intensity_limits,
    normalise,
    sample_pixels,
)
from napari_unet_nuclei.core.images.rescaling import iter_strips
from napari_unet_nuclei.core.images.single_colour import single_colour_as_grey
from napari_unet_nuclei.core.images.stains import STAINS, NuclearStain, stain_of
from napari_unet_nuclei.core.settings.choices import Stain

if TYPE_CHECKING:
    from numpy.typing import NDArray

Window = tuple[slice, slice]
WHOLE: Window = np.s_[:, :]
"""Window of all pixels of an image."""

CHANNELS = (Stain.RED, Stain.GREEN, Stain.BLUE)
"""Choices that stand for a channel, in the order of the channels."""

_MIN_COLOUR = 3 / 255  # of the range; as for what counts as stained
_MIN_LIGHT = 0.4  # of the brightest; half of a stained image has more
_MIN_RANGE = 0.05  # of that of the channel with the largest


class Light(Enum):
    """How an image got its colours."""

    GREY = auto()
    """It has none, or one that only says what the dye is called."""
    BRIGHT_FIELD = auto()
    """Dyes absorb the light of a bright background."""
    FLUORESCENCE = auto()
    """Several dyes shine on a dark background."""


class SeenPixels(NamedTuple):
    """Pixels for a network, and the intensities that become 0 and 1.

    Parameters
    ----------
    channels : (Y, X, 3) ndarray
        An image or a part of it.
    limits : tuple of float
        Those of the whole image, for each of its parts.
    """

    channels: NDArray[np.generic]
    limits: Limits


class NuclearSignal:
    """An image as a network may see it: with all of its colours, or one signal alone.

    Parameters
    ----------
    channels : (Y, X, 3) ndarray
        Output of :func:`~napari_unet_nuclei.core.images.channels.to_channels`.
    typical : (y, x, 3) ndarray, optional
        A sample of the whole image, where ``channels`` are only a part of it: light,
        dyes and limits are found in the sample, so that all parts share them.

    Examples
    --------
    >>> nuclei = np.zeros((64, 64, 3), np.uint8)
    >>> nuclei[8:20, 8:20, 2] = nuclei[40:44, 30:60, 1] = 200
    >>> signal = NuclearSignal(nuclei)
    >>> signal.light.name, [str(candidate) for candidate in signal.candidates]
    ('FLUORESCENCE', ['green', 'blue'])
    >>> pixels, limits = signal.see(Stain.BLUE)
    >>> pixels[10, 10].tolist(), limits
    ([200, 200, 200], (0.0, 200.0))
    """

    def __init__(
        self,
        channels: NDArray[np.generic],
        typical: NDArray[np.generic] | None = None,
    ) -> None:
        self._channels = channels
        self._typical = channels if typical is None else typical
        self._as_it_is = single_colour_as_grey(channels, self._typical)
        self._typical_as_it_is = single_colour_as_grey(self._typical)
        self._dyes: dict[Stain, NuclearStain] = {}

    @cached_property
    def light(self) -> Light:
        """How the image got its colours, from a sample of its pixels."""
        if distinct_channels(self._typical_as_it_is).shape[-1] == 1:
            return Light.GREY
        low, high = self._limits
        sample = normalise(sample_pixels(self._typical_as_it_is), (min(low, 0), high))
        is_even = np.ptp(sample, axis=(0, 1)).max() == 0
        if is_even or np.ptp(sample, axis=-1).mean() <= _MIN_COLOUR:
            return Light.GREY
        is_bright = np.median(sample.mean(axis=-1)) > _MIN_LIGHT
        return Light.BRIGHT_FIELD if is_bright else Light.FLUORESCENCE

    @property
    def candidates(self) -> tuple[Stain, ...]:
        """Signals that may show the nuclei better than the image as it is."""
        match self.light:
            case Light.GREY:
                return ()
            case Light.BRIGHT_FIELD:
                return (self._stain,)
            case Light.FLUORESCENCE:
                return self._lit_channels

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width of the image, in px."""
        height, width = self._channels.shape[:2]
        return height, width

    def settle(self, stain: Stain) -> Stain:
        """Return what of a choice applies: without colours, there is only the image.

        Parameters
        ----------
        stain : Stain
            What was chosen, also ``Stain.AUTO``.

        Returns
        -------
        Stain
            The same, or ``Stain.NONE``.
        """
        has_colours = distinct_channels(self._typical).shape[-1] > 1
        if stain in STAINS and self.light is Light.GREY:
            return Stain.NONE
        return stain if has_colours else Stain.NONE

    def see(self, stain: Stain, window: Window = WHOLE) -> SeenPixels:
        """Show one signal of the image.

        Parameters
        ----------
        stain : Stain
            Output of :meth:`settle`, or one of the candidates.
        window : tuple of slice
            Rows and columns to show.

        Returns
        -------
        SeenPixels
            A view, if the signal is no dye.
        """
        if stain in STAINS:
            if stain not in self._dyes:
                self._dyes[stain] = NuclearStain(self._typical, stain)
            shown = self._dyes[stain].show(self._channels[window])
            return SeenPixels(shown, (0.0, 255.0))
        if stain in CHANNELS:
            limits = intensity_limits(_one_channel(self._typical, stain))
            return SeenPixels(_one_channel(self._channels, stain)[window], limits)
        return SeenPixels(self._as_it_is[window], self._limits)

    def darkness(self, window: Window = WHOLE) -> tuple[NDArray[np.uint8], ...]:
        """Show what nuclei in stained tissue have more of than what surrounds them.

        Parameters
        ----------
        window : tuple of slice
            Rows and columns to show.

        Returns
        -------
        tuple of (Y, X) ndarray of uint8
            How dark each pixel is and, beside DAB, which may be darker than nuclei, how
            dense the nuclear dye; empty if the image is not stained.
        """
        if self.light is not Light.BRIGHT_FIELD:
            return ()
        darkness = _darkness(self._as_it_is[window], self._limits)
        if self._stain is not Stain.HDAB:
            return (darkness,)
        dye = self.see(Stain.HDAB, window).channels
        return darkness, np.asarray(dye[..., 0], np.uint8)

    @cached_property
    def _stain(self) -> Stain:
        return stain_of(self._typical_as_it_is)

    @cached_property
    def _limits(self) -> Limits:
        return intensity_limits(self._typical_as_it_is)

    @property
    def _lit_channels(self) -> tuple[Stain, ...]:
        sample = sample_pixels(self._typical).astype(np.float64)
        low, high = np.percentile(sample, LIMIT_PERCENTILES, axis=(0, 1))
        is_lit = high - low > _MIN_RANGE * (high - low).max()
        return tuple(stain for stain, lit in zip(CHANNELS, is_lit, strict=True) if lit)


def _one_channel(channels: NDArray[np.generic], stain: Stain) -> NDArray[np.generic]:
    one = channels[..., CHANNELS.index(stain), np.newaxis]
    return np.broadcast_to(one, channels.shape)


def _darkness(channels: NDArray[np.generic], limits: Limits) -> NDArray[np.uint8]:
    height, width = channels.shape[:2]
    darkness = np.empty((height, width), np.uint8)
    for rows in iter_strips(height, width):
        light = normalise(channels[rows], limits).mean(axis=-1)
        darkness[rows] = np.rint(255 - 255 * light)
    return darkness
