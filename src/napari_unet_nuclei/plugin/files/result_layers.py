"""Labels layer → everything that is saved of it, and where."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Image

from napari_unet_nuclei.core.batch.saving import FORMATS, ResultToSave
from napari_unet_nuclei.core.errors import ImageError
from napari_unet_nuclei.core.images.axes import PlaneStack
from napari_unet_nuclei.core.settings.choices import OutputFormat
from napari_unet_nuclei.plugin.files.saving import propose_path
from napari_unet_nuclei.plugin.files.writer import labels_in_file_order
from napari_unet_nuclei.plugin.shared.file_names import file_stem, masks_name
from napari_unet_nuclei.plugin.shared.layer_axes import level_factors
from napari_unet_nuclei.plugin.shared.layer_records import make_record
from napari_unet_nuclei.plugin.shared.layers import (
    image_array,
    labels_array,
    layer_calibration,
)
from napari_unet_nuclei.plugin.shared.nuclei_table import nuclei_table
from napari_unet_nuclei.plugin.shared.pairing import image_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from napari.layers import Labels, Layer
    from numpy.typing import NDArray


def proposed_place(layer: Labels) -> tuple[Path, str]:
    """Return the folder and the name that results of a layer get.

    Parameters
    ----------
    layer : napari.layers.Labels
        The layer.

    Returns
    -------
    folder : Path
        That of its image if this came from a file, else the one used last.
    name : str
        That of the file of the image, else of the layer; without a suffix.
    """
    path = Path(propose_path(layer))
    image = layer.metadata.get("image_path")
    if isinstance(image, str) and Path(image).parent == path.parent:
        return path.parent, file_stem(image)
    return path.parent, path.stem.removesuffix(masks_name(""))


def possible_formats(
    layer: Labels, layers: Iterable[Layer]
) -> tuple[OutputFormat, ...]:
    """Return what can be saved of a layer.

    Parameters
    ----------
    layer : napari.layers.Labels
        The layer; a csv needs a table.
    layers : iterable of napari.layers.Layer
        All layers; a picture needs the image, and labels of a single plane.
    """
    lacking = set()
    if nuclei_table(layer) is None:
        lacking.add(OutputFormat.FEATURES)
    if _image_under(layer, layers) is None:
        lacking.add(OutputFormat.OVERLAY)
    return tuple(kind for kind in FORMATS if kind not in lacking)


def take_result(layer: Labels, layers: Iterable[Layer]) -> ResultToSave:
    """Return everything that is saved of a layer, as it is now.

    Parameters
    ----------
    layer : napari.layers.Labels
        The layer.
    layers : iterable of napari.layers.Layer
        All layers, among which its image is looked for.

    Returns
    -------
    ResultToSave
        A copy of the labels, and none of the layer.

    Raises
    ------
    LabelsError
        If there are more axes than T, Z, C, Y and X.
    """
    data, meta, _ = layer.as_layer_data_tuple()
    labels, axes = labels_array(data, meta)
    in_file, axes_in_file = labels_in_file_order(data, meta)
    return ResultToSave(
        labels=np.array(in_file),
        axes=axes_in_file,
        calibration=layer_calibration(meta, axes),
        record=make_record(meta, axes, labels.shape),
        table=nuclei_table(layer),
        image=_image_under(layer, layers),
        factors=level_factors(layer.metadata),
    )


def _image_under(layer: Labels, layers: Iterable[Layer]) -> NDArray[Any] | None:
    """Return the pixels of the image of a single plane of labels, if it is open."""
    image = image_of(layer, [each for each in layers if isinstance(each, Image)])
    if image is None or layer.ndim != 2:
        return None
    pixels, axes = image_array(image)
    channel = layer.metadata.get("channel")
    try:
        stack = PlaneStack(pixels, axes, channel if isinstance(channel, int) else None)
        return None if len(stack) != 1 else stack.single_plane()
    except ImageError:  # of several channels, none of which was segmented
        return None


def input_files_of(layer: Labels, layers: Iterable[Layer]) -> list[Path]:
    """Return the files of all images that are open, and of that of the labels."""
    paths = [each.source.path for each in layers if isinstance(each, Image)]
    paths.append(layer.metadata.get("image_path"))
    return [Path(os.fspath(path)) for path in paths if isinstance(path, str | Path)]
