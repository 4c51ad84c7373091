from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import ndimage
from skimage.segmentation import watershed

from napari_unet_nuclei.core.datasets.synthetic import draw_nuclei
from napari_unet_nuclei.core.errors import SettingsError
from napari_unet_nuclei.core.instances import splitting
from napari_unet_nuclei.core.instances.maps import Maps, SplittingParameters
from napari_unet_nuclei.core.instances.splitting import split_instances
from napari_unet_nuclei.core.training.crops.targets import make_targets

if TYPE_CHECKING:
    from typing import Any

DEFAULT = SplittingParameters()
COARSE = np.linspace(0, 1, 6, dtype=np.float32)


def two_discs(gap: float) -> tuple[np.ndarray, np.ndarray]:
    """Mask and normalised distance of two discs of radius 10, ``gap`` px apart."""
    y, x = np.mgrid[:30, :60]
    centre = 29.5
    depths = [
        1 - np.hypot(y - 15, x - centre - sign * (10 + gap / 2)) / 10
        for sign in (-1, 1)
    ]
    depth = np.maximum(*depths).astype(np.float32)
    return depth > 0, np.clip(depth, 0, 1)


def make_maps(mask: np.ndarray, distance: np.ndarray) -> Maps:
    return Maps(mask.astype(np.float32), np.zeros_like(distance), distance)


def split_by_definition(
    maps: Maps,
    parameters: SplittingParameters,
    *,
    threshold: float | None = None,
    min_area: int = 0,
) -> np.ndarray:
    """Split as it is defined, slowly: flood all that is kept, then merge."""
    if threshold is None:
        threshold = parameters.threshold
    confidence = threshold + min(1, 1.5 * parameters.min_confidence) * (1 - threshold)
    mask = fill_holes_by_definition(maps.foreground > threshold)
    components, n_components = ndimage.label(mask)
    for number in range(1, n_components + 1):
        component = components == number
        n_confident = (maps.foreground[component] >= np.float32(confidence)).sum()
        needed = max(min_area, 1)
        if component.sum() < needed or n_confident < max(1, min(min_area, 30) // 2):
            mask &= ~component
    depth = maps.distance * (1 - 0.5 * maps.boundary)
    for axis in (0, 1):
        depth = ndimage.correlate1d(
            depth, np.array([1, 4, 6, 4, 1]) / 16, axis, mode="nearest"
        )
    seeds = mask & (depth > parameters.seed_threshold)
    markers, n_markers = ndimage.label(seeds)
    seedless = mask & ~np.isin(components, components[seeds])
    markers[seedless] = n_markers + components[seedless]
    labels = watershed(-depth, markers, mask=mask)
    merge_by_definition(labels, max(min_area, 5))
    result = np.searchsorted(np.unique(labels[mask]), labels) + 1
    return np.where(mask, result, 0)


def fill_holes_by_definition(mask: np.ndarray) -> np.ndarray:
    """Fill holes of up to four pixels that a single component encloses."""
    filled = mask.copy()
    components, _ = ndimage.label(mask)
    holes, n_holes = ndimage.label(np.pad(~mask, 1, constant_values=True))
    for number in range(1, n_holes + 1):
        hole = holes == number
        around = (ndimage.binary_dilation(hole) & ~hole)[1:-1, 1:-1]
        is_inside = not hole[[0, -1]].any() and not hole[:, [0, -1]].any()
        if is_inside and hole.sum() <= 4 and np.unique(components[around]).size == 1:
            filled |= hole[1:-1, 1:-1]
    return filled


def merge_by_definition(labels: np.ndarray, min_area: int) -> None:
    """Give small parts to the neighbour they touch most, in rounds."""
    while True:
        areas = np.bincount(labels.ravel())
        target = np.arange(areas.size)
        for number in np.flatnonzero((areas > 0) & (areas < min_area)):
            contacts = np.zeros(areas.size, int)
            for axis in (0, 1):
                moved = np.moveaxis(labels, axis, 0)
                for one, other in ((moved[1:], moved[:-1]), (moved[:-1], moved[1:])):
                    if number:
                        contacts += np.bincount(
                            other[one == number], minlength=areas.size
                        )
            contacts[[0, number]] = 0
            if contacts.any():
                target[number] = contacts.argmax()
        if (target == np.arange(areas.size)).all():
            return
        groups = [{number} for number in range(areas.size)]
        for number, other in enumerate(target):
            joined = groups[number] | groups[other]
            for each in joined:
                groups[each] = joined
        largest = [max(sorted(group), key=lambda n: areas[n]) for group in groups]
        labels[:] = np.array(largest)[labels]


maps_strategy = st.tuples(st.integers(1, 12), st.integers(1, 12)).flatmap(
    lambda shape: st.builds(
        Maps,
        *(hnp.arrays(np.float32, shape, elements=st.sampled_from(COARSE)),) * 3,
    )
)


@given(
    maps=maps_strategy,
    threshold=st.sampled_from([None, 0.1, 0.5, 0.9]),
    seed_threshold=st.sampled_from([0.1, 0.4, 0.9]),
    min_confidence=st.sampled_from([0.0, 0.3, 0.9]),
    min_area=st.integers(0, 12),
)
@settings(max_examples=150, deadline=None)
def test_labels_are_sound_whatever_the_maps(
    maps: Any, threshold: Any, seed_threshold: Any, min_confidence: Any, min_area: Any
) -> None:
    parameters = SplittingParameters(
        threshold=0.3, seed_threshold=seed_threshold, min_confidence=min_confidence
    )
    before = [plane.copy() for plane in maps.arrays]
    labels = split_instances(maps, parameters, threshold=threshold, min_area=min_area)
    if threshold is None:
        threshold = parameters.threshold
    mask = fill_holes_by_definition(maps.foreground > threshold)
    assert labels.dtype == np.int32
    assert labels.shape == mask.shape
    assert not labels[~mask].any()
    areas = np.bincount(labels.ravel(), minlength=1)[1:]
    assert (areas >= max(min_area, 1)).all()
    for label in range(1, labels.max() + 1):
        nucleus = labels == label
        assert ndimage.label(nucleus)[1] == 1
        holes, n_holes = ndimage.label(ndimage.binary_fill_holes(nucleus) & ~nucleus)
        assert n_holes == 0 or np.bincount(holes.ravel())[1:].min() > 4
    confidence = np.float32(threshold + min(1, 1.5 * min_confidence) * (1 - threshold))
    components, n_components = ndimage.label(labels > 0)
    for component in range(1, n_components + 1):
        n_confident = (maps.foreground[components == component] >= confidence).sum()
        assert n_confident >= max(min_area // 2, 1)
    if min_area <= 1 and min_confidence == 0:
        np.testing.assert_array_equal(labels > 0, mask)
    for plane, copy in zip(maps.arrays, before, strict=True):
        np.testing.assert_array_equal(plane, copy)


# Multiples of 1/8 add up without rounding, whatever the order.
EIGHTHS = np.arange(9, dtype=np.float32) / 8
exact_maps = st.tuples(st.integers(1, 24), st.integers(1, 24)).flatmap(
    lambda shape: st.builds(
        Maps,
        *(hnp.arrays(np.float32, shape, elements=st.sampled_from(EIGHTHS)),) * 3,
    )
)


@given(
    maps=exact_maps,
    threshold=st.sampled_from([0.05, 0.3, 0.7]),
    seed_threshold=st.sampled_from([0.1, 0.3, 0.5]),
    min_confidence=st.sampled_from([0.0, 0.3]),
    min_area=st.integers(0, 6),
)
@settings(max_examples=200, deadline=None)
def test_labels_are_those_of_the_definition(
    maps: Any, threshold: Any, seed_threshold: Any, min_confidence: Any, min_area: Any
) -> None:
    parameters = SplittingParameters(
        threshold=threshold,
        seed_threshold=seed_threshold,
        min_confidence=min_confidence,
    )
    np.testing.assert_array_equal(
        split_instances(maps, parameters, min_area=min_area),
        split_by_definition(maps, parameters, min_area=min_area),
    )


@pytest.mark.parametrize("seed", range(3))
def test_labels_of_crowded_nuclei_are_those_of_the_definition(seed: int) -> None:
    _, truth = draw_nuclei(seed, shape=(300, 400), n_nuclei=90)
    rng = np.random.default_rng(seed)
    noisy = make_targets(truth) + rng.normal(0, 0.15, (*truth.shape, 3))
    # Multiples of 1/64 survive boundary weight and smoothing without rounding.
    exact = (np.clip(noisy, 0, 1) * 64).round().astype(np.float32) / 64
    maps = Maps(*np.moveaxis(exact, -1, 0))
    labels = split_instances(maps, DEFAULT, min_area=10)
    np.testing.assert_array_equal(
        labels, split_by_definition(maps, DEFAULT, min_area=10)
    )
    assert labels.max() > ndimage.label(maps.foreground > DEFAULT.threshold)[1] // 2


def test_a_large_image_is_split_alike_however_the_work_is_divided(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    _, truth = draw_nuclei(3, shape=(300, 200), n_nuclei=50)
    maps = Maps(*np.moveaxis(make_targets(truth).astype(np.float32), -1, 0))
    expected = split_instances(maps, DEFAULT)
    monkeypatch.setattr(splitting, "BAND_ROWS", 7)
    monkeypatch.setattr(splitting, "BLOCK_ROWS", 3)
    monkeypatch.setattr(splitting, "N_THREADS", 5)
    np.testing.assert_array_equal(split_instances(maps, DEFAULT), expected)
    assert expected.max() > 30


def test_several_threads_may_split_at_once() -> None:
    _, truth = draw_nuclei(4, shape=(150, 200), n_nuclei=40)
    maps = Maps(*np.moveaxis(make_targets(truth).astype(np.float32), -1, 0))
    expected = split_instances(maps, DEFAULT)
    with ThreadPoolExecutor(4) as executor:
        for labels in executor.map(split_instances, [maps] * 12, [DEFAULT] * 12):
            np.testing.assert_array_equal(labels, expected)


def test_the_foreground_alone_is_split_by_its_shape() -> None:
    mask, distance = two_discs(gap=-1)
    labels = split_instances(Maps(mask.astype(np.float32)), DEFAULT)
    assert ndimage.label(mask)[1] == 1
    assert labels.max() == 2
    whole = split_instances(make_maps(mask, distance), DEFAULT)
    assert (labels != whole).mean() < 0.01


def test_foreground_everywhere_is_one_nucleus() -> None:
    everywhere = Maps(np.ones((5, 7), np.float32))
    np.testing.assert_array_equal(split_instances(everywhere, DEFAULT), 1)


@given(maps=maps_strategy)
@settings(max_examples=60, deadline=None)
def test_small_components_are_dropped_and_the_others_stay(maps: Any) -> None:
    any_confidence = SplittingParameters(min_confidence=0)
    every, large = (
        split_instances(maps, any_confidence, min_area=min_area) for min_area in (0, 6)
    )
    components, _ = ndimage.label(every > 0)
    areas = np.bincount(components.ravel())
    np.testing.assert_array_equal(large > 0, (areas >= 6)[components] & (every > 0))


@given(
    maps=maps_strategy,
    thresholds=st.tuples(st.floats(0.01, 0.99), st.floats(0.01, 0.99)).map(sorted),
    min_confidence=st.sampled_from([0.0, 0.2, 0.6]),
    min_area=st.integers(0, 12),
)
@settings(max_examples=200, deadline=None)
def test_a_lower_threshold_never_finds_less(
    maps: Any, thresholds: Any, min_confidence: Any, min_area: Any
) -> None:
    parameters = SplittingParameters(min_confidence=min_confidence)
    low, high = (
        split_instances(maps, parameters, threshold=threshold, min_area=min_area)
        for threshold in thresholds
    )
    assert (low[high > 0] > 0).all()


def test_in_noise_too_a_lower_threshold_never_finds_less() -> None:
    rng = np.random.default_rng(0)
    smooth = (ndimage.gaussian_filter(rng.random((3, 200, 200)), (0, 2, 2)) - 0.4) * 5
    maps = Maps(*np.clip(smooth, 0, 1).astype(np.float32))
    found = [
        split_instances(maps, DEFAULT, threshold=threshold, min_area=30) > 0
        for threshold in np.linspace(0.05, 0.95, 19)
    ]
    for low, high in pairwise(found):
        assert (low | ~high).all()


@pytest.mark.parametrize("n", [1, 2, 3, 4, 5])
def test_small_holes_are_filled(n: int) -> None:
    mask, distance = two_discs(gap=4)
    mask[13:15, 14 : 14 + (n + 1) // 2] = False
    if n % 2:
        mask[14, 14 + n // 2] = True
    assert (~mask[13:15, 14:17]).sum() == n
    labels = split_instances(make_maps(mask, distance), DEFAULT)
    assert (labels[13:15, 14:17] > 0).all() == (n <= 4)
    assert labels.max() == 2


def test_touching_nuclei_are_split_at_their_waist() -> None:
    mask, distance = two_discs(gap=-2)
    labels = split_instances(make_maps(mask, distance), DEFAULT)
    assert ndimage.label(mask)[1] == 1
    assert labels.max() == 2
    left, right = (labels[:, :30], labels[:, 30:])
    for half in left, right:
        areas = np.bincount(half[half > 0])
        assert areas.max() / areas.sum() > 0.98


def test_a_boundary_splits_hearts_that_touch() -> None:
    mask, distance = two_discs(gap=-12)
    maps = make_maps(mask, distance)
    assert split_instances(maps, DEFAULT).max() == 1
    maps.boundary[:, 28:32] = 1
    assert split_instances(maps, DEFAULT).max() == 2


def test_foreground_without_a_seed_is_one_nucleus() -> None:
    mask, distance = two_discs(gap=5)
    labels = split_instances(make_maps(mask, distance * 0.1), DEFAULT)
    np.testing.assert_array_equal(labels > 0, mask)
    assert labels.max() == 2


def test_hearts_and_heartless_foreground_live_together() -> None:
    mask, distance = two_discs(gap=5)
    distance[:, 30:] *= 0.1
    labels = split_instances(make_maps(mask, distance), DEFAULT)
    np.testing.assert_array_equal(labels > 0, mask)
    assert labels.max() == 2


def test_the_threshold_replaces_the_models_own() -> None:
    mask, distance = two_discs(gap=5)
    maps = make_maps(mask, distance)
    maps.foreground[:, 30:] *= 0.45
    high, low = (
        SplittingParameters(threshold=threshold, min_confidence=0)
        for threshold in (0.5, 0.4)
    )
    assert split_instances(maps, high).max() == 1
    assert split_instances(maps, high, threshold=0.4).max() == 2
    assert split_instances(maps, low).max() == 2


def test_noise_does_not_seed_a_nucleus_twice() -> None:
    mask, distance = two_discs(gap=5)
    rng = np.random.default_rng(0)
    noise = rng.normal(0, 0.1, mask.shape).astype(np.float32)
    assert split_instances(make_maps(mask, distance + noise), DEFAULT).max() == 2


def test_nothing_is_found_on_an_empty_image() -> None:
    empty = np.zeros((5, 6), np.float32)
    assert not split_instances(Maps(empty, empty, empty), DEFAULT).any()


def test_maps_may_be_views_of_one_array() -> None:
    mask, distance = two_discs(gap=-2)
    maps = make_maps(mask, distance)
    views = Maps(*np.moveaxis(np.stack(maps.arrays, axis=-1), -1, 0))
    np.testing.assert_array_equal(
        split_instances(views, DEFAULT), split_instances(maps, DEFAULT)
    )


def test_a_blur_that_only_just_passes_is_dropped() -> None:
    mask, distance = two_discs(gap=4)
    maps = make_maps(mask, distance)
    left = np.arange(mask.shape[1]) < mask.shape[1] // 2
    dim = maps._replace(foreground=np.where(left & mask, 0.55, maps.foreground))
    assert split_instances(dim, SplittingParameters(min_confidence=0)).max() == 2
    assert split_instances(dim, SplittingParameters(min_confidence=0.4)).max() == 1
    # Asking for less certain pixels asks for less certain nuclei too.
    assert split_instances(dim, DEFAULT, threshold=0.1).max() == 2


@pytest.mark.parametrize("value", [1, -0.2, float("nan")])
def test_a_confidence_out_of_range_is_refused(value: float) -> None:
    with pytest.raises(SettingsError, match="min_confidence must lie between 0 and 1"):
        SplittingParameters(min_confidence=value)


@pytest.mark.parametrize("name", ["threshold", "seed_threshold"])
@pytest.mark.parametrize("value", [0, 1, -0.2, float("nan")])
def test_parameters_out_of_range_are_refused(name: str, value: float) -> None:
    with pytest.raises(SettingsError, match=f"The {name} must lie between 0 and 1"):
        SplittingParameters(**{name: value})
