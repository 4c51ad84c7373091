"""The command line that does what the widget does, on the clipboard."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtWidgets import QApplication

from napari_unet_nuclei.plugin.segment.kept_runs import Said
from napari_unet_nuclei.plugin.shared.commands import segment_command

if TYPE_CHECKING:
    from napari.layers import Image

    from napari_unet_nuclei.core.settings.segmentation import SegmentationSettings
    from napari_unet_nuclei.plugin.segment.request import SegmentationRequest


def command_for(
    image: Image, request: SegmentationRequest, settings: SegmentationSettings
) -> str:
    """Write the command that finds the nuclei of a layer.

    Parameters
    ----------
    image : napari.layers.Image
        The layer; one without a file is taken to be saved under its name.
    request : SegmentationRequest
        What is asked for.
    settings : SegmentationSettings
        What the nuclei were found with, or would be.

    Returns
    -------
    str
        A line to paste into a terminal.
    """
    path = image.source.path or f"{image.name}.tif"
    return segment_command(path, request.model, settings, request.axes, request.channel)


def same_command(
    image: Image, request: SegmentationRequest, settings: SegmentationSettings
) -> str | None:
    """Return the command that finds the very same nuclei, if there is one.

    The command line segments all planes, all of each, at the finest resolution.

    Parameters
    ----------
    image, request, settings
        As for `command_for`.
    """
    is_part = request.plane is not None or request.region is not None
    if is_part or request.level:
        return None
    return command_for(image, request, settings)


def copy_command(
    image: Image,
    request: SegmentationRequest,
    *,
    is_region: bool,
    has_corrections: bool,
    is_pending: bool,
    is_coarse: bool = False,
) -> Said:
    """Put the command of a request on the clipboard.

    Parameters
    ----------
    image, request
        As for `command_for`.
    is_region, has_corrections, is_pending, is_coarse : bool
        Whether only a region is segmented here, whether nuclei of the image were
        corrected, whether a new run would use other settings than the nuclei on show,
        and whether those were found at a coarser resolution.

    Returns
    -------
    Said
        What to say about it, with the command as the tooltip.
    """
    command = command_for(image, request, request.settings)
    clipboard = QApplication.clipboard()
    if clipboard is not None:
        clipboard.setText(command)
    text = _describe_copied(
        is_one_plane=request.plane is not None,
        is_region=is_region,
        unsaved=None if image.source.path else image.name,
        has_corrections=has_corrections,
        is_pending=is_pending,
        is_coarse=is_coarse,
    )
    return Said(text, command)


def _describe_copied(
    *,
    is_one_plane: bool,
    is_region: bool,
    unsaved: str | None,
    has_corrections: bool,
    is_pending: bool,
    is_coarse: bool,
) -> str:
    """Say how what the command does differs from what is shown."""
    hints = {
        "It segments all planes.": is_one_plane,
        "It segments the whole image.": is_region,
        "It segments the finest resolution.": is_coarse,
        f"Save the image as {unsaved}.tif too.": unsaved is not None,
        "It finds the nuclei without your corrections.": has_corrections,
        "The nuclei on show were found with other settings.": is_pending,
    }
    return " ".join(["Copied the command.", *(hint for hint in hints if hints[hint])])
