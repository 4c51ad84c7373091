"""Labels are those of the definition of splitting, written down slowly, and sound."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import ndimage
from skimage.segmentation import watershed

from napari_unet_nuclei.core.datasets.synthetic import draw_nuclei
from napari_unet_nuclei.core.instances.maps import Maps, SplittingParameters
from napari_unet_nuclei.core.instances.splitting import split_instances
from napari_unet_nuclei.core.training.crops.targets import make_targets

if TYPE_CHECKING:
    from typing import Any

DEFAULT = SplittingParameters()
COARSE = np.linspace(0, 1, 6, dtype=np.float32)
CROSS = ndimage.generate_binary_structure(2, 1).astype(int)


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
    mask = mask_by_definition(maps, threshold)
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
    labels = flood_by_definition(depth, markers, mask)
    merge_by_definition(labels, max(min_area, 5, fragment_area(maps, labels, min_area)))
    result = np.searchsorted(np.unique(labels[mask]), labels) + 1
    return fill_nuclei_by_definition(np.where(mask, result, 0))


def flood_by_definition(
    depth: np.ndarray, markers: np.ndarray, mask: np.ndarray
) -> np.ndarray:
    """Flood deepest pixels first, of equal ones of seeds the first in raster order."""
    height = -depth.astype(float)
    order = np.arange(height.size, 0, -1).reshape(height.shape) / height.size
    return watershed(
        np.where(markers, height - 1e-9 * order, height), markers, mask=mask
    )


def mask_by_definition(maps: Maps, threshold: float) -> np.ndarray:
    """Foreground with smooth outlines and without holes of a few pixels."""
    votes = ndimage.convolve((maps.foreground > threshold).astype(int), CROSS)
    return fill_holes_by_definition(votes >= 3)


def fragment_area(maps: Maps, labels: np.ndarray, min_area: int) -> int:
    """Area under which parts are fragments, where the network is not confident."""
    possible = maps.foreground[::4][maps.foreground[::4] > 0.2]
    # As a number of 64 bits: to one of 32 bits, .7 is not less than .7.
    if possible.size and float(np.abs(2 * possible - 1).mean()) >= 0.7:
        return 0
    areas = np.bincount(labels.ravel())[1:]
    areas = areas[areas >= max(min_area, 5)]
    return round(0.4 * np.median(areas)) if areas.size else 0


def fill_nuclei_by_definition(labels: np.ndarray) -> np.ndarray:
    """Fill holes of any size that touch a single nucleus."""
    filled = labels.copy()
    for number in range(1, labels.max() + 1):
        nucleus = labels == number
        holes, n_holes = ndimage.label(ndimage.binary_fill_holes(nucleus) & ~nucleus)
        for hole in range(1, n_holes + 1):
            if not labels[holes == hole].any():
                filled[holes == hole] = number
    return filled


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
    mask = mask_by_definition(maps, threshold)
    assert labels.dtype == np.int32
    assert labels.shape == mask.shape
    areas = np.bincount(labels.ravel(), minlength=1)[1:]
    assert (areas >= max(min_area, 1)).all()
    for label in range(1, labels.max() + 1):
        nucleus = labels == label
        assert ndimage.label(nucleus)[1] == 1
        holes, n_holes = ndimage.label(ndimage.binary_fill_holes(nucleus) & ~nucleus)
        for hole in range(1, n_holes + 1):
            assert labels[holes == hole].any()
        assert not (nucleus & ~ndimage.binary_fill_holes(nucleus & mask)).any()
    confidence = np.float32(threshold + min(1, 1.5 * min_confidence) * (1 - threshold))
    components, n_components = ndimage.label(labels > 0)
    for component in range(1, n_components + 1):
        n_confident = (maps.foreground[components == component] >= confidence).sum()
        assert n_confident >= max(min_area // 2, 1)
    if min_area <= 1 and min_confidence == 0:
        components, n_components = ndimage.label(mask)
        is_found = np.zeros(n_components + 1, bool)
        is_found[components[maps.foreground >= confidence]] = True
        is_found[0] = False  # a pixel that smoothing alone put there is no nucleus
        np.testing.assert_array_equal(labels > 0, is_found[components])
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


def maps_of_equal_seeds() -> Maps:
    """One component with three seeds, two of them equally deep."""
    distance = np.zeros((4, 22), np.float32)
    distance[0, 2], distance[1, 8], distance[2, 5] = 0.875, 0.75, 0.75
    return Maps(np.full_like(distance, 0.125), np.zeros_like(distance), distance)


@given(
    maps=exact_maps,
    threshold=st.sampled_from([0.05, 0.3, 0.7]),
    seed_threshold=st.sampled_from([0.1, 0.3, 0.5]),
    min_confidence=st.sampled_from([0.0, 0.3]),
    min_area=st.integers(0, 6),
)
@example(maps_of_equal_seeds(), 0.05, 0.1, 0.0, 0)
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


def test_of_equally_deep_seeds_the_first_floods_first() -> None:
    parameters = SplittingParameters(
        threshold=0.05, seed_threshold=0.1, min_confidence=0.0
    )
    labels = split_instances(maps_of_equal_seeds(), parameters)
    expected = np.full((4, 22), 2)
    expected[:, :5] = 1
    for row, columns in enumerate((np.s_[5:6], np.s_[5:6], np.s_[4:7], np.s_[3:7])):
        expected[row, columns] = 3
    np.testing.assert_array_equal(labels, expected)


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
    found = (high > 0) & mask_by_definition(maps, thresholds[1])
    assert (low[found] > 0).all()


def test_in_noise_too_a_lower_threshold_never_finds_less() -> None:
    rng = np.random.default_rng(0)
    smooth = (ndimage.gaussian_filter(rng.random((3, 200, 200)), (0, 2, 2)) - 0.4) * 5
    maps = Maps(*np.clip(smooth, 0, 1).astype(np.float32))
    thresholds = np.linspace(0.05, 0.95, 19)
    found = [
        split_instances(maps, DEFAULT, threshold=threshold, min_area=30) > 0
        for threshold in thresholds
    ]
    for low, high, threshold in zip(found, found[1:], thresholds[1:], strict=False):
        high &= mask_by_definition(maps, threshold)
        assert (low | ~high).all()


def test_a_pixel_that_only_smoothing_put_there_is_no_nucleus() -> None:
    foreground = np.zeros((5, 12), np.float32)
    foreground[3, 8] = foreground[4, 7] = foreground[4, 9] = 0.4
    maps = Maps(foreground, *np.zeros((2, 5, 12), np.float32))
    parameters = SplittingParameters(
        threshold=0.3, seed_threshold=0.1, min_confidence=0.0
    )
    assert mask_by_definition(maps, 0.3).sum() == 1
    assert not split_instances(maps, parameters).any()
