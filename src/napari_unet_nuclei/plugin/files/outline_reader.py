"""Outlines of nuclei, ROIs of ImageJ or GeoJSON → a labels layer on their image."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

from napari.layers import Image
from napari.utils.notifications import show_info, show_warning

from napari_unet_nuclei.core.datasets.mask_names import outlined_stem
from napari_unet_nuclei.core.errors import ImageError
from napari_unet_nuclei.core.files.outline_labels import fits_image, paint_outlines
from napari_unet_nuclei.core.files.outline_reading import read_outlines
from napari_unet_nuclei.core.images.axes import leading_axes
from napari_unet_nuclei.plugin.shared.layer_axes import image_axes, image_shape
from napari_unet_nuclei.plugin.shared.layer_choice import MAP_OF
from napari_unet_nuclei.plugin.shared.layers import labels_layer_metadata
from napari_unet_nuclei.plugin.shared.placement import place_labels

if TYPE_CHECKING:
    from collections.abc import Iterable

    from napari.components import LayerList

    from napari_unet_nuclei.core.files.stored_outlines import StoredOutlines
    from napari_unet_nuclei.plugin.shared.layers import LayerData


def read_outline_file(path: str, layers: LayerList | None = None) -> LayerData:
    """Return outlines as labels, of the size of the image they belong to.

    That is an open image in which all of them lie: one that is called as the file,
    else the active one, else the topmost.  Without any, the labels are as large as the
    outlines.  A message says which, and what was left out.

    Parameters
    ----------
    path : str
        GeoJSON, a ROI of ImageJ or a zip of them.
    layers : napari.components.LayerList, optional
        What is open; that of napari's current window by default.

    Returns
    -------
    (data, keyword arguments, layer type)
        Labels that lie on their image.

    Raises
    ------
    LabelsError
        If the file cannot be read, or nothing tells how large its image is.
    """
    stored = read_outlines(path)
    layers = _current_layers() if layers is None else layers
    image = _image_of(path, stored, layers)
    kwargs: dict[str, Any] = {"name": f"{outlined_stem(path)} nuclei"}
    if image is None:
        painted = paint_outlines(stored)
        labels = painted.labels
        kwargs["metadata"] = {"sample_id": outlined_stem(path)}
        kwargs["axis_labels"] = tuple(painted.axes.lower())
        size = " × ".join(f"{length:,}" for length in labels.shape)
        where = (
            f"no open image holds them all, so the labels are as large as the outlines "
            f"({size}); open their image first to get its size"
        )
    else:
        axes = image_axes(image)
        leading = leading_axes(axes)
        lengths = dict(zip(axes, image_shape(image), strict=False))
        shape = tuple(lengths[axis] for axis in f"{leading}YX")
        painted = paint_outlines(stored, shape, f"{leading}YX")
        labels, place = place_labels(image, painted.labels, axes, None, None)
        kwargs["metadata"] = labels_layer_metadata(image, outlines=path)
        kwargs |= place
        where = f"they lie on the image {image.name!r}"
    n = len({outline.number for outline in stored.outlines})
    show_info(f"Read {n:,} outlines from {os.path.basename(path)}: {where}.")
    if painted.notes:
        show_warning(f"{os.path.basename(path)}. {' '.join(painted.notes)}")
    return labels, kwargs, "labels"


def _current_layers() -> LayerList | None:
    if "qtpy" not in sys.modules:  # no window, and none to load Qt for
        return None
    from napari import current_viewer

    viewer = current_viewer()
    return None if viewer is None else viewer.layers


def _image_of(
    path: str, stored: StoredOutlines, layers: LayerList | None
) -> Image | None:
    if layers is None:
        return None
    images = [layer for layer in reversed(layers) if _may_be_outlined(layer, stored)]
    by_name = [image for image in images if outlined_stem(path) in _names(image)]
    # Plugins get a new proxy of a layer every time.
    chosen = getattr(layers.selection.active, "unique_id", None)
    active = [image for image in images if image.unique_id == chosen]
    return next(iter([*by_name, *active, *images]), None)


def _may_be_outlined(layer: Any, stored: StoredOutlines) -> bool:
    if not isinstance(layer, Image) or MAP_OF in layer.metadata:
        return False
    try:
        axes = image_axes(layer)
    except ImageError:  # which axes it has is not known
        return False
    lengths = dict(zip(axes, image_shape(layer), strict=False))
    order = f"{leading_axes(axes)}YX"
    return fits_image(stored, tuple(lengths[axis] for axis in order), order)


def _names(image: Image) -> Iterable[str]:
    """Yield what a file of outlines may be called after."""
    yield image.name
    if image.source.path is not None:
        yield outlined_stem(image.source.path)
    yield str(image.metadata.get("sample_id", ""))
