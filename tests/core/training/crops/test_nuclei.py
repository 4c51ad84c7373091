"""Nuclei may get brighter, fainter or more, but never lost."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from napari_unet_nuclei.core.datasets.sample import Sample
from napari_unet_nuclei.core.datasets.synthetic import draw_nuclei
from napari_unet_nuclei.core.training.crops.augmentation import (
    PreparedSample,
    prepare_sample,
)
from napari_unet_nuclei.core.training.crops.nuclei import (
    paste_nuclei,
    vary_brightness,
)
from napari_unet_nuclei.core.training.crops.targets import normalised_distance


def discs(level: float, contrast: float) -> tuple[np.ndarray, np.ndarray]:
    """Sixteen discs of one contrast on an even background."""
    y, x = np.mgrid[:160, :160]
    is_disc = (y % 40 - 20) ** 2 + (x % 40 - 20) ** 2 < 100
    labels = np.where(is_disc, 1 + y // 40 * 4 + x // 40, 0).astype(np.int32)
    image = np.full((160, 160, 3), level, np.float32)
    image[is_disc] += np.float32(contrast)
    return image, labels


def contrasts(image: np.ndarray, labels: np.ndarray) -> np.ndarray:
    background = np.median(image[labels == 0])
    grey = image.mean(axis=-1)
    return np.asarray(ndimage.mean(grey, labels, np.arange(1, labels.max() + 1))) - (
        background
    )


def test_bright_nuclei_differ_widely_and_each_is_seen() -> None:
    image, labels = discs(0.05, 0.6)
    ratios = []
    for seed in range(40):
        seen = vary_brightness(image, labels, np.random.default_rng(seed))
        assert 0 <= seen.min() <= seen.max() <= 1
        found = contrasts(seen, labels)
        assert found.min() > 0.14
        ratios.append(found.max() / found.min())
        assert abs(np.median(seen[labels == 0]) - 0.05) < 0.02
    assert max(ratios) > 5


def test_dark_nuclei_stay_darker_than_what_is_around_them() -> None:
    image, labels = discs(0.9, -0.5)
    ratios = []
    for seed in range(40):
        found = contrasts(
            vary_brightness(image, labels, np.random.default_rng(seed)), labels
        )
        assert found.max() < -0.2
        ratios.append(found.min() / found.max())
    assert 1.3 < max(ratios) < 2.6


def test_a_nucleus_that_was_faint_gets_no_fainter() -> None:
    image, labels = discs(0.05, 0.6)
    image[labels == 5] = 0.05 + 0.04
    for seed in range(20):
        seen = vary_brightness(image, labels, np.random.default_rng(seed))
        assert contrasts(seen, labels)[4] > 0.035


def test_nuclei_stay_above_the_noise() -> None:
    image, labels = discs(0.3, 0.4)
    rng = np.random.default_rng(0)
    noise = rng.normal(0, 0.06, image.shape[:2]).astype(np.float32)
    image = np.clip(image + noise[..., np.newaxis], 0, 1)
    for seed in range(20):
        seen = vary_brightness(image, labels, np.random.default_rng(seed))
        assert contrasts(seen, labels).min() > 3 * 0.06


def test_a_crop_without_nuclei_stays() -> None:
    image = np.random.default_rng(0).random((20, 20, 3), np.float32)
    labels = np.zeros((20, 20), np.int32)
    seen = vary_brightness(image, labels, np.random.default_rng(0))
    np.testing.assert_array_equal(seen, image)


@pytest.fixture(params=[False, True], ids=["dark", "bright"])
def pair(request: pytest.FixtureRequest) -> tuple[PreparedSample, PreparedSample]:
    drawn = [draw_nuclei(seed, (160, 160), 14, diameter=18) for seed in (0, 1)]
    first, second = (
        prepare_sample(Sample("a", 255 - image if request.param else image, labels))
        for image, labels in drawn
    )
    return first, second


def test_pasted_nuclei_are_whole_and_behind_those_that_were_there(
    pair: tuple[PreparedSample, PreparedSample],
) -> None:
    crop, donor = pair
    whole = np.bincount(donor.labels.ravel())
    for seed in range(20):
        more = paste_nuclei(crop, donor, np.random.default_rng(seed))
        was_there = crop.labels > 0
        np.testing.assert_array_equal(more.labels[was_there], crop.labels[was_there])
        np.testing.assert_array_equal(
            more.distance[was_there], crop.distance[was_there]
        )
        new = np.setdiff1d(more.labels, crop.labels)
        assert 1 <= new.size <= 12
        for number in new:
            mask = more.labels == number
            origin = np.unique(donor.labels[mask])
            assert origin.size == 1
            assert mask.sum() >= 0.75 * whole[origin[0]]
            assert ndimage.label(mask)[1] == 1
            edge = np.concatenate([mask[[0, -1]].ravel(), mask[:, [0, -1]].ravel()])
            assert not edge.any()


def test_pasted_nuclei_are_seen_and_measured(
    pair: tuple[PreparedSample, PreparedSample],
) -> None:
    crop, donor = pair
    is_bright = np.median(crop.channels) > 127
    for seed in range(10):
        more = paste_nuclei(crop, donor, np.random.default_rng(seed))
        new = (more.labels > 0) & (crop.labels == 0)
        change = more.channels.astype(float) - crop.channels
        step = change[new].mean()
        assert step < -40 if is_bright else step > 40
        far = ndimage.binary_dilation(donor.labels > 0, iterations=6)
        assert np.abs(change[~far]).max() <= 2
        expected = 255 * normalised_distance(np.where(new, more.labels, 0))
        np.testing.assert_allclose(more.distance[new], expected[new], atol=1)


def test_nothing_whole_means_nothing_pasted(
    pair: tuple[PreparedSample, PreparedSample],
) -> None:
    crop, _ = pair
    full = PreparedSample(
        crop.channels, np.ones_like(crop.labels), np.full_like(crop.distance, 255)
    )
    assert paste_nuclei(crop, full, np.random.default_rng(0)) is crop
