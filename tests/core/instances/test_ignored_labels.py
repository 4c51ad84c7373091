"""Labels that say where nothing is annotated."""

from __future__ import annotations

import numpy as np
import pytest

from napari_unet_nuclei.core.errors import LabelsError
from napari_unet_nuclei.core.instances.labels import (
    IGNORED,
    check_labels,
    compact_labels,
    find_nuclei,
    hide_ignored,
    label_areas,
)
from napari_unet_nuclei.core.instances.measurements import measure_nuclei

LABELS = np.array([[0, 7, 7, IGNORED], [3, 0, IGNORED, IGNORED]], np.int32)


def test_only_annotations_may_be_ignored() -> None:
    assert check_labels(LABELS, may_ignore=True) is LABELS
    as_floats = check_labels(LABELS.astype(np.float32), may_ignore=True)
    np.testing.assert_array_equal(as_floats, LABELS)
    with pytest.raises(LabelsError, match=r"between 0 .*Received: values from -1 to 7"):
        check_labels(LABELS)


def test_other_negative_numbers_are_refused() -> None:
    with pytest.raises(LabelsError, match=r"or be -1 where .* values from -2 to 7"):
        check_labels(np.where(LABELS < 0, -2, LABELS), may_ignore=True)


def test_what_is_ignored_is_no_nucleus() -> None:
    numbers, areas = label_areas(LABELS)
    assert (numbers.tolist(), areas.tolist()) == ([3, 7], [1, 2])
    compact, numbers = compact_labels(LABELS)
    np.testing.assert_array_equal(compact, [[0, 2, 2, 0], [1, 0, 0, 0]])
    assert numbers.tolist() == [3, 7]
    boxes = dict(find_nuclei(LABELS))
    assert boxes == {3: np.s_[1:2, 0:1], 7: np.s_[0:1, 1:3]}


def test_what_is_ignored_is_never_measured() -> None:
    features = measure_nuclei(LABELS, np.ones(LABELS.shape))
    assert features["label"].tolist() == [3, 7]
    assert features["area"].tolist() == [1, 2]


def test_labels_without_ignored_pixels_are_not_copied() -> None:
    annotated = hide_ignored(LABELS)
    assert annotated.min() == 0
    assert hide_ignored(annotated) is annotated
