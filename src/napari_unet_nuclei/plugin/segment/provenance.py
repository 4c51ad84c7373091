"""How nuclei were found and corrected, in the metadata of a labels layer.

Everything that writes or reads these keys is here; what samples and files add belongs
in ``shared.layers``.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from napari_unet_nuclei import __version__
from napari_unet_nuclei.plugin.shared.layers import labels_layer_metadata

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from napari.layers import Image

    from napari_unet_nuclei.plugin.segment.results import Result

_CORRECTED = "corrected_by_hand"
_COMMAND, _COMMAND_BEFORE = "command", "command_before_corrections"


def result_metadata(result: Result) -> dict[str, Any]:
    """Return the metadata of the layer of a result."""
    image_maps, nuclei, command = result.image_maps, result.nuclei, result.command
    extra: dict[str, Any] = {} if command is None else {_COMMAND: command}
    request = image_maps.request
    if request.pyramid is not None:
        extra["level"] = request.level
        extra["level_factors"] = list(request.factors)
    if nuclei.doubts:
        extra["warnings"] = [doubt.sentence for doubt in nuclei.doubts]
    return labels_layer_metadata(
        result.image,
        model=image_maps.model.name,
        settings=asdict(nuclei.settings),
        axes=image_maps.request.axes,
        channel=image_maps.request.channel,
        plane=image_maps.request.plane,
        signal=image_maps.signal.value,
        engine=image_maps.model.engine.description,
        package=f"napari-unet-nuclei {__version__}",
        **extra,
    )


def is_result(metadata: Mapping[str, Any]) -> bool:
    """Whether a layer shows nuclei that were found, in this session or before."""
    return "model" in metadata


def earlier_corrections(metadata: Mapping[str, Any]) -> str:
    """Return what was corrected before; empty if nothing was."""
    return str(metadata.get(_CORRECTED) or "")


def plane_of(metadata: Mapping[str, Any]) -> tuple[int, ...] | None:
    """Return the only plane of a stack that was segmented, if it was only one."""
    plane = metadata.get("plane")
    return tuple(plane) if isinstance(plane, (list, tuple)) else None


def join_corrections(earlier: str, now: str) -> str:
    """Put what was corrected before and what is corrected now into one sentence."""
    return "; then ".join(filter(None, [earlier, now]))


def corrected_metadata(metadata: Mapping[str, Any], corrections: str) -> dict[str, Any]:
    """Return metadata that say that labels were edited.

    Parameters
    ----------
    metadata : mapping
        Metadata of a labels layer.
    corrections : str
        What was corrected; empty if nothing was.

    Returns
    -------
    dict
        The same, with a command only if it finds the labels as they are.
    """
    described = {name: value for name, value in metadata.items() if name != _CORRECTED}
    old, new = _COMMAND_BEFORE, _COMMAND
    if corrections:
        described[_CORRECTED] = corrections
        old, new = new, old
    if old in described:
        described[new] = described.pop(old)
    return described


def has_same_pixels(first: Mapping[str, Any], second: Mapping[str, Any]) -> bool:
    """Whether the nuclei of two layers lie in the same pixels, by their metadata."""
    names = ("image_id", "axes", "channel", "plane", "level")
    return all(first.get(name) == second.get(name) for name in names)


def find_image(metadata: Mapping[str, Any], images: Sequence[Image]) -> Image | None:
    """Return the image in which nuclei were found, if it is open.

    Parameters
    ----------
    metadata : mapping
        Metadata of a labels layer.
    images : sequence of napari.layers.Image
        The images that are open.

    Returns
    -------
    napari.layers.Image, optional
        By its id if the nuclei were found in this session, else by its name.
    """
    known = [each for each in images if str(each.unique_id) == metadata.get("image_id")]
    named = [each for each in images if each.name == metadata.get("image")]
    return next(iter(known or named), None)
