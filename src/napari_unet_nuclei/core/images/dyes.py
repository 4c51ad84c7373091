"""Dyes in transmitted light: what each takes away of red, green and blue.

What a dye does to an image belongs here, and dyes drawn at random.  Which dyes an
image was stained with is not found here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

HEMATOXYLIN = (0.65, 0.70, 0.29)
EOSIN = (0.07, 0.99, 0.11)
DAB = (0.27, 0.57, 0.78)
PURPLE = (0.30, 0.75, 0.20)
"""Optical density of dyes in R, G and B; ``PURPLE`` is a cast of old sections.

Ruifrok, Johnston: Quantification of histochemical staining by color deconvolution,
Anal. Quant. Cytol. Histol. 23, 2001, PMID 11531144.
"""

_DARKEST = 0.02  # of the light, below which optical density says nothing more
_LARGEST_COSINE = 0.9  # two dyes closer than this have one hue
_FAINTEST = 0.03  # density of a dye in a channel


def optical_density(image: NDArray[np.float32]) -> NDArray[np.float32]:
    """Measure how much of the light is taken away, as a natural logarithm.

    Parameters
    ----------
    image : (Y, X, 3) ndarray of float32, values in [0, 1]
        Transmitted light.

    Returns
    -------
    (Y, X, 3) ndarray of float32
        0 where all light passes; densities of several dyes add up.
    """
    return -np.log(np.maximum(image, np.float32(_DARKEST)))


def dye_matrix(nuclear: ArrayLike, other: ArrayLike) -> NDArray[np.float32]:
    """Complete the densities of two dyes to a basis of R, G and B.

    Parameters
    ----------
    nuclear, other : (3,) array of float
        Optical density of each dye in R, G and B.

    Returns
    -------
    (3, 3) ndarray of float32
        A dye in each row, of length 1; the third is perpendicular to both.
    """
    return dye_basis(nuclear, other).astype(np.float32)


def dye_basis(*dyes: ArrayLike) -> NDArray[np.float64]:
    """Return the densities of two or three dyes as a basis of R, G and B.

    Parameters
    ----------
    *dyes : (3,) array of float
        Optical density of each dye in R, G and B.

    Returns
    -------
    (3, 3) ndarray of float64
        A dye in each row, of length 1; after two dyes, what is neither of them.
    """
    rows = [np.asarray(dye, float) for dye in dyes]
    if len(rows) == 2:
        rows.append(np.cross(rows[0], rows[1]))
    basis = np.stack(rows)
    return np.asarray(basis / np.linalg.norm(basis, axis=1, keepdims=True))


def random_dyes(
    rng: np.random.Generator, *, spread: float = 0.12
) -> NDArray[np.float32]:
    """Draw the dyes of another preparation.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of randomness.
    spread : float
        Standard deviation of the density in each channel.

    Returns
    -------
    (3, 3) ndarray of float32
        A nuclear dye like hematoxylin, and one like eosin (in six of ten cases), DAB
        or a purple cast, as in :func:`dye_matrix`; never two of the same hue.
    """
    while True:
        kind = int(rng.choice(3, p=(0.6, 0.2, 0.2)))
        nuclear, other = (
            np.maximum(np.array(dye) + rng.normal(0, spread, 3), _FAINTEST)
            for dye in (HEMATOXYLIN, (EOSIN, DAB, PURPLE)[kind])
        )
        dyes = dye_matrix(nuclear, other)
        if dyes[0] @ dyes[1] < _LARGEST_COSINE:
            return dyes
