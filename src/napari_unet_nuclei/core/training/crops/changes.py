"""Kinds of strong change, and how often each is made.

Every kind is a small function in ``stains``, ``nuclei``, ``light`` or ``pixels``, which
are the places for what it does; here is only their order and their chance.  Kinds that
move pixels are made where crops are cut, in ``augmentation``.
"""

from __future__ import annotations

from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

from napari_unet_nuclei.core.training.crops.light import (
    add_defocused_nuclei,
    add_haze,
    light_unevenly,
    saturate,
)
from napari_unet_nuclei.core.training.crops.nuclei import vary_brightness
from napari_unet_nuclei.core.training.crops.pixels import compress, rescale, sharpen
from napari_unet_nuclei.core.training.crops.stains import (
    change_dyes,
    is_stained,
    separate_nuclear_dye,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from numpy.typing import NDArray

Rng = np.random.Generator


class Change(StrEnum):
    """A kind of strong change."""

    ELONGATION = "elongation"
    PASTED_NUCLEI = "pasted-nuclei"
    DYES = "dyes"
    NUCLEAR_DYE = "nuclear-dye"
    BRIGHTNESS = "brightness"
    HAZE = "haze"
    DEFOCUS = "defocus"
    UNEVEN_LIGHT = "uneven-light"
    SATURATION = "saturation"
    RESCALING = "rescaling"
    SHARPENING = "sharpening"
    JPEG = "jpeg"


ALL_CHANGES = frozenset(Change)

PROBABILITY: Mapping[Change, float] = MappingProxyType(
    {
        Change.ELONGATION: 0.3,
        Change.PASTED_NUCLEI: 0.1,
        Change.DYES: 0.5,
        Change.NUCLEAR_DYE: 0.25,
        Change.BRIGHTNESS: 0.2,
        Change.HAZE: 0.15,
        Change.DEFOCUS: 0.1,
        Change.UNEVEN_LIGHT: 0.15,
        Change.SATURATION: 0.1,
        Change.RESCALING: 0.1,
        Change.SHARPENING: 0.08,
        Change.JPEG: 0.12,
    }
)
"""Chance of each kind; of dyes where an image is stained, of haze and defocus where it
is dark."""


def draw_changes(
    rng: Rng, changes: Collection[Change] = ALL_CHANGES
) -> dict[Change, Rng]:
    """Decide which kinds of change are made to a crop.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of randomness.
    changes : collection of Change
        Kinds that may be made.

    Returns
    -------
    dict of Change to numpy.random.Generator
        The kinds to make, each with a source of its own: where a kind is switched off,
        the others happen to the same crops in the same way.
    """
    chances = rng.random(len(PROBABILITY))
    seeds = rng.integers(2**63, size=len(PROBABILITY))
    return {
        kind: np.random.default_rng(seed)
        for (kind, probability), chance, seed in zip(
            PROBABILITY.items(), chances, seeds, strict=True
        )
        if chance < probability and kind in changes
    }


def change_scene(
    image: NDArray[np.float32], labels: NDArray[np.int32], drawn: Mapping[Change, Rng]
) -> NDArray[np.float32]:
    """Change what was in front of the camera: dyes, nuclei, haze and light.

    Parameters
    ----------
    image : (Y, X, 3) ndarray of float32, values in [0, 1]
        Crop.
    labels : (Y, X) ndarray of int32
        Its nuclei, 0 = background.
    drawn : mapping of Change to numpy.random.Generator
        Output of :func:`draw_changes`.

    Returns
    -------
    (Y, X, 3) ndarray of float32, values in [0, 1]
        The same nuclei in the same places, each as visible as before or well visible.
    """
    is_bright = float(np.median(image[::4, ::4])) > 0.5
    if is_bright and is_stained(image):
        if Change.DYES in drawn:
            image = change_dyes(image, labels, drawn[Change.DYES])
        if Change.NUCLEAR_DYE in drawn:
            image = separate_nuclear_dye(image, drawn[Change.NUCLEAR_DYE])
            is_bright = False
    if Change.BRIGHTNESS in drawn:
        image = vary_brightness(image, labels, drawn[Change.BRIGHTNESS])
    if Change.HAZE in drawn and not is_bright:
        image = add_haze(image, drawn[Change.HAZE])
    if Change.DEFOCUS in drawn and not is_bright:
        image = add_defocused_nuclei(image, labels, drawn[Change.DEFOCUS])
    if Change.UNEVEN_LIGHT in drawn:
        image = light_unevenly(image, drawn[Change.UNEVEN_LIGHT])
    if Change.SATURATION in drawn:
        image = saturate(image, labels, drawn[Change.SATURATION])
    return image


def change_file(
    image: NDArray[np.float32], drawn: Mapping[Change, Rng]
) -> NDArray[np.float32]:
    """Change how a picture was stored: rescaled, sharpened, compressed.

    Parameters
    ----------
    image : (Y, X, 3) ndarray of float32, values in [0, 1]
        Crop.
    drawn : mapping of Change to numpy.random.Generator
        Output of :func:`draw_changes`.

    Returns
    -------
    (Y, X, 3) ndarray of float32, values in [0, 1]
        The same at the same size.
    """
    for kind, change in (
        (Change.RESCALING, rescale),
        (Change.SHARPENING, sharpen),
        (Change.JPEG, compress),
    ):
        if kind in drawn:
            image = change(image, drawn[kind])
    return image
