"""Names that a user can choose from: of networks, losses, engines, formats."""

from __future__ import annotations

from enum import StrEnum
from typing import TypeVar

from napari_unet_nuclei.core.errors import SettingsError

Choice = TypeVar("Choice", bound=StrEnum)

DEFAULT_MODEL = "resnet"
"""The model that is taken, and listed first, where nobody says which."""


class Architecture(StrEnum):
    """Network families a model can be built from."""

    CLASSIC = "classic"
    RESNET = "resnet"
    RESNET50 = "resnet50"
    IMPORTED = "imported"
    ENSEMBLE = "ensemble"

    @property
    def is_trainable_from_scratch(self) -> bool:
        """Whether a network of this family can be built before there is a model."""
        return self not in (Architecture.IMPORTED, Architecture.ENSEMBLE)


class EngineName(StrEnum):
    """Runtimes that can evaluate a model."""

    AUTO = "auto"
    OPENVINO = "openvino"
    KERAS = "keras"


class Stain(StrEnum):
    """What shows the nuclei of a colour image."""

    AUTO = "auto"
    HE = "he"
    HDAB = "hdab"
    RED = "red"
    GREEN = "green"
    BLUE = "blue"
    NONE = "none"

    @property
    def sentence_part(self) -> str:
        """How a result says what was seen; empty for the image as it is."""
        match self:
            case Stain.HE:
                return "seen as hematoxylin"
            case Stain.HDAB:
                return "seen as hematoxylin beside DAB"
            case Stain.RED | Stain.GREEN | Stain.BLUE:
                return f"nuclei found in {self.value}"
            case _:
                return ""


class Link(StrEnum):
    """How a nucleus gets one number in all planes of a stack.

    Its outlines are linked along an axis, or with ``MAPS`` the volume is seen from
    three sides and split as a whole.
    """

    NONE = "none"
    Z = "z"
    T = "t"
    MAPS = "maps"


class Annotated(StrEnum):
    """What a user says is annotated of an image."""

    WHOLE_IMAGE = "whole-image"
    AREA = "area"
    PAINTED = "painted"


class LossTerm(StrEnum):
    """What training can minimise, alone or in a sum."""

    BINARY_CROSSENTROPY = "binary_crossentropy"
    DICE = "dice"
    TVERSKY = "tversky"
    FOCAL = "focal"


class Augmentation(StrEnum):
    """How much of an image is changed before a network learns from it."""

    ALL = "all"
    STRONG = "strong"
    FLIPS = "flips"
    ELASTIC = "elastic"
    NONE = "none"

    @property
    def n_symmetries(self) -> int:
        """In how many ways crops are turned: all eight, mirrored left to right, one."""
        match self:
            case Augmentation.ALL | Augmentation.STRONG | Augmentation.FLIPS:
                return 8
            case Augmentation.ELASTIC:
                return 2
            case Augmentation.NONE:
                return 1


class Monitor(StrEnum):
    """Scores on the held-out samples that can say which weights are best."""

    DSB2018 = "dsb2018"
    AP50 = "ap50"
    DICE = "dice"


class Schedule(StrEnum):
    """Ways for the learning rate to fall over a run."""

    COSINE = "cosine"
    PLATEAU = "plateau"


class OutputFormat(StrEnum):
    """Forms in which the nuclei of an image can be written."""

    TIFF = "tiff"
    PNG = "png"
    DSB2018 = "dsb2018"
    RLE = "rle"
    OVERLAY = "overlay"
    FEATURES = "features"
    ROIS = "rois"
    GEOJSON = "geojson"


class Measurement(StrEnum):
    """Groups of measurements that a table of nuclei can have beside the usual ones."""

    SHAPE = "shape"
    INTENSITY = "intensity"
    BORDER = "border"


def parse_architecture(name: Architecture | str) -> Architecture:
    """Turn a name into an architecture.

    Raises
    ------
    SettingsError
        If there is none of this name.
    """
    return _parse(name, Architecture, "architecture")


def parse_annotated(name: Annotated | str) -> Annotated:
    """Turn a name into what is annotated.

    Raises
    ------
    SettingsError
        If there is none of this name.
    """
    return _parse(name, Annotated, "annotation")


def parse_loss(name: str) -> tuple[LossTerm, ...]:
    """Turn a name such as ``"binary_crossentropy+dice"`` into its terms.

    Raises
    ------
    SettingsError
        If there is no loss of one of these names.
    """
    try:
        return tuple(LossTerm(term.strip()) for term in name.split("+"))
    except ValueError as error:
        raise SettingsError(
            f"The loss must be one of {', '.join(LossTerm)}, or a sum such as "
            "binary_crossentropy+dice. Received: {loss}",
            loss=name,
        ) from error


def parse_engine(name: EngineName | str) -> EngineName:
    """Turn a name into an engine.

    Raises
    ------
    SettingsError
        If there is none of this name.
    """
    return _parse(name, EngineName, "engine")


def parse_link(name: Link | str) -> Link:
    """Turn a name into how planes are linked.

    Raises
    ------
    SettingsError
        If there is none of this name.
    """
    return _parse(name, Link, "link")


def parse_stain(name: Stain | str) -> Stain:
    """Turn a name into what shows the nuclei.

    Raises
    ------
    SettingsError
        If there is none of this name.
    """
    return _parse(name, Stain, "stain")


def _parse(name: str, choices: type[Choice], what: str) -> Choice:
    try:
        return choices(name)
    except ValueError as error:
        raise SettingsError(
            f"The {what} must be one of {', '.join(choices)}. Received: {{{what}}}",
            **{what: str(name)},
        ) from error
