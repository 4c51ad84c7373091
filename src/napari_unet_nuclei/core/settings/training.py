"""How a model is trained: what a user can choose, checked on creation.

The widgets and the command line read every default from here.
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
from napari_unet_nuclei.core.settings.rules import Range, check_fields, describe
from napari_unet_nuclei.core.settings.training_defaults import (
    DEFAULT_MINUTES,
    FINE_TUNING_LEARNING_RATE,
    MIN_SAMPLES_TO_HOLD_OUT,
    PEAK_LEARNING_RATE,
    choose_minutes,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "DEFAULT_MINUTES",
    "FINE_TUNING_LEARNING_RATE",
    "MIN_SAMPLES_TO_HOLD_OUT",
    "PEAK_LEARNING_RATE",
    "TrainingSettings",
    "choose_minutes",
]

_ONE_OR_MORE = Range(at_least=1)
_ZERO_OR_MORE = Range(at_least=0)
_PART = Range(
    at_least=0, below=1, sentence="The {name} must lie in [{at_least}, {below})."
)


@dataclass(frozen=True, kw_only=True)
class TrainingSettings:
    """How a model is trained; the defaults are the recipe of the shipped models.

    Parameters
    ----------
    architecture : Architecture
        The network family; ignored when training starts from a model.
    arguments : mapping
        Keyword arguments of the network's builder, such as ``widths``; the
        defaults are the shipped shapes.
    grow : int
        Residual blocks to add to each level of the ``resnet`` that training starts
        from; it computes exactly the same until it has learned more.
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
    start_weight : float in [0, 1)
        How much the weights of the start model count in the result of fine-tuning,
        so that less of what it knew is forgotten.
    replay : float in [0, 1)
        Part of each batch that shows what the start model knows, with its own maps as
        targets, so that it is not forgotten; there is none from scratch.
    patience : int, optional
        Epochs without a better validation score after which training stops.
    only_better : bool
        Write no model, and leave no log, unless it is better than the one that
        training starts from.
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
    grow: int = field(
        default=0,
        metadata=describe(
            "Residual blocks to add to each level of the start model, a resnet: a "
            "deeper network that begins by computing exactly the same.",
            Range(
                at_least=0,
                sentence="The number of blocks to {name} by must be {at_least} or "
                "more.",
            ),
        ),
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
    start_weight: float = field(
        default=0.0,
        metadata=describe(
            "Weight of the start model in the result, from 0 to 1: the higher, the "
            "less of what it knew is forgotten.",
            _PART,
        ),
    )
    replay: float = field(
        default=0.25,
        metadata=describe(
            "Part of each batch, when fine-tuning, that shows drawn nuclei to be seen "
            "as the start model sees them, so that less is forgotten.",
            _PART,
        ),
    )
    patience: int | None = field(
        default=None,
        metadata=describe(
            "Stop after this many epochs without a better score.", _ONE_OR_MORE
        ),
    )
    only_better: bool = field(
        default=False,
        metadata=describe(
            "Write no model unless it is better than the one it starts from."
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
