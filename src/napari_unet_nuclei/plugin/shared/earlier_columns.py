"""Columns that stay in the table of a labels layer when it is written anew."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from napari_unet_nuclei.core.instances.doubts.reasons import DOUBT_COLUMNS
from napari_unet_nuclei.core.instances.measurements import (
    USUAL_COLUMNS,
    is_measurement,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

_SAME_PLACE = 1e-3  # px


def earlier_columns(
    before: Any, table: Mapping[str, NDArray[Any]]
) -> dict[str, NDArray[Any]]:
    """Return what of a table is not in the one that takes its place.

    Parameters
    ----------
    before : pandas.DataFrame
        The table of a labels layer.
    table : mapping of str to (N,) ndarray
        What it becomes, as `labels_features` returns it.

    Returns
    -------
    dict of str to (N,) ndarray
        Columns of other plugins, by label; and doubts, and measurements that the new
        table lacks, of those nuclei that are where they were.
    """
    names = [name for name in before if name not in table and name != "index"]
    names = [name for name in names if name not in USUAL_COLUMNS]
    if not names:
        return {}
    rows = _rows_before(before, table)
    is_same = _is_same_nucleus(before, rows, table)
    columns = {}
    for name in names:
        values = before[name].to_numpy(object)[rows]
        is_ours = is_measurement(name) or name in DOUBT_COLUMNS
        values[~(is_same if is_ours else rows >= 0)] = None
        is_number = before[name].dtype.kind in "uif"
        columns[name] = values.astype(float) if is_number else values
    return columns


def _rows_before(before: Any, table: Mapping[str, NDArray[Any]]) -> NDArray[np.intp]:
    """Return in which row of the table before each row of a table is; -1 if in none."""
    known = before["index"] if "index" in before else range(len(before))
    number = {int(label): row for row, label in enumerate(known) if label == label}
    labels = table.get("index", np.arange(len(table["area"])))
    return np.array([number.get(int(label), -1) for label in labels], np.intp)


def _is_same_nucleus(
    before: Any, rows: NDArray[np.intp], table: Mapping[str, NDArray[Any]]
) -> NDArray[np.bool_]:
    """Return which nuclei have not changed, by area and centroid."""
    is_same = rows >= 0
    for name in ("area", "centroid_y", "centroid_x"):
        if name in before and name in table:
            old, new = before[name].to_numpy(float)[rows], table[name]
            is_same &= np.isclose(old, new, rtol=0, atol=_SAME_PLACE)
    return is_same
