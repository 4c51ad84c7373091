"""What ``benchmarks/recipes.py`` reads from the name of a recipe, and trains on."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from napari_unet_nuclei.core.datasets.sample import Sample
from napari_unet_nuclei.core.settings.choices import Augmentation
from napari_unet_nuclei.core.training.crops.changes import ALL_CHANGES, Change

FOLDER = Path(__file__).parents[1] / "benchmarks"


@pytest.fixture
def recipes(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(sys, "path", [str(FOLDER), *sys.path])
    return importlib.import_module("recipes")


def make_pool(value: int) -> list[Sample]:
    """One image that is recognised by what it shows: nuclei everywhere, or none."""
    image = np.random.default_rng(0).integers(0, 255, (300, 300), np.uint8)
    return [Sample(f"{value}", image, np.full(image.shape, value, np.int32))]


@pytest.mark.parametrize(
    ("name", "augmentation", "changes"),
    [
        ("all", Augmentation.ALL, ALL_CHANGES),
        ("strong", Augmentation.STRONG, ALL_CHANGES),
        ("plain", Augmentation.STRONG, frozenset()),
        ("haze", Augmentation.STRONG, {Change.HAZE}),
        ("no-haze", Augmentation.STRONG, ALL_CHANGES - {Change.HAZE}),
    ],
)
def test_a_name_says_how_crops_are_changed(
    recipes: Any, name: str, augmentation: Augmentation, changes: frozenset[Change]
) -> None:
    recipe = recipes.parse_recipe(name)
    assert (recipe.augmentation, recipe.changes) == (augmentation, changes)
    assert recipe.is_trained
    assert not recipe.has_copies
    assert not recipe.has_drawn


def test_a_name_says_what_is_added(recipes: Any) -> None:
    recipe = recipes.parse_recipe("no-haze+grey")
    assert (recipe.has_copies, recipe.has_drawn) == (True, False)
    recipe = recipes.parse_recipe("all+drawn+grey")
    assert (recipe.has_copies, recipe.has_drawn) == (True, True)
    assert not recipes.parse_recipe("start").is_trained


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("rain", "No recipe is called rain"),
        ("no-rain", "No recipe is called no-rain"),
        ("all+more", r"Expected \+grey or \+drawn. Received: all\+more"),
    ],
)
def test_other_names_are_refused(recipes: Any, name: str, reason: str) -> None:
    with pytest.raises(SystemExit, match=reason):
        recipes.parse_recipe(name)


@pytest.mark.parametrize(("name", "share"), [("all", 0), ("all+grey", 0.2)])
def test_a_fifth_of_the_crops_is_from_copies(
    recipes: Any, name: str, share: float
) -> None:
    crops = recipes.Crops({"groups": make_pool(0), "grey": make_pool(1)}, seed=0)
    batches = crops.batches(recipes.parse_recipe(name))
    targets = np.concatenate([batches[index][1] for index in range(8)])
    is_copy = targets[..., 0].mean(axis=(1, 2)) > 0.5
    assert len(is_copy) == 64
    assert abs(is_copy.mean() - share) < 0.1
    np.testing.assert_array_equal(batches[3][0], batches[3][0])


def test_pools_without_samples_have_no_share(recipes: Any) -> None:
    crops = recipes.Crops({"groups": make_pool(0), "drawn": []}, seed=0)
    assert crops.batches(recipes.parse_recipe("all+drawn+grey")).shares == [1.0]
