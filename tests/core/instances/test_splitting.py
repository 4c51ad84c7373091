from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from scipy import ndimage

from napari_unet_nuclei.core.datasets.synthetic import draw_nuclei
from napari_unet_nuclei.core.errors import SettingsError
from napari_unet_nuclei.core.instances import splitting
from napari_unet_nuclei.core.instances.maps import Maps, SplittingParameters
from napari_unet_nuclei.core.instances.splitting import split_instances
from napari_unet_nuclei.core.training.crops.targets import make_targets

DEFAULT = SplittingParameters()


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


@pytest.mark.parametrize("radius", [1, 3, 6])
def test_holes_of_any_size_are_filled(radius: int) -> None:
    mask, distance = two_discs(gap=4)
    y, x = np.mgrid[:30, :60]
    hole = np.hypot(y - 15, x - 17.5) <= radius
    labels = split_instances(make_maps(mask & ~hole, distance), DEFAULT)
    assert labels.max() == 2
    np.testing.assert_array_equal(
        labels > 0, split_instances(make_maps(mask, distance), DEFAULT) > 0
    )


def ring(inner: float, outer: float) -> np.ndarray:
    y, x = np.mgrid[:60, :60]
    radius = np.hypot(y - 30, x - 30)
    return (radius >= inner) & (radius <= outer)


def test_a_hole_with_another_nucleus_in_it_stays() -> None:
    mask = ring(14, 22) | ring(0, 7)
    depth = (ring(16, 20) | ring(0, 4)).astype(np.float32)
    labels = split_instances(make_maps(mask, depth), DEFAULT)
    assert labels.max() == 2
    assert not labels[ring(9, 12)].any()
    assert labels[30, 30] != labels[30, 48] != 0


def test_what_several_nuclei_surround_stays_empty() -> None:
    mask = ring(14, 22)
    depth = ring(16, 20).astype(np.float32)
    depth[:, 26:34] = depth[26:34] = 0
    labels = split_instances(make_maps(mask, depth), DEFAULT)
    assert labels.max() == 4
    assert not labels[ring(0, 12)].any()


def test_spurs_and_notches_of_a_pixel_are_smoothed() -> None:
    mask, distance = two_discs(gap=4)
    expected = split_instances(make_maps(mask, distance), DEFAULT)
    rough = mask.copy()
    rough[15 - 10, 17], rough[15 + 9, 17] = True, False
    assert rough.sum() == mask.sum()
    labels = split_instances(make_maps(rough, distance), DEFAULT)
    np.testing.assert_array_equal(labels, expected)


@pytest.mark.parametrize(("probability", "n_nuclei"), [(0.8, 3), (0.9, 4)])
def test_fragments_are_merged_where_the_network_is_in_doubt(
    probability: float, n_nuclei: int
) -> None:
    mask = np.zeros((30, 100), bool)
    for left, right in ((2, 30), (35, 55), (60, 80)):
        mask[5:25, left:right] = True
    depth = mask.astype(np.float32)
    depth[:, 22:25] = 0  # between a nucleus and a quarter of one
    maps = Maps(mask * np.float32(probability), depth * 0, depth)
    labels = split_instances(maps, DEFAULT, min_area=30)
    assert labels.max() == n_nuclei
    np.testing.assert_array_equal(labels > 0, mask)


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


def test_what_counts_as_a_fragment_can_be_said() -> None:
    """As blocks of one image do, of which each would find another size."""
    _, truth = draw_nuclei(3, shape=(200, 200), n_nuclei=60)
    maps = Maps(*np.moveaxis(make_targets(truth).astype(np.float32), -1, 0))
    usual = split_instances(maps, DEFAULT)
    np.testing.assert_array_equal(split_instances(maps, DEFAULT, min_part=0), usual)
    joined = split_instances(maps, DEFAULT, min_part=10_000)
    assert 0 < joined.max() < usual.max()
    assert (joined[usual > 0] > 0).all()
