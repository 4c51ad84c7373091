"""A start model that grows begins with its own scores, and goes on as a deeper one."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from napari_unet_nuclei.core.errors import ModelError, SettingsError, TrainingError
from napari_unet_nuclei.core.models.bundle import read_bundle, write_bundle
from napari_unet_nuclei.core.training.loop import iter_training

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from napari_unet_nuclei.core.datasets.sample import Sample
    from napari_unet_nuclei.core.settings.training import TrainingSettings


@pytest.fixture
def start(make_bundle: Callable[..., Any], tmp_path: Path) -> Path:
    path = tmp_path / "start.unetnuclei"
    write_bundle(path, make_bundle("resnet"))
    return path


@pytest.mark.usefixtures("hurried")
def test_a_grown_start_has_its_own_scores_and_can_be_resumed(
    drawn_samples: list[Sample],
    start: Path,
    output: Path,
    settings: TrainingSettings,
    follow: Callable[..., Any],
) -> None:
    settings = replace(settings, steps_per_epoch=2, learning_rate=0.01)
    steps = iter_training(drawn_samples, output, settings, start=start)
    as_it_is = next(steps)
    steps.close()
    grown = replace(settings, grow=1)
    steps = iter_training(drawn_samples, output, grown, start=start)
    first = next(steps)
    assert first.scores == as_it_is.scores
    assert next(steps).epoch == 1
    steps.close()
    refused = iter_training(drawn_samples, output, settings, start=start, resume=True)
    with pytest.raises(TrainingError, match=r"grow=0, which was 1"):
        next(refused)
    run = follow(
        iter_training(drawn_samples, output, grown, start=start, resume=True), output
    )
    assert [step.epoch for step in run.steps] == [2]
    config = read_bundle(output).config
    assert config.arguments["encoder_blocks"] == [2, 2]
    assert config.arguments["decoder_blocks"] == 2
    assert config.margin > read_bundle(start).config.margin
    assert config.provenance["settings"]["grow"] == 1


def test_only_a_start_grows(
    drawn_samples: list[Sample], output: Path, settings: TrainingSettings
) -> None:
    steps = iter_training(drawn_samples, output, replace(settings, grow=1))
    with pytest.raises(TrainingError, match=r"a model to start from.*grow=1 without"):
        next(steps)


def test_a_classic_network_does_not_grow(
    drawn_samples: list[Sample],
    tiny_path: Path,
    output: Path,
    settings: TrainingSettings,
) -> None:
    settings = replace(settings, grow=1)
    steps = iter_training(drawn_samples, output, settings, start=tiny_path)
    with pytest.raises(ModelError, match=r"a resnet\. Received: 'classic'"):
        next(steps)


def test_blocks_are_counted_from_zero(settings: TrainingSettings) -> None:
    with pytest.raises(SettingsError, match="grow"):
        replace(settings, grow=-1)
