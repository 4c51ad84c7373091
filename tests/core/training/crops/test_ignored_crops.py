"""Targets and crops of images that are annotated in part."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from napari_unet_nuclei.core.datasets.sample import Sample
from napari_unet_nuclei.core.datasets.synthetic import draw_nuclei
from napari_unet_nuclei.core.settings.choices import Augmentation
from napari_unet_nuclei.core.training.crops.augmentation import (
    prepare_sample,
    random_crop,
)
from napari_unet_nuclei.core.training.crops.targets import make_targets

IMAGE, NUCLEI = draw_nuclei(0, (96, 96), 20, diameter=14)


def draw_disc(radius: int = 12, side: int = 41) -> Any:
    offsets = np.arange(side) - side // 2
    return (offsets[:, np.newaxis] ** 2 + offsets**2 <= radius**2).astype(np.int32)


@pytest.mark.parametrize("first", [24, 28])
def test_a_nucleus_that_is_cut_keeps_its_distances(first: int) -> None:
    disc = draw_disc()
    cut = np.where(np.arange(41) >= first, -1, disc)
    whole, targets = make_targets(disc), make_targets(cut)
    known = targets[..., 2] >= 0
    np.testing.assert_allclose(targets[known, 2], whole[known, 2], atol=1e-6)
    assert known[disc * (cut >= 0) > 0].mean() > 0.3


def test_no_distance_is_known_where_the_middle_may_lie_beyond() -> None:
    sliver = np.where(np.arange(41) >= 12, -1, draw_disc())
    targets = make_targets(sliver)
    assert (targets[sliver == 1, 2] == -1).all()
    assert (targets[sliver == 1, 0] == 1).all()


def test_maps_are_ignored_where_they_are_not_known() -> None:
    partly = np.where(np.arange(96) >= 50, -1, NUCLEI)
    whole, targets = make_targets(NUCLEI), make_targets(partly)
    assert (targets[:, 50:] == -1).all()
    np.testing.assert_array_equal(targets[:, :50, 0], whole[:, :50, 0])
    known = targets[..., 1] >= 0
    assert known[:, :48].all()
    np.testing.assert_array_equal(targets[known, 1], whole[known, 1])


@pytest.mark.parametrize("how", Augmentation)
@pytest.mark.parametrize("seed", range(8))
def test_each_crop_shows_some_of_what_is_annotated(
    how: Augmentation, seed: int
) -> None:
    ignored = np.ones(NUCLEI.shape, bool)
    ignored[:30, :30] = False
    sample = prepare_sample(Sample("a", IMAGE, np.where(ignored, -1, NUCLEI)))
    rng = np.random.default_rng(seed)
    image, targets = random_crop(sample, 32, rng, how, donor=sample)
    assert image.shape == targets.shape == (32, 32, 3)
    assert ((targets >= 0) | (targets == -1)).all()
    if how is not Augmentation.ELASTIC:  # which may turn its corners away
        assert (targets[..., 0] >= 0).any()


def test_all_that_is_ignored_can_be_cut() -> None:
    sample = prepare_sample(Sample("a", IMAGE, np.full_like(NUCLEI, -1)))
    _, targets = random_crop(sample, 32, np.random.default_rng(0))
    assert (targets == -1).all()


@pytest.mark.parametrize("how", Augmentation)
def test_a_mask_without_ignored_pixels_changes_nothing(how: Augmentation) -> None:
    sample = prepare_sample(Sample("a", IMAGE, NUCLEI))
    assert sample.unknown is None
    assert replace(sample).targets.min() == 0
    _, targets = random_crop(sample, 32, np.random.default_rng(0), how, donor=sample)
    assert targets.min() == 0
