"""What the form and the layers say when the next tile to annotate is asked for.

Which tile that is belongs in ``tile_search``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from napari.layers import Shapes

from napari_unet_nuclei.core.errors import TrainingError
from napari_unet_nuclei.plugin.finetune.tile_layers import (
    PlaneLabels,
    add_empty_labels,
    checked_layer,
)
from napari_unet_nuclei.plugin.finetune.tile_search import TileRequest
from napari_unet_nuclei.plugin.shared.canvas import chosen_channel, shown_plane
from napari_unet_nuclei.plugin.shared.layers import image_array

if TYPE_CHECKING:
    from collections.abc import Sequence

    import napari.viewer

    from napari_unet_nuclei.core.proposals.candidates import Box
    from napari_unet_nuclei.plugin.finetune.form import FineTuneForm


def make_request(
    viewer: napari.viewer.Viewer,
    form: FineTuneForm,
    unwanted: Sequence[tuple[PlaneLabels, Box]],
) -> tuple[PlaneLabels, TileRequest]:
    """Return where to look, and what is annotated there.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
        Shows the plane; gets a labels layer where there is none.
    form : FineTuneForm
        Says which image, labels and start model.
    unwanted : sequence of (PlaneLabels, (slice, slice))
        Tiles that must not be proposed.

    Returns
    -------
    labels : PlaneLabels
        Where the tile will be annotated.
    request : TileRequest
        What is known.

    Raises
    ------
    TrainingError, ImageError, LabelsError, ModelError, SettingsError
        If there is no image or no model, or image, axes and labels do not fit.
    """
    image = form.image.layer
    if image is None:
        raise TrainingError(
            "Expected an image to annotate. Received: no image layer; open one."
        )
    form.axes.check()
    start = form.start_path
    pixels, axes = image_array(image)
    channel = chosen_channel(image, axes, viewer.dims)
    plane = shown_plane(image, axes, viewer.dims)
    layer = form.annotations.layer
    if layer is None:
        layer = add_empty_labels(viewer, image, channel, plane)
    labels = PlaneLabels(image=image, layer=layer, channel=channel, plane=plane)
    painted = labels.read() > 0
    done = np.zeros(painted.shape, bool)
    if (area := find_area(viewer, form, labels)) is not None:
        done |= labels.read_area(area)
    for where, box in unwanted:
        if where.layer is layer and where.plane == plane:
            done[box] = True
    return labels, TileRequest(
        image=pixels,
        axes=axes,
        channel=channel,
        plane=plane,
        painted=painted,
        done=done,
        start=start,
    )


def find_area(
    viewer: napari.viewer.Viewer, form: FineTuneForm, labels: PlaneLabels
) -> Shapes | None:
    """Return the layer of the area that is annotated, if there is one.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
        The viewer.
    form : FineTuneForm
        Where an area may be chosen.
    labels : PlaneLabels
        The labels of its image.

    Returns
    -------
    napari.layers.Shapes or None
        The chosen one, or that of the tiles checked so far.
    """
    chosen = form.annotation.area_layer
    if isinstance(chosen, Shapes) and labels.image is form.image.layer:
        return chosen
    return checked_layer(viewer, labels.image)
