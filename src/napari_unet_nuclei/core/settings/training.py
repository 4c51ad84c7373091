"""How a model is trained: what a user can choose, checked on creation.

Every default lives here once; the widgets and the command line read it from here.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from napari_unet_nuclei.core.errors import SettingsError
from napari_unet_nuclei.core.settings.choices import (
    Architecture,
    Augmentation,
    LossTerm,
    Monitor,
    Schedule,
    parse_loss,
)
from napari_unet_nuclei.core.settings.fine_tuning import FineTuningSettings
from napari_unet_nuclei.core.settings.rules import Range, check_fields, describe

if TYPE_CHECKING:
    from collections.abc import Mapping

DEFAULT_MINUTES = 5
"""Length of a run of which nobody says how long it takes; see `choose_minutes`."""

PEAK_LEARNING_RATE = 2e-3
"""Peak of the schedule of a run from scratch."""

FINE_TUNING_LEARNING_RATE = 3e-4
"""Peak of the schedule of fine-tuning, which has less far to go."""

MIN_SAMPLES_TO_HOLD_OUT = 3
"""Annotated images of which some are held out whole; fewer are cut into quarters."""

_ONE_OR_MORE = Range(at_least=1)
_ZERO_OR_MORE = Range(at_least=0)


@dataclass(frozen=True, kw_only=True)
class TrainingSettings(FineTuningSettings):
    """How a model is trained; the defaults are the recipe of the shipped models.

    What concerns the start model alone is said in `FineTuningSettings`.

    Parameters
    ----------
    architecture : Architecture
        The network family; ignored when training starts from a model.
    arguments : mapping
        Keyword arguments of the network's builder, such as ``widths``; the
        defaults are the shipped shapes.
    crop_size : int, in px
        Side of the square crops, a multiple of 32.
    batch_size : int
        Crops a step.
    augmentation : Augmentation
        ``all`` changes scale, colours, contrast and sharpness, for images to come
        from anywhere; ``strong`` also dyes, the brightness of single nuclei, haze,
        light, density and compression; ``flips`` only flips and turns, for images that
        all come from one microscope and one preparation; ``elastic`` bends and mirrors
        them and how they were exposed, where up and down differ, such as with
        annotations shifted up or down against their images; ``none`` leaves crops as
        they are.
    grey_copies : bool
        Train on two grey copies of each stained image too: its hematoxylin, and the
        optical density of red.
    steps_per_epoch : int
        Steps between two validations.
    epochs : int, optional
        Epochs to train; ``None`` when ``minutes`` limits the run.
    minutes : float, optional
        Wall-clock limit; ``None`` when ``epochs`` limits the run.
    loss : str
        What is minimised: a :class:`LossTerm`, or several joined by ``+``.
    schedule : Schedule
        How the learning rate falls after its linear warm-up: on a cosine down to
        zero, or whenever the validation score has reached a plateau.
    plateau_patience : int
        Epochs without a better validation score that make a plateau.
    plateau_factor : float in (0, 1)
        What a plateau multiplies the learning rate by.
    learning_rate : float, optional
        Peak of the schedule; ``None`` chooses `PEAK_LEARNING_RATE` from scratch and
        `FINE_TUNING_LEARNING_RATE` for fine-tuning.
    weight_decay : float
        Decoupled weight decay of AdamW.
    monitor : Monitor
        Score that says which weights are best, when a plateau is reached, and which
        thresholds suit: ``dice`` where every pixel counts rather than every nucleus.
    ema_momentum : float in [0, 1)
        Momentum of the exponential moving average of the weights, which is
        what gets validated and saved; 0 switches the average off.
    patience : int, optional
        Epochs without a better validation score after which training stops.
    validation_fraction : float in (0, 1)
        Part of the samples held out when no split says which.
    mixed_precision : bool
        Compute in bfloat16 where the processor or a GPU multiplies it faster, and
        keep weights in float32.
    seed : int
        Seed of the weights, the crops and the held-out samples.

    Raises
    ------
    SettingsError
        If a setting is out of range or contradicts another.
    """

    architecture: Architecture = field(
        default=Architecture.RESNET,
        metadata=describe("Network to train from scratch."),
    )
    arguments: Mapping[str, Any] = field(
        default_factory=dict,
        metadata=describe("What the builder of the network is told."),
    )
    crop_size: int = field(
        default=256,
        metadata=describe(
            "Side of the crops in px.",
            Range(
                at_least=32,
                multiple_of=32,
                sentence="The {name} must be a positive multiple of {multiple_of} px.",
            ),
        ),
    )
    batch_size: int = field(
        default=8, metadata=describe("Crops per step.", _ONE_OR_MORE)
    )
    augmentation: Augmentation = field(
        default=Augmentation.ALL,
        metadata=describe(
            "How much crops are changed: all, for images from anywhere; strong, also "
            "dyes, single nuclei, haze and compression (an experiment); only flips, "
            "for images of one microscope and one preparation; elastic, for such "
            "images where up and down differ; or none."
        ),
    )
    grey_copies: bool = field(
        default=False,
        metadata=describe(
            "Train on two grey copies of each stained image too, its hematoxylin and "
            "the optical density of red: better on the tissue of other labs."
        ),
    )
    steps_per_epoch: int = field(
        default=100, metadata=describe("Steps between two validations.", _ONE_OR_MORE)
    )
    epochs: int | None = field(
        default=None, metadata=describe("Length of the run in epochs.", _ONE_OR_MORE)
    )
    minutes: float | None = field(
        default=None,
        metadata=describe(
            "Length of the run in minutes.",
            Range(above=0, sentence="The {name} to train must be positive."),
        ),
    )
    loss: str = field(
        default=f"{LossTerm.BINARY_CROSSENTROPY}+{LossTerm.DICE}",
        metadata=describe(
            f"What is minimised: {', '.join(LossTerm)}, or a sum of these."
        ),
    )
    schedule: Schedule = field(
        default=Schedule.COSINE,
        metadata=describe(
            "How the learning rate falls: on a cosine down to zero, or whenever the "
            "score has reached a plateau."
        ),
    )
    plateau_patience: int = field(
        default=5,
        metadata=describe(
            "Epochs without a better score that count as a plateau.", _ONE_OR_MORE
        ),
    )
    plateau_factor: float = field(
        default=0.5,
        metadata=describe(
            "What a plateau multiplies the learning rate by.",
            Range(
                above=0,
                below=1,
                sentence="The factor of a plateau must lie between {above} and "
                "{below}.",
            ),
        ),
    )
    learning_rate: float | None = field(
        default=None,
        metadata=describe(
            "Peak of the schedule.",
            Range(above=0, sentence="The {name} must be positive."),
        ),
    )
    weight_decay: float = field(
        default=1e-4,
        metadata=describe("Decoupled weight decay of AdamW.", _ZERO_OR_MORE),
    )
    monitor: Monitor = field(
        default=Monitor.DSB2018,
        metadata=describe(
            "Score on the held-out images that selects the best weights: dice where "
            "pixels count rather than nuclei."
        ),
    )
    ema_momentum: float = field(
        default=0.99,
        metadata=describe(
            "Momentum of the average of the weights.",
            Range(
                at_least=0,
                below=1,
                sentence="The momentum of the weight average must lie in [{at_least}, "
                "{below}).",
            ),
        ),
    )
    patience: int | None = field(
        default=None,
        metadata=describe(
            "Stop after this many epochs without a better score.", _ONE_OR_MORE
        ),
    )
    validation_fraction: float = field(
        default=0.1,
        metadata=describe(
            "Fraction of the images to hold out.",
            Range(
                above=0,
                below=1,
                sentence="The {name} must lie between {above} and {below}.",
            ),
        ),
    )
    mixed_precision: bool = field(
        default=True,
        metadata=describe("Compute in bfloat16 where that is faster."),
    )
    seed: int = field(
        default=0, metadata=describe("Seed of all random choices.", _ZERO_OR_MORE)
    )

    def __post_init__(self) -> None:
        check_fields(self)
        parse_loss(self.loss)
        if not self.architecture.is_trainable_from_scratch:
            raise SettingsError(
                "Expected a network that can be trained from scratch. Received: "
                f"{str(self.architecture)!r}; make a model of that kind with "
                "`napari-unet-nuclei import` or `ensemble`, and fine-tune that."
            )
        if (self.epochs is None) == (self.minutes is None):
            raise SettingsError(
                "Say either how many epochs or how many minutes to train. "
                "Received: {epochs}, {minutes}",
                epochs=self.epochs,
                minutes=self.minutes,
            )

    def peak_learning_rate(self, *, is_fine_tuning: bool) -> float:
        """Learning rate that was chosen, or the one that suits the run."""
        if self.learning_rate is not None:
            return self.learning_rate
        return FINE_TUNING_LEARNING_RATE if is_fine_tuning else PEAK_LEARNING_RATE


def choose_minutes(minutes: float | None, epochs: int | None) -> float | None:
    """Return the minutes that limit a run: the default where nothing limits it."""
    if minutes is None and epochs is None:
        return DEFAULT_MINUTES
    return minutes
