"""Options of ``train``: what is held out, how long, which network, which recipe."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from napari_unet_nuclei.cli.importing_ahead import importing_ahead
from napari_unet_nuclei.cli.option_groups import setting_option
from napari_unet_nuclei.core.errors import SettingsError
from napari_unet_nuclei.core.settings.choices import (
    Architecture,
    Augmentation,
    Monitor,
    Schedule,
)
from napari_unet_nuclei.core.settings.layer_plans import PLANS, Plan
from napari_unet_nuclei.core.settings.training import (
    DEFAULT_MINUTES,
    FINE_TUNING_LEARNING_RATE,
    PEAK_LEARNING_RATE,
    TrainingSettings,
    choose_minutes,
)

if TYPE_CHECKING:
    from napari_unet_nuclei.core.training.tensorboard import TensorBoardLog

_FROM_SCRATCH = [name for name in Architecture if name.is_trainable_from_scratch]

_NETWORK, _RECIPE, _WATCHING = "Network", "Recipe", "Watching"

_setting = partial(setting_option, TrainingSettings)
_network = partial(_setting, rich_help_panel=_NETWORK)
_recipe = partial(_setting, rich_help_panel=_RECIPE)


class Events(StrEnum):
    """Machine-readable forms of progress."""

    JSONL = "jsonl"


class EncoderWeights(StrEnum):
    """Weights that an encoder can begin with."""

    IMAGENET = "imagenet"


@dataclass(frozen=True, kw_only=True)
class HeldOutOptions:
    """Which images a model is validated on."""

    split: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="FILE",
            help="JSON file with lists of ids called train and val, or with these for "
            "data sets by name; may be repeated.  [default: a part of the images is "
            "held out]",
            show_default=False,
        ),
    ] = None
    validation_fraction: Annotated[
        float | None,
        _setting(
            "validation_fraction",
            f"{TrainingSettings.validation_fraction}, without --split",
        ),
    ] = None

    @property
    def splits(self) -> list[Path]:
        """Split files, of which there may be none."""
        return self.split or []

    def choose_fraction(self) -> float:
        """Return the part to hold out, which a split says in its own way."""
        if self.validation_fraction is None:
            return TrainingSettings.validation_fraction
        if self.splits:
            raise SettingsError(
                "Say either which images are held out or how many. Received: --split "
                f"{self.splits[0]} and --validation-fraction "
                f"{self.validation_fraction}; leave out one."
            )
        return self.validation_fraction


@dataclass(frozen=True, kw_only=True)
class LengthOptions:
    """When a run ends."""

    epochs: Annotated[int | None, _setting("epochs")] = TrainingSettings.epochs
    minutes: Annotated[
        float | None, _setting("minutes", f"{DEFAULT_MINUTES}, or --epochs")
    ] = TrainingSettings.minutes
    patience: Annotated[int | None, _setting("patience")] = TrainingSettings.patience


@dataclass(frozen=True, kw_only=True)
class NetworkOptions:
    """What a run begins with: a model, or a network with random weights."""

    start: Annotated[
        str | None,
        typer.Option(
            "--from",
            metavar="MODEL",
            help="Fine-tune this model: a name or a file.",
            rich_help_panel=_NETWORK,
        ),
    ] = None
    grow: Annotated[int, _network("grow")] = TrainingSettings.grow
    architecture: Annotated[
        Architecture | None,
        _network(
            "architecture",
            TrainingSettings.architecture,
            metavar="|".join(_FROM_SCRATCH),
        ),
    ] = None
    plan: Annotated[
        Plan | None,
        typer.Option(
            help="Layer plan of an earlier project, a variant of the classic network.",
            rich_help_panel=_NETWORK,
        ),
    ] = None
    encoder_weights: Annotated[
        EncoderWeights | None,
        typer.Option(
            help="Initial weights of the encoder of resnet50, downloaded once.",
            rich_help_panel=_NETWORK,
        ),
    ] = None

    def choose_architecture(self) -> Architecture:
        """Return the network family, which a plan says too."""
        if self.plan is None:
            return self.architecture or TrainingSettings.architecture
        is_other = self.architecture not in (None, Architecture.CLASSIC)
        if self.start is not None or is_other:
            other = (
                f"--from {self.start}"
                if self.start
                else f"--architecture {self.architecture}"
            )
            raise SettingsError(
                "A layer plan is a network of its own, a form of the classic one. "
                f"Received: --plan {self.plan} and {other}; leave out one."
            )
        return Architecture.CLASSIC

    def make_arguments(self) -> dict[str, Any]:
        """Collect what the builder of a network is told."""
        arguments: dict[str, Any] = {} if self.plan is None else dict(PLANS[self.plan])
        if self.encoder_weights is not None:
            arguments["encoder_weights"] = str(self.encoder_weights)
        return arguments


@dataclass(frozen=True, kw_only=True)
class RecipeOptions:
    """How a network learns; each option is the setting of its name."""

    steps_per_epoch: Annotated[int, _recipe("steps_per_epoch")] = (
        TrainingSettings.steps_per_epoch
    )
    crop_size: Annotated[int, _recipe("crop_size")] = TrainingSettings.crop_size
    batch_size: Annotated[int, _recipe("batch_size")] = TrainingSettings.batch_size
    augmentation: Annotated[Augmentation, _recipe("augmentation")] = (
        TrainingSettings.augmentation
    )
    grey_copies: Annotated[bool, _recipe("grey_copies", flag="--grey-copies")] = (
        TrainingSettings.grey_copies
    )
    loss: Annotated[str, _recipe("loss", metavar="NAME+…")] = TrainingSettings.loss
    learning_rate: Annotated[
        float | None,
        _recipe(
            "learning_rate",
            f"{PEAK_LEARNING_RATE:g}, with --from {FINE_TUNING_LEARNING_RATE:g}",
        ),
    ] = TrainingSettings.learning_rate
    schedule: Annotated[Schedule, _recipe("schedule")] = TrainingSettings.schedule
    plateau_patience: Annotated[int, _recipe("plateau_patience")] = (
        TrainingSettings.plateau_patience
    )
    plateau_factor: Annotated[float, _recipe("plateau_factor")] = (
        TrainingSettings.plateau_factor
    )
    start_weight: Annotated[float, _recipe("start_weight")] = (
        TrainingSettings.start_weight
    )
    replay: Annotated[float, _recipe("replay")] = TrainingSettings.replay
    rescale: Annotated[bool, _recipe("rescale")] = TrainingSettings.rescale
    monitor: Annotated[Monitor, _recipe("monitor")] = TrainingSettings.monitor
    only_better: Annotated[bool, _recipe("only_better", flag="--only-better")] = (
        TrainingSettings.only_better
    )
    seed: Annotated[int, _recipe("seed")] = TrainingSettings.seed


@dataclass(frozen=True, kw_only=True)
class WatchingOptions:
    """How a run is followed from outside."""

    tensorboard: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Folder for an event file of scores and pictures, which TensorBoard "
            "shows.",
            rich_help_panel=_WATCHING,
        ),
    ] = None
    events: Annotated[
        Events | None,
        typer.Option(
            help="Print one JSON object per line instead of a progress bar.",
            rich_help_panel=_WATCHING,
        ),
    ] = None
    stop_with_stdin: Annotated[
        bool,
        typer.Option(
            "--stop-with-stdin",
            help="Stop as soon as standard input is closed.",
            rich_help_panel=_WATCHING,
        ),
    ] = False

    def choose_remedy(self) -> str:
        """Say what to do about files that exist; programs know no options."""
        from napari_unet_nuclei.core.training.outputs import REMEDY

        return REMEDY if self.events is None else "Choose another name."

    def importing_keras(self, *, debug: bool) -> AbstractContextManager[None]:
        """Import Keras meanwhile, unless people read standard error, silent then."""
        if self.events is None:
            return nullcontext()
        return importing_ahead("keras", debug=debug)

    def open_board(self, inputs: list[Path]) -> TensorBoardLog | None:
        """Return where TensorBoard is told of the run, apart from what is read."""
        from napari_unet_nuclei.core.datasets.input_files import check_output_folder
        from napari_unet_nuclei.core.training.tensorboard import TensorBoardLog

        if self.tensorboard is None:
            return None
        check_output_folder(self.tensorboard, inputs)
        return TensorBoardLog(self.tensorboard)


def make_settings(
    held_out: HeldOutOptions,
    length: LengthOptions,
    network: NetworkOptions,
    recipe: RecipeOptions,
) -> TrainingSettings:
    """Return the settings that were chosen.

    Raises
    ------
    SettingsError
        If one is out of range or contradicts another.
    """
    return TrainingSettings(
        validation_fraction=held_out.choose_fraction(),
        architecture=network.choose_architecture(),
        arguments=network.make_arguments(),
        grow=network.grow,
        epochs=length.epochs,
        minutes=choose_minutes(length.minutes, length.epochs),
        patience=length.patience,
        **vars(recipe),
    )
