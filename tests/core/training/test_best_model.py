from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from napari_unet_nuclei.core.errors import EngineError, OutputError
from napari_unet_nuclei.core.evaluation.scores import evaluate
from napari_unet_nuclei.core.models.bundle import read_bundle
from napari_unet_nuclei.core.settings.choices import Monitor
from napari_unet_nuclei.core.training import model_file
from napari_unet_nuclei.core.training.best_model import BestModel
from napari_unet_nuclei.core.training.measuring import Measured

if TYPE_CHECKING:
    from pathlib import Path

    from napari_unet_nuclei.core.models.bundle import ModelBundle

SCORES = evaluate(np.eye(3, dtype=int), np.eye(3, dtype=int))


def scored(loss: float | None = None, **scores: Any) -> Measured:
    return Measured(scores=replace(SCORES, **scores), loss=loss)


def weights(value: float) -> dict[str, np.ndarray]:
    return {"conv/kernel": np.full((2, 2), value, np.float32)}


def test_only_better_weights_are_written(
    tmp_path: Path, tiny_bundle: ModelBundle
) -> None:
    path = tmp_path / "best.unetnuclei"
    best = BestModel(path, tiny_bundle.config, weights(0))
    assert not path.exists()
    found = []
    for value, score in (1, 0.2), (2, 0.2), (3, 0.1), (4, 0.3):
        better = best.consider(weights(value), scored(dsb2018=score))
        found.append((better, read_bundle(path).weights["conv/kernel"][0, 0]))
    assert found == [(True, 1), (False, 1), (False, 1), (True, 4)]
    assert best.scores.dsb2018 == 0.3
    assert read_bundle(path).openvino is None


def test_another_score_can_be_monitored(
    tmp_path: Path, tiny_bundle: ModelBundle
) -> None:
    path = tmp_path / "best.unetnuclei"
    best = BestModel(path, tiny_bundle.config, weights(0), Monitor.DICE)
    assert best.consider(weights(1), scored(dsb2018=0.5, dice=0.6))
    assert not best.consider(weights(2), scored(dsb2018=0.9, dice=0.6))
    assert best.consider(weights(3), scored(dsb2018=0.1, dice=0.7))


def test_a_start_that_is_kept_sees_images_as_it_did(
    tmp_path: Path, tiny_bundle: ModelBundle
) -> None:
    """The size of new nuclei is for weights that have learned from them."""
    path, known = tmp_path / "best.unetnuclei", tiny_bundle.config
    tuned = replace(known, diameter=30, image_diameter=45.0, image_scale=0.4)
    best = BestModel(path, tuned, weights(0), start_config=known)

    class HeldOut:
        def tune(self, _: object, config: Any, __: object) -> tuple[Any, Measured]:
            return config.splitting, scored(dsb2018=0.5)

    start = best.score_start(HeldOut(), None)  # type: ignore[arg-type]
    assert best.consider(best.weights, start)
    assert not best.is_better_than_start
    assert best.complete() is not None  # of weights that are no network's
    written = read_bundle(path).config
    assert (written.diameter, written.image_diameter) == (known.diameter, None)
    assert written.image_scale is None
    assert best.consider(weights(1), scored(dsb2018=0.6))
    assert best.is_better_than_start
    written = read_bundle(path).config
    assert (written.diameter, written.image_diameter) == (30, 45.0)


@pytest.mark.parametrize(("value", "is_better"), [(0, False), (1, True)])
def test_a_resumed_run_knows_whether_it_has_left_its_start(
    tmp_path: Path, tiny_bundle: ModelBundle, value: float, is_better: bool
) -> None:
    """By the weights, as scores on few nuclei may be the same."""
    best = BestModel(tmp_path / "best.unetnuclei", tiny_bundle.config, weights(0))
    same = scored(dsb2018=0.5)
    best.restore(weights(value), same, same, None, highest=0.5)
    assert best.is_better_than_start is is_better


def test_a_model_is_complete_with_openvino_or_says_why_not(
    tmp_path: Path, tiny_bundle: ModelBundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "best.unetnuclei"
    best = BestModel(path, tiny_bundle.config, tiny_bundle.weights)

    def fail(bundle: ModelBundle) -> None:
        raise EngineError("No compiler.")

    monkeypatch.setattr(model_file, "add_openvino", fail)
    assert best.complete() == "No compiler."
    assert read_bundle(path).openvino is None
    assert read_bundle(path).weights.keys() == tiny_bundle.weights.keys()
    monkeypatch.setattr(
        model_file, "add_openvino", lambda b: replace(b, openvino=(b"<xml/>", b"bin"))
    )
    assert best.complete() is None
    assert read_bundle(path).openvino == (b"<xml/>", b"bin")


def test_weights_are_brought_into_openvinos_form_once(
    tmp_path: Path, tiny_bundle: ModelBundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(bundle: ModelBundle) -> None:
        raise AssertionError(bundle)

    monkeypatch.setattr(model_file, "add_openvino", fail)
    monkeypatch.setattr(model_file, "add_openvino_at_once", fail)
    path, form = tmp_path / "best.unetnuclei", (b"<xml/>", b"bin")
    best = BestModel(path, tiny_bundle.config, tiny_bundle.weights)
    assert best.consider(tiny_bundle.weights, scored(), openvino=form)
    assert read_bundle(path).openvino == form
    best.config = replace(best.config, diameter=30)
    assert best.complete() is None
    written = read_bundle(path)
    assert (written.openvino, written.config.diameter) == (form, 30)
    # Other weights, such as those with a part of the start, have another form.
    best.weights = weights(3)
    with pytest.raises(AssertionError):
        best.complete()


def test_another_suffix_is_refused(tmp_path: Path, tiny_bundle: ModelBundle) -> None:
    with pytest.raises(OutputError, match=r"ends in \.unetnuclei"):
        BestModel(tmp_path / "best.keras", tiny_bundle.config, {})


def test_of_a_few_nuclei_the_last_weights_are_kept_while_none_are_nearer(
    tmp_path: Path, tiny_bundle: ModelBundle
) -> None:
    best = BestModel(tmp_path / "best.unetnuclei", tiny_bundle.config, weights(0))
    best.start = scored(0.4, n_true=10, dsb2018=0.5)
    assert best.consider(best.weights, best.start)
    found = [
        best.consider(weights(step), scored(loss, n_true=10, dsb2018=0.5))
        for step, loss in enumerate((0.39, 0.3, 0.305, 0.311, 0.306), start=1)
    ]
    assert found == [False, True, True, False, True]
    assert best.measured is not None
    assert best.measured.loss == 0.306
