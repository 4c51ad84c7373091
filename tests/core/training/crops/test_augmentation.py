from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from napari_unet_nuclei.core.datasets.sample import Sample
from napari_unet_nuclei.core.datasets.synthetic import draw_nuclei
from napari_unet_nuclei.core.settings.choices import Augmentation
from napari_unet_nuclei.core.training.crops import augmentation
from napari_unet_nuclei.core.training.crops.augmentation import (
    prepare_sample,
    random_crop,
)
from napari_unet_nuclei.core.training.crops.targets import normalised_distance

if TYPE_CHECKING:
    from typing import Any


def one_nucleus(shape: tuple[int, int] = (50, 60)) -> Sample:
    labels = np.zeros(shape, np.int32)
    labels[5 : shape[0] // 2, 8 : shape[1] // 2] = 3
    return Sample("one", (labels > 0).astype(np.uint8) * 200, labels)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_a_sample_is_prepared_at_eight_bits(dtype: type[Any]) -> None:
    image, labels = draw_nuclei(0, (64, 80), 10, diameter=14)
    sample = prepare_sample(Sample("a", image.astype(dtype) * dtype(3), labels))
    assert sample.channels.shape == (64, 80, 3)
    assert sample.channels.dtype == sample.distance.dtype == np.uint8
    assert sample.channels.min() == 0
    assert sample.channels.max() == 255
    np.testing.assert_array_equal(sample.labels, labels)
    np.testing.assert_allclose(
        sample.distance / 255, normalised_distance(labels), atol=0.5 / 255 + 1e-6
    )


@pytest.mark.parametrize("n_channels", [1, 3, 4])
def test_colour_samples_are_prepared_too(n_channels: int) -> None:
    image = np.random.default_rng(0).integers(0, 255, (9, 8, n_channels), np.uint8)
    sample = prepare_sample(Sample("a", image, np.ones((9, 8), np.int32)))
    assert sample.channels.shape == (9, 8, 3)


@given(
    seed=st.integers(0, 10_000),
    crop_size=st.sampled_from([32, 64]),
    shape=st.tuples(st.integers(20, 90), st.integers(20, 90)),
    how=st.sampled_from(Augmentation),
)
@settings(max_examples=80, deadline=None)
def test_crops_have_one_size_and_range(
    seed: int, crop_size: Any, shape: Any, how: Any
) -> None:
    sample = prepare_sample(one_nucleus(shape))
    rng = np.random.default_rng(seed)
    image, targets = random_crop(sample, crop_size, rng, how)
    for array in image, targets:
        assert array.shape == (crop_size, crop_size, 3)
        assert array.dtype == np.float32
        assert array.min() >= 0
        assert array.max() <= 1
    foreground, boundary, _ = np.moveaxis(targets, -1, 0)
    assert set(np.unique(targets[..., :2])) <= {0, 1}
    assert (boundary <= foreground).all()


def test_the_same_randomness_cuts_the_same_crop() -> None:
    sample = prepare_sample(Sample("a", *draw_nuclei(0, (64, 64), 8, diameter=14)))
    first, again, other = (
        random_crop(sample, 32, np.random.default_rng(seed)) for seed in (1, 1, 2)
    )
    for one, two in zip(first, again, strict=True):
        np.testing.assert_array_equal(one, two)
    assert not np.array_equal(first[0], other[0])


@pytest.mark.parametrize("seed", range(20))
def test_image_and_targets_stay_aligned(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(augmentation, "augment_intensity", lambda image, _: image)
    sample = prepare_sample(one_nucleus((90, 120)))
    image, targets = random_crop(sample, 64, np.random.default_rng(seed))
    foreground = targets[..., 0] > 0.5
    bright = image[..., 0] > 0.5
    assert (bright == foreground).mean() > 0.97
    assert ((targets[..., 2] > 0.3) <= foreground).mean() > 0.99


def test_crops_are_cut_at_many_sizes_and_places(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(augmentation, "augment_intensity", lambda image, _: image)
    labels = np.zeros((200, 200), np.int32)
    labels[80:120, 80:120] = 1
    sample = prepare_sample(Sample("a", labels.astype(np.uint8), labels))
    rng = np.random.default_rng(0)
    areas = [random_crop(sample, 128, rng)[1][..., 0].sum() for _ in range(40)]
    whole = [area for area in areas if area > 500]
    assert max(whole) / min(whole) > 3


def test_flips_alone_move_pixels_and_change_none() -> None:
    sample = prepare_sample(Sample("a", *draw_nuclei(0, (32, 32), 8, diameter=14)))
    rng = np.random.default_rng(0)
    crops = [random_crop(sample, 32, rng, Augmentation.FLIPS) for _ in range(60)]
    original = sample.channels / np.float32(255)
    eight = {
        np.rot90(original[:, ::-1] if flip else original, turns).tobytes()
        for flip in (False, True)
        for turns in range(4)
    }
    assert {image.tobytes() for image, _ in crops} == eight
    for image, targets in crops:
        is_same = (image == original).all()
        assert not is_same or ((targets[..., 0] > 0) == (sample.labels > 0)).all()


def test_elastic_crops_keep_up_and_what_is_a_nucleus(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(augmentation, "augment_exposure", lambda image, _: image)
    labels = np.zeros((200, 200), np.int32)
    labels[:100, 50:150] = 1  # all above the middle
    sample = prepare_sample(Sample("a", labels.astype(np.uint8), labels))
    rng = np.random.default_rng(0)
    crops = [random_crop(sample, 160, rng, Augmentation.ELASTIC) for _ in range(20)]
    for image, targets in crops:
        foreground = targets[..., 0]
        assert foreground[:40].sum() > 4 * foreground[-40:].sum()
        assert np.mean((image[..., 0] > 0.5) != (foreground > 0)) < 0.02
    assert len({targets[..., 0].sum() for _, targets in crops}) > 10


def test_elastic_crops_reach_the_border(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(augmentation, "augment_exposure", lambda image, _: image)
    labels = np.zeros((150, 150), np.int32)
    labels[:8] = labels[-8:] = labels[:, :8] = labels[:, -8:] = 1
    sample = prepare_sample(Sample("a", labels.astype(np.uint8), labels))
    rng = np.random.default_rng(0)
    crops = [random_crop(sample, 96, rng, Augmentation.ELASTIC) for _ in range(40)]
    # The window with its margins is nearly as wide as the sample: if they could not
    # lie beyond it, crops would show its middle only.
    assert np.mean([targets[..., 0].sum() > 4 * 96 for _, targets in crops]) > 0.2


def test_elastic_crops_show_a_nucleus_rather_than_have_it_beside_them() -> None:
    labels = np.zeros((400, 400), np.int32)
    labels[:200, :200] = 1
    sample = prepare_sample(Sample("a", labels.astype(np.uint8), labels))
    rng = np.random.default_rng(0)
    crops = [random_crop(sample, 96, rng, Augmentation.ELASTIC) for _ in range(60)]
    # A single try would find it in a third of the cases.
    assert np.mean([targets.any() for _, targets in crops]) > 0.6


def test_crops_can_stay_as_they_are() -> None:
    sample = prepare_sample(Sample("a", *draw_nuclei(0, (32, 32), 8, diameter=14)))
    rng = np.random.default_rng(0)
    for _ in range(20):
        image, targets = random_crop(sample, 32, rng, Augmentation.NONE)
        np.testing.assert_array_equal(image, sample.channels / np.float32(255))
        np.testing.assert_array_equal(targets[..., 0] > 0, sample.labels > 0)


@pytest.mark.parametrize("augmentation", list(Augmentation))
def test_nuclei_at_the_border_do_not_grow_into_a_small_image_again(
    augmentation: Augmentation,
) -> None:
    labels = np.zeros((64, 64), np.int32)
    labels[20:28, 44:] = 1
    labels[44:, 10:18] = 2
    sample = prepare_sample(Sample("a", labels.astype(np.uint8), labels))
    rng = np.random.default_rng(0)
    for _ in range(20):
        targets = random_crop(sample, 128, rng, augmentation)[1]
        pieces, _ = ndimage.label(targets[..., 0])
        found = ndimage.find_objects(pieces)
        # They are 20 px long, and enlarged 1.7 times at most.
        assert 0 < max(side.stop - side.start for at in found for side in at) < 36


def test_most_crops_show_a_nucleus() -> None:
    labels = np.zeros((300, 300), np.int32)
    labels[:150, :150] = 1
    sample = prepare_sample(Sample("a", labels.astype(np.uint8), labels))
    rng = np.random.default_rng(0)
    shown = [random_crop(sample, 32, rng)[1].any() for _ in range(60)]
    # A single try would find one in a third of the cases, three in two thirds.
    assert np.mean(shown) > 0.5
