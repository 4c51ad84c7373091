"""Label images ↔ files: TIFF for ImageJ, 16-bit PNG, DSB2018 sample folders.

Kaggle's run-length csv lives in ``rle``, reading DSB2018 data sets in
``dsb2018``, pictures for people in ``overlays``.
"""

from __future__ import annotations

import math
import os
import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import tifffile
from PIL import Image
from scipy import ndimage

from napari_unet_nuclei.core.atomic_files import replacing, replacing_together
from napari_unet_nuclei.core.errors import LabelsError, OutputError
from napari_unet_nuclei.core.image_files import TIFF_SUFFIXES, read_image
from napari_unet_nuclei.core.images import intensity_limits, normalise, to_planes
from napari_unet_nuclei.core.labels import check_labels
from napari_unet_nuclei.core.sample import Sample

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import ArrayLike, NDArray

LABEL_SUFFIXES = TIFF_SUFFIXES | {".png", ".bmp"}

_IMAGEJ_AXES = "TZCYXS"
_LARGEST_16_BIT = np.iinfo(np.uint16).max
_LARGEST_FLOAT32 = 2**24  # beyond it, float32 skips whole numbers


def read_labels(path: str | os.PathLike[str]) -> NDArray[np.int32]:
    """Return the labels in a TIFF, PNG or BMP file.

    Parameters
    ----------
    path : path
        A grey image whose values are the numbers of the nuclei.  Of a palette with
        colours the indices are the numbers; colours that are all grey are grey.

    Returns
    -------
    (Y, X) ndarray of int32
        0 is background.

    Raises
    ------
    ImageError
        If the file is missing or damaged.
    LabelsError
        If the format cannot hold labels, or the content is no label image.
    """
    if Path(path).suffix.lower() not in LABEL_SUFFIXES:
        raise LabelsError(
            f"Expected a label file ({', '.join(sorted(LABEL_SUFFIXES))}). Received: "
            f"{os.fspath(path)}. Save the labels without lossy compression."
        )
    labels = read_image(path, as_shown=False)
    if labels.shape[2:] in ((3,), (4,)) and _is_grey(labels):
        labels = labels[..., 0]
    return check_labels(labels, name=os.fspath(path))


def read_nuclei(path: str | os.PathLike[str]) -> NDArray[np.int32]:
    """Return the nuclei in a file of labels or in a mask.

    A file in which all foreground has one value is taken for a mask: each of its
    4-connected components becomes a label.

    Parameters
    ----------
    path : path
        As in :func:`read_labels`.

    Returns
    -------
    (Y, X) ndarray of int32
        0 is background.

    Raises
    ------
    ImageError, LabelsError
        As in :func:`read_labels`.
    """
    labels = read_labels(path)
    is_mask = not np.any((labels > 0) & (labels < labels.max()))
    if is_mask:
        labels, _ = ndimage.label(labels, output=np.int32)
    return labels


def _is_grey(colours: NDArray[Any]) -> bool:
    return bool(np.all(colours[..., 1:3] == colours[..., :1]))


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
    number.  What an earlier call wrote for this sample is replaced all at once: a
    process that is killed leaves the old sample, the new one, or one without masks.

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
    _write_sample(Path(folder), sample_id, sample.labels, _png_pixels(image))


def write_dsb2018_masks(
    folder: str | os.PathLike[str], sample_id: str, labels: ArrayLike
) -> None:
    """Write the nuclei of a sample, and leave its image as it is.

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
    _write_sample(Path(folder), sample_id, check_labels(labels), None)


def _write_sample(
    folder: Path,
    sample_id: str,
    labels: NDArray[np.int32],
    pixels: NDArray[Any] | None,
) -> None:
    """Exchange masks, and an image where there is one, all at once."""
    if sample_id in ("", ".", "..") or re.search(r"[/\\:]", sample_id):
        raise OutputError(
            f"Expected a sample id that can be a file name. Received: {sample_id!r}. "
            "Rename the image."
        )
    sample = Path(os.path.realpath(folder / sample_id))  # it may be a link
    masks, image = "masks", f"images/{sample_id}.png"
    try:
        _check_masks(sample / masks, sample_id)
    except OutputError:
        raise
    except OSError as error:
        raise OutputError(
            f"Expected a folder to write to. Received: {folder / sample_id / masks} "
            f"({error.strerror}). Choose another one."
        ) from error
    parts = [masks] if pixels is None else [masks, image]
    names = [f"{sample.name}/{part}" for part in parts]
    if not os.path.lexists(sample):
        names = [sample.name]
    with replacing_together(sample.parent, names) as temporary:
        new = temporary / sample.name
        (new / masks).mkdir(parents=True)
        _copy_hidden(sample / masks, new / masks)
        _write_masks(new / masks, sample_id, labels)
        if pixels is not None:
            (new / image).parent.mkdir(exist_ok=True)
            _save_png(new / image, pixels)


def _write_masks(folder: Path, sample_id: str, labels: NDArray[np.int32]) -> None:
    boxes = ndimage.find_objects(labels)
    digits = max(4, len(str(len(boxes))))
    mask = np.zeros(labels.shape, np.uint8)
    for number, box in enumerate(boxes, start=1):
        if box is None:
            continue
        mask[box][labels[box] == number] = 255
        _save_png(folder / f"{sample_id}_{number:0{digits}}.png", mask)
        mask[box] = 0


def _copy_hidden(folder: Path, new: Path) -> None:
    """Copy what programs such as file managers keep in a folder."""
    for path in folder.glob(".*") if folder.exists() else ():
        if path.is_symlink() or path.is_file():
            shutil.copy2(path, new, follow_symlinks=False)
        elif path.is_dir():
            shutil.copytree(path, new / path.name, symlinks=True)


def _check_masks(folder: Path, sample_id: str) -> None:
    """Refuse a folder with masks that no earlier call wrote."""
    if not folder.exists():
        return
    masks = [path for path in folder.iterdir() if not path.name.startswith(".")]
    own = re.compile(re.escape(sample_id) + r"_\d{4,}\.png")
    foreign = sorted(path.name for path in masks if not own.fullmatch(path.name))
    if foreign:
        raise OutputError(
            "Expected a sample folder without masks from elsewhere. Received: "
            f"{folder} with {foreign[0]}. Choose another output folder."
        )


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
        _save_png(temporary, pixels)


def _save_png(path: Path, pixels: NDArray[Any]) -> None:
    Image.fromarray(np.ascontiguousarray(pixels)).save(path, format="PNG")
