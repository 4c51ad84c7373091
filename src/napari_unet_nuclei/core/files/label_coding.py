"""How files store the numbers of nuclei: axes of length 1, channels, colours.

From pixels as stored to one number per pixel, or a sentence where that would be a
guess.  What the numbers stand for is found in ``label_conventions``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from napari_unet_nuclei.core.errors import LabelsError

if TYPE_CHECKING:
    from numpy.typing import NDArray

_CHANNELS = (3, 4)
_MOST_NUMBERS_A_NUCLEUS = 16  # coded numbers may have gaps …
_FEWEST_NUMBERS = 4096  # … and no colour that a picture shows is as dark as these


def n_plane_axes(shape: tuple[int, ...]) -> int:
    """Return how many of the last axes are those of one plane.

    Parameters
    ----------
    shape : tuple of int
        Shape of an image, a label image, or a stack of either.

    Returns
    -------
    int
        3 where the last axis is one of 3 or 4 channels, else 2.
    """
    return 3 if len(shape) > 2 and shape[-1] in _CHANNELS else 2


def without_single_axes(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Leave axes of length 1 out of a shape: they are no question.

    Parameters
    ----------
    shape : tuple of int
        Shape of an image, a label image, or a stack of either.

    Returns
    -------
    tuple of int
        Y and X, and channels where they are the last, stay whatever their length.
    """
    if len(shape) > 2 and shape[-1] == 1:
        shape = shape[:-1]
    n_plane = n_plane_axes(shape)
    leading = tuple(length for length in shape[:-n_plane] if length != 1)
    return leading + shape[-n_plane:]


def as_numbers(pixels: NDArray[Any], name: str) -> NDArray[Any]:
    """Return one number per pixel, whichever way they are stored.

    Parameters
    ----------
    pixels : (…, Y, X) or (…, Y, X, 3 or 4) ndarray
        A label image as stored, or a stack of such; axes may have length 1.
    name : str
        What the error message calls it.

    Returns
    -------
    (…, Y, X) ndarray
        Of channels it is the one that is not zero, all of them being equal, or the
        number R + 256 G + 65536 B (or the other way round) that they code.  A single
        colour is the number 1.

    Raises
    ------
    LabelsError
        If there are several colours that are no coded numbers, or the labels are
        stored as transparency.
    """
    pixels = pixels.reshape(without_single_axes(pixels.shape))
    if n_plane_axes(pixels.shape) == 2:
        return pixels
    colours = pixels[..., :3]
    used = [channel for channel in np.moveaxis(colours, -1, 0) if channel.any()]
    if not used:
        _check_transparency(pixels, name)
        return colours[..., 0]
    if all(np.array_equal(channel, used[0]) for channel in used[1:]):
        return np.asarray(used[0])
    return _decode(colours, name)


def _check_transparency(pixels: NDArray[Any], name: str) -> None:
    """Refuse what is black wherever it is shown, with something in the fourth."""
    alpha = pixels[..., 3:]
    if alpha.size and np.any(alpha != alpha.flat[0]):
        raise LabelsError(
            f"{name} must be a label image of shape (Y, X) or hold its numbers in red, "
            "green or blue. Received: black in all places, with a transparency that "
            "differs. Save the numbers of the nuclei as grey."
        )


def _decode(colours: NDArray[Any], name: str) -> NDArray[np.int64]:
    """Read numbers from two or three channels, where these can be nothing else."""
    if colours.dtype == np.uint8:
        wide = colours.astype(np.int64)
        numbers: NDArray[np.int64] = wide @ np.array([1, 256, 65536])
        distinct = np.unique(numbers[numbers > 0])
        if distinct.size == 1:
            return np.asarray(numbers > 0, np.int64)
        limit = max(_FEWEST_NUMBERS, _MOST_NUMBERS_A_NUCLEUS * distinct.size)
        # Pictures take their colours from everywhere, numbers begin at the bottom.
        if distinct[-1] <= limit:
            return numbers
        numbers = wide @ np.array([65536, 256, 1])
        if numbers.max() <= limit:
            return numbers
    raise LabelsError(
        f"{name} must be a label image of shape (Y, X), or hold the numbers of nuclei "
        "in one channel or as R + 256 G + 65536 B, counted from 1. Received: several "
        "colours, each of which may be one nucleus or many. Save the labels as "
        "numbers, not as colours."
    )
