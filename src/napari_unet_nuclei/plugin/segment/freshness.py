"""Whether a run would make other maps now, and why, in words.

What the controls say is known to ``form``.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_unet_nuclei.core.errors import ModelError
from napari_unet_nuclei.core.models.store import find_model

if TYPE_CHECKING:
    from napari_unet_nuclei.plugin.segment.request import SegmentationRequest

_MOST_SUMMED = 1 << 22  # bytes


@dataclass(frozen=True, kw_only=True, eq=False)
class RunInputs:
    """Everything that the maps of a run depend on, so not threshold and smallest area.

    Parameters
    ----------
    request : SegmentationRequest
        Image, model and settings.
    checksum : int, optional
        Checksum of the pixels; ``None`` if they are not in memory.
    model_time : int, optional
        When the file of the model was written, in ns; ``None`` if it is gone.
    """

    request: SegmentationRequest
    checksum: int | None
    model_time: int | None

    @classmethod
    def of(cls, request: SegmentationRequest) -> RunInputs:
        """Note what a run that starts now would see."""
        return cls(
            request=request,
            checksum=_checksum(request.source),
            model_time=_model_time(request.model),
        )


def changes(made: RunInputs, wanted: RunInputs) -> list[str]:
    """Name what has changed since maps were made.

    Parameters
    ----------
    made, wanted : RunInputs
        What the maps were made from, and what a run would use now.

    Returns
    -------
    list of str
        Such as ``["model", "nucleus diameter"]``; empty if a run would make the same
        maps again.
    """
    old, new = made.request, wanted.request
    is_same_model = old.model == new.model and made.model_time == wanted.model_time
    is_same_image = old.source is new.source and made.checksum == wanted.checksum
    return [
        name
        for name, is_same in {
            "image": is_same_image,
            "axes": old.axes == new.axes,
            "channel": old.channel == new.channel,
            "plane": old.plane == new.plane,
            "model": is_same_model,
            "nucleus diameter": old.settings.diameter == new.settings.diameter,
            "flipped views": old.settings.tta == new.settings.tta,
            "stain": old.settings.stain is new.settings.stain,
        }.items()
        if not is_same
    ]


def describe_changes(names: list[str]) -> str:
    """Say what has changed and what to do.

    Parameters
    ----------
    names : list of str
        Output of `changes`, not empty.

    Returns
    -------
    str
        Such as ``"Model and nucleus diameter changed: press Segment again to update
        the nuclei."``
    """
    *first, last = names
    listed = f"{', '.join(first)} and {last}" if first else last
    return (
        f"{listed[0].upper()}{listed[1:]} changed: press Segment again to update the "
        "nuclei."
    )


def _checksum(pixels: Any) -> int | None:
    """Sum up an image, or a regular sample of the rows of a large one."""
    if not isinstance(pixels, np.ndarray):
        return None
    if pixels.nbytes > _MOST_SUMMED and pixels.ndim > 1:
        step = min(pixels.nbytes // _MOST_SUMMED, pixels.shape[-2])
        pixels = pixels[..., ::step, :]
    return zlib.crc32(np.ascontiguousarray(pixels).data)


def _model_time(name: str) -> int | None:
    try:
        return find_model(name).stat().st_mtime_ns
    except (ModelError, OSError):
        return None
