from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from napari_unet_nuclei.core.datasets.synthetic import draw_nuclei
from napari_unet_nuclei.core.errors import LabelsError
from napari_unet_nuclei.core.instances.regions import Region, replace_in_region

if TYPE_CHECKING:
    from typing import Any

    from numpy.typing import NDArray


def box_mask(shape: tuple[int, int], rows: slice, columns: slice) -> NDArray[np.bool_]:
    mask = np.zeros(shape, bool)
    mask[rows, columns] = True
    return mask


def test_the_window_has_a_margin_as_far_as_the_image_goes() -> None:
    mask = box_mask((100, 200), slice(10, 20), slice(150, 160))
    region = Region.of_mask(mask, margin=30)
    assert region.window == (slice(0, 50), slice(120, 190))
    np.testing.assert_array_equal(region.inside, mask[:50, 120:190])


def test_a_region_without_a_pixel_is_refused() -> None:
    with pytest.raises(LabelsError, match="Received: an empty one"):
        Region.of_mask(np.zeros((5, 6), bool))


def test_the_same_nuclei_again_change_nothing_but_their_numbers() -> None:
    _, labels = draw_nuclei(0, (200, 260), 60)
    mask = box_mask(labels.shape, slice(60, 140), slice(70, 200))
    region = Region.of_mask(mask, margin=40)
    fresh = np.ascontiguousarray(labels[region.window]).astype(np.int32)
    replaced = replace_in_region(labels, fresh, region)
    np.testing.assert_array_equal(replaced.labels > 0, labels > 0)
    pairs = np.unique(np.stack([labels, replaced.labels], -1).reshape(-1, 2), axis=0)
    assert len(pairs) == len(np.unique(pairs[:, 0])) == len(np.unique(pairs[:, 1]))
    changed = pairs[pairs[:, 0] != pairs[:, 1]]
    assert len(changed) == replaced.n_fresh > 5
    assert changed[:, 1].min() > labels.max()


@pytest.mark.parametrize("shift", [-6, 0, 6])
def test_no_nucleus_is_cut_at_the_edge(shift: int) -> None:
    before = np.zeros((40, 80), np.int32)
    before[10:30, 10:30], before[10:30, 50:70] = 1, 2
    region = Region.of_mask(
        box_mask(before.shape, slice(0, 40), slice(0, 20 + shift)), margin=30
    )
    fresh = np.zeros(region.inside.shape, np.int32)
    fresh[8:32, 8:32] = 1
    replaced = replace_in_region(before, fresh, region)
    numbers = np.unique(replaced.labels[replaced.labels > 0]).tolist()
    areas = [int((replaced.labels == number).sum()) for number in numbers]
    if shift < 0:  # most of it lies outside
        np.testing.assert_array_equal(replaced.labels, before)
    else:
        assert numbers == [2, 3]
        assert areas == [400, 576]


def test_a_nucleus_on_two_sides_of_the_edge_is_not_lost() -> None:
    before = np.zeros((20, 60), np.int32)
    before[5:15, 20:40] = 1  # 60 % inside
    region = Region.of_mask(box_mask(before.shape, slice(0, 20), slice(0, 32)), 60)
    fresh = np.zeros(before.shape, np.int32)
    fresh[5:15, 20:50] = 1  # 40 % inside
    replaced = replace_in_region(before, fresh, region)
    assert replaced.n_fresh == 1
    np.testing.assert_array_equal(replaced.labels > 0, fresh > 0)


def test_planes_of_a_stack_are_replaced_alike() -> None:
    before = np.zeros((2, 10, 30), np.int32)
    before[0, 2:8, 2:8], before[1, 2:8, 20:26] = 1, 2
    region = Region.of_mask(box_mask((10, 30), slice(0, 10), slice(0, 15)), margin=3)
    fresh = np.zeros((2, *region.inside.shape), np.int32)
    fresh[1, 3:6, 3:6] = 1
    labels, n_fresh = replace_in_region(before, fresh, region)
    assert n_fresh == 1
    assert not labels[0].any()
    assert np.unique(labels[1]).tolist() == [0, 2, 3]


small_labels = hnp.arrays(np.int32, (2, 9, 11), elements=st.integers(0, 4))


@given(
    before=small_labels,
    fresh=hnp.arrays(np.int32, (2, 9, 11), elements=st.integers(0, 3)),
    mask=hnp.arrays(np.bool_, (9, 11)).filter(np.any),
    margin=st.integers(0, 4),
)
@settings(max_examples=150, deadline=None)
def test_every_pixel_is_of_what_stays_or_of_what_is_new(
    before: Any, fresh: Any, mask: Any, margin: Any
) -> None:
    region = Region.of_mask(mask, margin)
    fresh = fresh[(..., *region.window)]
    copies = before.copy(), fresh.copy()
    labels, n_fresh = replace_in_region(before, fresh, region)
    highest = before.max()
    is_new = labels > highest
    outside = np.ones(before.shape, bool)
    outside[(..., *region.window)] = False
    assert not is_new[outside].any()
    assert (labels[~is_new] == before[~is_new])[labels[~is_new] > 0].all()
    new = np.unique(labels[is_new])
    assert new.size == n_fresh
    assert new.tolist() == list(range(highest + 1, highest + 1 + n_fresh))
    for number in new:  # whole, as they were found
        found = (labels == number)[(..., *region.window)]
        (own,) = np.unique(fresh[found])
        np.testing.assert_array_equal(found, fresh == own)
    for number in np.unique(before[before > 0]):
        is_gone = not (labels == number).any()
        is_mostly_inside = (
            2 * (mask & (before == number)).sum() >= (before == number).sum()
        )
        assert is_gone or not is_mostly_inside
    np.testing.assert_array_equal(before, copies[0])
    np.testing.assert_array_equal(fresh, copies[1])
