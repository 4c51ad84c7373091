"""Labels that are being edited: what has changed, and how their table changes.

Arrays only.  Which events announce an edit is known to ``live_table`` and ``strokes``,
how a change alters a measurement to ``core.instances.corrections``.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_unet_nuclei.core.instances.corrections import (
    Corrections,
    correct_features,
    count_corrections,
)
from napari_unet_nuclei.core.instances.editing.changes import (
    NOTHING_LOCKED,
    ChangedPixels,
    Locked,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping, Sequence

    from numpy.typing import NDArray

    from napari_unet_nuclei.core.instances.measurements import Features

    Box = tuple[slice, ...]
    Places = tuple[NDArray[np.intp], ...]
    PixelValues = Callable[[Places], Mapping[str, NDArray[Any]]]


class EditedLabels:
    """A copy of labels that catches up with edits and keeps their measurements.

    Parameters
    ----------
    labels : (…, Y, X) ndarray of integers
        The labels as they were found; a copy, because it is changed.
    features : dict of str to (N,) ndarray
        Their measurements.
    pixel_values : callable
        Gets the places of pixels, one array for each axis, and returns what the
        columns of the table average, as `correct_features` wants it.
    locked : Locked
        What was locked when the labels were found.
    n_compared : int
        Pixels that are compared at a time.
    n_collected : int
        Number of changed pixels above which they are measured before the search
        goes on.
    """

    def __init__(
        self,
        labels: NDArray[np.integer],
        features: Features,
        pixel_values: PixelValues,
        *,
        locked: Locked = NOTHING_LOCKED,
        n_compared: int = 1 << 20,
        n_collected: int = 1 << 21,
    ) -> None:
        self.features = features
        self._found = features
        self._labels = labels
        self.pixel_values = pixel_values
        self._n_compared = n_compared
        self._n_collected = n_collected
        self._difference = 0
        self._locked = locked
        self._locking = ChangedPixels()

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the labels."""
        return self._labels.shape

    @property
    def is_edited(self) -> bool:
        """Whether any pixel differs from the labels that were found.

        Known from a sum over the changed pixels, which is 0 again once an edit is
        undone; another edit makes it 0 with a probability of 1 in 2⁶⁴.
        """
        return self._difference != 0

    @property
    def corrections(self) -> Corrections:
        """How many nuclei differ from those that were found."""
        return count_corrections(self._found, self.features)

    @property
    def locked(self) -> Locked:
        """The nuclei and the background that were corrected, before and since."""
        locked = self._locked.joined(self._locking.locked)
        is_erased = self._labels.reshape(-1)[locked.erased] == 0
        there = locked.numbers.intersection(self.features["label"].tolist())
        return Locked(there, locked.erased[is_erased])

    def accept(self, number: int, *, is_accepted: bool) -> None:
        """Lock a nucleus as it is, or no longer."""
        numbers = self._locked.numbers - {number}
        numbers |= {number} if is_accepted else set()
        self._locked = Locked(numbers, self._locked.erased)

    def unlock(self) -> None:
        """Lock nothing of what has been corrected so far."""
        self._locked, self._locking = NOTHING_LOCKED, ChangedPixels()

    def forget_pixels(self) -> None:
        """Forget the image; nuclei that change from now on lose their intensity."""
        self.pixel_values = positions_only

    def iter_follow(
        self, data: Any, boxes: Sequence[Box]
    ) -> Generator[int, None, None]:
        """Find what has changed inside some boxes and measure it.

        Parameters
        ----------
        data : array_like
            The labels as they are now, in the shape of the copy.
        boxes : sequence of tuples of slices
            Where to look, one slice for each axis.

        Yields
        ------
        int
            After each part has been compared: number of changed pixels that have not
            been measured yet.
        """
        places: list[Places] = []
        pairs: list[tuple[NDArray[Any], NDArray[Any]]] = []
        n_changed = 0
        for box in boxes:
            for slab in _slabs(box, self.shape, self._n_compared):
                found = self._compare(data, slab)
                if found is not None:
                    places.append(found[0])
                    pairs.append(found[1:])
                    n_changed += found[1].size
                if n_changed > self._n_collected:
                    self._measure(places, pairs)
                    places, pairs, n_changed = [], [], 0
                yield n_changed
        if n_changed:
            self._measure(places, pairs)

    def _compare(
        self, data: Any, slab: Box
    ) -> tuple[Places, NDArray[Any], NDArray[Any]] | None:
        known, now = self._labels[slab], np.asarray(data[slab])
        is_other = known != now
        if not is_other.any():
            return None
        inside = np.nonzero(is_other)
        before, after = known[inside], now[inside]
        if not np.can_cast(after.dtype, known.dtype):
            self._labels = self._labels.astype(np.int64)
            known = self._labels[slab]
        known[inside] = after
        corner = [part.start for part in slab]
        places = tuple(each + n for each, n in zip(inside, corner, strict=True))
        return places, before, after

    def _measure(
        self,
        places: Sequence[Places],
        pairs: Sequence[tuple[NDArray[Any], NDArray[Any]]],
    ) -> None:
        everywhere = tuple(np.concatenate(axis) for axis in zip(*places, strict=True))
        before, after = (np.concatenate(each) for each in zip(*pairs, strict=True))
        where = np.ravel_multi_index(everywhere, self.shape)
        self._locking.note(where, before, after)
        self._note_difference(where.astype(np.uint64), before, after)
        self.features = correct_features(
            self.features, before, after, self.pixel_values(everywhere)
        )

    def _note_difference(
        self, where: NDArray[np.uint64], before: NDArray[Any], after: NDArray[Any]
    ) -> None:
        change = _sum_scattered(where, after) - _sum_scattered(where, before)
        self._difference = (self._difference + change) % (1 << 64)


def is_about(features: Features, labels: NDArray[np.integer]) -> bool:
    """Whether measurements are those of labels, by areas and centroids.

    Parameters
    ----------
    features : dict of str to (N,) ndarray
        The measurements, by ascending ``label``.
    labels : (…, Y, X) ndarray of integers
        The labels.
    """
    where = np.flatnonzero(labels)
    numbers = labels.reshape(-1)[where]
    known, area = features["label"], features["area"]
    rows = np.searchsorted(known, numbers)
    if numbers.size and (known.size == 0 or rows.max() == known.size):
        return False
    if not np.array_equal(known[rows], numbers):
        return False
    width = labels.shape[-1]
    places = where % (labels.shape[-2] * width)
    sums = np.bincount(rows, weights=places, minlength=known.size)
    centroids = features["centroid_y"] * width + features["centroid_x"]
    return np.array_equal(np.bincount(rows, minlength=known.size), area) and bool(
        np.allclose(sums, centroids * area, rtol=0, atol=width)
    )


def measure_anew(
    features: Features, labels: NDArray[np.integer], pixel_values: PixelValues
) -> Features:
    """Return the measurements of labels that were edited while nothing followed them.

    Parameters
    ----------
    features : dict of str to (N,) ndarray
        Earlier measurements; they are kept for nuclei that are still the same.
    labels : (…, Y, X) ndarray of integers
        The labels.
    pixel_values : callable
        As for `EditedLabels`.
    """
    nothing = {name: values[:0] for name, values in features.items()}
    edited = EditedLabels(np.zeros_like(labels), nothing, pixel_values)
    for _ in edited.iter_follow(labels, [whole_box(labels.shape)]):
        pass
    measured = edited.features
    _, old, new = np.intersect1d(
        features["label"], measured["label"], return_indices=True
    )
    is_same = np.all(
        [
            np.isclose(features[name][old], measured[name][new], rtol=0, atol=1e-3)
            for name in ("area", "centroid_y", "centroid_x")
        ],
        axis=0,
    )
    for name, values in features.items():
        measured[name][new[is_same]] = values[old[is_same]]
    return measured


def positions_only(places: Places) -> dict[str, NDArray[Any]]:
    """Return what can be measured without an image."""
    return {"centroid_y": places[-2], "centroid_x": places[-1]}


def whole_box(shape: Sequence[int]) -> Box:
    """Return the box that holds all pixels."""
    return tuple(slice(0, length) for length in shape)


def _slabs(
    box: Box, shape: tuple[int, ...], n_pixels: int
) -> Generator[Box, None, None]:
    """Cut a box along its longest axis that has others behind it."""
    starts = [max(part.start or 0, 0) for part in box]
    stops = [
        length if part.stop is None else min(part.stop, length)
        for part, length in zip(box, shape, strict=True)
    ]
    lengths = [max(stop - start, 0) for start, stop in zip(starts, stops, strict=True)]
    if not all(lengths):
        return
    axis = int(np.argmax([*lengths[:-1], 0])) if len(lengths) > 1 else 0
    rest = math.prod(lengths) // lengths[axis]
    step = max(n_pixels // max(rest, 1), 1)
    for start in range(starts[axis], stops[axis], step):
        slab = [slice(*ends) for ends in zip(starts, stops, strict=True)]
        slab[axis] = slice(start, min(start + step, stops[axis]))
        yield tuple(slab)


def _sum_scattered(where: NDArray[np.uint64], labels: NDArray[Any]) -> int:
    """Sum a number for each pair of place and label that looks random (splitmix64)."""
    mixed = where * np.uint64(0x9E3779B97F4A7C15) + labels.astype(np.uint64)
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        mixed = (mixed ^ (mixed >> np.uint64(shift))) * np.uint64(factor)
    return int((mixed ^ (mixed >> np.uint64(31))).sum())
