"""Each kind of strong change does what its name says, and labels stay right."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from napari_unet_nuclei.core.datasets.sample import Sample
from napari_unet_nuclei.core.datasets.synthetic import draw_nuclei
from napari_unet_nuclei.core.settings.choices import Augmentation
from napari_unet_nuclei.core.training.crops.augmentation import (
    prepare_sample,
    random_crop,
)
from napari_unet_nuclei.core.training.crops.changes import (
    ALL_CHANGES,
    PROBABILITY,
    Change,
    change_file,
    change_scene,
    draw_changes,
)
from napari_unet_nuclei.core.training.crops.light import (
    add_defocused_nuclei,
    add_haze,
    light_unevenly,
    saturate,
)
from napari_unet_nuclei.core.training.crops.pixels import compress, rescale, sharpen

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray


@pytest.fixture(scope="module")
def fluorescence() -> tuple[NDArray[np.float32], NDArray[np.int32]]:
    image, labels = draw_nuclei(0, (128, 128), 12, diameter=20)
    grey = (image / np.float32(image.max())).astype(np.float32)
    return np.repeat(grey[..., np.newaxis], 3, axis=-1), labels


@pytest.mark.parametrize("is_bright", [False, True])
def test_any_drawn_changes_give_a_crop(
    fluorescence: tuple[NDArray[np.float32], NDArray[np.int32]], is_bright: bool
) -> None:
    image, labels = fluorescence
    if is_bright:
        image = 1 - image * np.array([0.7, 0.8, 0.3], np.float32)
    for seed in range(60):
        drawn = draw_changes(np.random.default_rng(seed))
        changed = change_file(change_scene(image.copy(), labels, drawn), drawn)
        assert changed.shape == image.shape
        assert changed.dtype == np.float32
        assert changed.min() >= 0
        assert changed.max() <= 1


@pytest.mark.parametrize("level", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("number", [0, 4])
def test_even_crops_pass(level: float, number: int) -> None:
    image = np.full((64, 48, 3), level, np.float32)
    labels = np.full((64, 48), number, np.int32)
    for kind in Change:
        drawn = {kind: np.random.default_rng(0)}
        changed = change_file(change_scene(image.copy(), labels, drawn), drawn)
        assert np.isfinite(changed).all()


def test_what_is_not_drawn_changes_nothing(
    fluorescence: tuple[NDArray[np.float32], NDArray[np.int32]],
) -> None:
    image, labels = fluorescence
    changed = change_file(change_scene(image, labels, {}), {})
    np.testing.assert_array_equal(changed, image)


def test_each_kind_has_its_chance_and_can_be_switched_off() -> None:
    rng = np.random.default_rng(0)
    drawn = [draw_changes(rng) for _ in range(2000)]
    for kind in Change:
        share = np.mean([kind in each for each in drawn])
        assert abs(share - PROBABILITY[kind]) < 0.05
    rng = np.random.default_rng(0)
    some = [draw_changes(rng, ALL_CHANGES - {Change.HAZE}) for _ in range(2000)]
    for every, without in zip(drawn, some, strict=True):
        assert without.keys() == every.keys() - {Change.HAZE}
        for kind, own in without.items():  # the other kinds happen in the same way
            assert own.bit_generator.state == every[kind].bit_generator.state


def test_haze_fills_gaps_and_keeps_what_is_brighter_brighter(
    fluorescence: tuple[NDArray[np.float32], NDArray[np.int32]],
) -> None:
    image, labels = fluorescence
    for seed in range(10):
        hazy = add_haze(image, np.random.default_rng(seed))
        assert hazy.max() <= 1
        assert hazy[labels == 0].mean() > 1.1 * image[labels == 0].mean()
        assert hazy[labels > 0].mean() > hazy[labels == 0].mean()
        assert np.std(hazy) / hazy.mean() < np.std(image) / image.mean()


def test_defocused_nuclei_are_dim_and_have_no_edges(
    fluorescence: tuple[NDArray[np.float32], NDArray[np.int32]],
) -> None:
    image, labels = fluorescence
    is_free = np.ones(labels.shape, bool)
    for seed in range(10):
        seen = add_defocused_nuclei(image, labels, np.random.default_rng(seed))
        added = seen * max(1.0, float(seen.max())) - image / max(1.0, image.max())
        steps = np.abs(np.diff(added[..., 0], axis=0))
        assert 0.02 < added[is_free].max() < 0.75
        assert steps.max() < 0.1


def test_uneven_light_is_a_smooth_factor() -> None:
    image = np.full((96, 64, 3), 0.4, np.float32)
    for seed in range(10):
        factor = light_unevenly(image, np.random.default_rng(seed)) / image
        assert 0.32 < factor.min() < factor.max() <= 1 + 1e-6
        assert np.abs(np.diff(factor, axis=0)).max() < 0.05
    bright = light_unevenly(np.ones_like(image), np.random.default_rng(0))
    assert bright.min() > 0.66


def test_saturation_whitens_nuclei_and_not_what_is_between(
    fluorescence: tuple[NDArray[np.float32], NDArray[np.int32]],
) -> None:
    image, labels = fluorescence
    seen = [saturate(image, labels, np.random.default_rng(n)) for n in range(10)]
    assert any((each == 1).mean() > 2 * (image == 1).mean() + 0.01 for each in seen)
    assert all((each >= image).all() for each in seen)
    assert all(np.median(each[labels == 0]) < 1 for each in seen)
    hazy = 0.8 + 0.2 * image
    seen = [saturate(hazy, labels, np.random.default_rng(n)) for n in range(10)]
    assert all(np.median(each[labels == 0]) < 1 for each in seen)


@pytest.mark.parametrize("change", [rescale, sharpen, compress])
def test_stored_pixels_stay_in_their_places(
    change: Callable[..., NDArray[np.float32]],
    fluorescence: tuple[NDArray[np.float32], NDArray[np.int32]],
) -> None:
    image, _ = fluorescence
    for seed in range(10):
        seen = change(image[:, :101], np.random.default_rng(seed))
        assert seen.shape == (128, 101, 3)
        assert np.corrcoef(seen.ravel(), image[:, :101].ravel())[0, 1] > 0.9


def detail(image: NDArray[np.float32]) -> float:
    return float(np.abs(np.diff(image, axis=0)).mean())


def test_rescaling_loses_detail_and_sharpening_adds_some(
    fluorescence: tuple[NDArray[np.float32], NDArray[np.int32]],
) -> None:
    image, _ = fluorescence
    for seed in range(10):
        assert detail(rescale(image, np.random.default_rng(seed))) < detail(image)
        assert detail(sharpen(image, np.random.default_rng(seed))) > detail(image)


def test_jpeg_leaves_blocks() -> None:
    slope = np.linspace(0.3, 0.45, 128, dtype=np.float32)
    image = np.tile(slope[:, np.newaxis, np.newaxis], (1, 128, 3))
    ratios = []
    for seed in range(10):
        steps = np.diff(compress(image, np.random.default_rng(seed))[..., 0], axis=0)
        ratios.append(steps[7::8].mean() / steps.mean())
    assert max(ratios) > 1.5


def test_the_same_seed_changes_a_crop_in_the_same_way() -> None:
    samples = [
        prepare_sample(Sample("a", *draw_nuclei(n, (96, 96), 9, diameter=16)))
        for n in (0, 1)
    ]
    first, again, other = (
        random_crop(
            samples[0],
            64,
            np.random.default_rng(seed),
            Augmentation.STRONG,
            donor=samples[1],
        )
        for seed in (5, 5, 6)
    )
    for one, two in zip(first, again, strict=True):
        np.testing.assert_array_equal(one, two)
    assert not np.array_equal(first[0], other[0])


def test_kinds_that_move_nothing_leave_the_targets_alone() -> None:
    sample = prepare_sample(Sample("a", *draw_nuclei(2, (96, 96), 9, diameter=16)))
    moving = {Change.ELONGATION, Change.PASTED_NUCLEI}
    for seed in range(20):
        targets = [
            random_crop(
                sample,
                64,
                np.random.default_rng(seed),
                Augmentation.STRONG,
                donor=sample,
                changes=changes,
            )[1]
            for changes in (frozenset(), ALL_CHANGES - moving)
        ]
        np.testing.assert_array_equal(*targets)


def test_elongation_makes_nuclei_longer_one_way() -> None:
    labels = np.zeros((200, 200), np.int32)
    labels[80:120, 80:120] = 1
    sample = prepare_sample(Sample("a", labels.astype(np.uint8), labels))
    ratios = []
    for seed in range(60):
        _, targets = random_crop(
            sample,
            160,
            np.random.default_rng(seed),
            Augmentation.STRONG,
            changes={Change.ELONGATION},
        )
        rows, columns = (targets[..., 0].any(axis=axis).sum() for axis in (0, 1))
        if targets[[0, -1]].sum() + targets[:, [0, -1]].sum() == 0:
            ratios.append(max(rows, columns) / min(rows, columns))
    assert max(ratios) > 1.4
    assert max(ratios) < 2.2
    assert np.median(ratios) < 1.1
