from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from napari_unet_nuclei.core.training.crops.targets import (
    make_targets,
    normalised_distance,
    touching_boundaries,
)

if TYPE_CHECKING:
    from typing import Any

small_labels = st.tuples(st.integers(1, 9), st.integers(1, 9)).flatmap(
    lambda shape: hnp.arrays(
        st.sampled_from([np.int32, np.int64, np.uint8]),
        shape,
        elements=st.sampled_from([0, 1, 2, 7]),
    )
)


def distance_by_hand(labels: np.ndarray) -> np.ndarray:
    """Compare each pixel of a nucleus with each pixel of anything else."""
    distance = np.zeros(labels.shape)
    for label in np.unique(labels[labels > 0]):
        inside, outside = np.argwhere(labels == label), np.argwhere(labels != label)
        if len(outside) == 0:
            distance[:] = 1
            continue
        offsets = inside[:, np.newaxis] - outside
        depths = np.sqrt((offsets**2).sum(axis=-1)).min(axis=1)
        distance[tuple(inside.T)] = depths / depths.max()
    return distance


def touching_by_hand(labels: np.ndarray) -> np.ndarray:
    """Count the nuclei within 2 px of each pixel."""
    result = np.zeros(labels.shape, bool)
    for y, x in np.ndindex(labels.shape):
        window = labels[max(y - 2, 0) : y + 3, max(x - 2, 0) : x + 3]
        result[y, x] = len(np.unique(window[window > 0])) > 1
    return result


@given(labels=small_labels)
@settings(max_examples=100, deadline=None)
def test_distances_are_those_of_comparing_all_pixels(labels: Any) -> None:
    distance = normalised_distance(labels)
    assert distance.dtype == np.float32
    np.testing.assert_allclose(distance, distance_by_hand(labels), atol=1e-6)
    np.testing.assert_array_equal(distance > 0, labels > 0)
    for label in np.unique(labels[labels > 0]):
        assert distance[labels == label].max() == 1


@given(labels=small_labels)
@settings(max_examples=100, deadline=None)
def test_nuclei_touch_where_two_are_near(labels: Any) -> None:
    np.testing.assert_array_equal(touching_boundaries(labels), touching_by_hand(labels))


@given(labels=small_labels)
@settings(max_examples=30, deadline=None)
def test_targets_do_not_depend_on_the_numbering(labels: Any) -> None:
    numbers = np.array([0, 5, 3, 0, 0, 0, 0, 11])
    np.testing.assert_array_equal(make_targets(numbers[labels]), make_targets(labels))


def test_a_disc_is_deepest_at_its_centre() -> None:
    y, x = np.mgrid[:41, :41]
    labels = (np.hypot(y - 20, x - 20) < 15).astype(np.int32)
    distance = normalised_distance(labels)
    assert np.unravel_index(distance.argmax(), distance.shape) == (20, 20)
    assert (np.diff(distance[20, 5:21]) > 0).all()


def test_a_nucleus_goes_on_beyond_the_image() -> None:
    labels = np.ones((6, 8), np.int32)
    labels[:, 7] = 0
    distance = normalised_distance(labels)
    np.testing.assert_allclose(distance[3, :7], np.arange(7, 0, -1) / 7)


def test_nuclei_touch_across_a_gap_and_not_towards_the_background() -> None:
    labels = np.repeat([[0, 0, 1, 1, 1, 1, 0, 2, 2, 2, 2, 0, 0]], 4, axis=0)
    expected = np.repeat([[0, 0, 0, 0, 0, 1, 1, 1, 0, 0, 0, 0, 0]], 4, axis=0)
    np.testing.assert_array_equal(touching_boundaries(labels), expected)


def test_targets_are_the_three_maps() -> None:
    labels = np.zeros((7, 8), np.int32)
    labels[1:6, 1:7] = 4
    targets = make_targets(labels)
    assert targets.dtype == np.float32
    assert targets.shape == (7, 8, 3)
    np.testing.assert_array_equal(targets[..., 0], labels > 0)
    np.testing.assert_array_equal(targets[..., 1], touching_boundaries(labels))
    np.testing.assert_array_equal(targets[..., 2], normalised_distance(labels))


def test_a_known_distance_is_taken_as_it_is() -> None:
    labels = np.ones((3, 4), np.int32)
    known = np.full((3, 4), 0.25, np.float32)
    np.testing.assert_array_equal(make_targets(labels, known)[..., 2], known)
