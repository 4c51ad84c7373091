"""What is known about a model besides its weights.

How this is stored in a file is in :mod:`~napari_unet_nuclei.core.models.bundle`.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from napari_unet_nuclei.core.errors import SettingsError
from napari_unet_nuclei.core.instances.maps import SplittingParameters
from napari_unet_nuclei.core.settings.choices import Architecture

if TYPE_CHECKING:
    from collections.abc import Mapping

MAPS = ("foreground", "boundary", "distance")
ONE_MAP = MAPS[:1]

_MAX_DIAMETER = 10_000  # px
_STRIDE_IN_FILES = "multiple"


@dataclass(frozen=True, kw_only=True)
class ModelConfig:
    """Everything about a model that is not a weight.

    Parameters
    ----------
    architecture : Architecture
        Network family.
    arguments : mapping
        Keyword arguments of its builder.
    maps : tuple of str
        Output maps, in order: all of them, or the foreground alone.
    stride, margin : int, in px
        Stride and receptive radius of the network.
    splitting : SplittingParameters
        Thresholds found on the validation images.
    diameter : float, in px
        Typical (median) diameter of the nuclei trained on.
    estimated_diameter : float, in px, optional
        What :mod:`~napari_unet_nuclei.core.instances.diameter` says of the same nuclei,
        to compare its estimates with; they differ where nuclei are anything but
        round or of one size.
    image_diameter : float, in px, optional
        Diameter of these nuclei in the images as they are, where training has brought
        the images to another scale; such images are seen at that scale first.
    n_symmetries : int
        Ways to look at an image that the network has learned, 1, 2 or 8: as it is,
        mirrored left to right too, or all flips and quarter turns.
    provenance : mapping
        Data, seed, versions, scores: whatever tells where the model comes from.
    """

    architecture: Architecture
    arguments: Mapping[str, Any] = field(default_factory=dict)
    maps: tuple[str, ...] = MAPS
    stride: int
    margin: int
    splitting: SplittingParameters = field(default_factory=SplittingParameters)
    diameter: float
    estimated_diameter: float | None = None
    image_diameter: float | None = None
    n_symmetries: int = 8
    provenance: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.maps not in (MAPS, ONE_MAP):
            raise SettingsError(
                f"The maps must be {', '.join(MAPS)}, or {ONE_MAP[0]} alone. "
                f"Received: {self.maps}"
            )
        # 8.0 and true equal integers, but slice nothing.
        if type(self.n_symmetries) is not int or self.n_symmetries not in (1, 2, 8):
            raise SettingsError(
                "The number of symmetries must be 1, 2 or 8. "
                f"Received: {self.n_symmetries!r}"
            )
        for name, lowest, highest in (("stride", 1, 1024), ("margin", 0, 65536)):
            value = getattr(self, name)
            if type(value) is not int or not lowest <= value <= highest:
                raise SettingsError(
                    f"The {name} must lie between {lowest} and {highest} px. "
                    f"Received: {value!r}"
                )
        for name in ("diameter", "estimated_diameter", "image_diameter"):
            value = getattr(self, name)
            if value is not None and not _is_length(value):
                raise SettingsError(
                    f"The {name.replace('_', ' ')} must be a positive number of px, "
                    f"at most {_MAX_DIAMETER:,}. Received: {value}"
                )

    @property
    def scale(self) -> float:
        """Scale at which the images it was trained on are seen."""
        return self.diameter / (self.image_diameter or self.diameter)


def _is_length(value: object) -> bool:
    """Whether a value is a length in px, and no flag or text."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return is_number and 0 < value <= _MAX_DIAMETER  # type: ignore[operator]


def format_config(config: ModelConfig) -> dict[str, Any]:
    """Turn a configuration into what JSON holds of a model.

    Parameters
    ----------
    config : ModelConfig
        The configuration.

    Returns
    -------
    dict
        Its fields by name, in plain values; the stride is called ``multiple``, as it
        was when the first models were written, and what most models do not have is
        left out, so that earlier versions read them.
    """
    values = asdict(config)
    if config.image_diameter is None:
        del values["image_diameter"]
    values[_STRIDE_IN_FILES] = values.pop("stride")
    return values


def parse_config(values: dict[str, Any]) -> ModelConfig:
    """Turn what JSON holds of a model into its configuration.

    Parameters
    ----------
    values : dict
        What :func:`format_config` gave.

    Returns
    -------
    ModelConfig
        The configuration.

    Raises
    ------
    SettingsError, LookupError, TypeError, ValueError
        If a field is missing, unknown, of another type or out of bounds.
    """
    for name in ("arguments", "provenance"):
        if not isinstance(values[name], dict):
            raise ValueError(f"{name} must be an object")
    values = dict(values)
    return ModelConfig(
        stride=values.pop(_STRIDE_IN_FILES),
        **{
            **values,
            "architecture": Architecture(values["architecture"]),
            "maps": tuple(values["maps"]),
            "splitting": SplittingParameters(**values["splitting"]),
        },
    )
