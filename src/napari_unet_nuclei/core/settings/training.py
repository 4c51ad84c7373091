"""What a user can choose, checked on creation and passed around whole.

Every default lives here once; the widgets and the command line read it from
these classes.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from napari_unet_nuclei.core.errors import SettingsError
from napari_unet_nuclei.core.settings.choices import (
    Architecture,
    Augmentation,
    Monitor,
    Schedule,
    parse_loss,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

_MIN_AREA_SEEN = 30  # px²; see docs/experiments.md


@dataclass(frozen=True, kw_only=True)
class SegmentationSettings:
    """How maps become labels.

    Parameters
    ----------
    threshold : float in (0, 1), optional
        Foreground probability above which a pixel belongs to a nucleus;
        ``None`` takes the model's own.
    min_area : int, in px², optional
        Nuclei smaller than this are dropped.  ``None`` takes 30 px² of what the
        network saw: less where the image was enlarged for it, more where shrunk.
    diameter : float, in px, optional
        Typical diameter of the nuclei in this image; the image is rescaled so
        that it meets the diameter the model was trained for.  ``None`` rescales
        where the nuclei turn out much larger or smaller than that.
    tta : bool
        Average the maps over the eight flips and quarter turns of the image, or
        those of them that the network was trained with: better, and as many times
        slower.

    Raises
    ------
    SettingsError
        If a value is out of range.

    Examples
    --------
    >>> SegmentationSettings(threshold=0.4, diameter=30)
    SegmentationSettings(threshold=0.4, min_area=None, diameter=30, tta=False)
    """

    threshold: float | None = None
    min_area: int | None = None
    diameter: float | None = None
    tta: bool = False

    def __post_init__(self) -> None:
        if self.threshold is not None and not 0 < self.threshold < 1:
            raise SettingsError(
                "The threshold must lie between 0 and 1, both excluded. "
                "Received: {threshold}",
                threshold=self.threshold,
            )
        if self.min_area is not None and self.min_area < 0:
            raise SettingsError(
                "The minimum area must be 0 px² or more. Received: {min_area}",
                min_area=self.min_area,
            )
        if self.diameter is not None and not 2 <= self.diameter <= 2000:
            raise SettingsError(
                "The nucleus diameter must lie between 2 and 2000 px. "
                "Received: {diameter}",
                diameter=self.diameter,
            )

    def smallest_area(self, scale: float = 1.0) -> int:
        """Area under which nuclei are dropped.

        Parameters
        ----------
        scale : float
            How much larger the network saw the image than it is.

        Returns
        -------
        int, in px² of the image
            What was asked for, else the default at that scale.
        """
        if self.min_area is not None:
            return self.min_area
        return round(_MIN_AREA_SEEN / scale**2)


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
    crop_size : int, in px
        Side of the square crops, a multiple of 32.
    batch_size : int
        Crops a step.
    augmentation : Augmentation
        ``all`` changes scale, colours, contrast and sharpness, for images to come
        from anywhere; ``flips`` only flips and turns, for images that all come from
        one microscope and one preparation; ``elastic`` bends and mirrors them and
        how they were exposed, where up and down differ, such as with annotations
        shifted up or down against their images; ``none`` leaves crops as they are.
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
        Peak of the schedule; ``None`` chooses 2e-3 from scratch and 3e-4 for
        fine-tuning.
    weight_decay : float
        Decoupled weight decay of AdamW.
    monitor : Monitor
        Score that says which weights are best, when a plateau is reached, and which
        thresholds suit: ``dice`` where every pixel counts rather than every nucleus.
    ema_momentum : float in [0, 1)
        Momentum of the exponential moving average of the weights, which is
        what gets validated and saved; 0 switches the average off.
    keep : float in [0, 1)
        How much the weights of the start model count in the result of fine-tuning,
        so that less of what it knew is forgotten.
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
    """

    architecture: Architecture = Architecture.RESNET
    arguments: Mapping[str, Any] = field(default_factory=dict)
    crop_size: int = 256
    batch_size: int = 8
    augmentation: Augmentation = Augmentation.ALL
    steps_per_epoch: int = 100
    epochs: int | None = None
    minutes: float | None = None
    loss: str = "binary_crossentropy+dice"
    schedule: Schedule = Schedule.COSINE
    plateau_patience: int = 5
    plateau_factor: float = 0.5
    learning_rate: float | None = None
    weight_decay: float = 1e-4
    monitor: Monitor = Monitor.DSB2018
    ema_momentum: float = 0.99
    keep: float = 0.0
    patience: int | None = None
    only_better: bool = False
    validation_fraction: float = 0.1
    mixed_precision: bool = True
    seed: int = 0

    def __post_init__(self) -> None:
        if not self.architecture.is_trainable_from_scratch:
            raise SettingsError(
                "Expected a network that can be trained from scratch. Received: "
                f"{str(self.architecture)!r}; make a model of that kind with "
                "`napari-unet-nuclei import` or `ensemble`, and fine-tune that."
            )
        if self.crop_size < 32 or self.crop_size % 32:
            raise SettingsError(
                "The crop size must be a positive multiple of 32 px. "
                "Received: {crop_size}",
                crop_size=self.crop_size,
            )
        for name in (
            "batch_size",
            "steps_per_epoch",
            "epochs",
            "patience",
            "plateau_patience",
        ):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise SettingsError(
                    f"{_in_words(name)} must be 1 or more. Received: {{{name}}}",
                    **{name: value},
                )
        for name in ("seed", "weight_decay"):
            value = getattr(self, name)
            if value < 0:
                raise SettingsError(
                    f"{_in_words(name)} must be 0 or more. Received: {{{name}}}",
                    **{name: value},
                )
        if (self.epochs is None) == (self.minutes is None):
            raise SettingsError(
                "Say either how many epochs or how many minutes to train. "
                "Received: {epochs}, {minutes}",
                epochs=self.epochs,
                minutes=self.minutes,
            )
        if self.minutes is not None and not self.minutes > 0:
            raise SettingsError(
                "The minutes to train must be positive. Received: {minutes}",
                minutes=self.minutes,
            )
        for name, kind in (
            ("augmentation", Augmentation),
            ("schedule", Schedule),
            ("monitor", Monitor),
        ):
            value = getattr(self, name)
            if not isinstance(value, kind):
                raise SettingsError(
                    f"{name} must be of {kind.__name__}: {', '.join(kind)}. "
                    f"Received: {value!r}"
                )
        parse_loss(self.loss)
        if not 0 < self.plateau_factor < 1:
            raise SettingsError(
                "The factor of a plateau must lie between 0 and 1. "
                "Received: {plateau_factor}",
                plateau_factor=self.plateau_factor,
            )
        if not 0 < self.validation_fraction < 1:
            raise SettingsError(
                "The validation fraction must lie between 0 and 1. "
                "Received: {validation_fraction}",
                validation_fraction=self.validation_fraction,
            )
        if not 0 <= self.ema_momentum < 1:
            raise SettingsError(
                "The momentum of the weight average must lie in [0, 1). "
                "Received: {ema_momentum}",
                ema_momentum=self.ema_momentum,
            )
        if not 0 <= self.keep < 1:
            raise SettingsError(
                "The part of the start model to keep must lie in [0, 1). "
                "Received: {keep}",
                keep=self.keep,
            )
        if self.learning_rate is not None and not self.learning_rate > 0:
            raise SettingsError(
                "The learning rate must be positive. Received: {learning_rate}",
                learning_rate=self.learning_rate,
            )

    def peak_learning_rate(self, *, is_fine_tuning: bool) -> float:
        """Learning rate that was chosen, or the one that suits the run."""
        if self.learning_rate is not None:
            return self.learning_rate
        return 3e-4 if is_fine_tuning else 2e-3


def _in_words(name: str) -> str:
    """Begin a sentence with the name of a setting."""
    return f"The {name.replace('_', ' ')}"
