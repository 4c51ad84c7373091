"""Runs of nuclei tell the same as their pixels."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from napari_unet_nuclei.core.instances.nucleus_runs import NucleusRuns

labels_strategy = hnp.arrays(
    np.int32,
    st.tuples(st.integers(1, 12), st.integers(1, 12)),
    elements=st.sampled_from([0, 0, 1, 2, 7, 2**31 - 1]),
)


@given(labels=labels_strategy, seed=st.integers(0, 9))
@settings(deadline=None)
def test_areas_centroids_and_means_are_those_of_the_pixels(
    labels: Any, seed: int
) -> None:
    values = np.random.default_rng(seed).random(labels.shape, np.float32)
    nuclei = NucleusRuns(labels)
    expected = [number for number in np.unique(labels) if number]
    assert nuclei.label.dtype == np.int32
    assert nuclei.label.tolist() == expected
    places = [np.nonzero(labels == number) for number in expected]
    assert nuclei.area.tolist() == [rows.size for rows, _ in places]
    y, x = nuclei.centroids()
    np.testing.assert_allclose(y, [rows.mean() for rows, _ in places])
    np.testing.assert_allclose(x, [columns.mean() for _, columns in places])
    np.testing.assert_allclose(
        nuclei.means(values), [values[place].astype(float).mean() for place in places]
    )


def test_an_image_is_averaged_where_it_lies_in_memory() -> None:
    labels = np.array([[1, 1, 1], [2, 0, 1]], np.int32)
    turned = np.arange(6.0).reshape(3, 2).T  # not row by row
    assert NucleusRuns(labels).means(turned).tolist() == [2.75, 1.0]


@pytest.mark.parametrize("shape", [(3, 4), (0, 4), (3, 0), (0, 0)])
def test_there_may_be_no_nuclei(shape: tuple[int, int]) -> None:
    nuclei = NucleusRuns(np.zeros(shape, np.int32))
    assert nuclei.label.size == nuclei.area.size == 0
    assert [each.size for each in nuclei.centroids()] == [0, 0]
    assert nuclei.means(np.zeros(shape)).size == 0
