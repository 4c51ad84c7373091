"""How the layers of results look, and what a new one takes over from an older one."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Labels

from napari_unet_nuclei.plugin.segment.provenance import is_result

if TYPE_CHECKING:
    import napari.viewer
    from napari.layers import Image, Layer

CONTOUR = 2
"""Width of the outlines, in px of the image."""

THIN_CONTOUR = 1
"""The same for small nuclei, of which wider ones would hide most."""

_SMALL_DIAMETER = 16  # px

MOST_OUTLINED = 4096 * 4096
"""Area of the largest plane that is outlined, in px; for larger ones napari takes
seconds."""

_APPEARANCE = ("contour", "opacity", "blending")
_TOOLS = (
    "brush_size",
    "n_edit_dimensions",
    "contiguous",
    "preserve_labels",
    "selected_label",
    "mode",
)


def default_appearance(shape: tuple[int, ...], area: Any = ()) -> dict[str, Any]:
    """Return how the first result looks: outlined, so that the nuclei stay visible.

    Parameters
    ----------
    shape : tuple of int
        Shape of the labels, Y and X last.
    area : array_like of float, in px²
        Areas of the nuclei; what is NaN is none.

    Returns
    -------
    dict
        Attributes of the layer.
    """
    if math.prod(shape[-2:]) > MOST_OUTLINED:
        return {}
    areas = np.asarray(area, float)
    areas = areas[np.isfinite(areas)]
    is_small = areas.size and np.median(areas) < math.pi / 4 * _SMALL_DIAMETER**2
    return {"contour": THIN_CONTOUR if is_small else CONTOUR}


def same_appearance(
    before: Labels, shape: tuple[int, ...], area: Any = ()
) -> dict[str, Any]:
    """Return the attributes that make another layer look like this one.

    Parameters
    ----------
    before : napari.layers.Labels
        The layer.
    shape : tuple of int
        Shape of the other labels, Y and X last.
    area : array_like of float, in px²
        Areas of the other nuclei.

    Returns
    -------
    dict
        Attributes of the other layer; outlined as `default_appearance` says, unless
        the user has chosen something else.
    """
    appearance = {name: getattr(before, name) for name in _APPEARANCE}
    usual = default_appearance(before.data.shape, before.features.get("area", ()))
    if before.contour == usual.get("contour", 0):
        del appearance["contour"]
    return default_appearance(shape, area) | appearance


def is_painting(layer: Layer | None) -> bool:
    """Whether a layer has a tool in use, so that it must stay the active one."""
    mode = str(getattr(layer, "mode", "pan_zoom"))
    return mode not in ("pan_zoom", "transform")


def same_tools(before: Labels) -> dict[str, Any]:
    """Return the attributes that give another layer the same tool."""
    return {name: getattr(before, name) for name in _TOOLS}


def hide_truth(
    viewer: napari.viewer.Viewer, image: Image, results: list[Labels]
) -> list[Labels]:
    """Hide the true labels of a sample, which would lie under the result.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
        Where the layers are.
    image : napari.layers.Image
        The image that got a result.
    results : list of napari.layers.Labels
        Layers of results, which are left as they are.

    Returns
    -------
    list of napari.layers.Labels
        What was hidden: labels that came with the same sample of this package.
    """
    sample = image.metadata.get("sample_id")
    data_set = image.metadata.get("data_set")
    known = {layer.unique_id for layer in results}
    hidden = []
    for layer in viewer.layers if sample is not None else ():
        metadata = layer.metadata
        if (
            isinstance(layer, Labels)
            and layer.visible
            and layer.unique_id not in known
            and not is_result(metadata)
            and metadata.get("sample_id") == sample
            and metadata.get("data_set") == data_set
        ):
            layer.visible = False
            hidden.append(layer)
    return hidden
