from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from napari_unet_nuclei.core.instances import depths as module
from napari_unet_nuclei.core.instances.depths import KeptDepths
from napari_unet_nuclei.core.instances.maps import Maps, SplittingParameters
from napari_unet_nuclei.core.instances.splitting import depth_of, split_instances

if TYPE_CHECKING:
    from numpy.typing import NDArray

EIGHTHS = np.arange(9, dtype=np.float32) / 8
some_maps = hnp.array_shapes(min_dims=2, max_dims=2, max_side=20).flatmap(
    lambda shape: st.builds(
        Maps, *(hnp.arrays(np.float32, shape, elements=st.sampled_from(EIGHTHS)),) * 3
    )
)


def random_maps(seed: int, shape: tuple[int, int] = (30, 40)) -> Maps:
    arrays: NDArray[np.float32] = np.random.default_rng(seed).random(
        (3, *shape), np.float32
    )
    return Maps(*arrays)


@given(
    maps=some_maps,
    threshold=st.sampled_from([0.1, 0.4, 0.7]),
    separation=st.sampled_from([None, 0.1, 0.8]),
    smooth=st.booleans(),
)
@settings(max_examples=100, deadline=None)
def test_labels_of_kept_depths_are_those_of_a_full_split(
    maps: Any, threshold: Any, separation: Any, smooth: Any
) -> None:
    parameters = SplittingParameters(min_confidence=0, seed_threshold=0.3)
    kept = KeptDepths([maps])
    chosen = {"threshold": threshold, "separation": separation, "smooth": smooth}
    full = split_instances(maps, parameters, **chosen)
    for _ in range(2):
        again = split_instances(maps, parameters, depth=kept.of(0), **chosen)
        np.testing.assert_array_equal(again, full)


def test_each_depth_is_found_once() -> None:
    maps = [random_maps(0), random_maps(1)]
    kept = KeptDepths(maps)
    assert kept.of(1) is kept.of(1)
    for number in (0, 1):
        np.testing.assert_array_equal(kept.of(number), depth_of(maps[number]))


def test_none_is_kept_that_follows_from_the_threshold_or_takes_too_much(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    maps = random_maps(0)
    assert KeptDepths([Maps(maps.foreground)]).of(0) is None
    monkeypatch.setattr(module, "MOST_PIXELS", 2 * maps.foreground.size)
    assert KeptDepths([maps, maps]).of(0) is not None
    assert KeptDepths([maps, maps, maps]).of(0) is None


def test_maps_without_a_distance_have_no_depth_of_their_own() -> None:
    with pytest.raises(ValueError, match="Expected maps with a distance"):
        depth_of(Maps(np.zeros((3, 4), np.float32)))
