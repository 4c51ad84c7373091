"""Batches of crops, the form in which samples reach the training loop."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from copy import copy
from itertools import count, islice
from typing import TYPE_CHECKING, Protocol

import keras
import numpy as np
from numpy.typing import NDArray

from napari_unet_nuclei.core.cancellation import unless_cancelled
from napari_unet_nuclei.core.errors import TrainingError
from napari_unet_nuclei.core.instances.labels import count_annotated, label_areas
from napari_unet_nuclei.core.settings.choices import Augmentation
from napari_unet_nuclei.core.training.crops.augmentation import (
    PreparedSample,
    prepare_sample,
    random_crop,
)
from napari_unet_nuclei.core.training.crops.changes import ALL_CHANGES, Change

if TYPE_CHECKING:
    from collections.abc import Collection, Generator, Sequence

    from napari_unet_nuclei.core.datasets.sample import Sample
    from napari_unet_nuclei.core.images.staining import Staining

Batch = tuple[NDArray[np.float32], NDArray[np.float32]]


class Batches(Protocol):
    """Images and their targets, a batch for each index."""

    def __getitem__(self, index: int) -> Batch: ...


class CropDataset(keras.utils.PyDataset):  # type: ignore[misc]
    """Batches of augmented crops, each fixed by the seed and its index.

    Rare stainings are drawn more often than they occur and large images more
    often than small ones, both by the square root of their share.

    Parameters
    ----------
    samples : sequence of Sample
        Images and labels.
    crop_size : int, in px
        Side of the crops.
    batch_size : int
        Crops a batch.
    n_batches : int
        Length of the data set.
    seed : int
        Seed of every choice.
    augmentation : Augmentation
        How much the crops are changed.
    weights : (n,) ndarray of float64, optional
        Probability of each sample, where it is not `sampling_weights`.
    changes : collection of Change
        Kinds of strong augmentation that may be made.
    """

    def __init__(
        self,
        samples: Sequence[Sample],
        *,
        crop_size: int,
        batch_size: int,
        n_batches: int,
        seed: int,
        augmentation: Augmentation = Augmentation.ALL,
        weights: NDArray[np.float64] | None = None,
        changes: Collection[Change] = ALL_CHANGES,
    ) -> None:
        super().__init__()
        self._samples: list[PreparedSample] = [
            prepare_sample(sample) for sample in unless_cancelled(samples)
        ]
        self._weights = sampling_weights(samples) if weights is None else weights
        self._crop_size = crop_size
        self._batch_size = batch_size
        self._n_batches = n_batches
        self._seed = seed
        self._augmentation = augmentation
        self._changes = changes
        self._same_staining = _group_by_staining(samples)

    def __len__(self) -> int:
        return self._n_batches

    def __getitem__(self, index: int) -> Batch:
        """Draw batch ``index``: images and targets, both float32."""
        rng = np.random.default_rng([self._seed, index])
        chosen = rng.choice(len(self._samples), self._batch_size, p=self._weights)
        images, targets = zip(*(self._crop(i, rng) for i in chosen), strict=True)
        return np.stack(images), np.stack(targets)

    def with_augmentation(
        self, augmentation: Augmentation, changes: Collection[Change] = ALL_CHANGES
    ) -> CropDataset:
        """Return the same images, prepared already, to be changed in another way."""
        other = copy(self)
        other._augmentation = augmentation
        other._changes = changes
        return other

    def _crop(self, index: int, rng: np.random.Generator) -> Batch:
        donor = None
        if self._augmentation is Augmentation.STRONG:
            donor = self._samples[rng.choice(self._same_staining[index])]
        return random_crop(
            self._samples[index],
            self._crop_size,
            rng,
            self._augmentation,
            donor=donor,
            changes=self._changes,
        )


def _group_by_staining(samples: Sequence[Sample]) -> list[list[int]]:
    """List for each sample those of its staining, itself among them."""
    groups: dict[Staining, list[int]] = {}
    for index, sample in enumerate(samples):
        groups.setdefault(sample.staining, []).append(index)
    return [groups[sample.staining] for sample in samples]


def sampling_weights(samples: Sequence[Sample]) -> NDArray[np.float64]:
    """Balance stainings and annotated areas.

    Parameters
    ----------
    samples : sequence of Sample
        Images and labels.

    Returns
    -------
    (n,) ndarray of float64
        Probability of each sample, summing to 1.
    """
    counts = Counter(sample.staining for sample in samples)
    weights = np.array(
        [
            np.sqrt(count_annotated(sample.labels)) / np.sqrt(counts[sample.staining])
            for sample in samples
        ]
    )
    return np.asarray(weights / weights.sum())


def typical_diameter(samples: Sequence[Sample]) -> float:
    """Median diameter of the nuclei, in px, of discs with the same areas."""
    areas = np.concatenate([label_areas(sample.labels)[1] for sample in samples])
    if areas.size == 0:
        raise TrainingError(
            "Training needs at least one annotated nucleus. Received: only background; "
            "annotate some nuclei first."
        )
    return round(float(2 * np.sqrt(np.median(areas) / np.pi)), 1)


def prefetch(
    dataset: Batches, start: int = 0, n_ahead: int = 6
) -> Generator[Batch, None, None]:
    """Draw batches in a background thread, ahead of their use.

    Parameters
    ----------
    dataset : Batches
        Where batches come from.
    start : int
        Index of the first batch.
    n_ahead : int
        Batches kept ready.

    Yields
    ------
    tuple of ndarray
        Images and targets, without end.
    """
    with ThreadPoolExecutor(1, thread_name_prefix="crops") as executor:
        indices = count(start)
        pending = [
            executor.submit(dataset.__getitem__, i) for i in islice(indices, n_ahead)
        ]
        try:
            for index in indices:
                pending.append(executor.submit(dataset.__getitem__, index))
                yield pending.pop(0).result()
        finally:
            executor.shutdown(wait=False, cancel_futures=True)
