"""Fine-tuning in a child process, followed from here.

The child is the command line itself.  How it is started and ended is in
``child_process``, what it says in ``training_events``, what it trains on in
``training_samples``; Qt and layers do not belong here.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from napari_unet_nuclei.core.errors import OutputError, TrainingError
from napari_unet_nuclei.core.settings.training import MIN_SAMPLES_TO_HOLD_OUT
from napari_unet_nuclei.core.writing.atomic_files import scratch_folder
from napari_unet_nuclei.core.writing.file_lock import hold_lock
from napari_unet_nuclei.plugin.finetune.child_process import (
    SHORT_GRACE_SECONDS,
    iter_output,
)
from napari_unet_nuclei.plugin.finetune.training_events import (
    ErrorEvent,
    FinishedEvent,
    StepEvent,
    TrainingEvent,
    parse_event,
)
from napari_unet_nuclei.plugin.finetune.training_samples import (
    make_samples,
    write_samples,
)
from napari_unet_nuclei.plugin.shared.commands import fine_tune_arguments
from napari_unet_nuclei.plugin.shared.model_name import FILE_SUFFIXES

if TYPE_CHECKING:
    from collections.abc import Generator

    from napari_unet_nuclei.plugin.finetune.annotated_image import AnnotatedImage

MakeCommand = Callable[[Sequence[Path], Path, Path, float], list[str]]
"""Makes program and arguments of data sets, output, start and minutes."""


@dataclass(frozen=True, kw_only=True, eq=False)
class FineTuneRequest:
    """All a run needs to know.

    Parameters
    ----------
    pairs : sequence of AnnotatedImage
        Images with their labels.
    folders : sequence of Path
        Data sets that are trained on as well.
    start : Path
        Model to start from.
    output : Path
        Model to write; there must be none of this name yet, nor a log, curve or
        state beside it.
    minutes : float
        Time to train.
    command : callable, optional
        Makes the command line of the process.
    grace_seconds : float
        Time the process gets to complete its best model when it is cancelled.
    """

    pairs: Sequence[AnnotatedImage]
    folders: Sequence[Path] = ()
    start: Path
    output: Path
    minutes: float
    command: MakeCommand = fine_tune_arguments
    grace_seconds: float = 30.0


@dataclass(frozen=True, kw_only=True)
class FineTuned:
    """How a run ended.

    Parameters
    ----------
    name, start : str
        The new model, and the one it began as.
    score, start_score : float in [0, 1]
        DSB2018 scores of the two on the held-out part.
    is_better : bool
        Whether training helped.
    held_out : str
        What the scores come from: ``"quarters"`` or ``"images"``.
    warning : str, optional
        What the new model lacks.
    verdict, advice, note : str, optional
        Better or no better, and why; what would help; what went wrong on the way. A
        sentence each.
    """

    name: str
    start: str
    score: float
    start_score: float | None
    is_better: bool
    held_out: str
    warning: str | None = None
    verdict: str | None = None
    advice: str | None = None
    note: str | None = None


@dataclass(frozen=True, kw_only=True)
class StillRunning:
    """Nothing new; gives a worker the chance to notice a cancel.

    Parameters
    ----------
    seconds : float
        Time since the process was started.
    """

    seconds: float


def iter_fine_tuning(
    request: FineTuneRequest,
) -> Generator[TrainingEvent | StillRunning, None, FineTuned]:
    """Fine-tune a model in a child process.

    Closing the generator ends the process; the best weights so far stay on disk
    if they are better than those it started from.

    Parameters
    ----------
    request : FineTuneRequest
        Samples, models and time.

    Yields
    ------
    TrainingEvent or StillRunning
        What the process says, or that it is there, ten times a second.

    Returns
    -------
    FineTuned
        How it ended.

    Raises
    ------
    TrainingError
        If nothing is labelled, training cannot start or go on, or the process
        dies.
    LabelsError, ImageError
        If image and labels do not belong together.
    OutputError
        If the samples cannot be written or there is such a model already.
    """
    if any(os.path.lexists(path) for path in _files_of(request.output)):
        raise OutputError(
            "Expected a name that no model has, nor a file that belongs to one. "
            f"Received: {request.output.stem!r}; choose another name."
        )
    samples = make_samples(request.pairs) if request.pairs else []
    state = _State()
    try:
        request.output.parent.mkdir(parents=True, exist_ok=True)
        with scratch_folder() as folder:
            if samples:
                write_samples(folder / "data", samples)
            end = yield from _iter_events(request, folder, state)
            return _make_result(request, end, len(samples))
    except OSError as error:
        raise OutputError(
            f"Training cannot write its files: {error}; free some space or check "
            "the permissions."
        ) from error
    finally:
        if state.has_begun and not state.has_improved:
            _remove_traces(request.output)
        if request.output.parent.is_dir():
            _remove_lock(request.output)


@dataclass
class _State:
    """What must be known of a run however it ends."""

    has_begun: bool = False  # the process has claimed the name and writes the files
    has_improved: bool = False


def _iter_events(
    request: FineTuneRequest, folder: Path, state: _State
) -> Generator[TrainingEvent | StillRunning, None, FinishedEvent]:
    """Run the process, yield what it says and return how it ended."""
    data = [folder / "data"] if request.pairs else []
    arguments = request.command(
        [*data, *request.folders], request.output, request.start, request.minutes
    )
    began = time.monotonic()
    lines = iter_output(
        arguments,
        folder,
        grace_seconds=lambda: (
            request.grace_seconds if state.has_improved else SHORT_GRACE_SECONDS
        ),
    )
    with closing(lines):
        for line in lines:
            event = None if line is None else parse_event(line)
            if event is None:
                yield StillRunning(seconds=time.monotonic() - began)
                continue
            if isinstance(event, ErrorEvent):
                # Only a better model is written, perhaps just before the error: the
                # disk may have had room for it, but not for what follows.
                state.has_improved |= state.has_begun and request.output.exists()
                raise event.error()
            state.has_begun = True
            if isinstance(event, FinishedEvent):
                state.has_improved = event.is_better
                return event
            if isinstance(event, StepEvent):
                state.has_improved |= event.is_best and event.epoch > 0
            yield event
    raise TrainingError("The training process ended without a result; try again.")


def _make_result(
    request: FineTuneRequest, event: FinishedEvent, n_samples: int
) -> FineTuned:
    is_cut = n_samples < MIN_SAMPLES_TO_HOLD_OUT
    return FineTuned(
        name=request.output.stem,
        start=request.start.stem,
        score=event.score,
        start_score=event.start_score,
        is_better=event.is_better,
        held_out="quarters" if is_cut else "images",
        warning=event.warning,
        verdict=event.verdict,
        advice=event.advice,
        note=event.note,
    )


def _remove_lock(output: Path) -> None:
    """Remove the lock that a killed process leaves behind."""
    with suppress(OutputError, OSError), hold_lock(output, "train"):
        pass  # releasing a lock removes its file


def _remove_traces(output: Path) -> None:
    """Remove a model that is only a copy of its start model, and its log."""
    for path in _files_of(output):
        with suppress(OSError):
            path.unlink(missing_ok=True)


def _files_of(output: Path) -> list[Path]:
    """List the files of a training run."""
    return [output.with_suffix(suffix) for suffix in FILE_SUFFIXES]
