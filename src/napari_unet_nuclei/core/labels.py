"""What counts as a label image, checked in one place.

Reading and writing label files lives in ``label_files``, making labels from
maps in ``splitting``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from napari_unet_nuclei.core.errors import LabelsError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

_LARGEST = np.iinfo(np.int32).max


def check_labels(labels: ArrayLike, name: str = "labels") -> NDArray[np.int32]:
    """Return the labels as a C-contiguous array of int32.

    Parameters
    ----------
    labels : (Y, X) array_like of bool, integers or whole-numbered floats
        0 is background, every nucleus has its own positive number.  ImageJ
        files hold float32 labels, hence the floats.
    name : str
        What the error message calls the labels, for example a file name.

    Returns
    -------
    (Y, X) ndarray of int32
        The very same array where it already is one, a converted copy otherwise.

    Raises
    ------
    LabelsError
        If the array is not 2D, has no pixels, or holds anything but whole numbers
        from 0 to 2,147,483,647.
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
            f"{_fractional_value(array)}. Pass instance labels, not probabilities."
        )
    if array.min() < 0 or array.max() > _LARGEST:
        raise LabelsError(
            f"{name} must lie between 0 (background) and {_LARGEST:,}. Received: "
            f"values from {array.min()} to {array.max()}. Renumber the nuclei."
        )
    return np.ascontiguousarray(array, dtype=np.int32)


def _are_whole_numbers(array: NDArray[Any]) -> bool:
    with np.errstate(invalid="ignore"):  # of what is not a number
        return array.dtype.kind != "f" or bool(np.all(array == np.floor(array)))


def _fractional_value(array: NDArray[Any]) -> str:
    """Name the first fractional value, as evidence for the message."""
    if array.dtype.kind != "f":
        return ""
    with np.errstate(invalid="ignore"):
        return f" with the value {array[array != np.floor(array)][0]}"
