from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from napari_unet_nuclei.core.conversion.ensembling import combine_models
from napari_unet_nuclei.core.engines.keras import KerasEngine
from napari_unet_nuclei.core.engines.openvino import OpenVinoEngine
from napari_unet_nuclei.core.errors import ModelError
from napari_unet_nuclei.core.instances.maps import SplittingParameters
from napari_unet_nuclei.core.models.bundle import ModelBundle, read_bundle, write_bundle
from napari_unet_nuclei.core.models.config import MAPS, ONE_MAP
from napari_unet_nuclei.core.segmentation.model import load_model
from napari_unet_nuclei.core.settings.choices import Architecture
from napari_unet_nuclei.core.settings.training import TrainingSettings
from napari_unet_nuclei.core.training.learner import Learner

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from napari_unet_nuclei.core.datasets.sample import Sample

TILES = np.random.default_rng(0).random((1, 48, 64, 3), np.float32)


def change(bundle: ModelBundle, name: str = "tiny", **config: Any) -> ModelBundle:
    return replace(bundle, name=name, config=replace(bundle.config, **config))


def keras_maps(bundle: ModelBundle) -> np.ndarray:
    return np.asarray(KerasEngine.from_bundle(bundle).predict(TILES))


@pytest.fixture(scope="module")
def pair(make_bundle: Callable[..., Any]) -> list[ModelBundle]:
    """Two networks that normalise their batches, one of them with one map."""
    one = make_bundle("classic", seed=1, n_maps=1)
    return [change(one, maps=ONE_MAP), make_bundle("resnet", seed=2)]


@pytest.fixture(scope="module")
def both(pair: Any) -> ModelBundle:
    return combine_models(pair, "both")


def test_either_engine_gives_the_mean_of_the_maps(pair: Any, both: Any) -> None:
    one, three = (keras_maps(bundle) for bundle in pair)
    expected = three.copy()
    expected[..., :1] = (one + three[..., :1]) / 2
    assert both.name == "both"
    assert both.config.maps == MAPS
    np.testing.assert_allclose(keras_maps(both), expected, atol=2e-3)
    maps = OpenVinoEngine(both).predict(TILES)
    np.testing.assert_allclose(maps, expected, atol=0.01)


def test_batch_normalisation_is_folded(pair: Any, both: Any) -> None:
    assert any("_bn/" in path for bundle in pair for path in bundle.weights)
    assert not any("_bn/" in path for path in both.weights)


def test_it_is_stored_and_segments_like_any_model(
    both: Any, tmp_path: Path, drawn_samples: list[Sample]
) -> None:
    path = tmp_path / "both.unetnuclei"
    write_bundle(path, both)
    stored = read_bundle(path)
    assert stored.config.architecture is Architecture.ENSEMBLE
    np.testing.assert_allclose(keras_maps(stored), keras_maps(both), atol=2e-3)
    labels = load_model(path).segment(drawn_samples[0].image)
    assert labels.shape == drawn_samples[0].labels.shape


def test_it_can_be_fine_tuned(both: Any) -> None:
    learner = Learner(TrainingSettings(epochs=1), both)
    before = learner.weights
    # TensorFlow may end the process (oneDNN, on a CPU with AVX512-BF16) when a network
    # as narrow as these ones is trained on a single crop.
    crops = np.random.default_rng(0).random((4, 64, 64, 3), np.float32)
    targets = np.zeros((4, 64, 64, 3), np.float32)
    for _ in range(2):
        learner.train_on(crops, targets, learning_rate=0.01)
    after = learner.weights
    assert before.keys() == both.weights.keys() == after.keys()
    assert all((before[path] != after[path]).any() for path in before)


def test_weights_of_another_network_are_refused(
    make_bundle: Callable[..., Any],
) -> None:
    bundle = make_bundle("resnet", batch_normalization=False)
    weights = dict(bundle.weights)
    del weights["maps_logits/bias"]
    odd = replace(bundle, weights=weights)
    with pytest.raises(ModelError, match="do not belong to this network: 1 differ"):
        combine_models([bundle, odd], "both")


def test_what_it_averages_decides_on_the_maps(
    make_bundle: Callable[..., Any], without_openvino: Any
) -> None:
    # Two bundles that claim three maps, and whose networks give one.
    boastful = [make_bundle("classic", seed=seed, n_maps=1) for seed in (1, 2)]
    assert combine_models(boastful, "both").config.maps == ONE_MAP


def test_what_is_not_a_weight_lies_between_the_parts(
    make_bundle: Callable[..., Any], without_openvino: Any
) -> None:
    one = change(
        make_bundle(),
        "one",
        splitting=SplittingParameters(threshold=0.4, seed_threshold=0.3),
        diameter=16.0,
        estimated_diameter=36.0,
        n_symmetries=2,
        provenance={"train": ["a"]},
    )
    other = change(
        make_bundle("resnet", widths=(4, 8, 16)),
        "other",
        splitting=SplittingParameters(threshold=0.5, seed_threshold=0.5),
        diameter=18.0,
        provenance={"train": ["b"]},
    )
    config = combine_models([one, other], "both").config
    assert config.splitting == replace(
        one.config.splitting, threshold=0.45, seed_threshold=0.4
    )
    assert config.diameter == pytest.approx((16 * 18) ** 0.5)
    assert config.estimated_diameter == pytest.approx((36 * 18) ** 0.5)
    assert config.n_symmetries == 2
    assert config.stride == other.config.stride > one.config.stride
    assert config.margin == other.config.margin
    assert config.provenance["members"] == [
        {"name": "one", "train": ["a"]},
        {"name": "other", "train": ["b"]},
    ]


@pytest.mark.parametrize("number", [0, 1])
def test_fewer_than_two_are_refused(
    make_bundle: Callable[..., Any], number: Any
) -> None:
    with pytest.raises(ModelError, match=f"two or more .*Received: {number}"):
        combine_models([make_bundle()] * number, "alone")


def test_an_ensemble_of_ensembles_is_refused(make_bundle: Callable[..., Any]) -> None:
    nested = change(make_bundle(), "nested", architecture=Architecture.ENSEMBLE)
    with pytest.raises(ModelError, match="'nested', which is an ensemble already"):
        combine_models([make_bundle(), nested], "deep")


def test_nuclei_of_other_sizes_are_refused(make_bundle: Callable[..., Any]) -> None:
    small, large = (
        change(make_bundle(), name, diameter=diameter)
        for name, diameter in (("small", 10.0), ("large", 13.0))
    )
    with pytest.raises(ModelError, match="'small' for 10 px and 'large' for 13 px"):
        combine_models([large, small], "both")
