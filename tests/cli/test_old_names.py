"""What was called ``keep`` is the start weight: its old name goes on to work."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from napari_unet_nuclei.core.models.bundle import read_bundle, write_bundle
from napari_unet_nuclei.core.models.store import find_model
from napari_unet_nuclei.core.settings.training import TrainingSettings
from napari_unet_nuclei.core.training.state import state_path

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from typer.testing import Result

    Run = Callable[..., Result]

OPTIONS = ("--from", "classic", "--steps-per-epoch", 1, "--crop-size", 64)


def rename_stored_setting(state: Path) -> None:
    """Write a state as it was when the start weight was called ``keep``."""
    with np.load(state) as file:
        arrays = dict(file)
    progress = json.loads(arrays["progress"].tobytes())
    settings = progress["identity"]["settings"]
    settings["keep"] = settings.pop("start_weight")
    arrays["progress"] = np.frombuffer(json.dumps(progress).encode(), np.uint8)
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    state.write_bytes(buffer.getvalue())


@pytest.fixture
def stopped(labelled: Path, tmp_path: Path) -> Path:
    """A model whose run was stopped after its first epoch, with its old state."""
    from napari_unet_nuclei.core.datasets.opening import open_samples
    from napari_unet_nuclei.core.training.loop import iter_training

    source = open_samples(labelled)
    model = tmp_path / "stopped.unetnuclei"
    steps = iter_training(
        [source.read_sample(name) for name in source.sample_ids],
        model,
        TrainingSettings(epochs=2, steps_per_epoch=1, crop_size=64, start_weight=0.25),
        start="classic",
    )
    while next(steps).epoch < 1:
        pass
    steps.close()
    rename_stored_setting(state_path(model))
    return model


@pytest.mark.parametrize("option", ["--keep", "--start-weight", "--keep="])
def test_the_old_option_is_the_new_one(
    run: Run, labelled: Path, tmp_path: Path, option: str
) -> None:
    value = [f"{option}1.5"] if option.endswith("=") else [option, "1.5"]
    result = run("train", labelled, "-o", tmp_path / "m.unetnuclei", *value)
    assert result.exit_code == 1
    assert "must lie in [0, 1). Received: --start-weight 1.5" in result.output


def test_the_old_option_is_not_offered(run: Run) -> None:
    text = run("train", "--help").output
    assert "--start-weight" in text
    assert "--keep" not in text


def test_a_stopped_run_goes_on_under_either_name(
    run: Run, labelled: Path, stopped: Path
) -> None:
    train = ("train", labelled, "-o", stopped, *OPTIONS, "--epochs", 2, "--resume")
    result = run(*train, "--start-weight", 0.5)
    assert result.exit_code == 1
    assert "Received: start_weight=0.5, which was 0.25." in result.output
    result = run(*train, "--keep", 0.25)
    assert result.exit_code == 0, result.output
    bundle = read_bundle(stopped)
    assert bundle.config.provenance["settings"]["start_weight"] == 0.25
    assert bundle.config.provenance["n_epochs"] == 2
    assert not state_path(stopped).exists()


def test_a_model_that_was_made_under_the_old_name_is_a_model(
    run: Run, labelled: Path, tmp_path: Path
) -> None:
    bundle = read_bundle(find_model("classic"))
    provenance = {**bundle.config.provenance, "settings": {"keep": 0.25, "seed": 0}}
    old = tmp_path / "old.unetnuclei"
    config = replace(bundle.config, provenance=provenance)
    write_bundle(old, replace(bundle, config=config))
    assert read_bundle(old).config.provenance["settings"]["keep"] == 0.25
    out = tmp_path / "out"
    result = run("segment", labelled / "images", "-o", out, "--model", old)
    assert result.exit_code == 0, result.output
    options = ("--from", old, "--keep", 0.5, *OPTIONS[2:], "--epochs", 1)
    result = run("train", labelled, "-o", tmp_path / "new.unetnuclei", *options)
    assert result.exit_code == 0, result.output
    provenance = read_bundle(tmp_path / "new.unetnuclei").config.provenance
    assert provenance["settings"]["start_weight"] == 0.5
    assert "keep" not in provenance["settings"]
