"""What is known about labels besides their pixels, as text in a label file.

A TIFF keeps it in a private tag, a PNG in a text chunk; programs that do not know them
pass them over.  People find the most important lines where ImageJ, OME and PNG
keep descriptions.  Pixels, and what headers say about sizes, belong in ``labels``.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

import numpy as np
import tifffile
from PIL import Image

from napari_unet_nuclei.core.errors import LabelsError
from napari_unet_nuclei.core.files.untrusted import DECODING_ERRORS

if TYPE_CHECKING:
    import os

    from numpy.typing import NDArray

TIFF_TAG = 65321
"""Tag of TIFF's range for private use that holds a record, as ASCII."""

PNG_KEY = "napari-unet-nuclei"
"""Keyword of the text chunk of a PNG that holds a record."""

MOST_PNG_TEXT = 2**25
"""Characters of a record in a PNG; Pillow opens none with more than twice as many."""

_FORMAT = "labels of napari-unet-nuclei"
_VERSION = 1
_MOST_VALUES = 10_000_000
_MOST_IN_ARRAYS = 1000
_NUMBERS = "biuf"  # kinds of dtypes whose values stay numbers
_DAMAGES = (
    ArithmeticError,
    AttributeError,
    KeyError,
    RecursionError,
    TypeError,
    ValueError,
)
_MISSING = ("NoneType", "NAType", "NaTType")


@dataclass(frozen=True, kw_only=True, eq=False)
class LabelRecord:
    """What is known about labels besides their pixels.

    Parameters
    ----------
    provenance : mapping
        How the labels were made: image, model, settings, command.
    features : mapping of str to (N,) ndarray
        Columns of the table of nuclei: numbers, bool, or objects, which are text or
        None.
    layer : mapping
        How the labels lie in a viewer, as lists of numbers and names.
    """

    provenance: Mapping[str, Any] = field(default_factory=dict)
    features: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    layer: Mapping[str, Any] = field(default_factory=dict)


def encode_record(record: LabelRecord) -> str:
    """Return a record as one line of ASCII.

    Parameters
    ----------
    record : LabelRecord
        The record; what JSON has no form for is left out.

    Returns
    -------
    str
        JSON, in which NaN is null.
    """
    content = {
        "format": _FORMAT,
        "version": _VERSION,
        "provenance": as_plain(record.provenance),
        "layer": as_plain(record.layer),
        "features": {
            str(name): _encode_column(np.asarray(column))
            for name, column in record.features.items()
        },
    }
    return json.dumps(content, separators=(",", ":"), allow_nan=False)


def encode_for_png(record: LabelRecord) -> str:
    """Return a record as `encode_record` does, without a table too large for a PNG."""
    text = encode_record(record)
    if len(text) > MOST_PNG_TEXT:
        text = encode_record(replace(record, features={}))
    return text


def decode_record(text: str) -> LabelRecord:
    """Return the record that a text holds.

    Parameters
    ----------
    text : str
        Output of `encode_record`, or anything from a file.

    Returns
    -------
    LabelRecord
        With int64, float64, bool and object columns.

    Raises
    ------
    LabelsError
        If the text is damaged, or of a later version.
    """
    try:
        content = json.loads(text)
        if content["format"] != _FORMAT or content["version"] != _VERSION:
            raise ValueError(f"version {content['version']!r} of {content['format']!r}")
        features = {
            str(name): _decode_column(column["type"], column["values"])
            for name, column in content["features"].items()
        }
        if len({column.size for column in features.values()}) > 1:
            raise ValueError("columns of several lengths")
        return LabelRecord(
            provenance=dict(content["provenance"]),
            features=features,
            layer=dict(content["layer"]),
        )
    except _DAMAGES as error:
        raise LabelsError(
            "Expected a complete record of table and origin in a label file. "
            f"Received: {type(error).__name__}: {error}. Save the labels again from "
            "where they were made."
        ) from error


def read_record(path: str | os.PathLike[str]) -> LabelRecord | None:
    """Return the record in a label image.

    Parameters
    ----------
    path : path
        A TIFF or PNG.

    Returns
    -------
    LabelRecord or None
        None for a file without one, as earlier versions and other programs write it.

    Raises
    ------
    LabelsError
        If the record is damaged, or of a later version.
    """
    try:
        if PurePath(path).suffix.lower() == ".png":
            with Image.open(path) as picture:
                text = getattr(picture, "text", {}).get(PNG_KEY)
        else:
            with tifffile.TiffFile(path) as tiff:
                text = tiff.pages.first.tags.valueof(TIFF_TAG)
    except DECODING_ERRORS as error:
        raise LabelsError(
            f"Expected a readable label image. Received: {path} "
            f"({type(error).__name__}: {error}). Check that the file is complete."
        ) from error
    return decode_record(text) if isinstance(text, str) else None


def describe_record(record: LabelRecord) -> str:
    """Return the provenance in a record as lines for people, in ASCII.

    Parameters
    ----------
    record : LabelRecord
        The record.

    Returns
    -------
    str
        A line for each entry, empty without any; lists of many values are left out.
    """
    lines = []
    for name, value in as_plain(record.provenance).items():
        if isinstance(value, dict):
            value = ", ".join(f"{key}={each}" for key, each in value.items())
        elif isinstance(value, list):
            value = ", ".join(map(str, value))
        line = " ".join(f"{name}: {value}".split())
        if len(line) < 1000:
            lines.append(line.encode("ascii", "backslashreplace").decode())
    return "\n".join(lines)


def as_plain(value: Any) -> Any:
    """Return what JSON can hold of a value.

    Parameters
    ----------
    value : object
        Such as the metadata of a layer.

    Returns
    -------
    dict, list, str, int, float, bool or None
        Paths become text, arrays and tuples lists; entries of other types, and arrays
        of more than 1,000 values, are left out of dicts and lists.
    """
    plain = _as_plain(value)
    return None if plain is NotImplemented else plain


def _as_plain(value: Any) -> Any:
    if isinstance(value, np.ndarray) and value.size > _MOST_IN_ARRAYS:
        return NotImplemented  # such as an image that somebody keeps with the labels
    if isinstance(value, np.generic | np.ndarray):
        value = value.tolist()
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, str | PurePath):
        return str(value)
    if isinstance(value, Mapping):
        entries = {str(key): _as_plain(each) for key, each in value.items()}
        return {
            key: each for key, each in entries.items() if each is not NotImplemented
        }
    if isinstance(value, Sequence):
        each_plain = [_as_plain(each) for each in value]
        return [each for each in each_plain if each is not NotImplemented]
    return NotImplemented


def _encode_column(column: NDArray[Any]) -> dict[str, Any]:
    kind = column.dtype.kind
    values = column.tolist()
    if kind == "f" and not np.isfinite(column).all():
        values = [_encode_float(value) for value in values]
    elif kind not in _NUMBERS:
        values = [_encode_object(value) for value in values]
    return {"type": column.dtype.str if kind in _NUMBERS else "O", "values": values}


def _encode_float(value: float) -> float | str | None:
    if math.isfinite(value):
        return value
    return None if math.isnan(value) else str(value)


def _encode_object(value: Any) -> Any:
    if type(value).__name__ in _MISSING:
        return None
    if isinstance(value, float):
        return _encode_float(value)
    return value if isinstance(value, bool | int) else str(value)


def _decode_column(kind: object, values: object) -> NDArray[Any]:
    if not isinstance(values, list) or len(values) > _MOST_VALUES:
        raise ValueError("a column that is no list of values")
    if kind == "O":
        column = np.empty(len(values), object)
        column[:] = values
        return column
    dtype = np.dtype(str(kind))
    if dtype.kind not in _NUMBERS:
        raise ValueError(f"a column of {kind!r}")
    if dtype.kind == "f":
        values = [math.nan if value is None else float(value) for value in values]
    return np.array(values, dtype).reshape(len(values))
