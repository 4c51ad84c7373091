"""Strokes and outlines that were drawn, as pixels."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from napari_unet_nuclei.core.instances.editing.edit import Box

_STEP = 0.5  # px between two samples of a line: no pixel is jumped over


def pixels_on(path: ArrayLike) -> NDArray[np.intp]:
    """Return the pixels under a line, in its direction.

    Parameters
    ----------
    path : (N, 2) array_like of float, in px
        Rows and columns of its points; the middle of a pixel is a whole number.

    Returns
    -------
    (M, 2) ndarray of int
        Each shares a side or a corner with the next.
    """
    points = np.asarray(path, float).reshape(-1, 2)
    parts = [points[:1]]
    for start, end in pairwise(points):
        n = int(np.ceil(np.abs(end - start).max() / _STEP)) or 1
        parts.append(start + np.linspace(0, 1, n + 1)[1:, np.newaxis] * (end - start))
    pixels: NDArray[np.intp] = np.floor(np.concatenate(parts) + 0.5).astype(np.intp)
    is_new = np.append(True, (np.diff(pixels, axis=0) != 0).any(axis=1))
    return np.asarray(pixels[is_new])


def inside_image(pixels: NDArray[np.intp], shape: tuple[int, ...]) -> NDArray[np.intp]:
    """Return those pixels that lie inside an image."""
    is_inside = np.all((pixels >= 0) & (pixels < shape), axis=1)
    return pixels[is_inside]


def pixel_at(point: ArrayLike, shape: tuple[int, ...]) -> tuple[int, int] | None:
    """Return the row and column of the pixel at a point.

    Parameters
    ----------
    point : (2,) array_like of float, in px
        Row and column; the middle of a pixel is a whole number.
    shape : tuple of int
        Height and width of the image.

    Returns
    -------
    tuple of int, or None
        ``None`` outside of the image.
    """
    row, column = (int(each) for each in np.floor(np.asarray(point, float) + 0.5))
    is_inside = 0 <= row < shape[0] and 0 <= column < shape[1]
    return (row, column) if is_inside else None


def nuclei_along(labels: NDArray[np.integer], path: ArrayLike) -> dict[int, int]:
    """Return which nuclei a stroke crosses, in its direction.

    Parameters
    ----------
    labels : (Y, X) ndarray of int
        Numbered nuclei, 0 = background.
    path : (N, 2) array_like of float, in px
        The stroke.

    Returns
    -------
    dict of int to int
        Numbers, and how many pixels of the stroke lie in each.
    """
    rows, columns = inside_image(pixels_on(path), labels.shape).T
    counts: dict[int, int] = {}
    for number in labels[rows, columns].tolist():
        if number > 0:
            counts[number] = counts.get(number, 0) + 1
    return counts


def pixels_inside(
    outline: ArrayLike, shape: tuple[int, ...]
) -> tuple[Box, NDArray[np.bool_]] | None:
    """Return the pixels inside an outline.

    Parameters
    ----------
    outline : (N, 2) array_like of float, in px
        Rows and columns of its corners; it is closed from the last to the first.
    shape : tuple of int
        Height and width of the image.

    Returns
    -------
    box : tuple of slices
        Rows and columns that hold the outline.
    mask : (y, x) ndarray of bool
        Which pixels in it are inside or on the outline.
    None
        If the outline lies outside the image.
    """
    from PIL import Image, ImageDraw

    points = np.asarray(outline, float).reshape(-1, 2)
    lowest = np.clip(np.floor(points.min(axis=0)).astype(int), 0, None)
    highest = np.ceil(points.max(axis=0)).astype(int) + 1
    highest = np.minimum(highest, shape)
    height, width = (int(length) for length in highest - lowest)
    if height <= 0 or width <= 0:
        return None
    picture = Image.new("1", (width, height))
    corners: list[Any] = [(x, y) for y, x in (points - lowest).tolist()]
    if len(corners) > 1:
        ImageDraw.Draw(picture).polygon(corners, fill=1, outline=1)
    else:
        ImageDraw.Draw(picture).point(corners, fill=1)
    rows, columns = (
        slice(int(first), int(last))
        for first, last in zip(lowest, highest, strict=True)
    )
    return (rows, columns), np.array(picture, bool)
