"""The looks that can be drawn, and what each is made of."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np

from napari_unet_nuclei.core.datasets.drawn.fluorescence import (
    Fluorescence,
    draw_fluorescence,
)
from napari_unet_nuclei.core.datasets.drawn.nuclei import Population, place_nuclei
from napari_unet_nuclei.core.datasets.drawn.stained import Tissue, draw_stained
from napari_unet_nuclei.core.errors import SettingsError
from napari_unet_nuclei.core.images.dyes import (
    DAB,
    HEMATOXYLIN,
    dye_matrix,
    random_dyes,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

Rng = np.random.Generator
Drawn = tuple["NDArray[np.uint8]", "NDArray[np.int32]"]

_SMALLEST_SIDE = 32  # px


class Look(StrEnum):
    """Kinds of images that can be drawn."""

    CULTURE = "culture"
    DENSE_SECTION = "dense-section"
    RINGS = "rings"
    ELONGATED_NOISY = "elongated-noisy"
    DARK_TEXTURED = "dark-textured"
    HEMATOXYLIN_EOSIN = "hematoxylin-eosin"
    IMMUNOHISTOCHEMISTRY = "immunohistochemistry"
    STAINED_CELLS = "stained-cells"


def draw_look(
    look: Look | str, seed: int, shape: tuple[int, int] = (256, 256)
) -> Drawn:
    """Draw an image of one look, and its true labels.

    Parameters
    ----------
    look : Look or str
        What kind of image: fluorescent nuclei in ``culture``, in a ``dense-section``
        with haze and nuclei out of focus, as ``rings``, or ``elongated-noisy``, dense
        and with heavy noise; in transmitted light ``dark-textured`` nuclei, grey, and
        stained tissue or cells in dyes that are drawn for each image.
    seed : int
        The same seed draws the same image.
    shape : (int, int), in px
        Height and width, 32 or more.

    Returns
    -------
    image : (Y, X) or, if stained, (Y, X, 3) ndarray of uint8
        The image.
    labels : (Y, X) ndarray of int32
        0 = background, then 1, 2, … without gaps, each nucleus connected and filled.

    Raises
    ------
    SettingsError
        If there is no such look or the shape is too small.

    Examples
    --------
    >>> image, labels = draw_look("rings", seed=1, shape=(96, 128))
    >>> image.shape, image.dtype, labels.shape
    ((96, 128), dtype('uint8'), (96, 128))
    """
    if look not in list(Look):
        raise SettingsError(
            f"The look must be one of {', '.join(Look)}. Received: {{look}}",
            look=str(look),
        )
    if np.shape(shape) != (2,) or min(shape) < _SMALLEST_SIDE:
        raise SettingsError(
            f"The shape must be a height and a width of {_SMALLEST_SIDE} px or more. "
            f"Received: shape={shape}. Pass (height, width)."
        )
    rng = np.random.default_rng([list(Look).index(Look(look)), seed])
    match Look(look):
        case Look.DARK_TEXTURED:
            return _draw_dark_textured(rng, shape)
        case Look.HEMATOXYLIN_EOSIN | Look.IMMUNOHISTOCHEMISTRY | Look.STAINED_CELLS:
            return _draw_stained_look(rng, shape, Look(look))
    population, how = _fluorescent(rng, Look(look))
    scene = place_nuclei(rng, shape, population)
    return draw_fluorescence(rng, scene, population, how), scene.labels


def _fluorescent(rng: Rng, look: Look) -> tuple[Population, Fluorescence]:
    """Draw what nuclei of a look there are, and how they shine."""
    match look:
        case Look.DENSE_SECTION:
            return Population(
                diameter=rng.uniform(14, 30),
                elongation=(1.05, 2.4),
                density=rng.uniform(0.35, 0.6),
                overlap=0.2,
                alignment=rng.uniform(0.2, 0.8),
                mitoses=0.01,
            ), Fluorescence(
                brightness=0.4,
                texture=rng.uniform(0.1, 0.25),
                spots=rng.choice([0, 3]),
                haze=rng.uniform(0.4, 1.0),
                blur=rng.uniform(0.9, 1.8),
                photons=rng.uniform(40, 200),
            )
        case Look.RINGS:
            return Population(
                diameter=rng.uniform(20, 40),
                spread=0.22,
                elongation=(1.0, 1.5),
                density=rng.uniform(0.1, 0.4),
                roughness=0.11,
            ), Fluorescence(
                ring=rng.uniform(0.85, 1),
                texture=rng.uniform(0.15, 0.3),
                haze=rng.uniform(0.05, 0.3),
                blur=rng.uniform(0.8, 1.3),
                photons=rng.uniform(60, 300),
            )
        case Look.ELONGATED_NOISY:
            return Population(
                diameter=rng.uniform(14, 24),
                elongation=(1.8, 4.0),
                density=rng.uniform(0.3, 0.55),
                overlap=0.15,
                alignment=rng.uniform(0.6, 0.95),
            ), Fluorescence(
                texture=0.15,
                haze=rng.uniform(0.1, 0.4),
                blur=rng.uniform(0.8, 1.4),
                photons=rng.uniform(4, 15),
            )
    return Population(
        diameter=rng.uniform(18, 45),
        density=rng.uniform(0.08, 0.3),
        mitoses=0.08,
    ), Fluorescence(
        brightness=0.45,
        texture=rng.uniform(0.1, 0.3),
        spots=rng.choice([0, 2]),
        haze=rng.uniform(0, 0.15),
        photons=rng.uniform(80, 500),
    )


def _draw_dark_textured(rng: Rng, shape: tuple[int, int]) -> Drawn:
    """Draw dark nuclei with coarse chromatin in grey bright field."""
    population = Population(
        diameter=rng.uniform(24, 44),
        elongation=(1.0, 1.6),
        density=rng.uniform(0.1, 0.35),
        overlap=0.1,
        mitoses=0.03,
    )
    tissue = Tissue(
        stroma=rng.uniform(0.02, 0.15),
        cytoplasm=rng.uniform(0.08, 0.25),
        lumen=0,
        vacuoles=0,
        red_cells=0,
        rim=rng.uniform(0.2, 0.6),
        texture=rng.uniform(0.3, 0.5),
    )
    grey = np.full((3, 3), rng.uniform(0.5, 0.9), np.float32)
    image, labels = draw_stained(rng, shape, population, tissue, grey)
    return image[..., 1], labels


def _draw_stained_look(rng: Rng, shape: tuple[int, int], look: Look) -> Drawn:
    """Draw stained tissue, or stained cells on an empty slide."""
    dyes = random_dyes(rng) * rng.uniform(0.7, 1.3, (3, 1)).astype(np.float32)
    population = Population(
        diameter=rng.uniform(13, 30),
        spread=0.22,
        elongation=(1.05, rng.uniform(1.6, 2.8)),
        density=rng.uniform(0.15, 0.4),
        overlap=0.12,
        alignment=rng.uniform(0.1, 0.8),
        roughness=0.1,
        mitoses=0.01,
    )
    tissue = Tissue(
        stroma=rng.uniform(0.15, 0.5),
        cytoplasm=rng.uniform(0.15, 0.6),
        lumen=rng.choice([0, rng.uniform(0.05, 0.3)]),
        vacuoles=int(rng.integers(0, 40)),
        red_cells=int(rng.integers(0, 20)),
        rim=rng.uniform(0.1, 0.6),
        texture=rng.uniform(0.15, 0.35),
        positive=rng.uniform(0.1, 0.7) if look is Look.IMMUNOHISTOCHEMISTRY else 0,
    )
    if look is Look.IMMUNOHISTOCHEMISTRY:
        dyes = dye_matrix(
            np.array(HEMATOXYLIN) + rng.normal(0, 0.06, 3),
            np.array(DAB) + rng.normal(0, 0.05, 3),
        )
    if look is Look.STAINED_CELLS:
        tissue = Tissue(
            stroma=rng.uniform(0, 0.05),
            cytoplasm=rng.uniform(0.05, 0.4),
            lumen=0,
            vacuoles=0,
            red_cells=0,
            rim=rng.uniform(0.1, 0.4),
            texture=rng.uniform(0.2, 0.4),
        )
    return draw_stained(rng, shape, population, tissue, dyes)
