"""Random smooth deformations: images bent as thin slices are when they are cut.

A deformation is a mesh of quadrilaterals, each of which Pillow maps onto a square
bilinearly, so that neighbours fit together.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from numpy.typing import NDArray

Scalar = TypeVar("Scalar", bound=np.generic)
Box = tuple[int, int, int, int]
Quadrilateral = tuple[float, ...]
Mesh = list[tuple[Box, Quadrilateral]]

_SPACING = 64  # px, between the nodes of a mesh
_SHIFT = 0.08  # of the spacing, standard deviation of a node along each axis
_ANGLE = 12.0  # degrees, standard deviation
_LOG_ZOOM = 0.1
_SHEAR = 0.06
_MARGIN = 0.2  # of a square's side; corners turned beyond it are held at its edge


def random_mesh(side: int, rng: np.random.Generator) -> Mesh:
    """Draw a deformation: turned, zoomed, sheared, bent, perhaps mirrored.

    Up stays up: half of them are mirrored left to right, none upside down.

    Parameters
    ----------
    side : int, in px
        Side of the deformed square.
    rng : numpy.random.Generator
        Source of randomness.

    Returns
    -------
    list of (box, quadrilateral)
        For :func:`deform`: squares of the result, and where their corners come from
        in a square that is larger by :func:`margin_around` ``side`` on each side.

    References
    ----------
    Simard, Steinkraus, Platt: Best practices for convolutional neural networks
    applied to visual document analysis, ICDAR 2003, doi:10.1109/ICDAR.2003.1227801
    """
    n_cells = max(1, round(side / _SPACING))
    edges = [int(edge) for edge in np.linspace(0, side, n_cells + 1).round()]
    nodes = np.stack(np.meshgrid(edges, edges), axis=-1) - side / 2  # x, y
    shifts = rng.normal(0, _SHIFT * side / n_cells, nodes.shape)
    origins = nodes @ _random_affine(rng).T + shifts
    source_side = side + 2 * margin_around(side)
    origins = np.clip(origins + source_side / 2, 0, source_side)
    return [
        (
            (edges[x], edges[y], edges[x + 1], edges[y + 1]),
            tuple(origins[[y, y + 1, y + 1, y], [x, x, x + 1, x + 1]].ravel().tolist()),
        )
        for y in range(n_cells)
        for x in range(n_cells)
    ]


def margin_around(side: int) -> int:
    """Pixels that are needed beyond each side of a square to be deformed."""
    return round(side * _MARGIN)


def _random_affine(rng: np.random.Generator) -> NDArray[np.float64]:
    angle = np.radians(rng.normal(0, _ANGLE))
    cosine, sine = np.cos(angle), np.sin(angle)
    zoom = np.exp(rng.normal(0, _LOG_ZOOM))
    shear = np.array([[1, rng.normal(0, _SHEAR)], [0, 1]])
    mirror = np.diag([rng.choice([-1, 1]), 1])
    turn = np.array([[cosine, -sine], [sine, cosine]])
    affine: NDArray[np.float64] = zoom * mirror @ turn @ shear
    return affine


def deform(
    array: NDArray[Scalar], mesh: Mesh, side: int, resampling: Image.Resampling
) -> NDArray[Scalar]:
    """Deform an image, or labels.

    Parameters
    ----------
    array : (Y, X) or (Y, X, 3) ndarray of uint8, or (Y, X) of int32
        A square larger by :func:`margin_around` ``side`` on each side.
    mesh : list of (box, quadrilateral)
        Output of :func:`random_mesh`.
    side : int, in px
        Side of the result.
    resampling : Image.Resampling
        ``BILINEAR`` for images, ``NEAREST`` for labels.

    Returns
    -------
    (side, side) or (side, side, 3) ndarray, dtype of ``array``
        The deformed square.
    """
    image = Image.fromarray(array)
    return np.asarray(
        image.transform((side, side), Image.Transform.MESH, mesh, resampling)
    )
