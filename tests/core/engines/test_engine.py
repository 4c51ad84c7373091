from __future__ import annotations

import importlib.util
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING

import keras
import numpy as np
import pytest

from napari_unet_nuclei.core.engines.engine import create_engine
from napari_unet_nuclei.core.errors import EngineError, SettingsError
from napari_unet_nuclei.core.networks.exporting import add_openvino
from napari_unet_nuclei.core.settings.choices import EngineName

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from napari_unet_nuclei.core.models.bundle import ModelBundle

TILES = np.random.default_rng(0).random((2, 48, 32, 3), np.float32)


@pytest.fixture(scope="module")
def tiny_resnet(make_bundle: Callable[..., Any]) -> ModelBundle:
    bundle = make_bundle("resnet", upsampling="bilinear")
    return add_openvino(bundle)


@pytest.mark.parametrize("name", ["tiny_bundle", "tiny_resnet"])
def test_both_engines_find_the_same_maps(
    name: str, request: pytest.FixtureRequest
) -> None:
    bundle = request.getfixturevalue(name)
    reference, fast = (
        create_engine(bundle, engine).predict(TILES)
        for engine in (EngineName.KERAS, EngineName.OPENVINO)
    )
    for maps in reference, fast:
        assert maps.shape == (2, 48, 32, 3)
        assert maps.dtype == np.float32
        assert maps.min() >= 0
        assert maps.max() <= 1
    assert np.ptp(reference) > 0.3
    np.testing.assert_allclose(fast, reference, atol=0.01)


@pytest.mark.parametrize("engine", [EngineName.KERAS, EngineName.OPENVINO])
def test_tiles_may_have_any_size_and_layout(
    tiny_bundle: ModelBundle, engine: EngineName
) -> None:
    runtime = create_engine(tiny_bundle, engine)
    small, large = (runtime.predict(TILES[:1, :n, :n]) for n in (8, 32))
    assert small.shape == (1, 8, 8, 3)
    again = runtime.predict(TILES[:1, :8, :8])
    np.testing.assert_array_equal(small, again)
    assert large.shape == (1, 32, 32, 3)
    turned = np.rot90(TILES[:, :32, ::-1], axes=(1, 2))
    np.testing.assert_allclose(
        runtime.predict(turned),
        runtime.predict(np.ascontiguousarray(turned)),
        atol=1e-6,
    )


@pytest.mark.parametrize("engine", [EngineName.KERAS, EngineName.OPENVINO])
def test_grey_is_seen_in_every_channel(
    tiny_bundle: ModelBundle, engine: EngineName
) -> None:
    runtime = create_engine(tiny_bundle, engine)
    grey = np.broadcast_to(TILES[..., :1], TILES.shape)
    np.testing.assert_allclose(
        runtime.predict(grey), runtime.predict(grey.copy()), atol=0.01
    )


def test_openvino_is_preferred(tiny_bundle: ModelBundle) -> None:
    engine = create_engine(tiny_bundle)
    assert engine.name is EngineName.OPENVINO
    assert engine.description.startswith("OpenVINO, ")


def test_a_model_in_training_runs_on_keras(tiny_bundle: ModelBundle) -> None:
    engine = create_engine(replace(tiny_bundle, openvino=None))
    assert engine.name is EngineName.KERAS
    assert keras.backend.backend() in engine.description
    assert "(not OpenVINO: The model 'tiny' holds no OpenVINO form" in (
        engine.description
    )


def test_openvino_needs_its_form_of_the_model(tiny_bundle: ModelBundle) -> None:
    with pytest.raises(EngineError, match=r"no OpenVINO form.*interrupted"):
        create_engine(replace(tiny_bundle, openvino=None), EngineName.OPENVINO)


def test_openvino_may_be_missing(
    tiny_bundle: ModelBundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "openvino", None)
    with pytest.raises(EngineError, match=r"OpenVINO is not installed.*pip install"):
        create_engine(tiny_bundle, EngineName.OPENVINO)
    engine = create_engine(tiny_bundle)
    assert engine.name is EngineName.KERAS
    assert "not OpenVINO: OpenVINO is not installed" in engine.description


def test_without_any_engine_the_reason_is_given(
    tiny_bundle: ModelBundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "openvino", None)
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(EngineError, match="OpenVINO is not installed"):
        create_engine(tiny_bundle)


@pytest.mark.parametrize("name", [EngineName.KERAS, EngineName.OPENVINO])
def test_threads_take_turns(tiny_bundle: ModelBundle, name: EngineName) -> None:
    engine = create_engine(tiny_bundle, name)
    tiles = [TILES[:, :side] for side in (16, 32, 48)] * 8
    expected = [engine.predict(tile) for tile in tiles]
    with ThreadPoolExecutor(4) as executor:
        for one, two in zip(expected, executor.map(engine.predict, tiles), strict=True):
            np.testing.assert_array_equal(one, two)


def test_a_device_that_is_not_there_is_no_reason_to_take_another(
    tiny_bundle: ModelBundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NAPARI_UNET_NUCLEI_DEVICE", "TPU.7")
    with pytest.raises(SettingsError, match=r"OpenVINO sees, CPU.*DEVICE=TPU\.7"):
        create_engine(tiny_bundle, EngineName.AUTO)
