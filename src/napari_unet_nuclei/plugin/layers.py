"""Layers ↔ arrays: what the core needs of a layer, what a layer needs of the core.

The one place that knows how napari keeps pixels, axes, units and features.
Files belong in ``reader`` and ``writer``, what a stack means in ``core.axes``.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_unet_nuclei.core.errors import ImageError, LabelsError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from napari.layers import Image, Labels
    from numpy.typing import NDArray

    from napari_unet_nuclei.core.lazy_arrays import ArrayLike

LayerData = tuple[Any, dict[str, Any], str]
"""Data, keyword arguments and type of a layer, as napari takes it from a plugin."""

_AXES_BY_NAME = {
    "t": "T",
    "time": "T",
    "z": "Z",
    "depth": "Z",
    "plane": "Z",
    "c": "C",
    "ch": "C",
    "channel": "C",
    "channels": "C",
    "y": "Y",
    "row": "Y",
    "x": "X",
    "column": "X",
}
_UNNAMED_AXES = "TZYX"  # what axes without a name are taken for, from the last one

_UNITS_IN_FILES = {"micrometer": "um", "µm": "um", "μm": "um"}

_MAX_EMPTY_ROWS = 10_000


def image_array(layer: Image) -> tuple[ArrayLike, str]:
    """Return the pixels of an image layer and what its axes mean.

    Names come from the layer's ``axis_labels``; axes without a known name are
    taken for T, Z, Y and X from the last one backwards.  The channel axis of an
    RGB layer is the last one.

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
    data = _full_resolution(layer.data, is_multiscale=layer.multiscale)
    return data, _image_axes(layer)


def labels_axes(axes: str, *, is_rgb: bool) -> str:
    """Name the axes of the labels of an image.

    Labels have no channels.  napari aligns layers at their last axes, though, so
    channels between others leave an axis of length 1, or planes would lie along the
    slider of the channels.

    Parameters
    ----------
    axes : str
        Those of the image, as in `image_array`.
    is_rgb : bool
        Whether the channels are colours, which have no slider.

    Returns
    -------
    str
        T, Z and, where it is needed, C in the order of the image, then Y and X.
    """
    is_between = "C" in axes[1:] and axes.endswith("YX") and not is_rgb
    left_out = "YX" if is_between else "CYX"
    return "".join(axis for axis in axes if axis not in left_out) + "YX"


def spatial_kwargs(
    layer: Image, wanted: str, axes: str | None = None
) -> dict[str, Any]:
    """Return what puts a result on top of the image it comes from.

    Parameters
    ----------
    layer : napari.layers.Image
        The image.
    wanted : str
        Axes of the result, such as ``"YX"`` for one plane, more for a stack.
    axes : str, optional
        Axes of the image where they differ from what `image_array` says.

    Returns
    -------
    dict
        ``scale``, ``translate``, ``rotate``, ``shear``, ``affine``, ``units`` and
        ``axis_labels`` of a layer with these axes of the image.
    """
    axes = (axes or _image_axes(layer)).upper()
    if layer.rgb:
        axes = axes.removesuffix("C")
    kept = [axes.index(axis) for axis in wanted]
    shear = np.asarray(layer.shear)
    if shear.ndim == 1:  # napari leaves out all but the upper triangle
        matrix = np.eye(layer.ndim)
        matrix[np.triu_indices(layer.ndim, 1)] = shear
        shear = matrix
    homogeneous = [*kept, layer.ndim]
    return {
        "scale": np.asarray(layer.scale)[kept],
        "translate": np.asarray(layer.translate)[kept],
        "rotate": np.asarray(layer.rotate)[np.ix_(kept, kept)],
        "shear": shear[np.ix_(kept, kept)],
        "affine": layer.affine.affine_matrix[np.ix_(homogeneous, homogeneous)],
        "units": tuple(layer.units[index] for index in kept),
        "axis_labels": tuple(layer.axis_labels[index] for index in kept),
    }


def move_to_plane(kwargs: Mapping[str, Any], place: Sequence[int]) -> dict[str, Any]:
    """Put labels of a single plane, or of a single channel, where that is.

    Parameters
    ----------
    kwargs : mapping
        Output of `spatial_kwargs`.
    place : sequence of int
        Where the first pixel of the labels lies in the image, along each leading
        axis.

    Returns
    -------
    dict
        The same with another ``translate``.
    """
    offset = np.zeros(len(kwargs["scale"]))
    offset[: len(place)] = place
    moved = kwargs["rotate"] @ kwargs["shear"] @ (kwargs["scale"] * offset)
    return {**kwargs, "translate": kwargs["translate"] + moved}


def annotated_planes(
    image: Image, labels: Labels, channel: int | None
) -> tuple[NDArray[Any], tuple[int, ...] | None]:
    """Return the labels of an image, as what reads planes of the image needs them.

    Parameters
    ----------
    image : napari.layers.Image
        The image.
    labels : napari.layers.Labels
        Its labels, with or without an axis of channels, or those of one of its
        planes, put there by `move_to_plane`.
    channel : int, optional
        Channel whose labels are wanted, where there are labels of several.

    Returns
    -------
    labels : ndarray
        A copy at full resolution; channels left out, Y and X last.
    plane : tuple of int, or None
        The plane they belong to, by its place along each axis before Y and X;
        ``None`` for labels of all of the image, and for those that lie outside.
    """
    array = np.array(_full_resolution(labels.data, is_multiscale=labels.multiscale))
    axes = _image_axes(image)[: image.ndim]  # without the channels of colours
    leading = [axis for axis in axes if axis not in "CYX"]
    if array.ndim == len(axes):
        of_labels = _named_axes(labels.axis_labels, axes) or axes
    else:
        of_labels = "".join(leading) + "YX"
    length = dict(zip(axes, image.data.shape, strict=False))
    if array.ndim != len(of_labels):
        return array, None
    corner = np.zeros(image.ndim)
    corner[[axes.index(axis) for axis in of_labels]] = labels.data_to_world(
        np.zeros(labels.ndim)
    )
    if "C" in of_labels:
        where = of_labels.index("C")
        if array.shape[where] not in (1, length["C"]):
            return array, None
        array = array.take(0 if array.shape[where] == 1 else channel or 0, where)
        of_labels = of_labels.replace("C", "")
    array = array.transpose([of_labels.index(axis) for axis in [*leading, *"YX"]])
    first = dict(zip(axes, image.world_to_data(corner), strict=True))
    plane = tuple(round(float(first[axis])) for axis in leading)
    is_plane = any(length[axis] > 1 for axis in leading) and all(
        n == 1 and 0 <= position < length[axis]
        for n, position, axis in zip(array.shape, plane, leading, strict=False)
    )
    return array, plane if is_plane else None


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
        ``sample_id`` (of a sample, else the name of the file or layer) and
        ``image``, the name of the layer; where they are known ``data_set`` or
        ``image_path``; then the provenance.
    """
    path = image.source.path
    metadata: dict[str, Any] = {
        "sample_id": Path(path).stem if path else image.name,
        "image": image.name,
    }
    if "sample_id" in image.metadata:
        known = ("sample_id", "data_set")
        metadata |= {key: image.metadata[key] for key in known if key in image.metadata}
    elif path:
        metadata["image_path"] = path
    return metadata | provenance


def labels_features(features: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """Return a table for ``Labels.features``.

    napari's status bar finds a nucleus by the column ``index``, its features
    table takes the row for the label.  So row *n* is label *n*, row 0 the
    background, and what was not measured is NaN; only where labels are far from
    consecutive are rows without a nucleus left out.

    Parameters
    ----------
    features : mapping of str to (N,) ndarray
        Columns with the numbers of the nuclei in ``label``, from 1.

    Returns
    -------
    dict of str to (M,) ndarray
        The same columns, ``label`` renamed to ``index``; integers become floats.
    """
    rows = np.asarray(features["label"])
    n_rows = int(rows.max(initial=0)) + 1
    index = np.arange(n_rows) if n_rows - rows.size <= _MAX_EMPTY_ROWS else None
    if index is None:
        index = np.concatenate([[0], rows])
        rows = np.arange(1, index.size)
    table: dict[str, NDArray[Any]] = {"index": index}
    for name, values in features.items():
        if name == "label":
            continue
        is_number = values.dtype.kind in "uif"
        column = np.full(index.size, np.nan if is_number else None)
        column[rows] = values
        table[name] = column
    return table


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
    full = _full_resolution(data, is_multiscale=bool(meta.get("multiscale")))
    labels = np.asarray(full)
    axes = _axes(meta.get("axis_labels") or [""] * labels.ndim)
    if axes is None or len(axes) != labels.ndim:
        raise LabelsError(
            "Expected labels with the axes Y and X, or a stack of them over T and Z. "
            f"Received: shape {labels.shape}. Save fewer dimensions, or name them in "
            "the layer's axis_labels."
        )
    return labels, axes


def pixel_size(
    meta: Mapping[str, Any], axes: str
) -> tuple[dict[str, float], str | None]:
    """Return the pixel size that a writer gets from napari.

    Parameters
    ----------
    meta : mapping
        Keyword arguments of a layer; may be empty.
    axes : str
        The axes of the layer, as in `image_array`.

    Returns
    -------
    sizes : dict of str to float
        By axis; empty where the layer has no scale.
    unit : str or None
        ASCII name of the unit along X, such as ``"um"``; None for pixels.
    """
    scale = meta.get("scale")
    if scale is None:
        return {}, None
    sizes = {
        axis: abs(float(size)) for axis, size in zip(axes, scale, strict=True)
    }  # a mirrored layer has a negative scale
    units = meta.get("units")
    if units is None:
        return sizes, None
    if isinstance(units, str):
        units = [units] * len(axes)
    names = {axis: str(unit) for axis, unit in zip(axes, units, strict=True)}
    unit = names["X"]
    for axis, name in names.items():
        if name != unit:  # a file has one unit for all lengths
            del sizes[axis]
    unit = _UNITS_IN_FILES.get(unit, unit)
    is_known = unit.isascii() and unit not in ("pixel", "dimensionless", "")
    return sizes, unit if is_known else None


def _full_resolution(data: Any, *, is_multiscale: bool) -> Any:
    return data[0] if is_multiscale else data


def _image_axes(layer: Image) -> str:
    axes = _axes(layer.axis_labels, is_rgb=layer.rgb)
    if axes is None:
        labels = ", ".join(layer.axis_labels)
        raise ImageError(
            "Expected an image layer with axes out of T, Z, C, Y and X. Received: "
            f"{layer.name!r} with the axes {labels}. Name them in the layer's "
            "axis_labels."
        )
    return axes


def _named_axes(labels: Sequence[str], axes: str) -> str | None:
    """Name axes by their labels alone, where these name the same axes in any order."""
    known = [_AXES_BY_NAME.get(label.strip().lower(), "?") for label in labels]
    return "".join(known) if sorted(known) == sorted(axes) else None


def _axes(labels: Sequence[str], *, is_rgb: bool = False) -> str | None:
    """Name axes by their labels, by their position, or not at all."""
    if is_rgb:
        axes = _axes(labels)
        return None if axes is None or "C" in axes else f"{axes}C"
    known = [_AXES_BY_NAME.get(label.strip().lower()) for label in labels]
    for named in (known, [None] * len(known)):
        axes = _fill(named)
        if axes is not None:
            return axes
    return None


def _fill(named: Sequence[str | None]) -> str | None:
    """Give axes without a name one of those left, from the last one backwards."""
    free = [axis for axis in _UNNAMED_AXES if axis not in named]
    if named.count(None) > len(free):
        return None
    axes = [axis or free.pop() for axis in reversed(named)]
    is_valid = len(set(axes)) == len(axes) and {"Y", "X"} <= set(axes)
    return "".join(reversed(axes)) if is_valid else None
