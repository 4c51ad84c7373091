from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from napari_unet_nuclei.core.datasets.sample import Sample
from napari_unet_nuclei.core.datasets.synthetic import draw_nuclei
from napari_unet_nuclei.core.models.bundle import read_bundle
from napari_unet_nuclei.core.settings.training import TrainingSettings
from napari_unet_nuclei.core.training.crops.batches import typical_diameter
from napari_unet_nuclei.core.training.loop import iter_training
from napari_unet_nuclei.core.training.mixture import DataMixture, TrainingSet
from napari_unet_nuclei.core.training.start_scale import (
    find_start_scale,
    rescale_data,
    rescale_sample,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    from napari_unet_nuclei.core.models.bundle import ModelBundle

SETTINGS = TrainingSettings(epochs=1)
SIDE = 96


def squares(side: int, *, name: str = "squares") -> Sample:
    """Nine bright squares; the upper left corner is not annotated."""
    labels: NDArray[np.int32] = np.zeros((SIDE, SIDE), np.int32)
    for number in range(9):
        y, x = (30 * place + 4 for place in divmod(number, 3))
        labels[y : y + side, x : x + side] = number + 1
    image = (200 * (labels > 0)).astype(np.uint8)
    labels[:4, :4] = -1
    return Sample(f"{name}{side}", image, labels)


def data_of(*samples: Sample) -> DataMixture:
    one = TrainingSet(name="", samples=samples, validation=samples[:1])
    return DataMixture([one], [1.0])


@pytest.fixture
def start(tiny_bundle: ModelBundle) -> ModelBundle:
    """A model that knows nuclei as large as squares of 10 px."""
    diameter = typical_diameter([squares(10)])
    return replace(tiny_bundle, config=replace(tiny_bundle.config, diameter=diameter))


@pytest.mark.parametrize(
    ("sides", "scale"),
    [
        ((20, 20), 0.5),
        ((6,), 10 / 6),
        ((3,), 2),
        ((20, 22, 18), 0.5),
        ((10,), 1),
        ((5, 20), 1),
    ],
    ids=["large", "small", "tiny", "of one size", "known", "mixed"],
)
def test_images_are_brought_to_the_size_that_the_start_knows(
    sides: tuple[int, ...], scale: float, start: ModelBundle
) -> None:
    data = data_of(*map(squares, sides))
    assert find_start_scale(data, SETTINGS, start) == pytest.approx(scale, rel=0.03)


def test_a_small_difference_is_not_worth_interpolation(start: ModelBundle) -> None:
    config = replace(start.config, diameter=1.08 * start.config.diameter)
    data = data_of(squares(10))
    assert find_start_scale(data, SETTINGS, replace(start, config=config)) == 1


def test_an_image_without_nuclei_has_no_say(start: ModelBundle) -> None:
    empty = replace(squares(20), labels=np.zeros((SIDE, SIDE), np.int32))
    data = data_of(squares(20), empty)
    assert find_start_scale(data, SETTINGS, start) == pytest.approx(0.5, rel=0.03)


def test_without_a_start_or_a_common_size_images_stay_as_they_are(
    start: ModelBundle,
) -> None:
    data = data_of(squares(20))
    assert find_start_scale(data, SETTINGS, None) == 1
    assert find_start_scale(data, replace(SETTINGS, rescale=False), start) == 1
    sets = [replace(data.sets[0], name=name) for name in "ab"]
    assert find_start_scale(DataMixture(sets, [0.5, 0.5]), SETTINGS, start) == 1


def test_a_rescaled_sample_keeps_its_nuclei_and_what_is_not_annotated() -> None:
    half = rescale_sample(squares(20), 0.5)
    assert half.image.shape == (SIDE // 2, SIDE // 2, 3)
    assert half.image.dtype == np.float32
    assert {half.image.min(), half.image.max()} == {0, 1}
    assert half.labels.dtype == np.int32
    assert np.unique(half.labels).tolist() == list(range(-1, 10))
    assert (half.labels == 5).sum() == 100
    assert (half.labels[:2, :2] == -1).all()
    inside = half.image[..., 0] > 0.5
    np.testing.assert_array_equal(inside, half.labels > 0)


def test_held_out_samples_stay_as_they_are() -> None:
    data = data_of(squares(20), squares(20))
    half = rescale_data(data, 0.5)
    assert [sample.labels.shape for sample in half.samples] == [(48, 48)] * 2
    assert half.validation == data.validation
    assert rescale_data(data, 1.0) is data


@pytest.mark.usefixtures("hurried")
def test_a_tuned_model_remembers_how_large_nuclei_are_in_the_images(
    tiny_path: Path,
    output: Path,
    settings: TrainingSettings,
    follow: Callable[..., Any],
) -> None:
    samples = [
        Sample(f"large{seed}", *draw_nuclei(seed, (128, 128), 8, diameter=28))
        for seed in range(4)
    ]
    known = read_bundle(tiny_path).config.diameter
    settings = replace(settings, steps_per_epoch=1, epochs=1, learning_rate=1e-6)
    run = follow(iter_training(samples, output, settings, start=tiny_path), output)
    config = read_bundle(run.output).config
    assert config.diameter == pytest.approx(known, abs=0.1)
    assert config.image_diameter == pytest.approx(2 * known, rel=0.15)
    assert config.scale == pytest.approx(known / config.image_diameter, rel=0.01)
    assert config.provenance["settings"]["rescale"] is True
    assert run.report.start_scores is not None
    assert run.report.start_scores.n_true == run.report.scores.n_true
