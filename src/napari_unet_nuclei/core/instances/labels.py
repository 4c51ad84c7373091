"""What counts as a label image, and which nuclei are in it, whatever their numbers.

In annotations, :data:`IGNORED` stands where nobody said what there is.
Nothing here takes time or memory by the largest number.  Reading and writing label
files lives in ``label_reading`` and ``files.labels``, making labels from maps in
``splitting``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from scipy import ndimage

from napari_unet_nuclei.core.errors import LabelsError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import ArrayLike, NDArray

AnyInteger = TypeVar("AnyInteger", bound=np.integer)

IGNORED = -1
"""Number of pixels that are not annotated: neither a nucleus nor background."""

_LARGEST = np.iinfo(np.int32).max


def check_labels(
    labels: ArrayLike, name: str = "labels", *, may_ignore: bool = False
) -> NDArray[np.int32]:
    """Return the labels as a C-contiguous array of int32.

    Parameters
    ----------
    labels : (Y, X) array_like of bool, integers or whole-numbered floats
        0 is background, every nucleus has its own positive number.  ImageJ
        files hold float32 labels, hence the floats.
    name : str
        What the error message calls the labels, for example a file name.
    may_ignore : bool
        Whether pixels may be `IGNORED`, as in annotations.

    Returns
    -------
    (Y, X) ndarray of int32
        The very same array where it already is one, a converted copy otherwise.

    Raises
    ------
    LabelsError
        If the array is not 2D, has no pixels, or holds anything but whole numbers
        from 0, or `IGNORED`, to 2,147,483,647.
    """
    array = np.asarray(labels)
    if array.ndim != 2 or not array.size:
        raise LabelsError(
            f"{name} must be a label image of shape (Y, X) with some pixels. Received: "
            f"shape {array.shape}. Pass one plane at a time, and labels as numbers, "
            "not as colours."
        )
    if array.dtype.kind not in "buif" or not _are_whole_numbers(array):
        raise LabelsError(
            f"{name} must hold whole numbers. Received: dtype {array.dtype}"
            f"{_fractional_value(array)}. Pass instance labels, not probabilities; "
            "threshold a soft mask at half of its largest value."
        )
    # As a number of Python, since 16 or 32 bits of a float do not hold the limit.
    lowest = IGNORED if may_ignore else 0
    if array.min() < lowest or array.max().item() > _LARGEST:
        also = f", or be {IGNORED} where nothing is annotated" if may_ignore else ""
        raise LabelsError(
            f"{name} must lie between 0 (background) and {_LARGEST:,}{also}. Received: "
            f"values from {array.min()} to {array.max()}. Renumber the nuclei."
        )
    return np.ascontiguousarray(array, dtype=np.int32)


def hide_ignored(labels: NDArray[AnyInteger]) -> NDArray[AnyInteger]:
    """Return labels that are background where they are ignored.

    Parameters
    ----------
    labels : (…, Y, X) ndarray of int
        0 is background, `IGNORED` is not annotated.

    Returns
    -------
    (…, Y, X) ndarray of int
        The very same array where all of it is annotated.
    """
    return np.maximum(labels, 0) if labels.min(initial=0) < 0 else labels


def count_annotated(labels: NDArray[np.integer]) -> int:
    """Count the pixels of nuclei and of background, all but those that are ignored."""
    return int(np.count_nonzero(labels >= 0))


def labels_at_border(labels: NDArray[AnyInteger]) -> NDArray[AnyInteger]:
    """Return what stands in the outermost rows and columns of an image, ascending."""
    edges = (labels[0], labels[-1], labels[:, 0], labels[:, -1])
    return np.unique(np.concatenate(edges))


def label_areas(
    labels: NDArray[np.integer],
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Count the pixels of each nucleus.

    Parameters
    ----------
    labels : (…, Y, X) ndarray of int
        0 is background, and so is what is ignored.

    Returns
    -------
    numbers, areas : (N,) ndarray of int64
        Numbers that occur, ascending and without 0, and their areas in px².
    """
    labels = hide_ignored(labels)
    if labels.max(initial=0) <= labels.size:  # counting is far cheaper than sorting
        areas = np.bincount(labels.ravel(), minlength=1)
        numbers = np.flatnonzero(areas)
        areas = areas[numbers]
    else:
        numbers, areas = np.unique(labels, return_counts=True)
    is_nucleus = numbers > 0
    return numbers[is_nucleus].astype(np.int64), areas[is_nucleus].astype(np.int64)


def compact_labels(
    labels: NDArray[np.integer],
) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """Renumber nuclei 1, 2, 3, … in the order of the numbers they have.

    Parameters
    ----------
    labels : (…, Y, X) ndarray of int
        0 is background, and so is what is ignored.

    Returns
    -------
    compact : (…, Y, X) ndarray of int32
        The same nuclei; the very same array where it is numbered so already.
    numbers : (N,) ndarray of int64
        What the nuclei 1, 2, 3, … were called.
    """
    labels = hide_ignored(labels)
    numbers, _ = label_areas(labels)
    if labels.dtype == np.int32 and numbers.size == labels.max(initial=0):
        return labels.astype(np.int32, copy=False), numbers
    steps = np.concatenate([[0], numbers])
    compact = np.searchsorted(steps, labels.ravel()).astype(np.int32)
    return compact.reshape(labels.shape), numbers


def find_nuclei(
    labels: NDArray[np.integer],
) -> Iterator[tuple[int, tuple[slice, slice]]]:
    """Find each nucleus of a label image.

    Parameters
    ----------
    labels : (Y, X) ndarray of int
        0 is background, and so is what is ignored.

    Yields
    ------
    number : int
        By ascending number.
    box : (slice, slice)
        Rows and columns that hold the nucleus.
    """
    compact, numbers = compact_labels(labels)
    boxes = ndimage.find_objects(compact)
    yield from zip(numbers.tolist(), boxes, strict=True)


def _are_whole_numbers(array: NDArray[Any]) -> bool:
    with np.errstate(invalid="ignore"):  # of what is not a number
        return array.dtype.kind != "f" or bool(np.all(array == np.floor(array)))


def _fractional_value(array: NDArray[Any]) -> str:
    """Name the first fractional value, as evidence for the message."""
    if array.dtype.kind != "f":
        return ""
    with np.errstate(invalid="ignore"):
        return f" with the value {array[array != np.floor(array)][0]}"
