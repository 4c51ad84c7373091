"""The plan of a run: everything that its result depends on, settled before it begins.

How a plan is found belongs in :mod:`~napari_unet_nuclei.core.blocks.planning`.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields
from fractions import Fraction
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from napari_unet_nuclei.core.blocks.grid import BlockGrid
from napari_unet_nuclei.core.errors import OutputError
from napari_unet_nuclei.core.settings.segmentation import SegmentationSettings

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

_LENGTH_OF_NAME = 16  # hexadecimal digits
_NO_DIFFERENCE = object()


@dataclass(frozen=True, kw_only=True)
class RunRequest:
    """What a user asks for.

    Parameters
    ----------
    image : mapping
        What identifies the image: name, shape, type, level, channel and a fingerprint.
    model, model_sha256 : str
        Name of the model, and the checksum of its file.
    settings : mapping
        Fields of ``SegmentationSettings``.
    package : str
        Name and version of this program.
    """

    image: Mapping[str, Any]
    model: str
    model_sha256: str
    settings: Mapping[str, Any]
    package: str

    def read_settings(self) -> SegmentationSettings:
        """Return the settings, with the choices that their words stand for."""
        return SegmentationSettings.from_stored(self.settings)


@dataclass(frozen=True, kw_only=True)
class RunPlan:
    """What was asked for, and what was found out of the whole image once.

    Parameters
    ----------
    request : RunRequest
        What was asked for.
    shape : tuple of int
        Height and width of the image, in px.
    scale : str
        How much larger the network sees the image than it is, such as ``"3/4"``.
    stain : str
        What of the image it sees.
    limits : tuple of float
        Intensities of the image that become 0 and 1.
    sample_sha256 : str
        Checksum of the sample of its pixels that limits and dyes come from.
    min_part : int, in px²
        Smaller parts of clumps are fragments.
    largest_diameter : float, in px
        Of the nuclei in the parts that were probed.
    side, reach, margin : int, in px
        As of `BlockGrid`; both neighbours see what lies within ``reach`` of a line
        between them, which is one and a half of the largest diameters.
    stride : int, in px
        Stride of the network.
    background : tuple of int
        Blocks in which a smaller level of the image shows nothing.

    See Also
    --------
    BlockGrid : the blocks.
    """

    request: RunRequest
    shape: tuple[int, int]
    scale: str
    stain: str
    limits: tuple[float, float]
    sample_sha256: str
    min_part: int
    largest_diameter: float
    side: int
    reach: int
    margin: int
    stride: int
    background: tuple[int, ...] = ()

    @property
    def name(self) -> str:
        """What the run is called: the beginning of the checksum of its plan."""
        return sha256(self.to_json().encode()).hexdigest()[:_LENGTH_OF_NAME]

    @property
    def grid(self) -> BlockGrid:
        """The blocks."""
        return BlockGrid(
            shape=self.shape,
            side=self.side,
            reach=self.reach,
            margin=self.margin,
            scale=Fraction(self.scale),
            stride=self.stride,
        )

    @property
    def settings(self) -> SegmentationSettings:
        """How nuclei are found."""
        return self.request.read_settings()

    def to_json(self) -> str:
        """Return the plan as text, the same for the same plan."""
        return json.dumps(asdict(self), indent=1, sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> RunPlan:
        """Return the plan that a text describes.

        Raises
        ------
        ValueError
            If it is no plan, or one of another version of this program.
        """
        try:
            content = json.loads(text)
            content["request"] = RunRequest(**content["request"])
            for name in ("shape", "limits", "background"):
                content[name] = tuple(content[name])
            return cls(**content)
        except (TypeError, KeyError, AttributeError) as error:
            raise ValueError(f"Expected the plan of a run. Received: {error}") from None


def check_same(stored: RunRequest, asked: RunRequest, folder: Path) -> None:
    """Refuse to go on with a run that was begun for something else.

    Parameters
    ----------
    stored, asked : RunRequest
        What it was begun for, and what is asked for now.
    folder : Path
        Where it is kept.

    Raises
    ------
    OutputError
        Naming the first difference.
    """
    for name, before, now in _iter_differences(stored, asked):
        raise OutputError(
            f"Expected to go on with the run in {folder}, which was begun with {name} "
            f"{before}. Received: {name} {now}. Ask for the same again, or use "
            "--overwrite to begin anew."
        )


def _iter_differences(
    stored: RunRequest, asked: RunRequest
) -> Iterator[tuple[str, Any, Any]]:
    for field in fields(RunRequest):
        before, now = getattr(stored, field.name), getattr(asked, field.name)
        if field.name in ("image", "settings"):
            for key in sorted({*before, *now}):
                one, other = (each.get(key, _NO_DIFFERENCE) for each in (before, now))
                if one != other:
                    yield _name(field.name, key), *map(_show, (one, other))
        elif before != now:
            yield field.name.replace("_", " "), before, now


def _name(group: str, key: str) -> str:
    return key.replace("_", " ") if group == "settings" else f"image {key}"


def _show(value: Any) -> Any:
    return "unset" if value is None or value is _NO_DIFFERENCE else value
