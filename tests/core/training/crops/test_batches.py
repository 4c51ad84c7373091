from __future__ import annotations

import threading
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np
import pytest

from napari_unet_nuclei.core.datasets.sample import Sample
from napari_unet_nuclei.core.errors import TrainingError
from napari_unet_nuclei.core.settings.choices import Augmentation
from napari_unet_nuclei.core.training.crops import batches
from napari_unet_nuclei.core.training.crops.augmentation import prepare_sample
from napari_unet_nuclei.core.training.crops.batches import (
    CropDataset,
    prefetch,
    sampling_weights,
    typical_diameter,
)

if TYPE_CHECKING:
    from typing import Any


def make_dataset(samples: list[Sample], seed: int = 0) -> CropDataset:
    return CropDataset(samples, crop_size=32, batch_size=3, n_batches=4, seed=seed)


def crop_threads() -> list[str]:
    names = [thread.name for thread in threading.enumerate()]
    return [name for name in names if name.startswith("crops")]


def flat(shape: tuple[int, int], value: int, colour: bool = False) -> Sample:
    image = np.full((*shape, 3), value, np.uint8)
    image[..., 0] += 50 * colour
    return Sample("flat", image, np.ones(shape, np.int32))


def test_batches_are_images_and_targets(drawn_samples: list[Sample]) -> None:
    dataset = make_dataset(drawn_samples)
    assert len(dataset) == 4
    for array in dataset[0]:
        assert array.shape == (3, 32, 32, 3)
        assert array.dtype == np.float32
        assert array.min() >= 0
        assert array.max() <= 1


def test_a_batch_is_fixed_by_seed_and_index(drawn_samples: list[Sample]) -> None:
    first, again, other = (make_dataset(drawn_samples, seed) for seed in (5, 5, 6))
    again[0]  # The order of the questions does not matter.
    for one, two in zip(first[3], again[3], strict=True):
        np.testing.assert_array_equal(one, two)
    assert not np.array_equal(first[3][0], first[2][0])
    assert not np.array_equal(first[3][0], other[3][0])


def test_another_augmentation_takes_the_same_images(
    drawn_samples: list[Sample],
) -> None:
    dataset = make_dataset(drawn_samples)
    before = dataset[1]
    strong = dataset.with_augmentation(Augmentation.STRONG)
    plain = dataset.with_augmentation(Augmentation.STRONG, frozenset())
    assert not np.array_equal(strong[1][0], before[0])
    assert not np.array_equal(strong[1][0], plain[1][0])
    for one, two in zip(before, dataset[1], strict=True):
        np.testing.assert_array_equal(one, two)


def test_nuclei_are_pasted_from_images_of_the_same_staining(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    donors = []

    def crop(*args: Any, donor: Any, **_: Any) -> np.ndarray:
        donors.append((args[0].labels.size, donor.labels.size))
        return np.zeros((2, 4, 4, 3), np.float32)

    monkeypatch.setattr(batches, "random_crop", crop)
    samples = [flat((40 + n, 40), 20) for n in range(2)]
    samples += [flat((60 + n, 40), 150, colour=True) for n in range(2)]
    dataset = make_dataset(samples).with_augmentation(Augmentation.STRONG)
    for index in range(10):
        dataset[index]
    assert len(set(donors)) > 4
    assert all((one < 60 * 40) == (other < 60 * 40) for one, other in donors)


def test_batches_are_changed_as_little_as_asked(drawn_samples: list[Sample]) -> None:
    size = min(drawn_samples[0].labels.shape) // 32 * 32
    dataset = CropDataset(
        drawn_samples[:1],
        crop_size=size,
        batch_size=3,
        n_batches=1,
        seed=0,
        augmentation=Augmentation.FLIPS,
    )
    seen = np.unique(np.round(dataset[0][0] * 255, 3))
    assert np.isin(seen, prepare_sample(drawn_samples[0]).channels).all()


def test_stainings_and_sizes_are_balanced() -> None:
    samples = [flat((10, 10), 10)] * 9 + [flat((20, 20), 10), flat((10, 10), 30, True)]
    weights = sampling_weights(samples)
    assert weights.sum() == pytest.approx(1)
    dark, large, stained = weights[0], weights[9], weights[10]
    assert large / dark == pytest.approx(2)
    # Ten dark images and a stained one: √10 times as likely as one of them.
    assert stained / dark == pytest.approx(np.sqrt(10))


def test_the_typical_diameter_is_the_median() -> None:
    labels = np.zeros((60, 60), np.int32)
    y, x = np.mgrid[:60, :60]
    for label, (centre, radius) in enumerate([(10, 4), (28, 6), (47, 9)], start=2):
        labels[np.hypot(y - centre, x - centre) <= radius] = label
    sample = Sample("a", labels, labels)
    assert typical_diameter([sample]) == pytest.approx(12, abs=0.3)
    assert typical_diameter([sample, sample]) == typical_diameter([sample])


def test_the_typical_diameter_of_large_numbers_costs_nothing() -> None:
    labels = np.full((4, 4), 2_000_000_000, np.int32)  # 16 GB, were they counted
    assert typical_diameter([Sample("a", labels, labels)]) == pytest.approx(4.5)


def test_nothing_can_be_learned_from_background() -> None:
    empty = Sample("a", np.zeros((9, 9)), np.zeros((9, 9), np.int32))
    with pytest.raises(TrainingError, match=r"at least one annotated nucleus.*first"):
        typical_diameter([empty])


def test_batches_come_in_order_from_where_one_left_off(
    drawn_samples: list[Sample],
) -> None:
    dataset = make_dataset(drawn_samples)
    batches = prefetch(dataset, start=2, n_ahead=2)
    # Seven batches: more than the data set is long, and more than are kept ready.
    for index, (images, _) in zip(range(2, 9), batches, strict=False):
        np.testing.assert_array_equal(images, dataset[index][0])
    batches.close()


def test_the_thread_ends_with_the_iterator(drawn_samples: list[Sample]) -> None:
    batches = prefetch(make_dataset(drawn_samples))
    next(batches)
    assert len(crop_threads()) == 1
    batches.close()
    assert crop_threads() == []


def test_an_error_in_the_thread_is_met_in_the_loop(drawn_samples: list[Sample]) -> None:
    class Broken(CropDataset):
        def __getitem__(self, index: int) -> Any:  # type: ignore[no-untyped-def]
            if index == 1:
                raise ValueError("broken crop")
            return super().__getitem__(index)

    dataset = Broken(drawn_samples, crop_size=32, batch_size=1, n_batches=4, seed=0)
    with pytest.raises(ValueError, match="broken crop"):
        list(islice(prefetch(dataset), 3))
    assert crop_threads() == []
