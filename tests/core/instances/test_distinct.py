from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from napari_unet_nuclei.core.instances.distinct import distinct

numbers = st.lists(st.integers(-5, 9)).map(lambda each: np.array(each, np.int64))


@given(numbers, numbers)
def test_it_is_the_unique_of_all(first: np.ndarray, second: np.ndarray) -> None:
    before = first.copy()
    np.testing.assert_array_equal(distinct(first, second), np.union1d(first, second))
    np.testing.assert_array_equal(distinct(first), np.unique(first))
    np.testing.assert_array_equal(first, before)


def test_pixels_of_a_plane_may_have_any_shape_and_kind() -> None:
    plane = np.array([[3, 0], [3, 1]], np.int32)
    assert distinct(plane).tolist() == [0, 1, 3]
    assert distinct(plane).dtype == np.int32
