"""Fine-tuning in a child process, followed from here.

The child is the command line itself.  How it is started and ended is in
``child_process``, what it says in ``training_events``; Qt and layers do not
belong here.
"""

from __future__ import annotations

import os
import time
from contextlib import closing, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from napari_unet_nuclei.core.errors import LabelsError, OutputError, TrainingError
from napari_unet_nuclei.core.settings.training import MIN_SAMPLES_TO_HOLD_OUT
from napari_unet_nuclei.core.writing.atomic_files import scratch_folder
from napari_unet_nuclei.core.writing.file_lock import hold_lock
from napari_unet_nuclei.plugin.finetune.child_process import iter_output
from napari_unet_nuclei.plugin.finetune.training_events import (
    ErrorEvent,
    FinishedEvent,
    StepEvent,
    TrainingEvent,
    parse_event,
)
from napari_unet_nuclei.plugin.shared.commands import fine_tune_arguments

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from napari_unet_nuclei.core.datasets.sample import Sample
    from napari_unet_nuclei.core.images.lazy import ArrayLike


@dataclass(frozen=True, kw_only=True, eq=False)
class FineTuneRequest:
    """All a run needs to know.

    Parameters
    ----------
    image : array_like
        Pixels.
    axes : str
        Its axes, such as ``"YX"``, ``"YXC"`` or ``"ZYX"``.
    channel : int, optional
        Channel that shows the nuclei, where there is a choice.
    labels : (…, Y, X) ndarray of integers
        Nuclei of the image, 0 = background; planes without any are left out.
    plane : tuple of int, optional
        The plane of a stack that the labels belong to, if it is only one.
    start : Path
        Model to start from.
    output : Path
        Model to write; there must be none of this name yet, nor a log, curve or
        state beside it.
    minutes : float
        Time to train.
    command : callable, optional
        Makes program and arguments of data folder, output, start and minutes.
    """

    image: ArrayLike
    axes: str
    channel: int | None = None
    labels: NDArray[np.integer]
    plane: tuple[int, ...] | None = None
    start: Path
    output: Path
    minutes: float
    command: Callable[[Path, Path, Path, float], list[str]] = fine_tune_arguments


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
    """

    name: str
    start: str
    score: float
    start_score: float | None
    is_better: bool
    held_out: str
    warning: str | None = None


@dataclass(frozen=True, kw_only=True)
class StillRunning:
    """Nothing new; lets a worker notice that it is cancelled.

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
    samples = make_samples(request)
    has_begun = has_improved = False
    try:
        request.output.parent.mkdir(parents=True, exist_ok=True)
        with scratch_folder() as folder:
            data = folder / "data"
            write_samples(data, samples)
            arguments = request.command(
                data, request.output, request.start, request.minutes
            )
            began = time.monotonic()
            lines = iter_output(arguments, folder, lambda: has_improved)
            with closing(lines):
                for line in lines:
                    event = None if line is None else parse_event(line)
                    if event is None:
                        yield StillRunning(seconds=time.monotonic() - began)
                        continue
                    if isinstance(event, ErrorEvent):
                        raise event.error()
                    has_begun = True  # it has claimed the name and writes the files
                    if isinstance(event, FinishedEvent):
                        has_improved = event.is_better
                        return _make_result(request, event, len(samples))
                    if isinstance(event, StepEvent):
                        has_improved |= event.is_best and event.epoch > 0
                    yield event
        raise TrainingError("The training process ended without a result; try again.")
    except OSError as error:
        raise OutputError(
            f"Training cannot write its files: {error}; free some space or check "
            "the permissions."
        ) from error
    finally:
        if has_begun and not has_improved:
            _remove_traces(request.output)
        if request.output.parent.is_dir():
            _remove_lock(request.output)


def make_samples(request: FineTuneRequest) -> list[Sample]:
    """Cut image and labels into annotated planes.

    Parameters
    ----------
    request : FineTuneRequest
        Its image and labels are used.

    Returns
    -------
    list of Sample
        The planes that have nuclei.

    Raises
    ------
    TrainingError
        If no plane has any.
    LabelsError
        If image and labels differ in shape or the labels are no labels.
    ImageError
        If the image cannot be used.
    """
    from napari_unet_nuclei.core.datasets.sample import Sample
    from napari_unet_nuclei.core.images.axes import PlaneStack
    from napari_unet_nuclei.core.images.channels import to_planes
    from napari_unet_nuclei.core.instances.labels import check_labels

    stack = PlaneStack(request.image, request.axes, request.channel)
    labels = request.labels
    if request.plane is not None:
        stack, labels = stack.only(request.plane), labels.reshape(labels.shape[-2:])
    expected = (*stack.leading_shape, *stack.plane_shape)
    if labels.shape != expected:
        raise LabelsError(
            f"Expected labels as large as the image, {expected}. Received: "
            f"{labels.shape}; choose the labels that belong to the image."
        )
    samples = [
        Sample(
            f"plane{number}",
            to_planes(stack.only(index).single_plane()),
            check_labels(labels[index]),
        )
        for number, index in enumerate(np.ndindex(stack.leading_shape))
        if labels[index].any()
    ]
    if not samples:
        raise TrainingError(
            "Fine-tuning needs labelled nuclei. Received: labels with background only; "
            "label some nuclei first."
        )
    return samples


def write_samples(folder: Path, samples: Sequence[Sample]) -> None:
    """Write samples as the folder of images and labels that training reads.

    Parameters
    ----------
    folder : Path
        Folder to make, with ``images`` and ``labels`` in it.
    samples : sequence of Sample
        What to write, images (Y, X, 3).
    """
    import tifffile

    from napari_unet_nuclei.core.files.labels import write_labels_tiff

    for kind in ("images", "labels"):
        (folder / kind).mkdir(parents=True)
    for number, sample in enumerate(samples):
        name = f"{number:04d}.tif"
        tifffile.imwrite(folder / "images" / name, sample.image, photometric="rgb")
        write_labels_tiff(folder / "labels" / name, sample.labels)


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
    )


def _remove_lock(output: Path) -> None:
    """Remove what a process that was killed leaves of its claim to a name."""
    with suppress(OutputError, OSError), hold_lock(output, "train"):
        pass  # it goes as it is given back


def _remove_traces(output: Path) -> None:
    """Remove a model that is only a copy of the one it began as, and its log."""
    for path in _files_of(output):
        with suppress(OSError):
            path.unlink(missing_ok=True)


def _files_of(output: Path) -> list[Path]:
    """List the files of a training run: model, log, curve and state."""
    suffixes = (output.suffix, ".csv", ".png", ".state.npz")
    return [output.with_suffix(suffix) for suffix in suffixes]
