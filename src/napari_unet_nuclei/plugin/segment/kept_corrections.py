"""A new result around nuclei that were corrected by hand.

What becomes of the pixels is known to ``core.instances.editing.keeping``.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from napari_unet_nuclei.core.instances.editing.keeping import (
    free_numbers,
    keep_nuclei,
    renumbered,
)
from napari_unet_nuclei.plugin.segment.edited_labels import EditedLabels, whole_box

if TYPE_CHECKING:
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
    fresh = renumbered(nuclei.labels, numbers)
    kept = _keep(result, fresh, table.layer.data, locked)
    edited = EditedLabels(
        result.place(fresh)[0], _renamed(nuclei.features, numbers), result.pixels
    )
    placed = result.place(kept)[0]
    for _ in edited.iter_follow(placed, [whole_box(placed.shape)]):
        pass
    return replace(
        result,
        nuclei=replace(
            nuclei,
            labels=kept,
            copy=kept.copy(),
            features=edited.features,
            absence=None if edited.features["label"].size else nuclei.absence,
        ),
        locked=locked,
        corrections=table.told,
    )


def _keep(
    result: Result,
    fresh: NDArray[np.int32],
    current: NDArray[np.integer],
    locked: Locked,
) -> NDArray[np.int32]:
    """Keep what is locked, plane by plane."""
    erased = None
    if locked.erased.size:
        erased = np.zeros(current.shape, np.bool_)
        erased.reshape(-1)[locked.erased] = True
        erased = result.take_back(erased)
    current = result.take_back(current)
    kept = np.empty_like(fresh)
    for index in np.ndindex(fresh.shape[:-2]):
        kept[index] = keep_nuclei(
            fresh[index],
            current[index],
            locked.numbers,
            None if erased is None else erased[index],
        )
    return kept


def _renamed(features: Features, numbers: dict[int, int]) -> Features:
    """Return measurements under other numbers, by ascending number."""
    label = features["label"].copy()
    for old, new in numbers.items():
        label[features["label"] == old] = new
    order = np.argsort(label, kind="stable")
    return {
        name: values[order] for name, values in {**features, "label": label}.items()
    }
