"""Label images ↔ files: TIFF for ImageJ, 16-bit PNG, DSB2018 sample folders.

Reading them lives in ``label_reading``, Kaggle's run-length csv in ``rle``, reading
DSB2018 data sets in ``dsb2018``, pictures for people in ``overlays``.
"""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import tifffile
from PIL import Image

from napari_unet_nuclei.core.atomic_files import replacing
from napari_unet_nuclei.core.errors import LabelsError, OutputError
from napari_unet_nuclei.core.images import intensity_limits, normalise, to_planes
from napari_unet_nuclei.core.label_reading import (
    LABEL_SUFFIXES,
    read_labels,
    read_nuclei,
)
from napari_unet_nuclei.core.labels import check_labels, find_nuclei
from napari_unet_nuclei.core.sample import Sample

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping

    from numpy.typing import ArrayLike, NDArray

__all__ = [
    "LABEL_SUFFIXES",
    "read_labels",
    "read_nuclei",
    "write_dsb2018_masks",
    "write_dsb2018_sample",
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
    pixel_size: Mapping[str, float] | None = None,
    unit: str | None = None,
) -> None:
    """Write labels as a TIFF that ImageJ and everything else opens.

    ImageJ shows integers of more than 16 bits as black, so labels are stored as
    uint16, and as float32 where there are more than 65,535.

    Parameters
    ----------
    path : path
        The file to write or replace.
    labels : (Y, X) array_like of int, or a stack of such
        0 is background.
    axes : str
        The axes of the labels: letters of T, Z, C, Y, X in this order.
    pixel_size : mapping of str to float, optional
        Size of a pixel along X, Y and Z; a size along X without one along Y, or
        the other way round, is left out.
    unit : str, optional
        ASCII name of the unit of the pixel size, such as ``"um"``.

    Raises
    ------
    LabelsError
        If these are no labels, or have other axes.
    OutputError
        If the file cannot be written, or a label exceeds 16,777,216.
    """
    labels = _check_stack(labels, axes)
    largest = int(labels.max())
    if largest > _LARGEST_FLOAT32:
        raise OutputError(
            f"Expected labels up to {_LARGEST_FLOAT32:,}, the most an ImageJ TIFF can "
            f"tell apart. Received: {largest:,}. Renumber the nuclei."
        )
    dtype = np.uint16 if largest <= _LARGEST_16_BIT else np.float32
    # All axes, as tifffile garbles a stack of planes that are one pixel wide.
    lengths = dict(zip(axes, labels.shape, strict=True))
    shape = [lengths.get(axis, 1) for axis in _IMAGEJ_AXES]
    metadata: dict[str, Any] = {
        "axes": _IMAGEJ_AXES,
        "min": 0.0,
        "max": float(max(1, largest)),
    }
    sizes = pixel_size or {}
    if "Z" in sizes:
        metadata["spacing"] = sizes["Z"]
    if unit is not None:
        metadata["unit"] = unit
    # ImageJ counts pixels per unit.
    resolution = (1 / sizes["X"], 1 / sizes["Y"]) if {"X", "Y"} <= set(sizes) else None
    with replacing(path) as temporary:
        tifffile.imwrite(
            temporary,
            labels.astype(dtype).reshape(shape),
            imagej=True,
            compression="zlib",
            resolution=resolution,
            metadata=metadata,
        )


def _check_stack(labels: ArrayLike, axes: str) -> NDArray[np.int32]:
    """Check a stack as one tall plane."""
    array = np.asarray(labels)
    if axes == "YX":
        return check_labels(array)
    if array.ndim != len(axes):
        raise LabelsError(
            f"labels must have the axes {axes}. Received: shape {array.shape}. Name "
            "each axis of the stack."
        )
    height = math.prod(array.shape[:-1])
    return check_labels(array.reshape(height, -1 if height else 0)).reshape(array.shape)


def write_labels_png(path: str | os.PathLike[str], labels: ArrayLike) -> None:
    """Write labels as a grey 16-bit PNG.

    Parameters
    ----------
    path : path
        The file to write or replace.
    labels : (Y, X) array_like of int
        0 is background.

    Raises
    ------
    LabelsError
        If these are no labels.
    OutputError
        If the file cannot be written, or a label exceeds 65,535.
    """
    labels = check_labels(labels)
    largest = int(labels.max())
    if largest > _LARGEST_16_BIT:
        raise OutputError(
            f"Expected labels up to {_LARGEST_16_BIT:,}, the most a PNG can hold. "
            f"Received: {largest:,}. Write a TIFF instead."
        )
    _write_png(Path(path), labels.astype(np.uint16))


def write_dsb2018_sample(
    folder: str | os.PathLike[str],
    sample_id: str,
    image: NDArray[Any],
    labels: ArrayLike,
) -> None:
    """Write an image and its nuclei as one sample of a DSB2018 data set.

    The image goes to ``<id>/images/<id>.png``, nucleus number *n* as a mask of 0
    and 255 to ``<id>/masks/<id>_<n>.png``, zero-padded so that names sort by
    number.  Masks an earlier call wrote for this sample are replaced.

    Parameters
    ----------
    folder : path
        The data set; created if missing.
    sample_id : str
        Name of the sample, a plain file name.
    image : (Y, X) or (Y, X, 1, 3 or 4) ndarray
        uint8, and grey uint16, is stored as it is, without its alpha channel;
        any other type is stretched to 8 bits.
    labels : (Y, X) array_like of int
        0 is background.

    Raises
    ------
    LabelsError, ImageError
        If these are no labels, or no image.
    DatasetError
        If image and labels differ in shape.
    OutputError
        If the files cannot be written, or other masks of this sample are there.
    """
    sample = Sample(sample_id, image, check_labels(labels))
    pixels = _png_pixels(image)
    write_dsb2018_masks(folder, sample_id, sample.labels)
    _write_png(Path(folder) / sample_id / "images" / f"{sample_id}.png", pixels)


def write_dsb2018_masks(
    folder: str | os.PathLike[str], sample_id: str, labels: ArrayLike
) -> None:
    """Write the nuclei of a sample, without its image.

    Parameters
    ----------
    folder, sample_id, labels
        As in `write_dsb2018_sample`.

    Raises
    ------
    LabelsError
        If these are no labels.
    OutputError
        If the files cannot be written, or other masks of this sample are there.
    """
    labels = check_labels(labels)
    if sample_id in ("", ".", "..") or re.search(r"[/\\:]", sample_id):
        raise OutputError(
            f"Expected a sample id that can be a file name. Received: {sample_id!r}. "
            "Rename the image."
        )
    masks = Path(folder) / sample_id / "masks"
    try:
        earlier_masks = _own_masks(masks, sample_id)
        masks.mkdir(parents=True, exist_ok=True)
        for path in earlier_masks:
            path.unlink()
    except OutputError:
        raise
    except OSError as error:
        raise OutputError(
            f"Expected a folder to write to. Received: {masks} "
            f"({error.strerror}). Choose another one."
        ) from error
    digits = max(4, len(str(labels.max())))
    mask = np.zeros(labels.shape, np.uint8)
    for number, box in find_nuclei(labels):
        mask[box][labels[box] == number] = 255
        _write_png(masks / f"{sample_id}_{number:0{digits}}.png", mask)
        mask[box] = 0


def _own_masks(folder: Path, sample_id: str) -> list[Path]:
    """Find the masks an earlier call wrote; refuse to mix with any others."""
    if not folder.exists():
        return []
    masks = [path for path in folder.iterdir() if not path.name.startswith(".")]
    own = re.compile(re.escape(sample_id) + r"_\d{4,}\.png")
    foreign = sorted(path.name for path in masks if not own.fullmatch(path.name))
    if foreign:
        raise OutputError(
            "Expected a sample folder without masks from elsewhere. Received: "
            f"{folder} with {foreign[0]}. Choose another output folder."
        )
    return masks


def _png_pixels(image: NDArray[Any]) -> NDArray[Any]:
    if image.ndim == 2 and image.dtype == np.uint16:
        return image
    planes = to_planes(image)
    if image.dtype != np.uint8:
        stretched = normalise(planes, intensity_limits(planes))
        planes = np.round(stretched * 255).astype(np.uint8)
    is_grey = image.ndim == 2 or image.shape[-1] == 1
    return planes[..., 0] if is_grey else planes


def _write_png(path: Path, pixels: NDArray[Any]) -> None:
    with replacing(path) as temporary:
        Image.fromarray(np.ascontiguousarray(pixels)).save(temporary, format="PNG")
