from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from napari_unet_nuclei.core.datasets.drawn.looks import Look
from napari_unet_nuclei.core.engines.keras import KerasEngine
from napari_unet_nuclei.core.errors import SettingsError, TrainingError
from napari_unet_nuclei.core.settings.choices import EngineName
from napari_unet_nuclei.core.settings.training import TrainingSettings
from napari_unet_nuclei.core.training.learner import Learner
from napari_unet_nuclei.core.training.loop import iter_training
from napari_unet_nuclei.core.training.replay import (
    KNOWN_LOOKS,
    ReplayedBatches,
    count_replayed,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    from napari_unet_nuclei.core.datasets.sample import Sample
    from napari_unet_nuclei.core.models.bundle import ModelBundle
    from napari_unet_nuclei.core.training.crops.batches import Batch

SETTINGS = TrainingSettings(epochs=1, crop_size=32, seed=3)


class Annotated:
    """Batches of three black crops whose targets are all 1."""

    def __getitem__(self, index: int) -> Batch:
        shape = (3, 32, 32, 3)
        return np.zeros(shape, np.float32), np.ones(shape, np.float32)


@dataclass
class Teacher:
    """Predicts the brightness of each pixel in every map."""

    n_maps: int = 3
    name: EngineName = EngineName.KERAS
    description: str = "a teacher"
    n_seen: list[int] = field(default_factory=list)

    def predict(self, tiles: NDArray[np.float32]) -> NDArray[np.float32]:
        self.n_seen.append(len(tiles))
        return np.repeat(tiles.mean(axis=-1, keepdims=True), self.n_maps, axis=-1)


def replay(teacher: Teacher, n_replayed: int = 2) -> ReplayedBatches:
    return ReplayedBatches(Annotated(), teacher, n_replayed, SETTINGS)


def test_targets_of_replayed_crops_are_the_maps_of_the_start() -> None:
    teacher = Teacher()
    images, targets = replay(teacher)[0]
    assert images.shape == targets.shape == (5, 32, 32, 3)
    assert images.dtype == targets.dtype == np.float32
    assert not images[:3].any()
    assert (targets[:3] == 1).all()
    assert images[3:].std() > 0
    np.testing.assert_allclose(
        targets[3:], np.repeat(images[3:].mean(axis=-1, keepdims=True), 3, axis=-1)
    )
    assert teacher.n_seen == [2]


def test_a_batch_is_fixed_by_seed_and_index() -> None:
    once, again = replay(Teacher()), replay(Teacher())
    again[1]  # what was drawn before does not matter
    for index in (4, 0):
        for first, second in zip(once[index], again[index], strict=True):
            np.testing.assert_array_equal(first, second)
    assert not np.array_equal(once[0][0], once[1][0])


def test_maps_that_the_start_does_not_predict_are_not_known() -> None:
    _, targets = replay(Teacher(n_maps=1))[0]
    assert (targets[3:, ..., 0] >= 0).all()
    assert (targets[3:, ..., 1:] == -1).all()


@pytest.mark.parametrize(
    ("part", "batch_size", "expected"),
    [(0.25, 8, 2), (0.0, 8, 0), (0.9, 2, 1), (0.5, 1, 0), (0.25, 1, 0)],
)
def test_a_part_of_each_batch_is_replayed_and_not_all(
    part: float, batch_size: int, expected: int
) -> None:
    settings = TrainingSettings(epochs=1, replay=part, batch_size=batch_size)
    assert count_replayed(settings, is_fine_tuning=True) == expected
    assert count_replayed(settings, is_fine_tuning=False) == 0


def test_looks_that_users_may_teach_are_not_held_back() -> None:
    strange = {Look.RINGS, Look.DARK_TEXTURED, Look.ELONGATED_NOISY}
    assert not strange & set(KNOWN_LOOKS)


@pytest.mark.parametrize("part", [1, -0.1, float("nan")])
def test_some_of_each_batch_has_to_be_new(part: float) -> None:
    with pytest.raises(SettingsError, match=r"The replay must lie in \[0, 1\)"):
        TrainingSettings(epochs=1, replay=part)


def test_the_teacher_stays_as_the_start_was(
    tiny_bundle: ModelBundle, settings: TrainingSettings
) -> None:
    learner = Learner(settings, tiny_bundle)
    teacher = learner.make_teacher()
    images, targets = Annotated()[0]
    crops = np.random.default_rng(0).random(images.shape, np.float32)
    expected = KerasEngine.from_bundle(tiny_bundle).predict(crops)
    learner.train_on(images, targets, 0.2)
    learner.restore(learner.weights, learner.optimizer)  # as a resumed run does
    for each in (teacher, learner.make_teacher()):
        np.testing.assert_allclose(each.predict(crops), expected, atol=0.01)
    assert not np.allclose(
        learner.engine_with(learner.weights).predict(crops), expected, atol=0.05
    )


def test_without_a_start_there_is_no_teacher(settings: TrainingSettings) -> None:
    settings = replace(settings, arguments={"widths": (4, 8)})
    with pytest.raises(
        TrainingError, match=r"that training starts from\. Received: no"
    ):
        Learner(settings, None).make_teacher()


@pytest.mark.usefixtures("hurried")
def test_a_run_with_replay_goes_on_as_if_it_had_not_been_stopped(
    drawn_samples: list[Sample],
    tiny_path: Path,
    output: Path,
    settings: TrainingSettings,
    follow: Callable[..., Any],
) -> None:
    settings = replace(settings, steps_per_epoch=2, replay=0.5, learning_rate=0.01)
    losses = {}
    for part in (0.0, 0.5):
        path = output.with_stem(f"whole{part}")
        each = replace(settings, replay=part)
        steps = iter_training(drawn_samples, path, each, start=tiny_path)
        losses[part] = follow(steps, path).losses
    assert losses[0.5] != losses[0.0]
    stopped = iter_training(drawn_samples, output, settings, start=tiny_path)
    first = [next(stopped).loss for _ in range(2)]
    stopped.close()
    steps = iter_training(drawn_samples, output, settings, start=tiny_path, resume=True)
    assert [*first, *follow(steps, output).losses] == losses[0.5]
