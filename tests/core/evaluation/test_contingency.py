from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from napari_unet_nuclei.core.errors import LabelsError
from napari_unet_nuclei.core.evaluation.contingency import cross_tabulate

if TYPE_CHECKING:
    from typing import Any

    from napari_unet_nuclei.core.evaluation.contingency import Contingency

FAR = np.array([0, 5, 7, 2**31 - 1, 900])  # numbers larger than the image has pixels


def as_dict(table: Contingency) -> dict[Any, Any]:
    """Shared area by true and predicted label."""
    pairs = zip(table.rows, table.columns, table.intersections, strict=True)
    return {
        (int(table.true_labels[row]), int(table.predicted_labels[column])): int(shared)
        for row, column, shared in pairs
    }


@given(
    truth=hnp.arrays(np.int32, (5, 6), elements=st.integers(0, 4)),
    prediction=hnp.arrays(np.int32, (5, 6), elements=st.integers(0, 4)),
    far=st.booleans(),
)
@settings(max_examples=50, deadline=None)
def test_areas_equal_those_of_comparing_all_masks(
    truth: Any, prediction: Any, far: Any
) -> None:
    if far:
        truth, prediction = FAR[truth], FAR[prediction]
    table = cross_tabulate(truth, prediction)
    for labels, names, areas in (
        (truth, table.true_labels, table.true_areas),
        (prediction, table.predicted_labels, table.predicted_areas),
    ):
        assert names.tolist() == np.unique(labels[labels > 0]).tolist()
        assert areas.tolist() == [(labels == name).sum() for name in names]
    expected = {
        (true, predicted): shared
        for true in table.true_labels.tolist()
        for predicted in table.predicted_labels.tolist()
        if (shared := ((truth == true) & (prediction == predicted)).sum())
    }
    assert as_dict(table) == expected


def test_images_without_nuclei_have_an_empty_table() -> None:
    table = cross_tabulate(np.zeros((3, 4), int), np.zeros((3, 4), int))
    assert table.true_labels.size == table.predicted_areas.size == 0
    assert as_dict(table) == {}


def test_an_image_that_is_one_nucleus_has_no_background_to_count() -> None:
    full = np.full((3, 3), 2**31 - 1)
    assert as_dict(cross_tabulate(full, full)) == {(2**31 - 1, 2**31 - 1): 9}


def test_shapes_must_agree() -> None:
    with pytest.raises(LabelsError, match=r"same shape.*\(2, 3\).*\(3, 2\)"):
        cross_tabulate(np.zeros((2, 3), int), np.zeros((3, 2), int))


@pytest.mark.parametrize(("truth", "name"), [([[-2]], "truth"), ([[1]], "prediction")])
def test_labels_are_checked_by_name(truth: list[list[int]], name: str) -> None:
    with pytest.raises(LabelsError, match=name):
        cross_tabulate(truth, [[0.5]])
