"""A new result around nuclei that were corrected by hand.

What becomes of the pixels is known to ``core.instances.editing.keeping``.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from napari_unet_nuclei.core.images.axes import leading_axes
from napari_unet_nuclei.core.instances.corrections import correct_features
from napari_unet_nuclei.core.instances.editing.keeping import (
    free_numbers,
    keep_nuclei,
    renumber,
)
from napari_unet_nuclei.core.instances.linked_measurements import N_PLANES
from napari_unet_nuclei.plugin.shared.layers import found_features

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from napari_unet_nuclei.core.instances.editing.changes import Locked
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
        What was found anew.
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
    fresh = nuclei.labels.copy()
    features = _renamed(nuclei.features, numbers)
    kept = _keep(result, fresh, features, table, numbers, locked)
    before, after = result.place(fresh)[0], result.place(kept)[0]
    places = np.nonzero(before != after)
    features = correct_features(
        features, before[places], after[places], result.pixels(places)
    )
    return replace(
        result,
        nuclei=replace(
            nuclei,
            labels=kept,
            copy=kept.copy(),
            features=features,
            absence=None if features["label"].size else nuclei.absence,
        ),
        locked=locked,
        corrections=table.told,
    )


def _keep(
    result: Result,
    fresh: NDArray[np.int32],
    features: Features,
    table: LiveTable,
    numbers: dict[int, int],
    locked: Locked,
) -> NDArray[np.int32]:
    """Keep what is locked, plane by plane; fresh labels get their new numbers."""
    layer = table.layer
    erased = None
    if locked.erased.size:
        erased = np.zeros(layer.data.shape, np.bool_)
        erased.reshape(-1)[locked.erased] = True
        erased = result.take_back(erased)
    current, known = result.take_back(layer.data), found_features(layer)
    axes = leading_axes(result.image_maps.request.axes)
    kept = np.empty_like(fresh)
    for index in np.ndindex(fresh.shape[:-2]):
        place = index if fresh[..., 0, 0].size > 1 else ()
        before = _of_plane(result.nuclei.features, axes, place)
        there = _of_plane(known, axes, place)
        renumber(fresh[index], {n: numbers[n] for n in _among(numbers, before)}, before)
        kept[index] = keep_nuclei(
            fresh[index],
            current[index],
            _among(locked.numbers, there),
            None if erased is None else erased[index],
            fresh_features=_of_plane(features, axes, place),
            current_features=there,
        )
    return kept


def _among(numbers: Iterable[int], features: Features | None) -> set[int]:
    """Return those numbers that nuclei of a plane have, or all if nobody knows."""
    wanted = set(numbers)
    return wanted if features is None else wanted & set(features["label"].tolist())


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
