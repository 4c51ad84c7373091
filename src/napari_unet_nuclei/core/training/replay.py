"""Replay: part of each batch shows what the start model knows, so that it is not lost.

Nuclei are drawn on the way, in the looks that the shipped models know, and the targets
are the maps of the start model itself: what it finds in them is not to change, right or
wrong.  Nothing has to be shipped for that, and any model can be a start.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from napari_unet_nuclei.core.datasets.drawn.looks import Look, draw_look
from napari_unet_nuclei.core.datasets.sample import Sample
from napari_unet_nuclei.core.instances.labels import IGNORED
from napari_unet_nuclei.core.models.config import MAPS
from napari_unet_nuclei.core.training.crops.augmentation import (
    PreparedSample,
    prepare_sample,
    random_crop,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_unet_nuclei.core.engines.engine import Engine
    from napari_unet_nuclei.core.settings.training import TrainingSettings
    from napari_unet_nuclei.core.training.crops.batches import Batch, Batches

KNOWN_LOOKS = (
    Look.CULTURE,
    Look.HEMATOXYLIN_EOSIN,
    Look.DENSE_SECTION,
    Look.STAINED_CELLS,
)
"""Looks of which the images that the shipped models learned from have something."""

_DRAWN_SIDE = 320  # px
_CROPS_PER_IMAGE = 24  # drawing takes as long as five crops take to be learned
_N_DRAWN = 8  # images that crops are cut from at a time, so that batches vary


def count_replayed(settings: TrainingSettings, *, is_fine_tuning: bool) -> int:
    """Say how many crops of each batch are replayed.

    Parameters
    ----------
    settings : TrainingSettings
        Says which part, and how many crops a batch has.
    is_fine_tuning : bool
        Whether there is a start model, which alone can be asked.

    Returns
    -------
    int
        At least one crop is left to learn from.
    """
    if not is_fine_tuning:
        return 0
    return min(round(settings.replay * settings.batch_size), settings.batch_size - 1)


class ReplayedBatches:
    """Batches of which a part shows what the start model knows.

    Parameters
    ----------
    batches : Batches
        The other part, each fixed by its index.
    engine : Engine
        The start model.
    n_replayed : int
        Crops to add to each batch.
    settings : TrainingSettings
        Size of the crops, and seed of every choice.
    """

    def __init__(
        self,
        batches: Batches,
        engine: Engine,
        n_replayed: int,
        settings: TrainingSettings,
    ) -> None:
        self._batches = batches
        self._engine = engine
        self._n_replayed = n_replayed
        self._crop_size = settings.crop_size
        self._seed = settings.seed
        self._draw = lru_cache(2 * _N_DRAWN)(self._draw_sample)

    def __getitem__(self, index: int) -> Batch:
        """Draw batch ``index``: images and targets, both float32."""
        images, targets = self._batches[index]
        first = index * self._n_replayed
        replayed = np.stack(
            [self._crop(first + number) for number in range(self._n_replayed)]
        )
        return (
            np.concatenate([images, replayed]),
            np.concatenate([targets, _pad_maps(self._engine.predict(replayed))]),
        )

    def _crop(self, number: int) -> NDArray[np.float32]:
        """Cut one crop; each image serves several, and others in between."""
        rng = np.random.default_rng([self._seed, number])
        sample = self._draw(number // _CROPS_PER_IMAGE + int(rng.integers(_N_DRAWN)))
        return random_crop(sample, self._crop_size, rng)[0]

    def _draw_sample(self, number: int) -> PreparedSample:
        look = KNOWN_LOOKS[number % len(KNOWN_LOOKS)]
        shape = (max(_DRAWN_SIDE, self._crop_size),) * 2
        image, labels = draw_look(look, number, shape)
        return prepare_sample(Sample(f"{look}{number}", image, labels))


def _pad_maps(maps: NDArray[np.float32]) -> NDArray[np.float32]:
    """Add the maps that a model does not predict, as what is not known."""
    n_missing = len(MAPS) - maps.shape[-1]
    return np.pad(
        maps, [(0, 0)] * 3 + [(0, n_missing)], constant_values=np.float32(IGNORED)
    )
