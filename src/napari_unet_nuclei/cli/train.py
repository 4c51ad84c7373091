"""``train``: annotated images in, a model out."""

from __future__ import annotations

import json
import os
import sys
import threading
from collections.abc import Generator
from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Protocol

import typer

from napari_unet_nuclei.cli.reporting import (
    Debug,
    make_progress,
    messages,
    one_sentence_errors,
    output,
    quiet_native_libraries,
)
from napari_unet_nuclei.core.errors import DatasetError, UNetNucleiError
from napari_unet_nuclei.core.settings import Architecture, TrainingSettings

if TYPE_CHECKING:
    from napari_unet_nuclei.core.metrics import Scores
    from napari_unet_nuclei.core.sample import Sample, SampleSource
    from napari_unet_nuclei.core.training_steps import TrainingReport, TrainingStep


_STEPS_PER_REPORT = 2  # a request to stop is heard as often


class Events(StrEnum):
    """Machine-readable forms of progress."""

    JSONL = "jsonl"


def train(
    data: Annotated[
        Path,
        typer.Argument(
            help="DSB2018 folder or zip, or a folder with images/ and labels/.",
            show_default=False,
        ),
    ],
    model: Annotated[
        Path,
        typer.Option(
            "--output", "-o", metavar="MODEL.unetnuclei", help="Model to write."
        ),
    ],
    architecture: Annotated[
        Architecture, typer.Option(help="Network to train from scratch.")
    ] = Architecture.RESNET,
    start: Annotated[
        str | None,
        typer.Option(
            "--from", metavar="MODEL", help="Fine-tune this model: a name or a file."
        ),
    ] = None,
    split: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="JSON file with lists of ids called train and val.  [default: a tenth "
            "of the images is held out]",
        ),
    ] = None,
    epochs: Annotated[
        int | None, typer.Option(help="Length of the run in epochs.")
    ] = None,
    minutes: Annotated[
        float | None,
        typer.Option(help="Length of the run in minutes.  [default: 5, or --epochs]"),
    ] = None,
    steps_per_epoch: Annotated[
        int, typer.Option(help="Steps between two validations.")
    ] = TrainingSettings.steps_per_epoch,
    learning_rate: Annotated[
        float | None,
        typer.Option(
            help="Peak of the schedule.  [default: 0.002, with --from 0.0003]",
            show_default=False,
        ),
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of all random choices.")] = 0,
    patience: Annotated[
        int | None,
        typer.Option(help="Stop after this many epochs without a better score."),
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with the run that was stopped.")
    ] = False,
    events: Annotated[
        Events | None,
        typer.Option(help="Print one JSON object a line instead of a progress bar."),
    ] = None,
    stop_with_stdin: Annotated[
        bool,
        typer.Option(
            "--stop-with-stdin", help="Stop as soon as standard input is closed."
        ),
    ] = False,
    debug: Debug = False,
) -> None:
    """Train a model from scratch, or fine-tune one with --from.

    The model is on disk, with the best weights so far, from the first epoch on;
    a log (CSV) and the loss curve (PNG) lie beside it.

    Example: `napari-unet-nuclei train my_images/ -o mine.unetnuclei --from resnet`
    """
    reporter: _Reporter = _BarReporter() if events is None else _JsonReporter()
    with one_sentence_errors(debug=debug), reporter:
        stop = _Stop()
        if stop_with_stdin:
            threading.Thread(target=stop.at_end_of_stdin, daemon=True).start()
        if epochs is None and minutes is None:
            minutes = 5
        settings = TrainingSettings(
            architecture=architecture,
            epochs=epochs,
            minutes=minutes,
            steps_per_epoch=steps_per_epoch,
            patience=patience,
            learning_rate=learning_rate,
            seed=seed,
        )

        from napari_unet_nuclei.core.samples import open_samples, read_split

        source = open_samples(data)
        reporter.say(f"Reading {source.name}")
        if split is None:
            samples = _read(source, source.sample_ids, reporter)
            validation = None
        else:
            samples = _read(source, read_split(f"{split}:train"), reporter)
            validation = _read(source, read_split(f"{split}:val"), reporter)
        reporter.say("Starting Keras")

        with quiet_native_libraries(debug=debug):
            from napari_unet_nuclei.core.training import iter_training

        steps = iter_training(
            samples,
            model,
            settings,
            validation=validation,
            start=start,
            resume=resume,
            report_every=_STEPS_PER_REPORT,
        )
        reporter.follow(stop.watch(steps))


def _read(
    source: SampleSource, ids: tuple[str, ...], reporter: _Reporter
) -> list[Sample]:
    """Read the good samples and name the bad ones."""
    samples = []
    for sample_id in ids:
        try:
            samples.append(source.read_sample(sample_id))
        except UNetNucleiError as error:
            reporter.say(f"Left out: {error}")
    if not samples:
        raise DatasetError(
            f"Expected at least one good sample in {source.name}. Received: none of "
            f"{len(ids)}. Run `napari-unet-nuclei train --help` for the layouts."
        )
    return samples


class _Stop:
    """A request to stop, which training hears between two steps.

    An interrupt would be lost where it falls into a callback of a library.
    """

    def __init__(self) -> None:
        self._is_requested = threading.Event()
        self._is_training = threading.Event()

    def at_end_of_stdin(self) -> None:
        """Wait until whoever started this process closes its end or dies."""
        while sys.stdin.buffer.read(1024):
            pass
        if not self._is_training.is_set():
            os._exit(130)  # nothing has been written yet
        self._is_requested.set()

    def watch(
        self, steps: Generator[TrainingStep, None, TrainingReport]
    ) -> Generator[TrainingStep, None, TrainingReport]:
        """Hand on the steps of a run, and close it when a stop is requested."""
        self._is_training.set()
        while True:
            try:
                step = next(steps)
            except StopIteration as stop:
                report: TrainingReport = stop.value
                return report
            if self._is_requested.is_set():
                steps.close()
                raise KeyboardInterrupt
            yield step


class _Reporter(Protocol):
    def __enter__(self) -> object: ...
    def __exit__(self, *exception: object) -> None: ...
    def say(self, sentence: str) -> None: ...
    def follow(
        self, steps: Generator[TrainingStep, None, TrainingReport]
    ) -> TrainingReport: ...


class _BarReporter:
    """Progress for people."""

    def __enter__(self) -> _BarReporter:
        return self

    def __exit__(self, *exception: object) -> None:
        return None

    def say(self, sentence: str) -> None:
        messages.print(sentence, style="dim", markup=False, soft_wrap=True)

    def follow(
        self, steps: Generator[TrainingStep, None, TrainingReport]
    ) -> TrainingReport:
        with make_progress() as progress:
            task = progress.add_task("Training", total=1000)
            while True:
                try:
                    step = next(steps)
                except StopIteration as stop:
                    report: TrainingReport = stop.value
                    break
                progress.update(task, completed=round(1000 * step.progress))
                if step.scores is not None:
                    output.print(_epoch_sentence(step), highlight=False)
        output.print(_report_sentence(report), highlight=False, soft_wrap=True)
        return report


class _JsonReporter:
    """Progress for programs: one JSON object a line."""

    def __enter__(self) -> _JsonReporter:
        return self

    def __exit__(self, *exception: object) -> None:
        error = exception[1]
        if isinstance(error, UNetNucleiError):
            self._emit("error", message=str(error))

    def say(self, sentence: str) -> None:
        self._emit("status", message=sentence)

    def follow(
        self, steps: Generator[TrainingStep, None, TrainingReport]
    ) -> TrainingReport:
        while True:
            try:
                step = next(steps)
            except StopIteration as stop:
                report: TrainingReport = stop.value
                break
            values = {**asdict(step), "scores": _brief(step.scores)}
            self._emit("step", **values)
        self._emit(
            "finished",
            output=str(report.output),
            scores=_brief(report.scores),
            start_scores=_brief(report.start_scores),
            is_better_than_start=report.is_better_than_start,
            n_steps=report.n_steps,
            n_epochs=report.n_epochs,
            seconds=report.seconds,
        )
        return report

    def _emit(self, event: str, **values: Any) -> None:
        typer.echo(json.dumps({"event": event, **values}))
        sys.stdout.flush()


def _brief(scores: Scores | None) -> dict[str, float] | None:
    if scores is None:
        return None
    return {
        "dsb2018": scores.dsb2018,
        "ap50": scores.ap[0.5],
        "pq": scores.pq,
        "dice": scores.dice,
    }


def _epoch_sentence(step: TrainingStep) -> str:
    loss = "" if step.loss is None else f"loss {step.loss:.3f}, "
    scores = step.scores
    judged = (
        ""
        if scores is None
        else f"held-out DSB2018 {scores.dsb2018:.3f}, AP50 {scores.ap[0.5]:.3f}, "
        f"Dice {scores.dice:.3f}"
    )
    return (
        f"epoch {step.epoch}, step {step.step}, {step.seconds:.0f} s: {loss}{judged}"
        f"{' (best)' if step.is_best else ''}"
    )


def _report_sentence(report: TrainingReport) -> str:
    sentence = (
        f"{report.output}: held-out DSB2018 score {report.scores.dsb2018:.3f} after "
        f"{report.n_steps} steps, {report.seconds:.0f} s"
    )
    if report.start_scores is None:
        return sentence
    before = f"{report.start_scores.dsb2018:.3f}"
    if report.is_better_than_start:
        return f"{sentence}; the model it started from has {before}"
    return (
        f"{sentence}; not better than the model it started from ({before}), whose "
        "weights were kept"
    )
