"""What ``train`` says about its input, and refuses, before anything starts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_unet_nuclei.core.errors import TrainingError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from napari_unet_nuclei.core.settings.training import TrainingSettings
    from napari_unet_nuclei.core.training.checks.problems import InputProblem
    from napari_unet_nuclei.core.training.mixture import TrainingSet

    Say = Callable[[str], None]

_MOST_TOLD = 10  # a line each
_MOST_SUMMED_UP = 2


def check_data(
    sets: Sequence[TrainingSet],
    settings: TrainingSettings,
    start: str | None,
    say: Say,
) -> None:
    """Say what to look at before training; refuse what cannot be trained on.

    Parameters
    ----------
    sets : sequence of TrainingSet
        Data sets.
    settings : TrainingSettings
        Recipe and length.
    start : str, optional
        Name or file of the model to fine-tune.
    say : callable
        Is told each kind of warning once, with the image it is about.

    Raises
    ------
    TrainingError
        If training cannot start on this; it names each image, what is wrong with it
        and what to do.
    ModelError
        If there is no such model.
    """
    problems = find_problems(sets, settings, start)
    for sentence in _describe_warnings(problems):
        say(sentence)
    errors = [str(problem) for problem in problems if not problem.is_warning]
    if not errors:
        return
    for sentence in errors[:_MOST_TOLD]:
        say(f"Cannot train on {sentence}")
    first = " ".join(errors[:_MOST_SUMMED_UP])
    n_more = len(errors) - _MOST_SUMMED_UP
    more = f" There are {n_more:,} more problems." if n_more > 0 else ""
    raise TrainingError(f"Training cannot start. {first}{more}")


def find_problems(
    sets: Sequence[TrainingSet], settings: TrainingSettings, start: str | None
) -> list[InputProblem]:
    """Return all problems of data sets, with the start model and what is held out."""
    from napari_unet_nuclei.core.models.bundle import read_config
    from napari_unet_nuclei.core.models.store import find_model
    from napari_unet_nuclei.core.training.checks.checking import check_training_input
    from napari_unet_nuclei.core.training.checks.problems import TrainingPair

    pairs = [
        TrainingPair(
            name=sample.sample_id
            if len(sets) == 1
            else f"{each.name}/{sample.sample_id}",
            image=sample.image,
            labels=sample.labels,
        )
        for each in sets
        for sample in (*each.samples, *(each.validation or ()))
    ]
    return check_training_input(
        pairs,
        settings,
        start=None if start is None else read_config(find_model(start)),
        # Of several sets, each is divided, or refused by its name, when they are mixed.
        holds_out=len(sets) == 1 and sets[0].validation is None,
    )


def _describe_warnings(problems: Sequence[InputProblem]) -> list[str]:
    """Say each kind once, with the first image it is about."""
    from napari_unet_nuclei.core.training.checks.problems import group_by_kind

    groups = group_by_kind(problem for problem in problems if problem.is_warning)
    return [
        f"{first} The same of {len(more):,} more." if more else str(first)
        for first, *more in groups.values()
    ]
