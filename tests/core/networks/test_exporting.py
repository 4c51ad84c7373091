from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import keras
import numpy as np
import pytest

from napari_unet_nuclei.core.engines.keras import KerasEngine
from napari_unet_nuclei.core.engines.openvino import OpenVinoEngine
from napari_unet_nuclei.core.errors import EngineError
from napari_unet_nuclei.core.networks import exporting
from napari_unet_nuclei.core.networks.exporting import add_openvino

if TYPE_CHECKING:
    from typing import Any

    from napari_unet_nuclei.core.models.bundle import ModelBundle


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pretend that Keras runs on a backend that cannot do it."""
    monkeypatch.setattr(keras.backend, "backend", lambda: "torch")


@pytest.fixture
def unusual(make_bundle: Any) -> ModelBundle:
    """Return a network with layers that cannot be written directly."""
    bundle: ModelBundle = make_bundle("classic", upsampling="bilinear")
    return bundle


def test_on_another_backend_nothing_else_is_needed(
    elsewhere: None, tiny_bundle: ModelBundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exporting.importlib.util, "find_spec", lambda name: None)
    bundle = add_openvino(replace(tiny_bundle, openvino=None))
    assert bundle.openvino is not None
    assert tiny_bundle.openvino is not None
    assert bundle.openvino[1] == tiny_bundle.openvino[1]


def test_a_child_process_does_what_the_backend_cannot(
    elsewhere: None, unusual: ModelBundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    commands = []
    run = subprocess.run

    def note(command: Any, **options: Any) -> Any:
        commands.append(command)
        return run(command, **options)

    monkeypatch.setattr(subprocess, "run", note)
    bundle = add_openvino(unusual)
    assert [command[0] for command in commands] == [sys.executable]
    assert bundle.name == unusual.name
    assert bundle.weights is unusual.weights
    tiles = np.random.default_rng(0).random((1, 40, 64, 3), dtype=np.float32)
    maps = OpenVinoEngine(bundle).predict(tiles)
    expected = KerasEngine.from_bundle(bundle).predict(tiles)
    np.testing.assert_allclose(maps, expected, atol=0.01)


def test_without_tensorflow_there_is_a_sentence(
    elsewhere: None, unusual: ModelBundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exporting.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(
        EngineError, match=r"'tiny' has no OpenVINO form.*TensorFlow is not installed"
    ):
        add_openvino(unusual)


def test_a_child_process_that_fails_is_quoted(
    elsewhere: None, unusual: ModelBundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exporting, "__name__", "no_such_module")
    with pytest.raises(EngineError, match=r"no_such_module.*use the Keras engine"):
        add_openvino(unusual)


def test_what_keras_raises_becomes_a_sentence(
    tiny_bundle: ModelBundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(bundle: ModelBundle) -> None:
        raise Exception("Could not trace the model")  # as OpenVINO's converter does

    monkeypatch.setattr(keras.backend, "backend", lambda: "tensorflow")
    monkeypatch.setattr(exporting, "export_openvino", fail)
    with pytest.raises(EngineError, match=r"failed \(Could not trace the model\)"):
        add_openvino(tiny_bundle)
