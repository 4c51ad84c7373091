"""Label images ↔ files: TIFF for ImageJ, 16-bit PNG.

They are read in ``label_reading``.  Kaggle's run-length csv is in ``rle``, DSB2018 data
sets are in ``core.datasets``, pictures for people in ``core.drawing``.
"""

from __future__ import annotations

import math
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import NAMESPACE_OID, uuid5

import numpy as np
import tifffile

from napari_unet_nuclei.core.errors import LabelsError, OutputError
from napari_unet_nuclei.core.files.label_headers import (
    OME_ENDINGS,
    imagej_options,
    ome_options,
)
from napari_unet_nuclei.core.files.label_reading import (
    LABEL_SUFFIXES,
    read_labels,
    read_nuclei,
)
from napari_unet_nuclei.core.files.label_records import (
    PNG_KEY,
    TIFF_TAG,
    LabelRecord,
    describe_record,
    encode_for_png,
    encode_record,
)
from napari_unet_nuclei.core.files.png import save_png
from napari_unet_nuclei.core.images.calibration import Calibration
from napari_unet_nuclei.core.instances.labels import check_labels
from napari_unet_nuclei.core.writing.atomic_files import replacing
from napari_unet_nuclei.core.writing.own_files import SOFTWARE, png_mark

if TYPE_CHECKING:
    import os

    from numpy.typing import ArrayLike, NDArray

__all__ = [
    "LABEL_SUFFIXES",
    "read_labels",
    "read_nuclei",
    "write_labels_png",
    "write_labels_tiff",
]

_IMAGEJ_AXES = "TZCYXS"
_LARGEST_16_BIT = np.iinfo(np.uint16).max
_LARGEST_FLOAT32 = 2**24  # beyond it, float32 skips whole numbers


def write_labels_tiff(
    path: str | os.PathLike[str],
    labels: ArrayLike,
    *,
    axes: str = "YX",
    calibration: Calibration | None = None,
    record: LabelRecord | None = None,
    may_replace: bool = True,
) -> None:
    """Write labels as a TIFF that ImageJ and everything else opens.

    ImageJ shows integers of more than 16 bits as black, so labels are stored as
    uint16, and as float32 where there are more than 65,535.  A name that ends in
    ``.ome.tif`` or ``.ome.tiff`` makes an OME-TIFF, with uint32 instead of float32.

    Parameters
    ----------
    path : path
        The file to write or replace.
    labels : (Y, X) array_like of int, or a stack of such
        0 is background; -1, for not annotated, is stored as float32 or int32.
    axes : str
        The axes of the labels: letters of T, Z, C, Y, X in this order.
    calibration : Calibration, optional
        Pixel sizes, z spacing, time step and their units.
    record : LabelRecord, optional
        What else is known of the labels.  It stands in a private tag, its provenance
        also where ImageJ shows it (*Image ▸ Show Info*), or as OME's description.
    may_replace : bool
        Whether what is there is replaced.

    Raises
    ------
    LabelsError
        If these are no labels, or have other axes.
    OutputError
        If the file cannot be written, is there and may not be replaced, or a label
        exceeds 16,777,216.
    """
    labels = _check_stack(labels, axes)
    is_ome = Path(path).name.lower().endswith(OME_ENDINGS)
    array = _as_stored(labels, is_ome=is_ome)
    calibration = calibration or Calibration()
    if is_ome:
        options = _ome_options(array, axes, calibration, record)
    else:
        array, options = _imagej_options(array, axes, calibration, record)
    text = "" if record is None else encode_record(record)
    with replacing(path, may_replace=may_replace) as temporary:
        tifffile.imwrite(
            temporary,
            array,
            imagej=not is_ome,
            ome=is_ome,
            photometric="minisblack",
            compression="zlib",
            software=SOFTWARE,
            extratags=[(TIFF_TAG, "s", 0, text, True)] if text else [],
            **options,
        )


def _as_stored(labels: NDArray[np.int32], *, is_ome: bool) -> NDArray[Any]:
    """Return labels in the smallest type that every program shows."""
    largest = int(labels.max())
    if largest > _LARGEST_FLOAT32 and not is_ome:
        raise OutputError(
            f"Expected labels up to {_LARGEST_FLOAT32:,}, the most an ImageJ TIFF can "
            f"tell apart. Received: {largest:,}. Renumber the nuclei."
        )
    if labels.min() < 0:  # not annotated; ImageJ shows no signed integers
        return labels.astype(np.int32 if is_ome else np.float32)
    more: type = np.uint32 if is_ome else np.float32
    return labels.astype(np.uint16 if largest <= _LARGEST_16_BIT else more)


def _ome_options(
    array: NDArray[Any], axes: str, calibration: Calibration, record: LabelRecord | None
) -> dict[str, Any]:
    """Return how tifffile writes an OME-TIFF; the same labels make the same file."""
    text = "" if record is None else encode_record(record)
    description = "" if record is None else describe_record(record)
    options = ome_options(calibration, description)
    content = f"{axes}{calibration}{text}{sha256(array.tobytes()).hexdigest()}"
    options["metadata"] |= {"axes": axes, "UUID": str(uuid5(NAMESPACE_OID, content))}
    return options


def _imagej_options(
    array: NDArray[Any], axes: str, calibration: Calibration, record: LabelRecord | None
) -> tuple[NDArray[Any], dict[str, Any]]:
    """Return labels with all axes of ImageJ, and how tifffile writes them."""
    description = "" if record is None else describe_record(record)
    options = imagej_options(calibration, int(array.max()), description)
    # All axes, as tifffile garbles a stack of planes that are one pixel wide.
    lengths = dict(zip(axes, array.shape, strict=True))
    options["metadata"]["axes"] = _IMAGEJ_AXES
    return array.reshape([lengths.get(axis, 1) for axis in _IMAGEJ_AXES]), options


def _check_stack(labels: ArrayLike, axes: str) -> NDArray[np.int32]:
    """Check a stack as one tall plane."""
    array = np.asarray(labels)
    if axes == "YX":
        return check_labels(array, may_ignore=True)
    if array.ndim != len(axes):
        raise LabelsError(
            f"labels must have the axes {axes}. Received: shape {array.shape}. Name "
            "each axis of the stack."
        )
    height = math.prod(array.shape[:-1])
    tall = array.reshape(height, -1 if height else 0)
    return check_labels(tall, may_ignore=True).reshape(array.shape)


def write_labels_png(
    path: str | os.PathLike[str],
    labels: ArrayLike,
    *,
    record: LabelRecord | None = None,
    may_replace: bool = True,
) -> None:
    """Write labels as a grey 16-bit PNG.

    Parameters
    ----------
    path : path
        The file to write or replace.
    labels : (Y, X) array_like of int
        0 is background.
    record : LabelRecord, optional
        What else is known of the labels, kept in text chunks.  A table of more than
        about 30 million characters is left out, as readers of PNG limit them.
    may_replace : bool
        Whether what is there is replaced.

    Raises
    ------
    LabelsError
        If these are no labels.
    OutputError
        If the file cannot be written, is there and may not be replaced, or a label
        exceeds 65,535.
    """
    labels = check_labels(labels)
    largest = int(labels.max())
    if largest > _LARGEST_16_BIT:
        raise OutputError(
            f"Expected labels up to {_LARGEST_16_BIT:,}, the most a PNG can hold. "
            f"Received: {largest:,}. Write a TIFF instead."
        )
    mark = png_mark()
    if record is not None:
        if description := describe_record(record):
            mark.add_text("Description", description)
        mark.add_text(PNG_KEY, encode_for_png(record))
    with replacing(path, may_replace=may_replace) as temporary:
        save_png(temporary, labels.astype(np.uint16), mark)
