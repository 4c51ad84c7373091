"""Measuring the nuclei of a labels layer, and again what has been edited.

Arrays only: layers belong in ``layer_planes`` and ``live_measurements``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from napari_unet_nuclei.core.instances.remeasuring import remeasure
from napari_unet_nuclei.core.progress import PlaneMeasured

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from numpy.typing import NDArray

    from napari_unet_nuclei.core.instances.measurements import Features
    from napari_unet_nuclei.plugin.measure.label_planes import Index, LabelPlanes

N_PLANES = "n_planes"
"""Column that says in how many planes a number stands, where that is not one."""


class MeasuredLabels:
    """A copy of labels that catches up with edits, and the measurements of all nuclei.

    Parameters
    ----------
    planes : LabelPlanes
        What to measure.
    """

    def __init__(self, planes: LabelPlanes) -> None:
        self.planes = planes
        self.features: Features = {"label": np.zeros(0, np.int64)}
        self._known: dict[Index, NDArray[np.integer]] = {}
        self._tables: dict[Index, Features] = {}

    def iter_follow(self, data: Any) -> Generator[PlaneMeasured, None, bool]:
        """Measure what has changed; at first, everything.

        Parameters
        ----------
        data : array_like
            The labels as they are now.

        Yields
        ------
        PlaneMeasured
            After each plane.

        Returns
        -------
        bool
            Whether any measurement has changed.
        """
        indices = list(self.planes.indices())
        has_changed = False
        for n_done, index in enumerate(indices, start=1):
            has_changed |= self._follow_plane(data, index)
            yield PlaneMeasured(n_done, len(indices))
        if has_changed:
            self.features = join_planes([self._tables[index] for index in indices])
        return has_changed

    def _follow_plane(self, data: Any, index: Index) -> bool:
        now = self.planes.labels(data, index)
        known = self._known.get(index)
        if known is not None and np.array_equal(known, now):
            return False
        image = self.planes.image(index)
        if known is None:
            table = image.measure(now)
        else:
            table = remeasure(self._tables[index], known, now, image)
        position = self.planes.position(index)
        table |= {
            axis.lower(): np.full(table["label"].size, number)
            for axis, number in position.items()
        }
        self._tables[index], self._known[index] = table, now
        return True


def join_planes(tables: Sequence[Features]) -> Features:
    """Put the tables of planes together; each number gets one row.

    Parameters
    ----------
    tables : sequence of dict of str to ndarray
        Measurements of each plane, with the same columns.

    Returns
    -------
    dict of str to (N,) ndarray
        By ascending ``label``.  A number that stands in several planes, as that of a
        nucleus in a volume does, is measured in the plane where its area is largest,
        and ``n_planes`` says in how many it stands.
    """
    if not tables:
        return {"label": np.zeros(0, np.int64), "area": np.zeros(0, np.int64)}
    # A column that one plane lacks, such as the probability, is left out.
    names = [name for name in tables[0] if all(name in each for each in tables)]
    joined = {name: np.concatenate([table[name] for table in tables]) for name in names}
    order = np.lexsort((-joined["area"], joined["label"]))
    joined = {name: column[order] for name, column in joined.items()}
    label, first, counts = np.unique(
        joined["label"], return_index=True, return_counts=True
    )
    if label.size == joined["label"].size:
        return joined
    return {name: column[first] for name, column in joined.items()} | {N_PLANES: counts}
