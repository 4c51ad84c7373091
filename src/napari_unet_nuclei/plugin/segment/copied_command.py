"""The command line that does what the widget does, on the clipboard."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtWidgets import QApplication

from napari_unet_nuclei.plugin.segment.kept_runs import Said
from napari_unet_nuclei.plugin.segment.messages import describe_copied
from napari_unet_nuclei.plugin.shared.commands import segment_command

if TYPE_CHECKING:
    from napari.layers import Image

    from napari_unet_nuclei.core.settings.segmentation import SegmentationSettings
    from napari_unet_nuclei.plugin.segment.segmentation import SegmentationRequest


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


def copy_command(
    image: Image,
    request: SegmentationRequest,
    *,
    is_region: bool,
    has_corrections: bool,
    is_pending: bool,
) -> Said:
    """Put the command of a request on the clipboard.

    Parameters
    ----------
    image, request
        As for `command_for`.
    is_region, has_corrections, is_pending : bool
        As for `describe_copied`.

    Returns
    -------
    Said
        What to say about it, with the command as the tooltip.
    """
    command = command_for(image, request, request.settings)
    clipboard = QApplication.clipboard()
    if clipboard is not None:
        clipboard.setText(command)
    text = describe_copied(
        is_one_plane=request.plane is not None,
        is_region=is_region,
        unsaved=None if image.source.path else image.name,
        has_corrections=has_corrections,
        is_pending=is_pending,
    )
    return Said(text, command)
