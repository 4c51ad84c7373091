"""The command line that does what the widget does, on the clipboard."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtWidgets import QApplication

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


def copy_to_clipboard(text: str) -> None:
    """Put a text on the clipboard, where there is one."""
    clipboard = QApplication.clipboard()
    if clipboard is not None:
        clipboard.setText(text)
