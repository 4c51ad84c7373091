"""DSB2018 sample folders, written so that they appear whole.

What such a folder looks like is known in ``dsb2018_layout``, reading in ``dsb2018``.
"""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_unet_nuclei.core.datasets.sample import Sample
from napari_unet_nuclei.core.errors import OutputError
from napari_unet_nuclei.core.files.png import save_png
from napari_unet_nuclei.core.images.channels import to_channels
from napari_unet_nuclei.core.images.intensity import intensity_limits, normalise
from napari_unet_nuclei.core.instances.labels import check_labels, find_nuclei
from napari_unet_nuclei.core.writing.atomic_files import (
    refuse_appeared,
    replacing_together,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import ArrayLike, NDArray


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
            save_png(new / image, pixels)
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
        save_png(folder / f"{sample_id}_{number:0{digits}}.png", mask)
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
    channels = to_channels(image)
    if image.dtype != np.uint8:
        stretched = normalise(channels, intensity_limits(channels))
        channels = np.round(stretched * 255).astype(np.uint8)
    is_grey = image.ndim == 2 or image.shape[-1] == 1
    return channels[..., 0] if is_grey else channels
