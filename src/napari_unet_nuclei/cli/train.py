"""``train``: annotated images in, a model out."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from napari_unet_nuclei.cli.reporting import (
    Debug,
    Overwrite,
    one_sentence_errors,
    quiet_native_libraries,
)
from napari_unet_nuclei.cli.stopping import Stop
from napari_unet_nuclei.cli.training_progress import BarReporter, JsonReporter
from napari_unet_nuclei.core.errors import SettingsError
from napari_unet_nuclei.core.settings.choices import (
    Architecture,
    Augmentation,
    LossTerm,
    Monitor,
    Schedule,
)
from napari_unet_nuclei.core.settings.layer_plans import PLANS, Plan
from napari_unet_nuclei.core.settings.training import TrainingSettings

if TYPE_CHECKING:
    from collections.abc import Iterable

    from napari_unet_nuclei.cli.training_progress import Reporter
    from napari_unet_nuclei.core.datasets.sample import Sample, SampleSource

_STEPS_PER_REPORT = 2  # a request to stop is heard as often
_DEFAULT_MINUTES = 5.0
_FROM_SCRATCH = [name for name in Architecture if name.is_trainable_from_scratch]
_NETWORK, _RECIPE, _WATCHING = "Network", "Recipe", "Watching"


class Events(StrEnum):
    """Machine-readable forms of progress."""

    JSONL = "jsonl"


class EncoderWeights(StrEnum):
    """Weights that an encoder can begin with."""

    IMAGENET = "imagenet"


def train(
    data: Annotated[
        Path,
        typer.Argument(
            help="DSB2018 folder or zip, or a folder or zip with images/ and labels/, "
            "or with a.tif and a_masks.tif. Planes of a stack count as images; those "
            "without labels are left out.",
            show_default=False,
        ),
    ],
    model: Annotated[
        Path,
        typer.Option(
            "--output", "-o", metavar="MODEL.unetnuclei", help="Model to write."
        ),
    ],
    split: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="JSON file with lists of ids called train and val.  [default: a part "
            "of the images is held out]",
        ),
    ] = None,
    validation_fraction: Annotated[
        float | None,
        typer.Option(
            help="Part of the images to hold out.  [default: "
            f"{TrainingSettings.validation_fraction}, without --split]"
        ),
    ] = None,
    epochs: Annotated[
        int | None, typer.Option(help="Length of the run in epochs.")
    ] = None,
    minutes: Annotated[
        float | None,
        typer.Option(help="Length of the run in minutes.  [default: 5, or --epochs]"),
    ] = None,
    patience: Annotated[
        int | None,
        typer.Option(help="Stop after this many epochs without a better score."),
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with the run that was stopped.")
    ] = False,
    overwrite: Overwrite = False,
    start: Annotated[
        str | None,
        typer.Option(
            "--from",
            metavar="MODEL",
            help="Fine-tune this model: a name or a file.",
            rich_help_panel=_NETWORK,
        ),
    ] = None,
    architecture: Annotated[
        Architecture | None,
        typer.Option(
            metavar="|".join(_FROM_SCRATCH),
            help="Network to train from scratch.  [default: resnet]",
            rich_help_panel=_NETWORK,
        ),
    ] = None,
    plan: Annotated[
        Plan | None,
        typer.Option(
            help="Layer plan of an earlier project, a form of the classic network.",
            rich_help_panel=_NETWORK,
        ),
    ] = None,
    encoder_weights: Annotated[
        EncoderWeights | None,
        typer.Option(
            help="Weights the encoder of resnet50 begins with, downloaded once.",
            rich_help_panel=_NETWORK,
        ),
    ] = None,
    steps_per_epoch: Annotated[
        int,
        typer.Option(help="Steps between two validations.", rich_help_panel=_RECIPE),
    ] = TrainingSettings.steps_per_epoch,
    crop_size: Annotated[
        int, typer.Option(help="Side of the crops in px.", rich_help_panel=_RECIPE)
    ] = TrainingSettings.crop_size,
    batch_size: Annotated[
        int, typer.Option(help="Crops a step.", rich_help_panel=_RECIPE)
    ] = TrainingSettings.batch_size,
    augmentation: Annotated[
        Augmentation,
        typer.Option(
            help="How much crops are changed: all, for images from anywhere; only "
            "flips, for images of one microscope and one preparation; elastic, for "
            "such images where up and down differ; or none.",
            rich_help_panel=_RECIPE,
        ),
    ] = TrainingSettings.augmentation,
    loss: Annotated[
        str,
        typer.Option(
            metavar="NAME+…",
            help=f"What is minimised: {', '.join(LossTerm)}, or a sum of these.",
            rich_help_panel=_RECIPE,
        ),
    ] = TrainingSettings.loss,
    learning_rate: Annotated[
        float | None,
        typer.Option(
            help="Peak of the schedule.  [default: 0.002, with --from 0.0003]",
            show_default=False,
            rich_help_panel=_RECIPE,
        ),
    ] = None,
    schedule: Annotated[
        Schedule,
        typer.Option(
            help="How the learning rate falls: on a cosine down to zero, or whenever "
            "the score has reached a plateau.",
            rich_help_panel=_RECIPE,
        ),
    ] = TrainingSettings.schedule,
    plateau_patience: Annotated[
        int,
        typer.Option(
            help="Epochs without a better score that make a plateau.",
            rich_help_panel=_RECIPE,
        ),
    ] = TrainingSettings.plateau_patience,
    plateau_factor: Annotated[
        float,
        typer.Option(
            help="What a plateau multiplies the learning rate by.",
            rich_help_panel=_RECIPE,
        ),
    ] = TrainingSettings.plateau_factor,
    start_weight: Annotated[
        float,
        typer.Option(
            help="How much the start model counts in the result, from 0 to 1: the "
            "more, the less of what it knew is forgotten.",
            rich_help_panel=_RECIPE,
        ),
    ] = TrainingSettings.start_weight,
    monitor: Annotated[
        Monitor,
        typer.Option(
            help="Score on the held-out images that says which weights are best: "
            "dice where pixels count rather than nuclei.",
            rich_help_panel=_RECIPE,
        ),
    ] = TrainingSettings.monitor,
    only_better: Annotated[
        bool,
        typer.Option(
            "--only-better",
            help="Write no model unless it is better than the one it starts from.",
            rich_help_panel=_RECIPE,
        ),
    ] = TrainingSettings.only_better,
    seed: Annotated[
        int,
        typer.Option(help="Seed of all random choices.", rich_help_panel=_RECIPE),
    ] = TrainingSettings.seed,
    tensorboard: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Folder for an event file of scores and pictures, which TensorBoard "
            "shows.",
            rich_help_panel=_WATCHING,
        ),
    ] = None,
    events: Annotated[
        Events | None,
        typer.Option(
            help="Print one JSON object a line instead of a progress bar.",
            rich_help_panel=_WATCHING,
        ),
    ] = None,
    stop_with_stdin: Annotated[
        bool,
        typer.Option(
            "--stop-with-stdin",
            help="Stop as soon as standard input is closed.",
            rich_help_panel=_WATCHING,
        ),
    ] = False,
    debug: Debug = False,
) -> None:
    """Train a model from scratch, or fine-tune one with --from.

    The model is on disk, with the best weights so far, from the first epoch on;
    a log (CSV) and the loss curve (PNG) lie beside it.  Files that exist are
    replaced only with --overwrite, and go on to be written with --resume.

    Example: `napari-unet-nuclei train my_images/ -o mine.unetnuclei --from resnet`
    """
    reporter: Reporter = BarReporter() if events is None else JsonReporter()
    stop = Stop()
    with one_sentence_errors(debug=debug), reporter, stop.on_termination():
        if stop_with_stdin:
            stop.listen()
        if split is not None and validation_fraction is not None:
            raise SettingsError(
                "Say either which images are held out or how many. Received: --split "
                f"{split} and --validation-fraction {validation_fraction}; leave out "
                "one."
            )
        if epochs is None and minutes is None:
            minutes = _DEFAULT_MINUTES
        if validation_fraction is None:
            validation_fraction = TrainingSettings.validation_fraction
        settings = TrainingSettings(
            architecture=_choose_architecture(architecture, plan, start),
            arguments=_make_arguments(plan, encoder_weights),
            crop_size=crop_size,
            batch_size=batch_size,
            augmentation=augmentation,
            steps_per_epoch=steps_per_epoch,
            epochs=epochs,
            minutes=minutes,
            loss=loss,
            schedule=schedule,
            plateau_patience=plateau_patience,
            plateau_factor=plateau_factor,
            learning_rate=learning_rate,
            start_weight=start_weight,
            monitor=monitor,
            patience=patience,
            only_better=only_better,
            validation_fraction=validation_fraction,
            seed=seed,
        )

        from napari_unet_nuclei.core.datasets.input_files import check_output_folder
        from napari_unet_nuclei.core.training.outputs import (
            REMEDY,
            claim_training_outputs,
        )
        from napari_unet_nuclei.core.training.tensorboard import TensorBoardLog

        inputs = [data] if split is None else [data, split]
        if tensorboard is not None:
            check_output_folder(tensorboard, inputs)
        board = None if tensorboard is None else TensorBoardLog(tensorboard)
        with claim_training_outputs(
            model,
            inputs,
            start=start,
            resume=resume,
            overwrite=overwrite,
            remedy=REMEDY if events is None else "Choose another name.",
        ):
            samples, validation = _read_all(data, split, reporter)
            reporter.say("Starting Keras")

            with quiet_native_libraries(debug=debug):
                from napari_unet_nuclei.core.training.loop import iter_training

            steps = iter_training(
                samples,
                model,
                settings,
                validation=validation,
                start=start,
                resume=resume,
                report_every=_STEPS_PER_REPORT,
                board=board,
            )
            reporter.follow(stop.watch(steps))


def _choose_architecture(
    architecture: Architecture | None, plan: Plan | None, start: str | None
) -> Architecture:
    if plan is None:
        return architecture or TrainingSettings.architecture
    if start is not None or architecture not in (None, Architecture.CLASSIC):
        other = f"--from {start}" if start else f"--architecture {architecture}"
        raise SettingsError(
            "A layer plan is a network of its own, a form of the classic one. "
            f"Received: --plan {plan} and {other}; leave out one."
        )
    return Architecture.CLASSIC


def _make_arguments(
    plan: Plan | None, encoder_weights: EncoderWeights | None
) -> dict[str, Any]:
    """Collect what the builder of a network is told."""
    arguments: dict[str, Any] = {} if plan is None else dict(PLANS[plan])
    if encoder_weights is not None:
        arguments["encoder_weights"] = str(encoder_weights)
    return arguments


def _read_all(
    data: Path, split: Path | None, reporter: Reporter
) -> tuple[list[Sample], list[Sample] | None]:
    """Read what to train on, and what to hold out where that is said."""
    from napari_unet_nuclei.core.datasets.opening import open_samples, read_split
    from napari_unet_nuclei.core.shown_text import find_names

    source = open_samples(data)
    reporter.say(f"Reading {source.name}")
    if split is None:
        return _read(source, source.sample_ids, reporter), None
    training, held_out = (
        find_names(read_split(f"{split}:{part}"), source.sample_ids)
        for part in ("train", "val")
    )
    return _read(source, training, reporter), _read(source, held_out, reporter)


def _read(source: SampleSource, ids: Iterable[str], reporter: Reporter) -> list[Sample]:
    """Read the good samples and name the bad ones."""
    from napari_unet_nuclei.core.datasets.opening import read_good_samples

    samples, problems = read_good_samples(source, ids)
    for problem in problems:
        reporter.say(f"Left out: {problem.reason}")
    return samples
