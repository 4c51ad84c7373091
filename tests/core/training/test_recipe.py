from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import keras
import numpy as np
import pytest

from napari_unet_nuclei.core.errors import (
    ModelError,
)
from napari_unet_nuclei.core.models.bundle import read_bundle
from napari_unet_nuclei.core.networks.building import build_model, complete_arguments
from napari_unet_nuclei.core.networks.bundling import (
    get_weights,
    precision,
)
from napari_unet_nuclei.core.settings.choices import (
    Architecture,
    Augmentation,
    Monitor,
    Schedule,
)
from napari_unet_nuclei.core.training import held_out, learner
from napari_unet_nuclei.core.training.loop import iter_training
from napari_unet_nuclei.core.training.state import (
    state_path,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from typing import Any

    from napari_unet_nuclei.core.datasets.sample import Sample
    from napari_unet_nuclei.core.settings.training import TrainingSettings


@pytest.mark.usefixtures("hurried")
def test_a_plateau_lowers_the_learning_rate(
    drawn_samples: list[Sample],
    tiny_path: Path,
    output: Path,
    scripted: Callable[..., Any],
    settings: TrainingSettings,
    follow: Callable[..., Any],
) -> None:
    scripted(0.2, 0.3, 0.1, 0.1, 0.1, 0.1)
    settings = replace(
        settings,
        steps_per_epoch=1,
        epochs=5,
        schedule=Schedule.PLATEAU,
        plateau_patience=2,
        plateau_factor=0.1,
    )
    run = follow(
        iter_training(drawn_samples, output, settings, start=tiny_path), output
    )
    rates = [step.learning_rate for step in run.steps[1:]]
    # So short a run warms up in its first step.
    assert rates == pytest.approx([0.002, 0.2, 0.2, 0.02, 0.02])


@pytest.mark.usefixtures("hurried")
def test_only_better_weights_are_saved_and_patience_has_an_end(
    drawn_samples: list[Sample],
    tiny_path: Path,
    output: Path,
    scripted: Callable[..., Any],
    settings: TrainingSettings,
) -> None:
    scripted(0.2, 0.1, 0.3, 0.3, 0.25)
    settings = replace(
        settings, steps_per_epoch=1, epochs=50, learning_rate=10.0, patience=2
    )
    steps = iter_training(drawn_samples, output, settings, start=tiny_path)
    kernels, flags = [], []
    for step in steps:
        flags.append(step.is_best)
        kernels.append(read_bundle(output).weights["maps_logits/kernel"])
    assert flags == [True, False, True, False, False]
    assert not np.array_equal(kernels[1], kernels[2])
    final = read_bundle(output).weights["maps_logits/kernel"]
    for same, other in (0, 1), (2, 3), (2, 4):
        np.testing.assert_array_equal(kernels[same], kernels[other])
    np.testing.assert_array_equal(final, kernels[2])
    assert not state_path(output).exists()


@pytest.mark.usefixtures("hurried")
def test_another_score_can_be_monitored(
    drawn_samples: list[Sample],
    tiny_path: Path,
    output: Path,
    scripted: Callable[..., Any],
    settings: TrainingSettings,
) -> None:
    scripted(0.2, 0.3, 0.3, 0.25, name="dice")
    settings = replace(
        settings, steps_per_epoch=1, epochs=50, patience=2, monitor=Monitor.DICE
    )
    steps = iter_training(drawn_samples, output, settings, start=tiny_path)
    assert [step.is_best for step in steps] == [True, True, False, False]


@pytest.mark.usefixtures("hurried")
@pytest.mark.parametrize("augmentation", Augmentation)
def test_a_model_knows_which_flips_it_has_learned(
    drawn_samples: list[Sample],
    tiny_path: Path,
    output: Path,
    scripted: Callable[..., Any],
    augmentation: Augmentation,
    settings: TrainingSettings,
    follow: Callable[..., Any],
) -> None:
    scripted(0.2, 0.3)
    settings = replace(settings, steps_per_epoch=1, epochs=1, augmentation=augmentation)
    run = follow(
        iter_training(drawn_samples, output, settings, start=tiny_path), output
    )
    expected = {"all": 8, "strong": 8, "flips": 8, "elastic": 2, "none": 1}
    assert read_bundle(run.report.output).config.n_symmetries == expected[augmentation]


@pytest.mark.parametrize(
    ("is_wanted", "is_fast", "expected"),
    [
        (True, True, "bfloat16"),
        (True, False, "float32"),
        (False, True, "float32"),
    ],
)
def test_bfloat16_is_used_where_it_is_fast(
    is_wanted: bool,
    is_fast: bool,
    expected: str,
    monkeypatch: pytest.MonkeyPatch,
    settings: TrainingSettings,
) -> None:
    monkeypatch.setattr(learner, "multiplies_bfloat16", lambda: is_fast)
    settings = replace(
        settings, arguments={"widths": (4, 8)}, mixed_precision=is_wanted
    )
    network = learner.Learner(settings, None)
    assert network._model.layers[1].compute_dtype == expected
    assert network._model.layers[1].variable_dtype == "float32"


@pytest.mark.usefixtures("hurried")
def test_a_model_is_trained_from_scratch(
    drawn_samples: list[Sample],
    output: Path,
    monkeypatch: pytest.MonkeyPatch,
    settings: TrainingSettings,
    follow: Callable[..., Any],
) -> None:
    """Mixed precision, explicit validation, fewer steps than an average takes."""
    monkeypatch.setattr(learner, "multiplies_bfloat16", lambda: True)
    architecture = Architecture.RESNET
    settings = replace(
        settings,
        architecture=architecture,
        arguments={"widths": (4, 8)},
        steps_per_epoch=3,
        epochs=1,
        ema_momentum=0,
        mixed_precision=True,
    )
    policy = keras.config.dtype_policy()
    run = follow(
        iter_training(
            drawn_samples[:3], output, settings, validation=drawn_samples[3:]
        ),
        output,
    )
    assert keras.config.dtype_policy() == policy
    assert [step.epoch for step in run.steps] == [1]
    assert run.steps[0].is_best
    assert run.report.start_scores is None
    assert run.report.is_better_than_start
    bundle = read_bundle(output)
    assert bundle.config.architecture is architecture
    assert bundle.config.arguments.keys() == complete_arguments(architecture, {}).keys()
    assert bundle.config.provenance["start"] is None
    assert bundle.config.provenance["validation"] == ["drawn3", "drawn4"]
    # What is saved has been trained.
    keras.utils.set_random_seed(settings.seed)
    with precision("mixed_bfloat16"):
        untrained = get_weights(build_model(architecture, settings.arguments))
    moved = bundle.weights["maps_logits/bias"] - untrained["maps_logits/bias"]
    assert np.abs(moved).min() > 0


@pytest.mark.usefixtures("hurried")
def test_the_clock_can_limit_a_run(
    drawn_samples: list[Sample],
    tiny_path: Path,
    output: Path,
    monkeypatch: pytest.MonkeyPatch,
    settings: TrainingSettings,
    follow: Callable[..., Any],
) -> None:
    settings = replace(settings, epochs=None, minutes=1e-4)
    steps = iter_training(drawn_samples, output, settings, start=tiny_path)
    next(steps)
    # The start stays the best, and nothing is measured or tuned anew.
    for name in "tune", "measure":
        monkeypatch.delattr(held_out.HeldOutSamples, name)
    run = follow(steps, output)
    # The first step takes longer than that.
    assert run.report.n_steps == 1
    assert run.steps[-1].progress == 1
    assert run.steps[-1].epoch == 1


def test_arguments_must_fit_the_network(
    drawn_samples: list[Sample], output: Path, settings: TrainingSettings
) -> None:
    settings = replace(settings, arguments={"depth": 3})
    with pytest.raises(ModelError, match="depth"):
        next(iter_training(drawn_samples, output, settings))
