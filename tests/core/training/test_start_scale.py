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
    measure_sizes,
    rescale_data,
    rescale_sample,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    from napari_unet_nuclei.core.models.bundle import ModelBundle

SETTINGS = TrainingSettings(epochs=1)
SIDE = 144


def squares(side: int, *, name: str = "squares") -> Sample:
    """Nine bright squares; the upper left corner is not annotated."""
    labels: NDArray[np.int32] = np.zeros((SIDE, SIDE), np.int32)
    for number in range(9):
        y, x = (SIDE // 3 * place + 4 for place in divmod(number, 3))
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
    [((20,), 0.5), ((40,), 0.25), ((5,), 2), ((3,), 2), ((7,), 1), ((14,), 1)],
    ids=["large", "huge", "small", "tiny", "rather small", "rather large"],
)
def test_images_that_the_start_would_rescale_are_learned_at_the_size_it_knows(
    sides: tuple[int, ...], scale: float, start: ModelBundle
) -> None:
    samples = [squares(side) for side in sides]
    sizes = measure_sizes(data_of(*samples), SETTINGS, start)
    assert sizes.image_scale == pytest.approx(scale, rel=0.03)
    assert sizes.image_diameter == pytest.approx(typical_diameter(samples), rel=0.3)
    assert sizes.diameter == start.config.diameter


def test_what_is_not_replayed_is_not_known_any_more(start: ModelBundle) -> None:
    settings = replace(SETTINGS, replay=0)
    data = data_of(squares(14))
    sizes = measure_sizes(data, settings, start)
    assert sizes.diameter == typical_diameter(data.samples)
    large = measure_sizes(data_of(squares(40)), settings, start)
    assert large.diameter == pytest.approx(start.config.diameter, abs=0.1)


def test_an_image_without_nuclei_has_no_say(start: ModelBundle) -> None:
    empty = replace(squares(40), labels=np.zeros((SIDE, SIDE), np.int32))
    sizes = measure_sizes(data_of(squares(40), empty), SETTINGS, start)
    assert sizes.image_scale == pytest.approx(0.25, rel=0.03)


def test_without_a_start_or_a_common_size_images_stay_as_they_are(
    start: ModelBundle,
) -> None:
    data = data_of(squares(40))
    as_they_are = replace(SETTINGS, rescale=False)
    assert measure_sizes(data, as_they_are, start).image_scale == 1
    sets = [replace(data.sets[0], name=name) for name in "ab"]
    mixed = data_of(squares(5), squares(28))
    for sizes in (
        measure_sizes(data, SETTINGS, None),
        measure_sizes(DataMixture(sets, [0.5, 0.5]), SETTINGS, start),
        measure_sizes(mixed, SETTINGS, start),
    ):
        assert (sizes.image_scale, sizes.image_diameter) == (None, None)
    assert sizes.diameter == typical_diameter(mixed.samples)


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
    assert [sample.labels.shape for sample in half.samples] == [
        (SIDE // 2, SIDE // 2)
    ] * 2
    assert half.validation == data.validation
    assert rescale_data(data, 1.0) is data


@pytest.mark.usefixtures("hurried")
def test_a_tuned_model_remembers_how_large_nuclei_are_in_the_images(
    tiny_path: Path,
    output: Path,
    settings: TrainingSettings,
    follow: Callable[..., Any],
    scripted: Callable[..., None],
) -> None:
    scripted(0.1, 0.6)  # a start that is kept keeps its sizes, too
    samples = [
        Sample(f"large{seed}", *draw_nuclei(seed, (160, 160), 8, diameter=44))
        for seed in range(4)
    ]
    known = read_bundle(tiny_path).config.diameter
    settings = replace(settings, steps_per_epoch=1, epochs=1, learning_rate=1e-6)
    run = follow(iter_training(samples, output, settings, start=tiny_path), output)
    config = read_bundle(run.output).config
    assert config.image_scale == pytest.approx(known / 44, rel=0.15)
    assert config.scale == config.image_scale
    assert config.diameter == pytest.approx(known, abs=0.1)
    assert config.provenance["settings"]["rescale"] is True
