from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from napari_unet_nuclei.core.datasets.sample import Sample
from napari_unet_nuclei.core.errors import (
    LabelsError,
    SettingsError,
)
from napari_unet_nuclei.core.settings.choices import (
    Architecture,
)
from napari_unet_nuclei.core.training import loop as training
from napari_unet_nuclei.core.training.loop import train

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray


@pytest.fixture
def handed_on(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Catch what ``train`` hands on instead of training for minutes."""
    caught: dict[str, Any] = {}

    def catch(
        samples: Any, output: Path, settings: Any, *, start: Any
    ) -> Iterator[Any]:  # type: ignore[no-untyped-def]
        caught.update(samples=samples, output=output, settings=settings, start=start)
        return "report"
        yield

    monkeypatch.setattr(training, "iter_training", catch)
    return caught


def test_train_takes_pairs_of_arrays(handed_on: dict[Any, Any]) -> None:
    image, labels = np.zeros((5, 6)), np.ones((5, 6), np.int64)
    ready = Sample("ready", image, labels.astype(np.int32))
    pairs = [(image, labels), (image.tolist(), labels.tolist()), ready]
    assert train(pairs, "a.unetnuclei", "classic") == "report"
    first, second, third = handed_on["samples"]
    assert [first.sample_id, second.sample_id] == ["sample0", "sample1"]
    assert third is ready
    for sample in first, second:
        assert sample.labels.dtype == np.int32
        assert sample.image.shape == (5, 6)
    assert str(handed_on["output"]) == "a.unetnuclei"
    assert handed_on["start"] is None
    settings = handed_on["settings"]
    assert settings.architecture is Architecture.CLASSIC
    assert (settings.minutes, settings.epochs) == (5, None)


def test_train_has_a_length_and_a_seed(handed_on: dict[Any, Any]) -> None:
    train([], "a.unetnuclei", start="resnet", epochs=3, seed=7)
    settings = handed_on["settings"]
    assert (settings.minutes, settings.epochs, settings.seed) == (None, 3, 7)
    assert handed_on["start"] == "resnet"


@pytest.mark.parametrize(
    ("pair", "error", "message"),
    [
        ((np.zeros((5, 6)), np.full((5, 6), -2)), LabelsError, "labels of sample0"),
        ((np.zeros((5, 6)), np.full((5, 6), 0.5)), LabelsError, "whole numbers"),
    ],
)
def test_train_checks_labels(
    handed_on: dict[Any, Any],
    pair: tuple[NDArray[Any], ...],
    error: type[Any],
    message: str,
) -> None:
    with pytest.raises(error, match=message):
        train([pair], "a.unetnuclei")


def test_train_checks_settings(handed_on: dict[Any, Any]) -> None:
    with pytest.raises(SettingsError, match="'vgg'"):
        train([], "a.unetnuclei", "vgg")
    with pytest.raises(SettingsError, match="either how many"):
        train([], "a.unetnuclei", minutes=1, epochs=1)
