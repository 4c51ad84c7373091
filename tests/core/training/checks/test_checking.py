"""Each kind of bad input is named, and good input is not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from napari_unet_nuclei.core.models.config import ONE_MAP, ModelConfig
from napari_unet_nuclei.core.settings.choices import Architecture
from napari_unet_nuclei.core.settings.training import TrainingSettings
from napari_unet_nuclei.core.training.checks.checking import check_training_input
from napari_unet_nuclei.core.training.checks.problems import ProblemKind, TrainingPair

if TYPE_CHECKING:
    from numpy.typing import NDArray

SETTINGS = TrainingSettings(minutes=5, crop_size=64)


def draw(n: int = 4, seed: int = 0) -> tuple[NDArray[Any], NDArray[Any]]:
    """Noisy image of 96 px with bright squares, 16 to a row, and their labels."""
    labels = np.zeros((96, 96), np.int32)
    for number in range(n):
        y, x = 8 + 24 * (number // 4), 8 + 24 * (number % 4)
        labels[y : y + 12, x : x + 12] = number + 1
    noise = np.random.default_rng(seed).normal(50, 5, labels.shape)
    return (noise + 80 * (labels > 0)).astype(np.uint8), labels


IMAGE, LABELS = draw(16)


def kinds(*pairs: Any, settings: TrainingSettings = SETTINGS, **options: Any) -> Any:
    named = [
        TrainingPair(name=f"pair{n}", image=np.asarray(image), labels=np.asarray(each))
        for n, (image, each) in enumerate(pairs)
    ]
    options = {"free_memory": 1 << 40, **options}
    return [each.kind for each in check_training_input(named, settings, **options)]


def test_good_pairs_have_no_problem() -> None:
    assert kinds(draw(16, 0), draw(16, 1), draw(12, 2)) == []
    ignored = np.where(LABELS == 3, -1, LABELS)
    assert kinds((IMAGE, ignored)) == []
    assert kinds((np.stack([IMAGE] * 3, axis=-1), LABELS.astype(np.float32))) == []


def with_nan(value: float) -> NDArray[Any]:
    image = IMAGE.astype(float)
    image[3, 4] = value
    return image


SPECKS = np.zeros((96, 96), int)
SPECKS[::3, ::3] = np.arange(1, 1025).reshape(32, 32)
SCATTERED = LABELS.copy()
SCATTERED[LABELS == 16] = 1


@pytest.mark.parametrize(
    ("image", "labels", "kind"),
    [
        (np.zeros((3, 4, 96, 96)), LABELS, ProblemKind.NOT_AN_IMAGE),
        (IMAGE.astype(complex), LABELS, ProblemKind.NOT_AN_IMAGE),
        (np.zeros((96, 96, 7)), LABELS, ProblemKind.UNKNOWN_CHANNELS),
        (IMAGE, LABELS[1:], ProblemKind.SHAPES_DIFFER),
        (with_nan(np.nan), LABELS, ProblemKind.NOT_FINITE),
        (with_nan(np.inf), LABELS, ProblemKind.NOT_FINITE),
        (IMAGE * 0, LABELS, ProblemKind.CONSTANT),
        (IMAGE[:40], LABELS[:40], ProblemKind.SMALL),
        (IMAGE, np.stack([LABELS] * 3, axis=-1), ProblemKind.COLOURED_LABELS),
        (IMAGE, IMAGE / 255, ProblemKind.PROBABILITIES),
        (IMAGE, LABELS - 2, ProblemKind.NEGATIVE),
        (IMAGE, LABELS - 1, ProblemKind.NO_BACKGROUND),
        (IMAGE, -1 * (LABELS > 0), ProblemKind.NOTHING_BUT_IGNORED),
        (IMAGE, LABELS * 0, ProblemKind.NO_NUCLEI),
        (IMAGE, LABELS == 1, ProblemKind.ONE_NUCLEUS),
        (IMAGE, LABELS > 0, ProblemKind.ONE_VALUE),
        (IMAGE, np.where(LABELS, 1 + LABELS % 2, 0), ProblemKind.CLASSES),
        (IMAGE, SCATTERED, ProblemKind.SCATTERED),
        (IMAGE, np.maximum(LABELS, 1), ProblemKind.HUGE),
        (IMAGE, SPECKS, ProblemKind.SPECKS),
        (LABELS, IMAGE, ProblemKind.SWAPPED),
        (np.random.default_rng(1).random((96, 96)), LABELS, ProblemKind.UNRELATED),
        (IMAGE, LABELS == 1, ProblemKind.NO_ROOM),
    ],
)
def test_bad_pairs(image: Any, labels: Any, kind: ProblemKind) -> None:
    assert kind in kinds((image, labels))


def test_settings_and_start() -> None:
    def found(start: ModelConfig | None = None, **changes: Any) -> Any:
        settings = TrainingSettings(**{"minutes": 5, "crop_size": 64, **changes})
        return kinds((IMAGE, LABELS), settings=settings, start=start)

    foreground = ModelConfig(
        architecture=Architecture.CLASSIC,
        maps=ONE_MAP,
        stride=4,
        margin=4,
        diameter=10,
    )
    assert found(learning_rate=0.1) == [ProblemKind.LEARNING_RATE]
    assert found(minutes=0.001) == [ProblemKind.TOO_SHORT]
    assert found(foreground) == [ProblemKind.START_MAPS]


def test_all_pairs_together() -> None:
    assert kinds() == [ProblemKind.NO_PAIRS]
    assert kinds(*[(IMAGE, LABELS)] * 3) == [ProblemKind.SAME_IMAGES]
    assert kinds((IMAGE, LABELS), free_memory=1000) == [ProblemKind.MEMORY]


def test_a_problem_says_which_pair_and_what_to_do() -> None:
    pair = TrainingPair(name="cells", image=IMAGE, labels=LABELS[1:])
    (problem,) = check_training_input([pair], SETTINGS)
    assert not problem.is_warning
    assert str(problem) == (
        "cells: The image is 96x96 px, its labels are 95x96 px. Choose the labels "
        "that were drawn on this image."
    )


def test_a_constant_image_of_background_is_only_a_warning() -> None:
    black = np.zeros_like(IMAGE)
    for labels, is_warning in ((np.zeros_like(LABELS), True), (LABELS, False)):
        pair = TrainingPair(name="black", image=black, labels=labels)
        (problem,) = (
            each
            for each in check_training_input([pair], SETTINGS, holds_out=False)
            if each.kind is ProblemKind.CONSTANT
        )
        assert problem.is_warning is is_warning


def test_specks_among_nuclei_are_a_warning_and_nothing_but_dots_an_error() -> None:
    dots = np.zeros_like(LABELS)
    dots[4::24, 4::24] = 1 + np.arange(16).reshape(4, 4)
    larger = np.kron(
        np.arange(1, 1025).reshape(32, 32), [[1, 1, 0], [1, 1, 0], [0] * 3]
    )
    for labels, is_warning in ((dots, False), (larger, True)):
        pair = TrainingPair(name="specks", image=IMAGE, labels=labels)
        found = check_training_input([pair], SETTINGS, holds_out=False)
        (problem,) = (each for each in found if each.kind is ProblemKind.SPECKS)
        assert problem.is_warning is is_warning
