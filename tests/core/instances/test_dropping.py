from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from napari_unet_nuclei.core.instances.dropping import drop_nuclei
from napari_unet_nuclei.core.instances.labels import label_areas

if TYPE_CHECKING:
    from typing import Any


def test_nothing_is_dropped_or_copied_by_default() -> None:
    labels = np.array([[1, 1, 0], [0, 0, 2]], np.int32)
    assert drop_nuclei(labels) is labels
    assert drop_nuclei(labels, max_area=2) is labels
    nothing = np.zeros((2, 3), np.int32)
    assert drop_nuclei(nothing, max_area=1, drop_border=True) is nothing


@given(
    labels=hnp.arrays(np.int32, (6, 7), elements=st.integers(0, 5)),
    max_area=st.none() | st.integers(1, 12),
    drop_border=st.booleans(),
)
def test_what_is_left_is_numbered_anew_in_the_same_order(
    labels: Any, max_area: Any, drop_border: Any
) -> None:
    labels = np.searchsorted(np.unique([0, *labels.ravel()]), labels).astype(np.int32)
    before = labels.copy()
    dropped = drop_nuclei(labels, max_area=max_area, drop_border=drop_border)
    np.testing.assert_array_equal(labels, before)
    inner = labels[1:-1, 1:-1]
    kept = [
        number
        for number in range(1, labels.max() + 1)
        if (max_area is None or (labels == number).sum() <= max_area)
        and (not drop_border or (labels == number).sum() == (inner == number).sum())
    ]
    assert dropped.dtype == np.int32
    assert label_areas(dropped)[0].size == len(kept)
    for new, old in enumerate(kept, 1):
        np.testing.assert_array_equal(dropped == new, labels == old)
