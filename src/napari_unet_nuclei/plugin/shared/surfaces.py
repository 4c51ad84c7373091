"""Surfaces that are drawn in a Shapes layer: their outlines in pixels of another."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from napari_unet_nuclei.plugin.shared.placement import carry_points

if TYPE_CHECKING:
    from collections.abc import Iterator

    from napari.layers import Layer, Shapes
    from numpy.typing import NDArray

_SURFACES = ("polygon", "rectangle", "ellipse")
_N_CORNERS = 72  # of an ellipse


def iter_surfaces(shapes: Shapes, target: Layer) -> Iterator[NDArray[np.float64]]:
    """Yield the outline of each polygon, rectangle and ellipse.

    Parameters
    ----------
    shapes : napari.layers.Shapes
        What was drawn; lines and paths hold no pixels.
    target : napari.layers.Layer
        The layer whose pixels are meant.

    Yields
    ------
    (K, axes of the target) ndarray of float
        Corners, in pixels of the target.
    """
    for corners, kind in zip(shapes.data, shapes.shape_type, strict=True):
        if kind in _SURFACES:
            yield carry_points(_outline(corners, kind), shapes, target)


def _outline(corners: NDArray[Any], kind: str) -> NDArray[np.float64]:
    """Return the corners of a polygon; of an ellipse napari keeps those of its box."""
    if kind != "ellipse":
        return np.asarray(corners, float)
    centre = np.mean(corners, axis=0)
    one, other = (corners[1] - corners[0]) / 2, (corners[3] - corners[0]) / 2
    angles = np.linspace(0, 2 * np.pi, _N_CORNERS, endpoint=False)[:, np.newaxis]
    outline: NDArray[np.float64] = (
        centre + np.cos(angles) * one + np.sin(angles) * other
    )
    return outline
