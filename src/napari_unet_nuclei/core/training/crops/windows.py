"""Where crops are cut from an image: windows of any size, where there is something.

What is done to a crop that was cut is in
:mod:`~napari_unet_nuclei.core.training.crops.augmentation`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

Scalar = TypeVar("Scalar", bound=np.generic)

_TRIES = 3


@dataclass(frozen=True, eq=False)
class Window:
    """Rows and columns of an image, each pixel where it comes from.

    Parameters
    ----------
    rows, columns : (n,) ndarray of int
        Positions in the image.
    margin : int, in px
        What of each side may lie beyond the border.
    """

    rows: NDArray[np.intp]
    columns: NDArray[np.intp]
    margin: int = 0

    def take(self, array: NDArray[Scalar]) -> NDArray[Scalar]:
        """Cut it out; without a copy where it lies inside of the image."""
        return _take(array, self.rows, self.columns)

    def take_inner(self, array: NDArray[Scalar]) -> NDArray[Scalar]:
        """Cut it out without its margin."""
        rows, columns = (
            axis[self.margin : axis.size - self.margin]
            for axis in (self.rows, self.columns)
        )
        return _take(array, rows, columns)


def draw_window(
    labels: NDArray[np.int32],
    annotated: NDArray[np.intp] | None,
    sides: tuple[int, int],
    rng: np.random.Generator,
    margin: int = 0,
) -> Window:
    """Draw a window that shows a nucleus, if a few tries find one.

    Parameters
    ----------
    labels : (Y, X) ndarray of int32
        Nuclei, 0 = background, -1 = not annotated.
    annotated : (n,) ndarray of int, optional
        As from :func:`find_annotated`.  Of an image that is annotated in part, the try
        that shows the most of that part is taken.
    sides : (int, int), in px
        Height and width, with the margin, which counts for nothing here.
    rng : numpy.random.Generator
        Source of randomness.
    margin : int, in px
        What of each side may lie beyond the border.

    Returns
    -------
    Window
        A place in the image.
    """
    if annotated is None:
        for _ in range(_TRIES):
            window = _draw(labels.shape, (None, None), sides, rng, margin)
            if (window.take_inner(labels) > 0).any():
                break
        return window
    windows = []
    for _ in range(_TRIES):
        row, column = divmod(int(rng.choice(annotated)), labels.shape[1])
        windows.append(_draw(labels.shape, (row, column), sides, rng, margin))
    return max(windows, key=lambda window: _worth(window.take_inner(labels)))


def _worth(labels: NDArray[np.int32]) -> tuple[bool, int]:
    """Say whether labels hold a nucleus, and how much of them is annotated."""
    return bool((labels > 0).any()), int(np.count_nonzero(labels >= 0))


def _draw(
    shape: tuple[int, ...],
    shown: tuple[int | None, int | None],
    sides: tuple[int, int],
    rng: np.random.Generator,
    margin: int,
) -> Window:
    rows, columns = (
        _place(length, side, margin, rng, position)
        for length, side, position in zip(shape, sides, shown, strict=True)
    )
    return Window(rows, columns, margin)


def find_annotated(labels: NDArray[np.int32]) -> NDArray[np.intp] | None:
    """Find the pixels that are annotated.

    Parameters
    ----------
    labels : (Y, X) ndarray of int32
        Nuclei, 0 = background, -1 = not annotated.

    Returns
    -------
    (n,) ndarray of int, optional
        Positions in the flat image; ``None`` where all or none of it is annotated, so
        that any place will do.
    """
    places = np.flatnonzero(labels >= 0)
    return None if places.size in (0, labels.size) else places


def _place(
    length: int,
    side: int,
    margin: int,
    rng: np.random.Generator,
    shown: int | None = None,
) -> NDArray[np.intp]:
    """Lay a window along an axis; return where each of its pixels comes from.

    An image too small for it begins anew beyond the border: in a mirror, a nucleus
    there would look like two that touch and be annotated as one.  A margin, of which
    little is seen, is mirrored.  A position that is to be shown lies in the middle half
    of the window, or as near to that as the border allows.
    """
    inner = side - 2 * margin
    room = length - inner
    if room < 0:
        start = rng.integers(length)
        return np.arange(start, start + side) % length
    first, last = 0, room
    if shown is not None:
        first = min(max(shown - 3 * inner // 4, 0), room)
        last = min(max(shown - inner // 4, 0), room)
    start = rng.integers(first, last + 1)
    return np.pad(np.arange(length), margin, mode="reflect")[start : start + side]


def _take(
    array: NDArray[Scalar], rows: NDArray[np.intp], columns: NDArray[np.intp]
) -> NDArray[Scalar]:
    if all(axis[-1] - axis[0] == axis.size - 1 for axis in (rows, columns)):
        return array[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    return array[np.ix_(rows, columns)]
