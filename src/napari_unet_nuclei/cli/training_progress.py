"""How a training run is reported: to people, and to programs."""

from __future__ import annotations

import json
from collections.abc import Generator
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Protocol

from napari_unet_nuclei.cli.reporting import make_progress, messages, output
from napari_unet_nuclei.cli.wording import describe_error, describe_system_error
from napari_unet_nuclei.core.errors import UNetNucleiError
from napari_unet_nuclei.core.progress import exhaust, map_steps
from napari_unet_nuclei.core.segmentation.memory import say_lack
from napari_unet_nuclei.core.shown_text import with_texts

if TYPE_CHECKING:
    from napari_unet_nuclei.core.evaluation.scores import Scores
    from napari_unet_nuclei.core.training.steps import TrainingReport, TrainingStep

    TrainingSteps = Generator[TrainingStep, None, TrainingReport]


class Reporter(Protocol):
    """Whoever is told about a run."""

    def __enter__(self) -> object: ...

    def __exit__(self, *exception: object) -> None: ...

    def say(self, sentence: str) -> None:
        """Tell a sentence."""

    def follow(self, steps: TrainingSteps) -> None:
        """Tell each step of a run, and how it ended."""


class BarReporter:
    """Progress for people."""

    def __enter__(self) -> BarReporter:
        return self

    def __exit__(self, *exception: object) -> None:
        return None

    def say(self, sentence: str) -> None:
        """Print a sentence on standard error."""
        messages.print(sentence, style="dim", markup=False, soft_wrap=True)

    def follow(self, steps: TrainingSteps) -> None:
        """Show a progress bar and a line for each epoch."""
        with make_progress() as progress:
            task = progress.add_task("Training", total=1000)

            def show(step: TrainingStep) -> None:
                progress.update(task, completed=round(1000 * step.progress))
                if step.note is not None:
                    messages.print(
                        step.note, style="yellow", markup=False, soft_wrap=True
                    )
                if step.scores is not None:
                    output.print(describe_epoch(step), highlight=False, soft_wrap=True)

            report = exhaust(map_steps(show, steps))
        output.print(describe_report(report), highlight=False, soft_wrap=True)
        if report.warning is not None:
            messages.print(
                f"Warning: {report.warning} Train with --resume to try again.",
                style="yellow",
                markup=False,
                soft_wrap=True,
            )


class JsonReporter:
    """Progress for programs: one JSON object per line.

    An error comes as a sentence, and as what it is made of, for a program that has
    words of its own for the settings.
    """

    def __enter__(self) -> JsonReporter:
        return self

    def __exit__(self, *exception: object) -> None:
        error = exception[1]
        if isinstance(error, UNetNucleiError):
            template = str(error.args[0]) if error.args else ""
            settings = {name: _plain(value) for name, value in error.settings.items()}
            self._fail(describe_error(error), template, settings)
        elif isinstance(error, OSError):
            self._fail(describe_system_error(error), _explain(error))
        elif isinstance(error, MemoryError):
            sentence = f"There is {say_lack(error)}, or close other programs."
            self._fail(sentence, sentence)

    def _fail(
        self, message: str, template: str, settings: dict[str, object] | None = None
    ) -> None:
        self._emit("error", message=message, template=template, settings=settings or {})

    def say(self, sentence: str) -> None:
        """Print a sentence as an event."""
        self._emit("status", message=sentence)

    def follow(self, steps: TrainingSteps) -> None:
        """Print each step and the report."""
        report = exhaust(map_steps(self._show, steps))
        self._emit(
            "finished",
            output=str(report.output),
            scores=_brief(report.scores),
            start_scores=_brief(report.start_scores),
            set_scores=_brief_sets(report.scores),
            monitor=report.monitor,
            is_better_than_start=report.is_better_than_start,
            n_steps=report.n_steps,
            n_epochs=report.n_epochs,
            seconds=report.seconds,
            warning=report.warning,
            note=report.note,
            is_written=report.is_written,
            **_explain_result(report),
        )

    def _show(self, step: TrainingStep) -> None:
        brief = {"scores": _brief(step.scores), "set_scores": _brief_sets(step.scores)}
        self._emit("step", **{**asdict(step), **brief})

    def _emit(self, event: str, **values: Any) -> None:
        print(json.dumps(with_texts({"event": event, **values})), flush=True)  # noqa: T201


def _explain(error: OSError) -> str:
    """Say what the operating system refused, without options."""
    what = "" if error.filename is None else f" for {error.filename}"
    return (
        f"The operating system refused something: {error.strerror or error}{what}. "
        "Free some space, check the permissions, then try again."
    )


def _plain(value: object) -> object:
    """Return a value as JSON knows it."""
    return value if isinstance(value, (int, float, type(None))) else str(value)


def _explain_result(report: TrainingReport) -> dict[str, Any]:
    """Return the verdict in words, and the intervals it rests on."""
    from napari_unet_nuclei.core.training.verdict import make_verdict

    found = report.comparison
    if found is None:
        return {}
    verdict = make_verdict(found)
    return {
        "verdict": verdict.sentence,
        "advice": verdict.advice,
        "is_certain": verdict.is_certain,
        "interval": found.interval,
        "start_interval": found.start_interval,
        "gain_interval": found.gain,
        "n_held_out_images": found.n_images,
        "n_held_out_nuclei": found.n_nuclei,
    }


def _brief(scores: Scores | None) -> dict[str, float] | None:
    from napari_unet_nuclei.core.training.steps import summarise_scores

    return None if scores is None else summarise_scores(scores)


def _brief_sets(scores: Scores | None) -> dict[str, dict[str, float]]:
    from napari_unet_nuclei.core.training.set_scores import summarise_sets

    return summarise_sets(scores)


def describe_epoch(step: TrainingStep) -> str:
    """Say in a line what an epoch has brought."""
    numbers = [
        ("loss", step.loss),
        ("Dice", step.dice),
        ("IoU", step.iou),
        ("accuracy", step.accuracy),
    ]
    trained = ", ".join(f"{name} {n:.3f}" for name, n in numbers if n is not None)
    scores = step.scores
    held_out = (
        ""
        if scores is None
        else f"held-out DSB2018 {scores.dsb2018:.3f}, AP50 {scores.ap[0.5]:.3f}, "
        f"Dice {scores.dice:.3f}"
    )
    each = ", ".join(
        f"{name} {of_set['dsb2018']:.3f}"
        for name, of_set in _brief_sets(step.scores).items()
    )
    return (
        f"epoch {step.epoch}, step {step.step}, {step.seconds:.0f} s: "
        f"{'; '.join(part for part in (trained, held_out, each) if part)}"
        f"{' (best)' if step.is_best else ''}"
    )


def describe_report(report: TrainingReport) -> str:
    """Say how a run ended: how good the model is, what would help, what went wrong."""
    from napari_unet_nuclei.core.training.verdict import make_verdict

    length = f"{report.n_steps} steps, {report.seconds:.0f} s"
    if report.comparison is None:
        return f"{report.output}: {length}"
    verdict = make_verdict(report.comparison)
    if not report.is_written:
        end = f"After {length}, {report.output} was not written."
    elif verdict.is_better:
        end = f"After {length}, the model is {report.output}."
    else:
        end = f"After {length}, {report.output} has the weights that it started with."
    parts = (verdict.sentence, end, verdict.advice, report.note)
    return " ".join(part for part in parts if part is not None)
