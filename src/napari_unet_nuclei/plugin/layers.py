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


def spatial_kwargs(layer: Image, ndim: int, axes: str | None = None) -> dict[str, Any]:
    """Return what puts a result on top of the image it comes from.

    Parameters
    ----------
    layer : napari.layers.Image
        The image.
    ndim : int
        Axes of the result: 2 for one plane, more for a stack.
    axes : str, optional
        Axes of the image where they differ from what `image_array` says.

    Returns
    -------
    dict
        ``scale``, ``translate``, ``rotate``, ``shear``, ``affine``, ``units`` and
        ``axis_labels`` of a layer with these last axes of the image, channels left
        out, Y and X last.
    """
    axes = (axes or _image_axes(layer)).upper()
    if layer.rgb:
        axes = axes.removesuffix("C")
    leading = [index for index, axis in enumerate(axes) if axis not in "CYX"]
    kept = [*leading, axes.index("Y"), axes.index("X")][-ndim:]
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


def move_to_plane(kwargs: Mapping[str, Any], plane: Sequence[int]) -> dict[str, Any]:
    """Put labels of a single plane where that plane is.

    Parameters
    ----------
    kwargs : mapping
        Output of `spatial_kwargs`.
    plane : sequence of int
        Place along each leading axis, of which the labels have a length of 1.

    Returns
    -------
    dict
        The same with another ``translate``.
    """
    offset = np.zeros(len(kwargs["scale"]))
    offset[: len(plane)] = plane
    moved = kwargs["rotate"] @ kwargs["shear"] @ (kwargs["scale"] * offset)
    return {**kwargs, "translate": kwargs["translate"] + moved}


def plane_of_labels(image: Image, labels: Labels) -> tuple[int, ...] | None:
    """Return the plane of a stack that labels of a single plane belong to.

    Parameters
    ----------
    image : napari.layers.Image
        The stack.
    labels : napari.layers.Labels
        What `move_to_plane` has put somewhere, or any other labels.

    Returns
    -------
    tuple of int, or None
        Place along each leading axis; ``None`` for labels of a whole stack, those of
        an image that is none, and those that lie outside of the stack.
    """
    axes = _image_axes(image)
    leading = [index for index, axis in enumerate(axes) if axis not in "CYX"]
    n_leading = labels.ndim - 2
    is_plane = n_leading == len(leading) > 0 and set(labels.data.shape[:-2]) == {1}
    if not is_plane or all(image.data.shape[index] == 1 for index in leading):
        return None
    corner = np.zeros(image.ndim)
    kept = [*leading, axes.index("Y"), axes.index("X")]
    corner[kept] = labels.data_to_world(np.zeros(labels.ndim))
    place = np.asarray(image.world_to_data(corner))
    plane = tuple(round(float(place[index])) for index in leading)
    lengths = [image.data.shape[index] for index in leading]
    is_inside = all(
        0 <= position < length for position, length in zip(plane, lengths, strict=True)
    )
    return plane if is_inside else None


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
