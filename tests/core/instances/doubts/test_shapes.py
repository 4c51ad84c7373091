"""Hulls, borders and sides of all nuclei at once, against plain definitions."""

from __future__ import annotations

import numpy as np
import pytest
from skimage.measure import regionprops

from napari_unet_nuclei.core.datasets.synthetic import draw_nuclei
from napari_unet_nuclei.core.instances.doubts.shapes import (
    find_cut,
    find_sides,
    measure_hulls,
)


def test_sides_lie_between_labels_that_differ_and_never_join_two_rows() -> None:
    labels = np.array([[1, 1, 0], [2, 2, 3]], np.int32)
    sides = find_sides(labels)
    pairs = sorted(zip(sides.first.tolist(), sides.second.tolist(), strict=True))
    assert pairs == [(0, 3), (1, 2), (1, 4), (2, 5), (4, 5)]
    assert sides.n_upright == 2


def test_hulls_are_almost_those_of_scikit_image() -> None:
    _, labels = draw_nuclei(3, (160, 200), 25)
    numbers = np.unique(labels[labels > 0])
    rows = np.zeros(labels.max() + 1, np.intp)
    rows[numbers] = np.arange(numbers.size)
    hulls = measure_hulls(labels, rows, find_sides(labels), numbers.size)
    expected = [region.area_convex for region in regionprops(labels)]
    assert hulls == pytest.approx(expected, rel=0.06)


def test_nuclei_at_each_border_are_cut() -> None:
    labels = np.zeros((9, 9), np.int32)
    labels[0, 4], labels[4, 0], labels[8, 4], labels[4, 8], labels[4, 4] = range(1, 6)
    rows = np.arange(6) - 1
    assert find_cut(labels, rows, 5).tolist() == [True] * 4 + [False]
