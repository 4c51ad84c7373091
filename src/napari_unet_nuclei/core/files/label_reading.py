"""Files of labels and masks → label images, or a sentence; nothing is guessed.

How files store numbers is known in ``label_coding``, what the numbers stand for in
``label_conventions``; they are written in ``labels``.
"""

from __future__ import annotations

import io
import os
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_unet_nuclei.core.errors import ImageError, LabelsError
from napari_unet_nuclei.core.files.images import read_image
from napari_unet_nuclei.core.files.label_coding import (
    as_numbers,
    n_plane_axes,
    without_single_axes,
)
from napari_unet_nuclei.core.files.label_conventions import (
    check_no_grey_levels,
    find_one_nucleus,
    number_nuclei,
)
from napari_unet_nuclei.core.files.tiff import TIFF_SUFFIXES, read_tiff_shape
from napari_unet_nuclei.core.files.untrusted import DECODING_ERRORS
from napari_unet_nuclei.core.instances.labels import (
    IGNORED,
    check_labels,
    hide_ignored,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Source = str | os.PathLike[str] | bytes

LABEL_SUFFIXES = TIFF_SUFFIXES | {".png", ".bmp"}

_LARGEST = np.iinfo(np.int32).max


def read_labels(path: str | os.PathLike[str]) -> NDArray[np.int32]:
    """Return the labels in a TIFF, PNG or BMP file.

    Parameters
    ----------
    path : path
        An image whose values are the numbers of the nuclei: grey, indices of a
        palette, one of several channels, or R + 256 G + 65536 B.  Axes of length 1
        do not count.

    Returns
    -------
    (Y, X) ndarray of int32
        0 is background, -1 is not annotated.  Where a number exceeds 2,147,483,647,
        the nuclei are numbered 1, 2, 3, … in the order of the numbers in the file.

    Raises
    ------
    ImageError
        If the file is missing or damaged.
    LabelsError
        If the format cannot hold labels, or the content is no label image.
    """
    labels = read_label_stack(path)
    return check_labels(labels, name=os.fspath(path), may_ignore=True)


def read_label_stack(source: Source, name: str | None = None) -> NDArray[np.int32]:
    """Return the labels in a TIFF, PNG or BMP file, which may hold a stack of them.

    Parameters
    ----------
    source : path or bytes
        A file as in :func:`read_labels`, or its content.
    name : str, optional
        The file name that goes with ``bytes``.

    Returns
    -------
    (…, Y, X) ndarray of int32
        As from :func:`read_labels`.

    Raises
    ------
    ImageError, LabelsError
        As in :func:`read_labels`.
    """
    name = _name(source, name)
    if PurePath(name).suffix.lower() not in LABEL_SUFFIXES:
        raise LabelsError(
            f"Expected a label file ({', '.join(sorted(LABEL_SUFFIXES))}). Received: "
            f"{name}. Save the labels without lossy compression."
        )
    # A palette only says how to show numbers: 0 is background, even if shown white.
    pixels = as_numbers(read_image(source, name, as_shown=False), name)
    planes = pixels.reshape(-1, *pixels.shape[-2:])
    height = planes.shape[0] * planes.shape[1]
    tall = check_labels(_fit(planes.reshape(height, -1)), name, may_ignore=True)
    labels = tall.reshape(planes.shape)
    _check_ignored(labels, name)
    for plane in labels:
        check_no_grey_levels(hide_ignored(plane), name)
    return labels.reshape(pixels.shape)


def read_nuclei(path: str | os.PathLike[str]) -> NDArray[np.int32]:
    """Return the nuclei in a file of labels or in a mask.

    Parameters
    ----------
    path : path
        As in :func:`read_labels`.

    Returns
    -------
    (Y, X) ndarray of int32
        Numbers as `label_conventions.number_nuclei` gives them: the parts of a mask
        are numbered.

    Raises
    ------
    ImageError, LabelsError
        As in :func:`read_labels`, or if numbers stand for something else.
    """
    labels = read_nuclei_stack(path)
    return check_labels(labels, name=os.fspath(path), may_ignore=True)


def read_nuclei_stack(source: Source, name: str | None = None) -> NDArray[np.int32]:
    """Return the nuclei in a file of labels or masks, which may hold a stack.

    Parameters
    ----------
    source, name
        As in :func:`read_label_stack`.

    Returns
    -------
    (…, Y, X) ndarray of int32
        As from :func:`read_nuclei`; whether this is a mask is decided for the file.

    Raises
    ------
    ImageError, LabelsError
        As in :func:`read_nuclei`.
    """
    labels = read_label_stack(source, name)
    planes = labels.reshape(-1, *labels.shape[-2:])
    nuclei = number_nuclei(hide_ignored(planes), _name(source, name))
    if labels.min() < 0:
        nuclei = np.where(planes == IGNORED, np.int32(IGNORED), nuclei)
    return nuclei.reshape(labels.shape)


def leading_shape(source: Source, name: str | None = None) -> tuple[int, ...]:
    """Return how many planes a file of labels holds, from its header alone.

    Parameters
    ----------
    source, name
        As in :func:`read_label_stack`.

    Returns
    -------
    tuple of int
        Lengths of the axes before Y and X that are not 1; empty for a single plane,
        and for what cannot be read, of which reading says why.
    """
    name = _name(source, name)
    if PurePath(name).suffix.lower() not in TIFF_SUFFIXES:
        return ()
    try:
        file = io.BytesIO(source) if isinstance(source, bytes) else Path(source)
        shape = without_single_axes(read_tiff_shape(file, name))
    except (*DECODING_ERRORS, ImageError):
        return ()
    return shape[: -n_plane_axes(shape)]


def read_mask(source: Source, name: str | None = None) -> NDArray[np.bool_]:
    """Return where the one nucleus of a mask file lies.

    Parameters
    ----------
    source : path or bytes
        An image that is 0 outside of the nucleus, grey or in colour; what is not a
        number is outside.
    name : str, optional
        The file name that goes with ``bytes``.

    Returns
    -------
    (Y, X) or, of a stack, (…, Y, X) ndarray of bool
        True where the value is at least half of the largest in the file, so that
        soft edges end in their middle.

    Raises
    ------
    ImageError
        If the file is missing or damaged.
    LabelsError
        If there are several nuclei in it.
    """
    name = _name(source, name)
    # As in label files, the index 0 of a palette is outside, even if shown white.
    values = read_image(source, name, as_shown=False)
    values = values.reshape(without_single_axes(values.shape))
    if n_plane_axes(values.shape) == 3:
        values = values[..., :3].max(axis=-1)
    if values.dtype.kind == "f":
        values = np.nan_to_num(values)
    return find_one_nucleus(values, name)


def _name(source: Source, name: str | None) -> str:
    return name or ("labels" if isinstance(source, bytes) else os.fspath(source))


def _check_ignored(labels: NDArray[np.int32], name: str) -> None:
    """Refuse masks whose nuclei are minus one, all bits of a signed number."""
    if labels.min() < 0 and labels.max() <= 0:
        raise LabelsError(
            f"{name} must lie between 0 (background) and {_LARGEST:,}, or hold nuclei "
            f"beside the {IGNORED} of what is not annotated. Received: values from "
            f"{labels.min()} to {labels.max()}. Save a mask with the value 1, or "
            "number the nuclei."
        )


def _fit(labels: NDArray[Any]) -> NDArray[Any]:
    """Renumber what does not fit into 32 bits; what is no number stays as it is."""
    if labels.dtype.kind not in "uif" or not np.isfinite(labels).all():
        return labels
    # As a number of Python, since 16 or 32 bits of a float do not hold the limit.
    is_too_large = labels.max().item() > _LARGEST and labels.min() >= 0
    if not is_too_large or np.any(labels != np.floor(labels)):
        return labels
    distinct, positions = np.unique(labels, return_inverse=True)
    # Without background the first nucleus is 1 all the same.
    return positions.reshape(labels.shape) + int(distinct[0] != 0)
