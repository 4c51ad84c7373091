"""All that is wrong with the input of a training run, found before anything starts."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from napari_unet_nuclei.core import hardware
from napari_unet_nuclei.core.datasets.sample import Sample
from napari_unet_nuclei.core.errors import TrainingError
from napari_unet_nuclei.core.training.checks.annotation import check_annotation
from napari_unet_nuclei.core.training.checks.images import check_image
from napari_unet_nuclei.core.training.checks.labels import (
    check_label_values,
    check_nuclei,
)
from napari_unet_nuclei.core.training.checks.problems import InputProblem, ProblemKind
from napari_unet_nuclei.core.training.checks.together import (
    check_related,
    check_swapped,
    find_misfit,
)
from napari_unet_nuclei.core.training.checks.whole import (
    check_amount,
    check_memory,
    check_settings,
    check_variety,
)
from napari_unet_nuclei.core.training.holding_out import hold_out

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from napari_unet_nuclei.core.models.config import ModelConfig
    from napari_unet_nuclei.core.settings.training import TrainingSettings
    from napari_unet_nuclei.core.training.checks.problems import TrainingPair


def check_training_input(
    pairs: Sequence[TrainingPair],
    settings: TrainingSettings,
    *,
    start: ModelConfig | None = None,
    holds_out: bool = True,
    free_memory: int | None = None,
) -> list[InputProblem]:
    """Return all problems of what is about to be trained on.

    Parameters
    ----------
    pairs : sequence of TrainingPair
        Images and labels as they come.
    settings : TrainingSettings
        Recipe and length.
    start : ModelConfig, optional
        Model to fine-tune.
    holds_out : bool
        Whether a part of these pairs is held out.
    free_memory : int, in bytes, optional
        Memory that training may take; measured by default.

    Returns
    -------
    list of InputProblem
        Pair by pair, then those of the whole run; empty where nothing is wrong.

    Examples
    --------
    >>> import numpy as np
    >>> from napari_unet_nuclei.core.settings.training import TrainingSettings
    >>> from napari_unet_nuclei.core.training.checks.problems import TrainingPair
    >>> pair = TrainingPair(name="a", image=np.eye(8), labels=np.ones((8, 9)))
    >>> problems = check_training_input([pair], TrainingSettings(minutes=1))
    >>> [str(problem.kind) for problem in problems]
    ['smaller than a crop', 'shapes differ']
    >>> print(problems[1].sentence)
    The image is 8x8 px, its labels are 8x9 px.
    """
    problems: list[InputProblem] = []
    usable = []
    for pair in pairs:
        found = list(_check_pair(pair, settings.crop_size))
        problems += found
        if all(problem.is_warning for problem in found):
            usable.append(pair)
    problems += check_settings(settings, start)
    if not pairs:
        problems.append(
            InputProblem(
                kind=ProblemKind.NO_PAIRS,
                sentence="There is nothing to train on.",
                advice="Choose an image and its labels.",
            )
        )
    if usable:
        free = hardware.free_memory() if free_memory is None else free_memory
        problems += _check_together(usable, settings, free, holds_out=holds_out)
    return problems


def _check_together(
    pairs: Sequence[TrainingPair],
    settings: TrainingSettings,
    free_memory: int,
    *,
    holds_out: bool,
) -> Iterator[InputProblem]:
    """Yield problems of all pairs that can be trained on."""
    yield from check_memory(pairs, settings, free_memory)
    yield from check_variety(pairs)
    yield from check_amount(pairs)
    if holds_out:
        yield from _check_room(pairs, settings)


def _check_pair(pair: TrainingPair, crop_size: int) -> Iterator[InputProblem]:
    image, labels = np.asarray(pair.image), np.asarray(pair.labels)
    is_usable = True
    for problem in check_image(pair.name, image, crop_size):
        # Background alone may be constant: it teaches little, but spoils nothing.
        is_warning = problem.is_warning or (
            problem.kind is ProblemKind.CONSTANT and _is_background(labels)
        )
        is_usable &= is_warning
        yield replace(problem, is_warning=is_warning)
    if not is_usable:
        return
    if (misfit := find_misfit(pair.name, image, labels)) is not None:
        yield misfit
        return
    swapped = list(check_swapped(pair.name, image, labels))
    found = swapped or list(check_label_values(pair.name, labels))
    yield from found
    if not found:
        whole = labels.astype(np.int64)
        yield from check_annotation(pair.name, whole)
        yield from check_nuclei(pair.name, whole)
        yield from check_related(pair.name, image, whole)


def _is_background(labels: NDArray[np.generic]) -> bool:
    """Tell whether no nucleus is labelled."""
    return labels.dtype.kind in "bui" and not (labels.astype(np.int64) > 0).any()


def _check_room(
    pairs: Sequence[TrainingPair], settings: TrainingSettings
) -> Iterator[InputProblem]:
    samples = [
        Sample(pair.name, pair.image, pair.labels.astype(np.int32)) for pair in pairs
    ]
    try:
        hold_out(samples, settings.validation_fraction, settings.seed)
    except TrainingError:
        yield InputProblem(
            kind=ProblemKind.NO_ROOM,
            sentence="There are not enough labelled nuclei to hold a part out.",
            advice="Label nuclei in two quarters of an image, or in two images.",
        )
