"""Recipes that ``leave_group_out`` compares, and the crops that each trains on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from napari_unet_nuclei.core.settings.choices import Augmentation
from napari_unet_nuclei.core.training.crops.batches import CropDataset
from napari_unet_nuclei.core.training.crops.changes import ALL_CHANGES, Change

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from napari_unet_nuclei.core.datasets.sample import Sample
    from napari_unet_nuclei.core.training.crops.batches import Batch

_SHARE = 0.2  # of the crops from copies, and of those that were drawn
_CROP_SIZE = 256  # px
_BATCH_SIZE = 8


@dataclass(frozen=True)
class Recipe:
    """What is changed: parsed from the name of a recipe."""

    name: str
    augmentation: Augmentation
    changes: frozenset[Change]
    has_copies: bool
    has_drawn: bool

    @property
    def is_trained(self) -> bool:
        """Whether anything is trained at all."""
        return self.name != "start"


def parse_recipe(name: str) -> Recipe:
    """Turn a name such as ``no-haze+grey`` into a recipe."""
    how, *more = name.split("+")
    changes = ALL_CHANGES
    augmentation = Augmentation.STRONG
    if how in list(Augmentation):
        augmentation = Augmentation(how)
    elif how == "plain":
        changes = frozenset()
    elif how in list(Change):
        changes = frozenset({Change(how)})
    elif how.removeprefix("no-") in list(Change):
        changes = ALL_CHANGES - {Change(how.removeprefix("no-"))}
    elif how != "start":
        raise SystemExit(f"No recipe is called {how}: see --help.")
    if not set(more) <= {"grey", "drawn"}:
        raise SystemExit(f"Expected +grey or +drawn. Received: {name}.")
    return Recipe(name, augmentation, changes, "grey" in more, "drawn" in more)


class Crops:
    """Batches from several pools of samples, each with its share."""

    def __init__(self, pools: Mapping[str, Sequence[Sample]], seed: int) -> None:
        self._seed = seed
        self._pools = {
            name: CropDataset(
                samples, crop_size=_CROP_SIZE, batch_size=1, n_batches=1, seed=seed
            )
            for name, samples in pools.items()
            if samples
        }

    def batches(self, recipe: Recipe) -> RecipeBatches:
        """Return the batches of one recipe."""
        shares = {"groups": 1.0}
        for name, is_wanted in (
            ("grey", recipe.has_copies),
            ("drawn", recipe.has_drawn),
        ):
            if is_wanted and name in self._pools:
                shares[name] = _SHARE
                shares["groups"] -= _SHARE
        pools = [
            self._pools[name].with_augmentation(recipe.augmentation, recipe.changes)
            for name in shares
        ]
        return RecipeBatches(pools, list(shares.values()), self._seed)


@dataclass(frozen=True)
class RecipeBatches:
    """Batches whose crops come from pools by their shares; the same for every recipe.

    Parameters
    ----------
    pools : sequence of CropDataset
        Single crops.
    shares : sequence of float
        Of each pool, summing to 1.
    seed : int
        Seed of the choice.
    """

    pools: Sequence[CropDataset]
    shares: Sequence[float]
    seed: int

    def __getitem__(self, index: int) -> Batch:
        rng = np.random.default_rng([self.seed, index])
        chosen = rng.choice(len(self.pools), _BATCH_SIZE, p=self.shares)
        crops = [
            self.pools[pool][_BATCH_SIZE * index + n] for n, pool in enumerate(chosen)
        ]
        images, targets = zip(*crops, strict=True)
        return np.concatenate(images), np.concatenate(targets)
