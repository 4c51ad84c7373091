from __future__ import annotations

import tempfile
from dataclasses import replace
from typing import TYPE_CHECKING

import keras
import numpy as np
import pytest

from napari_unet_nuclei.core.errors import ModelError
from napari_unet_nuclei.core.models.bundle import read_bundle
from napari_unet_nuclei.core.networks.building import build_model
from napari_unet_nuclei.core.networks.bundling import (
    export_openvino,
    get_weights,
    precision,
    restore_model,
    set_weights,
    without_normalization,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from typing import Any

    from napari_unet_nuclei.core.models.bundle import ModelBundle

TILE = np.random.default_rng(0).random((1, 16, 16, 3), np.float32)


def run(network: keras.Model) -> np.ndarray:
    return np.asarray(keras.ops.convert_to_numpy(network(TILE, training=False)))


@pytest.fixture(scope="module")
def network() -> keras.Model:
    return build_model("classic", {"widths": (4, 8)})


def test_weights_move_from_network_to_network(network: Any) -> None:
    twin = build_model("classic", {"widths": (4, 8)})
    assert not np.array_equal(run(twin), run(network))
    set_weights(twin, get_weights(network))
    np.testing.assert_array_equal(run(twin), run(network))


def test_weights_are_copies(network: Any) -> None:
    before, other = get_weights(network), get_weights(network)
    for value in other.values():
        assert value.dtype == np.float32
        value += 1
    after = get_weights(network)
    for path, value in before.items():
        np.testing.assert_array_equal(value, after[path])


def test_half_precision_weights_are_taken(network: Any) -> None:
    weights = get_weights(network)
    set_weights(network, {path: value.astype("f2") for path, value in weights.items()})
    set_weights(network, weights)


@pytest.mark.parametrize("change", ["missing", "superfluous"])
def test_weights_of_another_network_are_refused(network: Any, change: str) -> None:
    weights = get_weights(network)
    if change == "missing":
        del weights["maps_logits/bias"]
    else:
        weights["zzz/bias"] = np.zeros(3, np.float32)
    name = "maps_logits/bias" if change == "missing" else "zzz/bias"
    with pytest.raises(ModelError, match=f"1 differ in name, the first is '{name}'"):
        set_weights(network, weights)


def test_weights_of_another_shape_are_refused(network: Any) -> None:
    weights = get_weights(build_model("classic", {"widths": (4, 9)}))
    with pytest.raises(ModelError, match=r"must have shape \(.*Received: \("):
        set_weights(network, weights)


def test_a_file_holds_the_whole_network(
    tiny_bundle: ModelBundle, tiny_path: Path
) -> None:
    expected = run(restore_model(tiny_bundle))
    np.testing.assert_array_equal(run(restore_model(read_bundle(tiny_path))), expected)


def test_a_bundle_that_contradicts_itself_is_refused(tiny_bundle: ModelBundle) -> None:
    config = replace(tiny_bundle.config, arguments={"widths": (4, 8, 8)})
    with pytest.raises(ModelError, match="differ in name"):
        restore_model(replace(tiny_bundle, config=config))


def test_precision_is_a_matter_of_the_block() -> None:
    before = keras.config.dtype_policy()
    with precision("mixed_bfloat16"):
        assert keras.config.dtype_policy().name == "mixed_bfloat16"
    assert keras.config.dtype_policy() == before
    with pytest.raises(ValueError, match="stop"), precision("mixed_bfloat16"):
        raise ValueError("stop")
    assert keras.config.dtype_policy() == before


def test_networks_are_restored_in_float32_whatever_others_prefer(
    tiny_bundle: ModelBundle,
) -> None:
    expected = run(restore_model(tiny_bundle))
    with precision("mixed_bfloat16"):
        restored = restore_model(tiny_bundle)
    assert {layer.compute_dtype for layer in restored.layers} == {"float32"}
    np.testing.assert_array_equal(run(restored), expected)


@pytest.mark.skipif(
    keras.backend.backend() != "tensorflow",
    reason="the other backends leave it to a child process",
)
def test_an_export_is_small_and_leaves_no_files(
    tiny_bundle: ModelBundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    xml, weights = export_openvino(tiny_bundle)
    assert list(tmp_path.iterdir()) == []
    assert xml.startswith(b"<?xml")
    assert str(tmp_path).encode() not in xml
    # Half precision: two bytes a weight, and a few constants.
    n_weights = sum(value.size for value in tiny_bundle.weights.values())
    assert 2 * n_weights * 0.8 < len(weights) < 2 * n_weights + 2000


@pytest.mark.parametrize("architecture", ["classic", "resnet"])
def test_normalisation_is_folded_and_the_maps_stay(
    make_bundle: Callable[..., Any], architecture: str
) -> None:
    bundle = make_bundle(architecture)
    arguments, weights = without_normalization(bundle)
    assert arguments["batch_normalization"] is False
    assert any("_bn/" in path for path in bundle.weights)
    assert not any("_bn/" in path for path in weights)
    config = replace(bundle.config, arguments=arguments)
    folded = restore_model(replace(bundle, config=config, weights=weights))
    maps = run(restore_model(bundle))
    assert np.ptp(maps) > 0.01
    np.testing.assert_allclose(run(folded), maps, atol=1e-4)


def test_without_normalisation_nothing_is_changed(
    make_bundle: Callable[..., Any],
) -> None:
    bundle = make_bundle("classic", batch_normalization=False)
    arguments, weights = without_normalization(bundle)
    assert arguments.items() >= bundle.config.arguments.items()
    assert weights == bundle.weights


@pytest.mark.parametrize("change", ["missing", "of another shape"])
def test_normalisation_that_cannot_be_folded_is_refused(
    make_bundle: Callable[..., Any], change: str
) -> None:
    bundle = make_bundle("classic")
    weights = dict(bundle.weights)
    path = next(path for path in weights if path.endswith("_bn/gamma"))
    if change == "missing":
        del weights[path.replace("gamma", "beta")]
    else:
        weights[path] = np.ones(3, np.float32)
    with pytest.raises(ModelError, match="weights of 'tiny' do not belong"):
        without_normalization(replace(bundle, weights=weights))
