"""The table of nuclei that stand in several planes of a stack, made of those of planes.

What only a volume has, such as a surface, belongs in ``volumes``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from napari_unet_nuclei.core.instances.measurements import Features

N_PLANES = "n_planes"
"""Column that says in how many planes a nucleus stands, where that is not one."""

_OF_ONE_PLANE = ("diameter",)  # of a disc of the area


def join_linked(tables: Sequence[Features]) -> Features:
    """Put the tables of planes together; a nucleus of several planes gets one row.

    Parameters
    ----------
    tables : sequence of dict of str to (N,) ndarray
        Usual measurements of each plane, with the same columns.

    Returns
    -------
    dict of str to (M,) ndarray
        By ascending ``label``.  Where nuclei are linked, ``area`` counts the pixels of
        all planes of a nucleus, the other columns are means over them, ``n_planes``
        says in how many planes it stands, and there is no ``diameter``.

    Examples
    --------
    >>> below = {"label": np.array([1, 2]), "area": np.array([3, 9])}
    >>> above = {"label": np.array([1]), "area": np.array([5])}
    >>> table = join_linked([below, above])
    >>> table["area"].tolist(), table["n_planes"].tolist()
    ([8, 9], [2, 1])
    """
    joined = {
        name: np.concatenate([table[name] for table in tables]) for name in tables[0]
    }
    label, rows, n_planes = np.unique(
        joined["label"], return_inverse=True, return_counts=True
    )
    if label.size == rows.size:
        return joined

    def add(values: NDArray[np.generic]) -> NDArray[np.float64]:
        return np.asarray(np.bincount(rows, weights=values), np.float64)

    area = add(joined["area"])
    table: Features = {"label": label, "area": area.astype(np.int64)}
    for name, column in joined.items():
        if name not in (*table, *_OF_ONE_PLANE):
            table[name] = add(column * joined["area"]) / area
    table[N_PLANES] = n_planes
    return table
