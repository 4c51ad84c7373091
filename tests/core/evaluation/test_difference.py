"""Differences of two label images, nucleus by nucleus."""

from __future__ import annotations

import numpy as np
import pytest

from napari_unet_nuclei.core.errors import LabelsError
from napari_unet_nuclei.core.evaluation.difference import Agreement, find_difference


def test_a_merged_pair_is_cut_differently() -> None:
    first, second = np.zeros((2, 20, 40), np.int32)
    first[5:10, 2:18], first[5:10, 25:30] = 1, 2
    second[5:10, 2:10], second[5:10, 11:18], second[5:10, 25:31] = 4, 5, 6
    found = find_difference(first, second)
    assert (found.n_both, found.n_first, found.n_second) == (1, 1, 2)
    assert set(np.unique(found.map[:, 2:10])) == {0, Agreement.CUT_DIFFERENTLY}
    assert set(np.unique(found.map[5:10, 10])) == {Agreement.ONLY_FIRST}
    assert set(np.unique(found.map[5:10, 25:30])) == {Agreement.BOTH}
    assert found.map.dtype == np.uint8


def test_stacks_and_nothing_at_all() -> None:
    first = np.zeros((2, 8, 8), np.int32)
    second = first.copy()
    first[0, 2:4, 2:4], second[1, 2:4, 2:4] = 1, 1
    found = find_difference(first, second)
    assert found.map[0].max() == Agreement.ONLY_FIRST
    assert found.map[1].max() == Agreement.ONLY_SECOND
    nothing = find_difference(first * 0, second * 0)
    assert not nothing.map.any()
    assert nothing.n_both == nothing.n_first == nothing.n_second == 0


def test_other_shapes_are_refused() -> None:
    with pytest.raises(LabelsError, match="same shape"):
        find_difference(np.zeros((4, 4), np.int32), np.zeros((5, 4), np.int32))
