"""Stained or greyscale, dark or bright: what the pixels of an image say of it."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np

from napari_unet_nuclei.core.images.channels import to_planes

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Staining(StrEnum):
    """What an image looks like, told from its pixels alone."""

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
    planes = to_planes(image).astype(np.float32)
    if np.asarray(image).dtype not in (np.uint8, np.bool_):
        brightest = planes.max()
        if brightest > 0:
            planes /= brightest
            planes *= 255
    channels = np.moveaxis(planes, -1, 0)
    spread = np.maximum.reduce(channels) - np.minimum.reduce(channels)
    is_stained = bool(spread.mean() > 3)
    is_dark = bool(planes.mean() < 100)
    match is_stained, is_dark:
        case False, True:
            return Staining.GRAYSCALE_DARK
        case False, False:
            return Staining.GRAYSCALE_BRIGHT
        case True, True:
            return Staining.STAINED_DARK
        case _:
            return Staining.STAINED_BRIGHT
