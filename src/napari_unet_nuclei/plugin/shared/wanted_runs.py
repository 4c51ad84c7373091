"""One widget asks for an image to be segmented, and does not know by which."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari.utils.events import EventEmitter

from napari_unet_nuclei.plugin.shared.opened_widgets import open_widget

if TYPE_CHECKING:
    from napari.layers import Image

run_wanted = EventEmitter(type_name="run_wanted")
"""Emitted with an image layer to be segmented; who does so handles the event."""


def want_run(image: Image) -> None:
    """Let *Segment nuclei* segment an image, with its settings; it opens if need be.

    Parameters
    ----------
    image : napari.layers.Image
        The image, which is the active one or that of the active labels.
    """
    if not run_wanted(value=image).handled:
        open_widget("Segment nuclei")
        run_wanted(value=image)
