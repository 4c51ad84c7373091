from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import ndimage

from napari_unet_nuclei.core.instances.maps import Maps, SplittingParameters
from napari_unet_nuclei.core.instances.runs import Runs, paint
from napari_unet_nuclei.core.instances.seeds import LEVEL_STEP, find_seeds
from napari_unet_nuclei.core.instances.splitting import split_instances

if TYPE_CHECKING:
    from typing import Any

    from numpy.typing import NDArray

OWN_LEVEL = 0.35
SEPARATIONS = np.arange(0.03, 1, 0.06)

depths = hnp.array_shapes(min_dims=2, max_dims=2, max_side=14).flatmap(
    lambda shape: hnp.arrays(np.float32, shape, elements=st.floats(0, 1, width=32))
)


def painted(seeds: Runs, shape: tuple[int, int]) -> NDArray[np.int32]:
    return paint(seeds, seeds.numbers, shape)


@given(depth=depths)
@settings(max_examples=150, deadline=None)
def test_more_separation_only_ever_cuts_seeds(depth: Any) -> None:
    mask = depth > 0.05
    found = [
        painted(find_seeds(depth, mask, OWN_LEVEL, separation), depth.shape)
        for separation in SEPARATIONS
    ]
    for fewer, more in pairwise(found):
        assert fewer[more > 0].all()
        parents = {
            number: set(fewer[more == number]) for number in range(1, more.max() + 1)
        }
        assert all(len(parent) == 1 for parent in parents.values())
        assert set().union(*parents.values()) == set(range(1, fewer.max() + 1))


@given(depth=depths, separation=st.sampled_from(SEPARATIONS))
@settings(max_examples=100, deadline=None)
def test_seeds_are_connected_and_apart(depth: Any, separation: Any) -> None:
    seeds = painted(find_seeds(depth, depth > 0, OWN_LEVEL, separation), depth.shape)
    components, n_components = ndimage.label(seeds)
    assert n_components == seeds.max()
    np.testing.assert_array_equal(components > 0, seeds > 0)
    for number in range(1, n_components + 1):
        assert np.unique(seeds[components == number]).size == 1


@pytest.mark.parametrize("separation", [None, OWN_LEVEL, OWN_LEVEL + LEVEL_STEP / 2])
def test_the_models_own_seeds_are_what_is_deep_enough(separation: float | None) -> None:
    depth = np.random.default_rng(0).random((40, 30), np.float32)
    mask = np.random.default_rng(1).random((40, 30)) > 0.2
    seeds = painted(find_seeds(depth, mask, OWN_LEVEL, separation), depth.shape)
    np.testing.assert_array_equal(
        seeds, ndimage.label((depth > OWN_LEVEL) & mask)[0].astype(np.int32)
    )


def test_nothing_has_no_seeds() -> None:
    nothing = np.zeros((3, 4), np.float32)
    for separation in (0.1, OWN_LEVEL, 0.9):
        seeds = find_seeds(nothing, nothing > 0, OWN_LEVEL, separation)
        assert seeds.numbers.size == 0


def test_separation_decides_whether_two_nuclei_that_touch_are_one() -> None:
    y, x = np.mgrid[:40, :70]
    left, right = (
        1 - np.hypot(y - 20, x - column) / 16 for column in (25, 45)
    )  # the waist is 0.375 deep
    depth = np.clip(np.maximum(left, right), 0, 1).astype(np.float32)
    maps = Maps((depth > 0).astype(np.float32), np.zeros_like(depth), depth)
    parameters = SplittingParameters(seed_threshold=0.3)
    counts = [
        split_instances(maps, parameters, separation=separation).max()
        for separation in (0.1, 0.3, 0.5, 0.95)
    ]
    assert counts == [1, 1, 2, 2]
    default = split_instances(maps, parameters)
    np.testing.assert_array_equal(
        default, split_instances(maps, parameters, separation=0.3)
    )
