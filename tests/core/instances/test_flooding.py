from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage
from skimage.segmentation import watershed

from napari_unet_nuclei.core.instances import flooding
from napari_unet_nuclei.core.instances.flooding import flood, pack
from napari_unet_nuclei.core.instances.runs import label_runs

if TYPE_CHECKING:
    from typing import Any

sides_strategy = st.lists(
    st.tuples(st.integers(1, 30), st.integers(1, 30)), min_size=1, max_size=40
).map(lambda sides: np.array(sides).T)


@given(sides=sides_strategy)
@settings(deadline=None)
def test_boxes_lie_inside_the_atlas_a_distance_apart(sides: Any) -> None:
    heights, widths = sides
    tops, lefts, shape = pack(heights, widths)
    assert (tops + heights <= shape[0]).all()
    assert (lefts + widths <= shape[1]).all()
    taken = np.zeros((shape[0] + 1, shape[1] + 1), bool)
    for top, left, height, width in zip(tops, lefts, heights, widths, strict=True):
        box = np.s_[top : top + height + 1, left : left + width + 1]
        assert not taken[box].any()
        taken[box] = True


@given(sides=sides_strategy)
@settings(deadline=None)
def test_the_atlas_is_not_much_larger_than_the_boxes(sides: Any) -> None:
    heights, widths = sides
    _, _, (height, width) = pack(heights, widths)
    tallest, widest = heights.max(), widths.max()
    area = ((heights + 1) * (widths + 1)).sum()
    assert height * width <= 4 * area + 2 * tallest * widest + tallest * width


def test_components_are_divided_among_their_seeds() -> None:
    mask = np.array([[1, 1, 1, 1, 0], [0, 0, 0, 0, 0], [0, 1, 1, 1, 1]], bool)
    is_seed = np.zeros_like(mask)
    is_seed[0, [0, 3]] = is_seed[2, [1, 4]] = True
    components, seeds = label_runs(mask), label_runs(is_seed)
    pixels, numbers = flood(np.ones(mask.shape, np.float32), components, seeds)
    labels = np.zeros(mask.shape, int)
    labels.ravel()[pixels] = numbers
    expected = [[1, 1, 2, 2, 0], [0, 0, 0, 0, 0], [0, 3, 3, 4, 4]]
    np.testing.assert_array_equal(labels, expected)


@pytest.mark.parametrize(
    ("min_part_area", "part_area"), [(10, 10**6), (10**6, 10**6), (10, 500)]
)
@pytest.mark.parametrize("seed", range(5))
def test_components_are_flooded_as_the_whole_image_is(
    seed: int, min_part_area: int, part_area: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(flooding, "MIN_PART_AREA", min_part_area)
    monkeypatch.setattr(flooding, "PART_AREA", part_area)
    rng = np.random.default_rng(seed)
    depth = ndimage.gaussian_filter(rng.random((90, 120), np.float32), 2)
    mask, is_seed = (depth > np.quantile(depth, part) for part in (0.4, 0.8))
    components, seeds = label_runs(mask), label_runs(is_seed)
    with_seed = np.unique(components.numbers[components.around(seeds.starts)])
    components = components.chosen(np.isin(components.numbers, with_seed))
    pixels, numbers = flood(depth, components, seeds)
    expected = watershed(-depth, ndimage.label(is_seed)[0], mask=mask)
    labels = np.zeros_like(expected)
    labels.ravel()[pixels] = numbers
    np.testing.assert_array_equal(labels, expected)
    assert len(with_seed) > 2


@pytest.mark.parametrize("seed", range(5))
def test_what_else_is_flooded_changes_nothing_where_seeds_are_equally_deep(
    seed: int,
) -> None:
    rng = np.random.default_rng(seed)
    smooth = ndimage.gaussian_filter(rng.random((90, 120), np.float32), 2)
    depth = (smooth * 40).round() / 40  # many pixels of the same depth
    mask, is_seed = smooth > np.quantile(smooth, 0.4), depth > np.quantile(smooth, 0.8)
    components, seeds = label_runs(mask), label_runs(is_seed & mask)
    holding = components.numbers[components.around(seeds.starts)]
    together = np.zeros(mask.size, int)
    alone = np.zeros(mask.size, int)
    pixels, numbers = flood(
        depth, components.chosen(np.isin(components.numbers, holding)), seeds
    )
    together[pixels] = numbers
    for number in np.unique(holding):
        pixels, numbers = flood(
            depth,
            components.chosen(components.numbers == number),
            seeds.chosen(holding == number),
        )
        alone[pixels] = numbers
    np.testing.assert_array_equal(together, alone)
    assert np.unique(depth[is_seed]).size * 10 < is_seed.sum()


def test_there_may_be_nothing_to_flood() -> None:
    nothing = label_runs(np.zeros((3, 4), bool))
    pixels, numbers = flood(np.zeros((3, 4), np.float32), nothing, nothing)
    assert pixels.size == numbers.size == 0
