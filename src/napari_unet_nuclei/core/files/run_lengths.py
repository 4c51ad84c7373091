"""Masks and labels ↔ Kaggle's run-length encoding, as text.

A nucleus is ``start length start length …``: pixels count from 1, down the first
column, then down the next.  Tables of such texts are read and written in ``rle``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from napari_unet_nuclei.core.errors import LabelsError
from napari_unet_nuclei.core.instances.labels import check_labels

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import ArrayLike, NDArray


def encode_mask(mask: NDArray[np.bool_]) -> str:
    """Return one mask as runs of pixels.

    Parameters
    ----------
    mask : (Y, X) ndarray of bool
        True on the nucleus.

    Returns
    -------
    str
        Empty if the mask is.
    """
    return next(iter(encode_labels(np.asarray(mask, bool))), "")


def encode_labels(labels: ArrayLike) -> list[str]:
    """Return each nucleus as runs of pixels, in the order of their numbers.

    Parameters
    ----------
    labels : (Y, X) array_like of int
        0 is background.

    Returns
    -------
    list of str
        One text per nucleus.

    Raises
    ------
    LabelsError
        If these are no labels.
    """
    pixels = check_labels(labels).ravel(order="F")
    starts = np.flatnonzero(np.diff(pixels, prepend=pixels[0] - 1))
    lengths = np.diff(starts, append=pixels.size)
    numbers = pixels[starts]
    order = np.flatnonzero(numbers)
    order = order[np.argsort(numbers[order], kind="stable")]
    runs = np.column_stack([starts[order] + 1, lengths[order]])
    nuclei = np.split(runs, np.flatnonzero(np.diff(numbers[order])) + 1)
    return [" ".join(map(str, nucleus.ravel())) for nucleus in nuclei if nucleus.size]


def decode_mask(runs: str, shape: tuple[int, int]) -> NDArray[np.bool_]:
    """Return the mask that some runs of pixels describe.

    Parameters
    ----------
    runs : str
        What ``encode_mask`` returns.
    shape : (int, int)
        Height and width of the image.

    Returns
    -------
    (Y, X) ndarray of bool
        True on the nucleus.

    Raises
    ------
    LabelsError
        If the runs are no pairs of positive numbers, or leave the image.
    """
    return decode_labels([runs], shape) > 0


def decode_labels(nuclei: Iterable[str], shape: tuple[int, int]) -> NDArray[np.int32]:
    """Return the labels that the runs of several nuclei describe.

    Where nuclei overlap, the first one keeps the pixel.

    Parameters
    ----------
    nuclei : iterable of str
        One text per nucleus; nucleus *n* becomes label *n*, from 1.
    shape : (int, int)
        Height and width of the image.

    Returns
    -------
    (Y, X) ndarray of int32
        0 is background.

    Raises
    ------
    LabelsError
        If the runs are no pairs of positive numbers, or leave the image.
    """
    pixels = np.zeros(shape[0] * shape[1], np.int32)
    for number, text in enumerate(nuclei, start=1):
        for start, length in _parse(text, pixels.size):
            run = pixels[start - 1 : start - 1 + length]
            run[run == 0] = number
    return np.ascontiguousarray(pixels.reshape(shape, order="F"))


def _parse(runs: str, n_pixels: int) -> list[tuple[int, int]]:
    """Return pairs of start (from 1) and length, all inside the image."""
    try:
        numbers = [int(number) for number in runs.split()]
    except ValueError:
        numbers = [0]
    pairs = list(zip(numbers[::2], numbers[1::2], strict=False))
    if len(numbers) % 2 or any(start < 1 or length < 1 for start, length in pairs):
        raise LabelsError(
            "Expected runs as pairs of start and length, counted from 1. Received: "
            f"{runs[:60]!r}. Check that the nuclei are run-length encoded."
        )
    if any(start - 1 + length > n_pixels for start, length in pairs):
        raise LabelsError(
            f"Expected runs inside an image of {n_pixels:,} pixels. Received: "
            f"{runs[:60]!r}. Check that image and nuclei belong together."
        )
    return pairs
