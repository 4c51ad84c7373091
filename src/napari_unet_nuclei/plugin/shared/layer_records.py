"""Labels layers ↔ the record in a label file, so that a saved layer opens as it was.

A file's own header holds axes, sizes and units for other programs.  The record adds
what headers have no place for: order and lengths of axes, shift, rotation, shear and
affine transform, the table and the metadata.
"""

from __future__ import annotations

import math
import os
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Labels

from napari_unet_nuclei.core.files.label_records import LabelRecord

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

FILE_ORDER = "TZCYX"
"""Order of the axes in a file, which is that of ImageJ."""

_TRANSFORMS = ("scale", "translate", "rotate", "shear", "affine")
_LARGEST = 1e12  # of a number in a transform, and of the ratio of two
_NAMES = ("units", "axis_labels")
# Of the whole data set, not of these labels, and long.
_NOT_KEPT = ("sample_ids",)


def make_record(
    meta: Mapping[str, Any], axes: str, shape: tuple[int, ...]
) -> LabelRecord:
    """Return what a file stores of a layer in addition to its pixels.

    Parameters
    ----------
    meta : mapping
        Keyword arguments of the layer; may be empty.
    axes : str
        Its axes, as ``layers.labels_array`` returns them.
    shape : tuple of int
        Their lengths.

    Returns
    -------
    LabelRecord
        The record.
    """
    layer: dict[str, Any] = {"axes": axes, "shape": shape}
    layer |= {
        name: np.asarray(meta[name], float)
        for name in _TRANSFORMS
        if meta.get(name) is not None
    }
    if meta.get("units") is not None:
        units = meta["units"]
        units = [units] * len(axes) if isinstance(units, str) else units
        layer["units"] = [str(unit) for unit in units]
    if meta.get("axis_labels") is not None:
        layer["axis_labels"] = list(meta["axis_labels"])
    metadata = dict(meta.get("metadata") or {})
    if "image_path" in metadata:
        metadata["image_stamp"] = stamp_of(metadata["image_path"])
    features = meta.get("features")
    features = {} if features is None else features
    return LabelRecord(
        provenance={key: metadata[key] for key in metadata if key not in _NOT_KEPT},
        features={str(name): np.asarray(features[name]) for name in features},
        layer=layer,
    )


def stamp_of(path: str | os.PathLike[str]) -> list[int] | None:
    """Return what identifies the present content of a file.

    Parameters
    ----------
    path : path
        The image that labels were made from.

    Returns
    -------
    list of int, or None
        Size in bytes and time of the last change in ns; ``None`` for a missing file.
    """
    try:
        status = os.stat(path)
    except (OSError, ValueError, TypeError):
        return None
    return [status.st_size, status.st_mtime_ns]


def restore_layer(
    record: LabelRecord, pixels: NDArray[Any]
) -> tuple[NDArray[Any], dict[str, Any]]:
    """Return the data of a layer as it was saved, and its placement.

    Parameters
    ----------
    record : LabelRecord
        The record in a file.
    pixels : ndarray
        The labels in that file, without axes of length 1 or with them.

    Returns
    -------
    labels : ndarray
        With the axes of the layer that was saved.
    kwargs : dict
        Scale, shift, rotation and the like; empty where the record does not fit the
        pixels, because another program has changed the file.
    """
    layer = record.layer
    axes: Any = layer.get("axes")
    shape: Any = layer.get("shape")
    if not _is_layout(axes, shape):
        return pixels, {}
    order = [axes.index(axis) for axis in FILE_ORDER if axis in axes]
    stored = tuple(shape[index] for index in order)
    if [n for n in stored if n != 1] != [n for n in pixels.shape if n != 1]:
        return pixels, {}
    labels = pixels.reshape(stored).transpose(np.argsort(order))
    return labels, _placing(layer, len(axes))


def _is_layout(axes: Any, shape: Any) -> bool:
    return (
        isinstance(axes, str)
        and isinstance(shape, list)
        and len(axes) == len(shape) == len(set(axes))
        and set(axes) <= set(FILE_ORDER)
        and all(isinstance(length, int) and length > 0 for length in shape)
    )


def _placing(layer: Mapping[str, Any], ndim: int) -> dict[str, Any]:
    """Return the arguments for napari, without any that it would refuse."""
    shapes: dict[str, list[tuple[int, ...]]] = {
        "scale": [(ndim,)],
        "translate": [(ndim,)],
        "rotate": [(ndim, ndim)],
        "shear": [(ndim, ndim), (ndim * (ndim - 1) // 2,)],
        "affine": [(ndim + 1, ndim + 1)],
    }
    kwargs: dict[str, Any] = {}
    for name in _TRANSFORMS:
        values = _numbers(layer.get(name))
        if (
            values is not None
            and values.shape in shapes[name]
            and _can_be_drawn(name, values)
        ):
            kwargs[name] = values
    for name in _NAMES:
        names = layer.get(name)
        if isinstance(names, list) and len(names) == ndim:
            kwargs[name] = tuple(map(str, names))
    if not _are_known(kwargs.get("units")):
        del kwargs["units"]
    return kwargs


def _can_be_drawn(name: str, values: NDArray[np.float64]) -> bool:
    """Return whether a canvas can show a transform: no axis vanishes or overflows."""
    if np.abs(values).max(initial=0) > _LARGEST:
        return False
    if name == "scale":
        return bool(np.abs(values).min() > 1 / _LARGEST)
    if name in ("rotate", "shear", "affine") and values.ndim == 2:
        linear = values[:-1, :-1] if name == "affine" else values
        return bool(np.linalg.cond(linear) < _LARGEST)
    return True


def _are_known(units: tuple[str, ...] | None) -> bool:
    """Return whether napari supports units; it raises errors of pint for others."""
    if units is None:
        return True
    try:
        Labels(np.zeros((1,) * len(units), np.uint8), units=units)
    except Exception:  # noqa: BLE001  # pint and its parser raise all kinds
        return False
    return True


def _numbers(values: object) -> NDArray[np.float64] | None:
    try:
        numbers = np.array(values, float)
    except (TypeError, ValueError):
        return None
    is_whole = values is not None and math.isfinite(numbers.sum())
    return numbers if is_whole else None
