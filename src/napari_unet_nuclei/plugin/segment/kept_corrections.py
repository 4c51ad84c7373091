"""A new result around nuclei that were corrected by hand.

What becomes of the pixels is known to ``core.instances.editing.keeping``.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from napari_unet_nuclei.core.images.axes import leading_axes
from napari_unet_nuclei.core.instances.corrections import correct_features
from napari_unet_nuclei.core.instances.editing.keeping import (
    free_numbers,
    keep_in_place,
    renumber,
)
from napari_unet_nuclei.core.instances.editing.locating import places_of
from napari_unet_nuclei.core.instances.linked_measurements import N_PLANES
from napari_unet_nuclei.plugin.shared.layers import found_features

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from numpy.typing import NDArray

    from napari_unet_nuclei.core.instances.measurements import Features
    from napari_unet_nuclei.plugin.segment.live_table import LiveTable
    from napari_unet_nuclei.plugin.segment.results import Result


def can_keep(result: Result, table: LiveTable) -> bool:
    """Whether a result fits around what was corrected in a layer."""
    shape = result.place(result.nuclei.labels)[0].shape
    return table.may_be_replaced and shape == tuple(table.layer.data.shape)


def keep_corrections(result: Result, table: LiveTable) -> Result:
    """Return a result with the corrected nuclei of a layer in it.

    Parameters
    ----------
    result : Result
        What was found anew; its labels are changed in place, because copies of a large
        image would hold the window.
    table : LiveTable
        The table of the layer, all of whose edits are known; see `can_keep`.

    Returns
    -------
    Result
        The same result if nothing is locked.
    """
    locked = table.locked
    if not locked:
        return result
    nuclei = result.nuclei
    numbers = free_numbers(nuclei.features["label"], locked.numbers)
    labels, copy = map(np.ascontiguousarray, (nuclei.labels, nuclei.copy))
    features = _renamed(nuclei.features, numbers)
    changes = list(_iter_kept(result, labels, copy, features, table, numbers))
    if changes:
        before, after = (
            np.concatenate([getattr(each, name) for each in changes])
            for name in ("before", "after")
        )
        axes = zip(*(each.places for each in changes), strict=True)
        places = tuple(np.concatenate(axis) for axis in axes)
        features = correct_features(features, before, after, result.pixels(places))
    return replace(
        result,
        nuclei=replace(
            nuclei,
            labels=labels,
            copy=copy,
            features=features,
            absence=None if features["label"].size else nuclei.absence,
        ),
        locked=locked,
        corrections=table.told,
    )


class _Change(NamedTuple):
    """Pixels of a plane that have another label, by their places in the layer."""

    places: tuple[NDArray[np.intp], ...]
    before: NDArray[np.int32]
    after: NDArray[np.int32]


def _iter_kept(
    result: Result,
    labels: NDArray[np.int32],
    copy: NDArray[np.int32],
    features: Features,
    table: LiveTable,
    numbers: dict[int, int],
) -> Iterator[_Change]:
    """Keep what is locked in labels and their copy, plane by plane."""
    layer, locked = table.layer, table.locked
    current, known = result.take_back(layer.data), found_features(layer)
    axes = leading_axes(result.image_maps.request.axes)
    erased = result.take_back_places(locked.erased, layer.data.shape)
    indices = list(np.ndindex(labels.shape[:-2]))
    of_planes = {
        index: _of_plane(known, axes, index if len(indices) > 1 else ())
        for index in indices
    }
    spread = locked.numbers - _within_planes(current, locked.numbers, of_planes)
    for index in indices:
        place = index if len(indices) > 1 else ()
        before = _of_plane(result.nuclei.features, axes, place)
        there = of_planes[index]
        plane = labels[index]
        renamed = renumber(
            plane, {n: numbers[n] for n in _among(numbers, before)}, before
        )
        is_here = np.ones(erased[-1].size, np.bool_)
        for axis, position in zip(erased, index, strict=False):
            is_here &= axis == position
        where, found = keep_in_place(
            plane,
            current[index],
            spread | _among(locked.numbers, there),
            np.ravel_multi_index([axis[is_here] for axis in erased[-2:]], plane.shape),
            fresh_features=_of_plane(features, axes, place),
            current_features=there,
        )
        now = plane.reshape(-1)
        for each in (renamed, where):
            copy[index].reshape(-1)[each] = now[each]
        is_other = found != now[where]
        if is_other.any():
            where = where[is_other]
            y, x = np.unravel_index(where, plane.shape)
            places = result.place_pixels(index, y, x)
            yield _Change(places, found[is_other], now[where])


def _among(numbers: Iterable[int], features: Features | None) -> set[int]:
    """Return those numbers that nuclei of a plane have, or all if nobody knows."""
    wanted = set(numbers)
    return wanted if features is None else wanted & set(features["label"].tolist())


def _within_planes(
    current: NDArray[np.integer],
    numbers: Iterable[int],
    of_planes: dict[tuple[int, ...], Features | None],
) -> set[int]:
    """Return those numbers of which all pixels lie in the plane that the table says.

    A linked nucleus stands in several, of which the table says the middle, and one that
    was linked once may be locked in a table whose other nuclei are not.
    """
    within: set[int] = set()
    for index, features in of_planes.items():
        wanted = set() if features is None else _among(numbers, features)
        if features is None or not wanted:
            continue
        plane = current[index]
        places = places_of(plane, wanted, features)
        found, areas = np.unique(plane.reshape(-1)[places], return_counts=True)
        rows = np.searchsorted(features["label"], found)
        within |= set(found[areas == features["area"][rows]].tolist())
    return within


def _of_plane(
    features: Features | None, axes: str, place: tuple[int, ...]
) -> Features | None:
    """Return the measurements of the nuclei of a plane, if they tell of planes."""
    names = [axis.lower() for axis in axes[: len(place)]]
    if features is None or N_PLANES in features or not set(names) <= set(features):
        return None  # linked nuclei stand in several, of which one says the middle
    is_here = np.ones(features["label"].size, np.bool_)
    for name, position in zip(names, place, strict=True):
        is_here &= features[name] == position
    return {name: values[is_here] for name, values in features.items()}


def _renamed(features: Features, numbers: dict[int, int]) -> Features:
    """Return measurements under other numbers, by ascending number."""
    label = features["label"].copy()
    for old, new in numbers.items():
        label[features["label"] == old] = new
    order = np.argsort(label, kind="stable")
    return {
        name: values[order] for name, values in {**features, "label": label}.items()
    }
