"""Stained or greyscale, dark or bright: the staining of an image, from its pixels."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np

from napari_unet_nuclei.core.images.channels import to_channels

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Staining(StrEnum):
    """What an image looks like, from its pixels alone."""

    GRAYSCALE_DARK = "grayscale-dark"
    GRAYSCALE_BRIGHT = "grayscale-bright"
    STAINED_DARK = "stained-dark"
    STAINED_BRIGHT = "stained-bright"


def staining(image: NDArray[np.generic]) -> Staining:
    """Tell stained from greyscale and dark from bright.

    Parameters
    ----------
    image : (Y, X), (Y, X, 3) or (Y, X, 4) ndarray
        An image on the 8-bit scale, 0 to 255; a 16-bit or float one is brought
        there by its largest value.

    Returns
    -------
    Staining
        *Stained* when the mean over pixels of max - min over R, G, B exceeds 3
        of 255; *dark* when the mean is below 100 of 255.
    """
    channels = to_channels(image).astype(np.float32)
    if np.asarray(image).dtype not in (np.uint8, np.bool_):
        brightest = channels.max()
        if brightest > 0:
            channels /= brightest
            channels *= 255
    each = np.moveaxis(channels, -1, 0)
    spread = np.maximum.reduce(each) - np.minimum.reduce(each)
    is_stained = bool(spread.mean() > 3)
    is_dark = bool(channels.mean() < 100)
    match is_stained, is_dark:
        case False, True:
            return Staining.GRAYSCALE_DARK
        case False, False:
            return Staining.GRAYSCALE_BRIGHT
        case True, True:
            return Staining.STAINED_DARK
        case _:
            return Staining.STAINED_BRIGHT
