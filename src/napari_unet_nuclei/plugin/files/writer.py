"""Labels layers → files, one function for each entry in napari's save dialog.

Each writer gets from napari a path, the data of a labels layer, in which 0 is the
background, and the keyword arguments of that layer.  It returns the paths it has
written.  It raises `LabelsError` if these are no labels, or have axes that the format
cannot hold, and `OutputError` if the file cannot be written.

The dialog asks before a file is replaced; an image of the window is never replaced.
The formats are in ``core.files.labels`` and ``core.files.rle``, folders of DSB2018
samples in ``sample_writer``.
"""

from __future__ import annotations

import os
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any

import napari
import numpy as np
from napari.layers import Image

from napari_unet_nuclei.core.datasets.input_files import input_files
from napari_unet_nuclei.core.errors import LabelsError, OutputError
from napari_unet_nuclei.core.files import geojson, imagej_rois
from napari_unet_nuclei.core.files.labels import (
    write_labels_png,
)
from napari_unet_nuclei.core.files.outlined_planes import iter_outlines
from napari_unet_nuclei.core.files.rle import write_rle_csv
from napari_unet_nuclei.core.writing.outputs import file_id
from napari_unet_nuclei.plugin.shared.file_names import masks_name
from napari_unet_nuclei.plugin.shared.label_files import write_label_tiff
from napari_unet_nuclei.plugin.shared.layer_axes import level_factors
from napari_unet_nuclei.plugin.shared.layer_records import FILE_ORDER, make_record
from napari_unet_nuclei.plugin.shared.layers import labels_array
from napari_unet_nuclei.plugin.shared.nuclei_table import table_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray

_IMAGE_FOLDERS = ("images", "image")


def write_tiff(path: str, data: Any, meta: Mapping[str, Any]) -> list[str]:
    """Write a labels layer as a TIFF that ImageJ opens, with its scale and units.

    A name that ends in ``.ome.tif`` makes an OME-TIFF; where the suffix is left out,
    the file is called ``<path>_masks.tif``.  A stack may have the axes T, Z and C, too.
    """
    path = _complete(path, ".tif", ".tiff", is_image=True)
    _refuse_image(path, meta)
    write_label_tiff(path, data, meta)
    return [path]


def write_png(path: str, data: Any, meta: Mapping[str, Any]) -> list[str]:
    """Write a labels layer of a single plane as a grey PNG, 16 bits per pixel.

    Where the suffix is left out, the file is called ``<path>_masks.png``.  A label
    above 65,535 is an `OutputError`.
    """
    path = _complete(path, ".png", is_image=True)
    _refuse_image(path, meta)
    labels, axes = labels_array(data, meta)
    record = make_record(meta, axes, labels.shape)
    write_labels_png(path, single_plane(labels, axes, "A PNG"), record=record)
    return [path]


def write_rle(path: str, data: Any, meta: Mapping[str, Any]) -> list[str]:
    """Write a labels layer of a single plane as Kaggle's csv of run lengths.

    ``.csv`` is appended to any other suffix.  The image's id in the csv is the
    ``sample_id`` of the layer's metadata, else the name of the layer.
    """
    path = _complete(path, ".csv")
    _refuse_image(path, meta)
    labels = single_plane(*labels_array(data, meta), "A csv of run lengths")
    write_rle_csv(path, {sample_id_of(meta): labels})
    return [path]


def write_rois(path: str, data: Any, meta: Mapping[str, Any]) -> list[str]:
    """Write the outlines of a labels layer as a zip for ImageJ's ROI Manager.

    ``.zip`` is appended to any other suffix.  A stack may have the axes T and Z, too.
    """
    path = _complete(path, ".zip")
    _refuse_image(path, meta)
    labels, axes = labels_in_file_order(data, meta)
    outlines = list(iter_outlines(labels, axes, _factors_in(meta)))
    imagej_rois.write_rois(path, labels, axes=axes, outlines=outlines)
    return [path]


def write_geojson(path: str, data: Any, meta: Mapping[str, Any]) -> list[str]:
    """Write the outlines of a labels layer, and its table, as GeoJSON for QuPath.

    ``.geojson`` is appended to any other suffix.  A stack may have the axes T and Z.
    """
    path = _complete(path, ".geojson")
    _refuse_image(path, meta)
    labels, axes = labels_in_file_order(data, meta)
    table = table_of(meta.get("features"))
    outlines = list(iter_outlines(labels, axes, _factors_in(meta)))
    geojson.write_geojson(path, labels, axes=axes, outlines=outlines, features=table)
    return [path]


def _factors_in(meta: Mapping[str, Any]) -> tuple[float, float]:
    return level_factors(meta.get("metadata") or {})


def labels_in_file_order(
    data: Any, meta: Mapping[str, Any]
) -> tuple[NDArray[Any], str]:
    """Return labels with their axes in the order of files, without a single channel."""
    labels, axes = labels_array(data, meta)
    if "C" in axes and labels.shape[axes.index("C")] == 1:
        labels, axes = labels.take(0, axes.index("C")), axes.replace("C", "")
    order = "".join(axis for axis in FILE_ORDER if axis in axes)
    return labels.transpose([axes.index(axis) for axis in order]), order


def _refuse_image(path: str, meta: Mapping[str, Any]) -> None:
    """Refuse to overwrite an image with labels."""
    replaced = file_id(path)
    if replaced is not None and any(
        file_id(image) == replaced for image in _image_files(meta.get("metadata") or {})
    ):
        raise OutputError(
            f"Expected a new file for the labels. Received: {path}, which is an image "
            "that is open. Choose another name, so that the image is kept."
        )


def _image_files(metadata: Mapping[str, Any]) -> Iterator[str | Path]:
    """List the image that labels were made from, and those in the window."""
    image, data_set = path_in(metadata, "image_path"), path_in(metadata, "data_set")
    if image is not None:
        yield image
    if data_set is not None:
        for path in input_files([Path(data_set)]):
            if path.parent.name in _IMAGE_FOLDERS or path.suffix == ".zip":
                yield path
    yield from images_by_path()


def images_by_path() -> dict[str, Image]:
    """Return the images of the window that were opened from files, by their path."""
    viewer = napari.current_viewer()
    return {
        layer.source.path: layer
        for layer in ([] if viewer is None else reversed(viewer.layers))
        if isinstance(layer, Image) and layer.source.path is not None
    }


def path_in(metadata: Mapping[str, Any], name: str) -> str | None:
    """Return a path from metadata, if it is one.

    Parameters
    ----------
    metadata : mapping
        Those of a layer, which may come from a file of any program.
    name : str
        Such as ``image_path``.

    Returns
    -------
    str or None
        ``None`` where there is none.
    """
    path = metadata.get(name)
    return os.fspath(path) if isinstance(path, str | PurePath) else None


def _complete(path: str, *suffixes: str, is_image: bool = False) -> str:
    """Append the suffix that a save dialog may leave out."""
    if Path(path).suffix.lower() in suffixes:
        return path
    completed = f"{masks_name(path) if is_image else path}{suffixes[0]}"
    if Path(completed).exists():  # the dialog has asked about another name
        raise OutputError(
            f"Expected a file name that ends in {suffixes[0]}. Received: {path}, and "
            f"{completed} exists. Choose that one to replace it, or another name."
        )
    return completed


def single_plane(labels: NDArray[Any], axes: str, what: str) -> NDArray[Any]:
    """Return labels of two axes; leading axes of length 1 are dropped.

    Parameters
    ----------
    labels, axes
        As from `layers.labels_array`.
    what : str
        The format, as an error names it.

    Returns
    -------
    (Y, X) ndarray
        The labels.

    Raises
    ------
    LabelsError
        If it is a stack.
    """
    order = [axes.index(axis) for axis in FILE_ORDER if axis in axes]
    labels = labels.transpose(order)
    if any(length != 1 for length in labels.shape[:-2]):
        raise LabelsError(
            f"{what} holds labels of shape (Y, X). Received: shape {labels.shape}. "
            "Save the stack as TIFF, or one plane at a time."
        )
    return np.reshape(labels, labels.shape[-2:])


def sample_id_of(meta: Mapping[str, Any]) -> str:
    """Return the name of the image that labels belong to."""
    metadata = meta.get("metadata") or {}
    return str(metadata.get("sample_id") or meta.get("name") or "nuclei")
