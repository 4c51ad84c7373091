"""A model says what it has learned from, for how long, and what has come of it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from napari_unet_nuclei.core.models.bundle import read_bundle
from napari_unet_nuclei.core.progress import exhaust
from napari_unet_nuclei.core.training.loop import iter_training

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from napari_unet_nuclei.core.datasets.sample import Sample
    from napari_unet_nuclei.core.settings.training import TrainingSettings


@pytest.mark.usefixtures("hurried")
def test_a_model_says_what_it_was_trained_on(
    scripted: Callable[..., Any],
    drawn_samples: list[Sample],
    tiny_path: Path,
    output: Path,
    settings: TrainingSettings,
) -> None:
    scripted(0.5, 0.6)
    left = drawn_samples[0].labels.copy()
    left[:, left.shape[1] // 4 :] = -1
    train = [replace(drawn_samples[0], labels=left), *drawn_samples[1:-1]]
    steps = iter_training(
        train,
        output,
        replace(settings, epochs=1),
        validation=drawn_samples[-1:],
        start=tiny_path,
    )
    report = exhaust(steps)
    provenance = read_bundle(output).config.provenance
    assert provenance["start"] == tiny_path.stem
    assert provenance["train"] == [sample.sample_id for sample in train]
    annotated = provenance["annotated"]
    assert annotated["train"]["parts"] == {
        train[0].sample_id: pytest.approx(0.25, abs=0.02)
    }
    assert annotated["train"]["n_nuclei"] == sum(
        np.unique(sample.labels[sample.labels > 0]).size for sample in train
    )
    assert annotated["validation"]["part"] == 1
    assert annotated["validation"]["parts"] == {}
    assert provenance["minutes"] == round(report.seconds / 60, 1)
    assert provenance["start_scores"]["dsb2018"] == 0.5
    assert provenance["scores"]["dsb2018"] == 0.6
    assert provenance["verdict"].startswith("tuned may be better than ")
    assert provenance["intervals"]["gain"] is None
    assert not provenance["is_certain"]
