"""Layers ↔ arrays: what the core needs of a layer, what a layer needs of the core.

The one place that knows how napari keeps pixels, units and features.  The axes of a
layer are in ``layer_axes``, files in ``reader`` and ``writer``, the meaning of a stack
in ``core.images.axes``.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_unet_nuclei.core.errors import LabelsError
from napari_unet_nuclei.core.images.calibration import (
    Calibration,
    ascii_unit,
    calibrate,
)
from napari_unet_nuclei.core.instances.doubts.reasons import DOUBT_COLUMNS
from napari_unet_nuclei.core.instances.measurements import (
    USUAL_COLUMNS,
    is_measurement,
)
from napari_unet_nuclei.plugin.shared.axes_choice import axes_by_name
from napari_unet_nuclei.plugin.shared.earlier_columns import (
    earlier_columns,
)
from napari_unet_nuclei.plugin.shared.layer_axes import full_resolution, image_axes

if TYPE_CHECKING:
    from collections.abc import Mapping

    from napari.layers import Image, Labels
    from numpy.typing import NDArray

    from napari_unet_nuclei.core.images.lazy import ArrayLike
    from napari_unet_nuclei.core.segmentation.levels import Pyramid

LayerData = tuple[Any, dict[str, Any], str]
"""Data, keyword arguments and type of a layer, as napari takes it from a plugin."""

_MAX_EMPTY_ROWS = 10_000


def image_array(layer: Image) -> tuple[ArrayLike, str]:
    """Return the pixels of an image layer and what its axes mean.

    The user's own choice comes first, then the layer's ``axis_labels``; axes without
    a known name are read as T, Z, Y and X from the last one backwards, but a short
    last one as channels.  The channel axis of an RGB layer is the last one.

    Parameters
    ----------
    layer : napari.layers.Image
        The layer; of a multiscale one, the full resolution is returned.

    Returns
    -------
    pixels : array_like
        The layer's own array, not a copy; one of Dask, Zarr or HDF5 stays one, so
        that a worker reads it and not the window's thread.
    axes : str
        One letter an axis out of T, Z, C, Y, X, such as ``"YXC"``.

    Raises
    ------
    ImageError
        If there are more axes than these letters.
    """
    data = full_resolution(layer.data, is_multiscale=layer.multiscale)
    return data, image_axes(layer)


def image_pyramid(layer: Image, axes: str) -> Pyramid | None:
    """Return the resolutions of a multiscale image layer.

    Parameters
    ----------
    layer : napari.layers.Image
        The layer.
    axes : str
        Its axes, as in `image_array`.

    Returns
    -------
    Pyramid, optional
        The layer's own arrays, of which only what is needed is read; ``None`` where
        there is only one that differs in height and width alone.
    """
    from napari_unet_nuclei.core.segmentation.levels import Pyramid  # loads much

    if not layer.multiscale:
        return None
    pyramid = Pyramid.of(list(layer.data), axes)
    return pyramid if len(pyramid.levels) > 1 else None


def labels_layer_metadata(image: Image, **provenance: object) -> dict[str, Any]:
    """Return the metadata of the labels made from an image.

    Parameters
    ----------
    image : napari.layers.Image
        The image.
    **provenance
        Whatever else says how the labels were made, such as the model.

    Returns
    -------
    dict
        ``sample_id`` (of a sample, else the name of the file or layer), ``image``, the
        name of the layer, and ``image_id``, by which it is known in this session;
        where they are known ``data_set`` or ``image_path``; then the provenance.
    """
    path = image.source.path
    metadata: dict[str, Any] = {
        "sample_id": Path(path).stem if path else image.name,
        "image": image.name,
        "image_id": str(image.unique_id),
    }
    if "sample_id" in image.metadata:
        known = ("sample_id", "data_set")
        metadata |= {key: image.metadata[key] for key in known if key in image.metadata}
    elif path:
        metadata["image_path"] = path
    return metadata | provenance


def labels_features(features: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """Return a table for ``Labels.features``.

    A click on row *n* of napari's features table selects label *n*, and without a
    column ``index`` its status bar looks there too.  So row *n* is label *n*, row 0 the
    background, and what was not measured is NaN.  The column ``index`` names the labels
    only where most rows would be empty; where labels are far from consecutive,
    or below 0, rows without a nucleus are left out.

    Parameters
    ----------
    features : mapping of str to (N,) ndarray
        Columns with the numbers of the nuclei in ``label``.

    Returns
    -------
    dict of str to (M,) ndarray
        The same columns without ``label``; integers become floats.
    """
    rows = np.asarray(features["label"])
    n_rows = int(rows.max(initial=0)) + 1
    n_empty = n_rows - 1 - rows.size
    table: dict[str, NDArray[Any]] = {}
    if n_empty > _MAX_EMPTY_ROWS or rows.min(initial=0) < 0:
        table["index"] = rows
        n_rows, rows = rows.size, np.arange(rows.size)
    elif n_empty > rows.size:
        table["index"] = np.arange(n_rows)
    for name, values in features.items():
        if name == "label":
            continue
        is_number = values.dtype.kind in "uif"
        column = np.full(n_rows, np.nan if is_number else None)
        column[rows] = values
        table[name] = column
    return table


def set_features(layer: Labels, features: Mapping[str, NDArray[Any]]) -> None:
    """Give a labels layer its table; columns of other plugins are kept.

    So are measurements that ``features`` lack, of nuclei that are where they were.

    Parameters
    ----------
    layer : napari.layers.Labels
        The layer.
    features : mapping of str to (N,) ndarray
        Columns with the numbers of the nuclei in ``label``, from 1.
    """
    table = labels_features(features)
    table |= earlier_columns(layer.features, table)
    with layer.events.features.blocker():
        layer.features = table
        name_rows(layer)
    layer.events.features()


def name_rows(layer: Labels) -> None:
    """Name the first column in napari's table of a layer, and in the csv it saves.

    napari drops this name whenever it rebuilds a layer or its table.

    Parameters
    ----------
    layer : napari.layers.Labels
        A layer with a table of `set_features`.
    """
    table = layer.features
    table.index.name = "label" if "index" not in table else "row"


def found_features(layer: Labels) -> dict[str, NDArray[Any]] | None:
    """Return the measurements that the table of a labels layer holds.

    Parameters
    ----------
    layer : napari.layers.Labels
        A layer with a table of `set_features`.

    Returns
    -------
    dict of str to (N,) ndarray, or None
        As `labels_features` takes them, without columns of other plugins; ``None`` if
        there is no such table.
    """
    table = layer.features
    if not {"area", "centroid_y", "centroid_x"} <= set(table):
        return None
    is_nucleus = table["area"].notna().to_numpy()
    labels = table["index"].to_numpy() if "index" in table else np.arange(len(table))
    features = {"label": labels[is_nucleus].astype(np.int64)}
    for name in table:
        if name in USUAL_COLUMNS:
            features[name] = table[name].to_numpy(float)[is_nucleus]
    features["area"] = features["area"].astype(np.int64)
    return features


def foreign_columns(layer: Labels, features: Mapping[str, Any]) -> list[str]:
    """Return the columns that other plugins have added to the table of a layer.

    Parameters
    ----------
    layer : napari.layers.Labels
        The layer.
    features : mapping
        The columns that this plugin writes now.

    Returns
    -------
    list of str
        Without measurements of this plugin, such as ``z`` where the axis is ``t``
        now, or doubts that are out of date.
    """
    ours = {*features, *DOUBT_COLUMNS, "index"}
    return [
        name for name in layer.features if name not in ours and not is_measurement(name)
    ]


def labels_array(data: Any, meta: Mapping[str, Any]) -> tuple[NDArray[Any], str]:
    """Return the labels that a writer gets from napari and their axes.

    Parameters
    ----------
    data : array_like, or a sequence of them
        Data of a labels layer.
    meta : mapping
        Its keyword arguments; may be empty.

    Returns
    -------
    labels : ndarray
        At full resolution.
    axes : str
        As in `image_array`.

    Raises
    ------
    LabelsError
        If there are more axes than T, Z, C, Y and X.
    """
    full = full_resolution(data, is_multiscale=bool(meta.get("multiscale")))
    labels = np.asarray(full)
    axes = axes_by_name(meta.get("axis_labels") or [""] * labels.ndim)
    if axes is None or len(axes) != labels.ndim:
        raise LabelsError(
            "Expected labels with the axes Y and X, or a stack of them over T and Z. "
            f"Received: shape {labels.shape}. Save fewer dimensions, or name them in "
            "the layer's axis_labels."
        )
    return labels, axes


def layer_calibration(meta: Mapping[str, Any], axes: str) -> Calibration:
    """Return the pixel size that a writer gets from napari.

    Parameters
    ----------
    meta : mapping
        Keyword arguments of a layer; may be empty.
    axes : str
        The axes of the layer, as in `image_array`.

    Returns
    -------
    Calibration
        Lengths without a unit where the layer counts pixels; those in another unit
        than X are left out where they cannot be converted.
    """
    scale = meta.get("scale")
    if scale is None:
        return Calibration()
    # A mirrored layer has a negative scale.
    sizes = {axis: abs(float(size)) for axis, size in zip(axes, scale, strict=True)}
    units = meta.get("units")
    if isinstance(units, str) or units is None:
        units = [units] * len(axes)
    names = {axis: ascii_unit(unit) for axis, unit in zip(axes, units, strict=True)}
    known = calibrate(
        {axis: (sizes[axis], names[axis]) for axis in sizes if axis != "C"}
    )
    if names["X"] is not None:
        return known
    lengths = {axis: sizes[axis] for axis in "ZYX" if axis in sizes}
    plain = {axis: size for axis, size in lengths.items() if names[axis] is None}
    times = {"T": known.sizes["T"]} if "T" in known.sizes else {}
    return Calibration(sizes=plain | times, time_unit=known.time_unit)
