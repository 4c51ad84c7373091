from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from napari_unet_nuclei.core.engines.keras import KerasEngine
from napari_unet_nuclei.core.errors import EngineError
from napari_unet_nuclei.core.networks.bundling import restore_model
from napari_unet_nuclei.core.networks.openvino_layers import write_openvino
from napari_unet_nuclei.core.settings.choices import Architecture, EngineName
from napari_unet_nuclei.core.training import evaluating
from napari_unet_nuclei.core.training.evaluating import Evaluator

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari_unet_nuclei.core.models.bundle import ModelBundle


@pytest.fixture
def evaluator(make_bundle: Callable[..., ModelBundle]) -> Callable[..., Evaluator]:
    """Make what evaluates a network: ``(prefers_openvino, **arguments)``."""

    def make(prefers_openvino: bool, **arguments: Any) -> Evaluator:
        bundle = make_bundle("classic", 1, **arguments)
        return Evaluator(
            restore_model(bundle),
            Architecture.CLASSIC,
            lambda: restore_model(bundle),
            prefers_openvino=prefers_openvino,
        )

    return make


@pytest.mark.parametrize("prefers_openvino", [True, False])
def test_other_weights_than_those_of_the_network_count(
    evaluator: Callable[..., Evaluator],
    make_bundle: Callable[..., ModelBundle],
    prefers_openvino: bool,
) -> None:
    others = make_bundle("classic", 2)
    tiles = np.random.default_rng(0).random((2, 32, 48, 3), dtype=np.float32)
    expected = KerasEngine.from_bundle(others).predict(tiles)
    made = evaluator(prefers_openvino)
    engine = made.engine_with(others.weights)
    lasting = made.lasting_engine(others.weights)
    wanted = EngineName.OPENVINO if prefers_openvino else EngineName.KERAS
    assert engine.name == lasting.name == wanted
    np.testing.assert_allclose(engine.predict(tiles), expected, atol=0.01)
    again = made.engine_with(make_bundle("classic", 3).weights)
    assert not np.allclose(again.predict(tiles), expected, atol=0.02)
    np.testing.assert_allclose(lasting.predict(tiles), expected, atol=0.01)


def test_the_form_of_the_last_weights_can_be_saved(
    evaluator: Callable[..., Evaluator], make_bundle: Callable[..., ModelBundle]
) -> None:
    made, weights = evaluator(True), make_bundle("classic", 2).weights
    assert made.openvino_form(weights) is None
    made.engine_with(weights)
    form = made.openvino_form(weights)
    again = write_openvino(restore_model(make_bundle("classic", 1)), weights)
    assert form is not None
    assert again is not None
    assert form[1] == again[1]  # in the graph, names differ
    assert made.openvino_form(dict(weights)) is None  # others, for all that is known
    slow = evaluator(False)
    slow.engine_with(weights)
    assert slow.openvino_form(weights) is None


def test_layers_that_are_not_known_are_left_to_keras(
    evaluator: Callable[..., Evaluator], make_bundle: Callable[..., ModelBundle]
) -> None:
    made = evaluator(True, upsampling="bilinear")
    weights = make_bundle("classic", 2, upsampling="bilinear").weights
    assert made.engine_with(weights).name is EngineName.KERAS
    assert made.lasting_engine(weights).name is EngineName.KERAS


def test_all_scores_come_from_one_engine(
    evaluator: Callable[..., Evaluator],
    make_bundle: Callable[..., ModelBundle],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(bundle: ModelBundle) -> None:
        raise EngineError("There is none.")

    made, weights = evaluator(True), make_bundle("classic", 2).weights
    with monkeypatch.context() as patched:
        patched.setattr(evaluating, "OpenVinoEngine", fail)
        assert made.engine_with(weights).name is EngineName.KERAS
    assert made.engine_with(weights).name is EngineName.KERAS
