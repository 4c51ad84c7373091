from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from napari_unet_nuclei.core.instances.measurements import measure_nuclei
from napari_unet_nuclei.plugin.segment.edited_labels import (
    EditedLabels,
    is_about,
    measure_anew,
    positions_only,
    whole_box,
)

if TYPE_CHECKING:
    from typing import Any

    from numpy.typing import NDArray


def measure(labels: NDArray[Any]) -> dict[str, NDArray[Any]]:
    features = measure_nuclei(labels, labels)
    return {name: features[name] for name in list(features)[:4]}


def follow(edited: EditedLabels, data: NDArray[Any], *boxes: Any) -> None:
    list(edited.iter_follow(data, boxes or [whole_box(data.shape)]))


@pytest.fixture
def labels() -> NDArray[Any]:
    labels = np.zeros((40, 50), np.int32)
    labels[2:8, 3:9] = 1
    labels[20:30, 20:30] = 2
    return labels


def test_only_the_boxes_are_looked_at(labels: NDArray[Any]) -> None:
    edited = EditedLabels(labels.copy(), measure(labels), positions_only)
    labels[0, 0] = labels[35, 45] = 7
    follow(edited, labels, np.s_[0:10, 0:10])
    assert dict(zip(edited.features["label"], edited.features["area"], strict=True))[
        7
    ] == (1)
    follow(edited, labels)
    assert edited.features["area"][-1] == 2


def test_an_edit_that_is_undone_leaves_no_trace(labels: NDArray[Any]) -> None:
    edited = EditedLabels(labels.copy(), measure(labels), positions_only)
    changed = np.roll(labels, 1, axis=0)
    follow(edited, changed)
    assert edited.is_edited
    assert edited.corrections.n_changed == 2
    follow(edited, labels)
    assert not edited.is_edited
    assert not edited.corrections


def test_swapped_labels_are_an_edit_though_nothing_is_added(
    labels: NDArray[Any],
) -> None:
    edited = EditedLabels(labels.copy(), measure(labels), positions_only)
    swapped = np.choose(labels, [0, 2, 1])
    follow(edited, swapped)
    assert edited.is_edited


@pytest.mark.parametrize("n_collected", [1, 100, 1 << 21])
def test_large_edits_are_measured_part_by_part(
    labels: NDArray[Any], n_collected: int
) -> None:
    edited = EditedLabels(
        labels.copy(),
        measure(labels),
        positions_only,
        n_compared=64,
        n_collected=n_collected,
    )
    other = np.roll(labels[::-1], 5, axis=1) * 3
    follow(edited, other)
    for name, column in measure(other).items():
        np.testing.assert_allclose(edited.features[name], column)


def test_labels_that_do_not_fit_the_type_of_the_copy_are_kept(
    labels: NDArray[Any],
) -> None:
    edited = EditedLabels(labels.astype(np.uint8), measure(labels), positions_only)
    wide = labels.astype(np.int64)
    wide[0, :3] = 2**40
    follow(edited, wide)
    assert edited.features["label"].tolist() == [1, 2, 2**40]
    follow(edited, labels)
    assert not edited.is_edited


def test_boxes_may_lie_outside(labels: NDArray[Any]) -> None:
    edited = EditedLabels(labels.copy(), measure(labels), positions_only)
    labels[0, 0] = 5
    follow(edited, labels, np.s_[-3:1, :2], np.s_[50:60, 0:5])
    assert edited.features["label"].tolist() == [1, 2, 5]


def test_measurements_know_their_labels(labels: NDArray[Any]) -> None:
    features = measure(labels)
    assert is_about(features, labels)
    for other in (
        *(np.roll(labels, 1, axis=1), np.roll(labels, 1, axis=0), 0 * labels),
        *(np.where(labels == 2, 3, labels), np.where(labels == 1, 0, labels)),
        np.where(labels == 1, -4, labels),
    ):
        assert not is_about(features, other)
        expected = measure_anew(features, other, positions_only)
        assert is_about(expected, other)
    assert is_about(measure(0 * labels), 0 * labels)
    assert not is_about(measure(0 * labels), labels)
