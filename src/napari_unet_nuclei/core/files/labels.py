"""Label images ↔ files: TIFF for ImageJ, 16-bit PNG, DSB2018 sample folders.

Reading them lives in ``label_reading``, Kaggle's run-length csv in ``rle``, reading
DSB2018 data sets in ``dsb2018``, pictures for people in ``overlays``.
"""

from __future__ import annotations

import math
import os
import re
import shutil
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import NAMESPACE_OID, uuid5

import numpy as np
import tifffile
from PIL import Image

from napari_unet_nuclei.core.datasets.sample import Sample
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
from napari_unet_nuclei.core.images.calibration import Calibration
from napari_unet_nuclei.core.images.channels import (
    intensity_limits,
    normalise,
    to_planes,
)
from napari_unet_nuclei.core.instances.labels import check_labels, find_nuclei
from napari_unet_nuclei.core.writing.atomic_files import (
    refuse_appeared,
    replacing,
    replacing_together,
)
from napari_unet_nuclei.core.writing.own_files import SOFTWARE, png_mark

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import ArrayLike, NDArray
    from PIL.PngImagePlugin import PngInfo

__all__ = [
    "LABEL_SUFFIXES",
    "check_sample_id",
    "files_of_sample",
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
        0 is background.
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
    largest = int(labels.max())
    is_ome = Path(path).name.lower().endswith(OME_ENDINGS)
    if largest > _LARGEST_FLOAT32 and not is_ome:
        raise OutputError(
            f"Expected labels up to {_LARGEST_FLOAT32:,}, the most an ImageJ TIFF can "
            f"tell apart. Received: {largest:,}. Renumber the nuclei."
        )
    more: type = np.uint32 if is_ome else np.float32
    array: NDArray[Any] = labels.astype(
        np.uint16 if largest <= _LARGEST_16_BIT else more
    )
    calibration = calibration or Calibration()
    text = "" if record is None else encode_record(record)
    description = "" if record is None else describe_record(record)
    if is_ome:
        options = ome_options(calibration, description)
        content = f"{axes}{calibration}{text}{sha256(array.tobytes()).hexdigest()}"
        # The same labels make the same file.
        options["metadata"] |= {
            "axes": axes,
            "UUID": str(uuid5(NAMESPACE_OID, content)),
        }
    else:
        options = imagej_options(calibration, largest, description)
        # All axes, as tifffile garbles a stack of planes that are one pixel wide.
        lengths = dict(zip(axes, labels.shape, strict=True))
        array = array.reshape([lengths.get(axis, 1) for axis in _IMAGEJ_AXES])
        options["metadata"]["axes"] = _IMAGEJ_AXES
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
        _save_png(temporary, labels.astype(np.uint16), mark)


def write_dsb2018_sample(
    folder: str | os.PathLike[str],
    sample_id: str,
    image: NDArray[Any],
    labels: ArrayLike,
    *,
    may_replace: bool = True,
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
    may_replace : bool
        Whether images and masks of this sample that are there are replaced.

    Raises
    ------
    LabelsError, ImageError
        If these are no labels, or no image.
    DatasetError
        If image and labels differ in shape.
    OutputError
        If the files cannot be written, are there and may not be replaced, or other
        masks of this sample are there.
    """
    sample = Sample(sample_id, image, check_labels(labels))
    _write_sample(
        Path(folder), sample_id, sample.labels, _png_pixels(image), may_replace
    )


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
    _write_sample(Path(folder), sample_id, check_labels(labels), None, may_replace=True)


def check_sample_id(sample_id: str) -> None:
    """Refuse names that no folder has everywhere, as a data set goes from disk to disk.

    Parameters
    ----------
    sample_id : str
        Name of an image.

    Raises
    ------
    OutputError
        If it is empty, or has slashes, colons or line breaks and the like.
    """
    if sample_id in ("", ".", "..") or re.search(r"[/\\:\x00-\x1f\x7f]", sample_id):
        raise OutputError(
            f"Expected a sample id that can be a file name. Received: {sample_id!r}. "
            "Rename the image."
        )


def _write_sample(
    folder: Path,
    sample_id: str,
    labels: NDArray[np.int32],
    pixels: NDArray[Any] | None,
    may_replace: bool,
) -> None:
    """Exchange masks, and an image where there is one, all at once."""
    check_sample_id(sample_id)
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
        if not may_replace and _is_taken(sample):
            refuse_appeared(folder / sample_id)


def files_of_sample(sample: Path) -> Iterator[Path]:
    """List images and masks that are in the folder of a sample.

    Parameters
    ----------
    sample : Path
        The folder, which need not exist.

    Yields
    ------
    Path
        Whatever is there under a name that is not hidden.
    """
    for part in ("images", "masks"):
        try:
            with os.scandir(sample / part) as entries:
                found = [Path(entry.path) for entry in entries]
        except OSError:
            continue
        yield from (path for path in found if not path.name.startswith("."))


def _is_taken(sample: Path) -> bool:
    """Tell whether there is more than a folder without images and masks."""
    if sample.is_dir():
        return any(files_of_sample(sample))
    return os.path.lexists(sample)


def _write_masks(folder: Path, sample_id: str, labels: NDArray[np.int32]) -> None:
    digits = max(4, len(str(labels.max())))
    mask = np.zeros(labels.shape, np.uint8)
    for number, box in find_nuclei(labels):
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


def _save_png(path: Path, pixels: NDArray[Any], mark: PngInfo | None = None) -> None:
    picture = Image.fromarray(np.ascontiguousarray(pixels))
    picture.save(path, format="PNG", pnginfo=mark)
