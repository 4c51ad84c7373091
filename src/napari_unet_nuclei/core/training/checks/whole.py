"""Problems of a run as a whole: its settings, its start model, all pairs together."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import numpy as np

from napari_unet_nuclei.core.instances.labels import label_areas
from napari_unet_nuclei.core.models.config import MAPS
from napari_unet_nuclei.core.training.checks.problems import InputProblem, ProblemKind

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from napari_unet_nuclei.core.models.config import ModelConfig
    from napari_unet_nuclei.core.settings.training import TrainingSettings
    from napari_unet_nuclei.core.training.checks.problems import TrainingPair

_HIGHEST_RATE = 0.01  # several times the peak of any recipe that has worked
_BYTES_PER_CROP_PIXEL = 2_000  # maps of all levels and their gradients, rounded up
_BYTES_PER_PIXEL = 60  # of an image: its channels and targets
_SECONDS_PER_PIXEL = 2 / (8 * 256**2)  # of a step of resnet on two cores


def check_settings(
    settings: TrainingSettings, start: ModelConfig | None
) -> Iterator[InputProblem]:
    """Yield what the settings and the start model make unlikely to work."""
    rate = settings.peak_learning_rate(is_fine_tuning=start is not None)
    if rate > _HIGHEST_RATE:
        yield InputProblem(
            kind=ProblemKind.LEARNING_RATE,
            sentence=f"A learning rate of {rate:g} is far too high.",
            advice=f"Choose {_HIGHEST_RATE:g} or less, or leave it to the recipe.",
            is_warning=True,
        )
    seconds = settings.batch_size * settings.crop_size**2 * _SECONDS_PER_PIXEL
    if settings.minutes is not None and 60 * settings.minutes < seconds:
        yield InputProblem(
            kind=ProblemKind.TOO_SHORT,
            sentence=f"{settings.minutes:g} minutes may be too short for one step.",
            advice="Train for one minute or more.",
            is_warning=True,
        )
    if start is not None and start.maps != MAPS:
        yield InputProblem(
            kind=ProblemKind.START_MAPS,
            sentence=f"The start model has {len(start.maps)} of {len(MAPS)} maps: it "
            "cannot learn where touching nuclei meet.",
            advice="Start from a model with all maps, such as resnet.",
            is_warning=True,
        )


def check_memory(
    pairs: Sequence[TrainingPair], settings: TrainingSettings, free_memory: int
) -> Iterator[InputProblem]:
    """Yield a warning where crops and images take more than the free bytes."""
    needed = settings.batch_size * settings.crop_size**2 * _BYTES_PER_CROP_PIXEL
    needed += sum(pair.labels.size for pair in pairs) * _BYTES_PER_PIXEL
    if needed > free_memory:
        yield InputProblem(
            kind=ProblemKind.MEMORY,
            sentence=f"Training takes about {needed / 1e9:.1f} GB, where "
            f"{free_memory / 1e9:.1f} GB are free.",
            advice="Choose fewer or smaller crops a step, or fewer images.",
            is_warning=True,
        )


def check_variety(pairs: Sequence[TrainingPair]) -> Iterator[InputProblem]:
    """Yield a warning where all pairs are the same image."""
    if len(pairs) < 2:
        return
    first = _digest(pairs[0])
    if all(_digest(pair) == first for pair in pairs[1:]):  # mostly the second differs
        yield InputProblem(
            kind=ProblemKind.SAME_IMAGES,
            sentence=f"All {len(pairs)} pairs are the same image, so that the held-out "
            "score says nothing about others.",
            advice="Give each image once.",
            is_warning=True,
        )


def check_amount(pairs: Sequence[TrainingPair]) -> Iterator[InputProblem]:
    """Yield a problem where all pairs together have no nucleus, or one only."""
    n_nuclei = sum(
        label_areas(np.maximum(pair.labels.astype(np.int64), 0))[0].size
        for pair in pairs
    )
    if n_nuclei == 0:
        yield InputProblem(
            kind=ProblemKind.NO_NUCLEI,
            sentence="No nucleus is labelled in any image.",
            advice="Label some nuclei first.",
        )
    elif n_nuclei == 1:
        yield InputProblem(
            kind=ProblemKind.ONE_NUCLEUS,
            sentence="One nucleus only is labelled.",
            advice="Label ten or more, one part to learn from and one to check.",
            is_warning=True,
        )


def _digest(pair: TrainingPair) -> bytes:
    """Return a number of the pixels, the same for NaN too."""
    image = np.ascontiguousarray(pair.image)
    return hashlib.sha256(str(image.shape).encode() + image.tobytes()).digest()
