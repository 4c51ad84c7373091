"""Labels layers → files, one function for each entry in napari's save dialog.

The dialog asks before a file is replaced.  What it does not know is refused here: the
images of the window, and the masks of a sample, of which it sees the folder only.

How each format looks is known in ``core.label_files`` and ``core.rle``.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import napari
import numpy as np
from napari.layers import Image
from napari.utils.notifications import show_info

from napari_unet_nuclei.core.data_set_files import input_files
from napari_unet_nuclei.core.dsb2018 import open_dsb2018
from napari_unet_nuclei.core.errors import LabelsError, OutputError, UNetNucleiError
from napari_unet_nuclei.core.image_files import read_image
from napari_unet_nuclei.core.label_files import (
    write_dsb2018_masks,
    write_dsb2018_sample,
    write_labels_png,
    write_labels_tiff,
)
from napari_unet_nuclei.core.outputs import file_id
from napari_unet_nuclei.core.own_results import LABELS_ENDING
from napari_unet_nuclei.core.rle import write_rle_csv
from napari_unet_nuclei.plugin.layer_records import FILE_ORDER, make_record
from napari_unet_nuclei.plugin.layers import labels_array, layer_calibration

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray

_IMAGE_FOLDERS = ("images", "image")

_written_samples: set[str] = set()
"""Folders of samples that were saved since napari was started."""


def write_tiff(path: str, data: Any, meta: Mapping[str, Any]) -> list[str]:
    """Write a labels layer as a TIFF that ImageJ opens, with its scale and units.

    A name that ends in ``.ome.tif`` makes an OME-TIFF.

    Parameters
    ----------
    path : str
        The file; where the suffix is left out, it is called ``<image>_masks.tif``.
    data : (Y, X) array_like of int, or a stack of such
        0 is background.
    meta : mapping
        Keyword arguments of the layer.

    Returns
    -------
    list of str
        The path of the file.

    Raises
    ------
    LabelsError
        If these are no labels, or have axes that are not known.
    OutputError
        If the file cannot be written or a label is too large.
    """
    path = _complete(path, ".tif", ".tiff", is_image=True)
    _refuse_image(path, meta)
    labels, axes = labels_array(data, meta)
    order = "".join(axis for axis in FILE_ORDER if axis in axes)
    write_labels_tiff(
        path,
        labels.transpose([axes.index(axis) for axis in order]),
        axes=order,
        calibration=layer_calibration(meta, axes),
        record=make_record(meta, axes, labels.shape),
    )
    return [path]


def write_png(path: str, data: Any, meta: Mapping[str, Any]) -> list[str]:
    """Write a labels layer as a grey 16-bit PNG.

    Parameters
    ----------
    path : str
        The file; where the suffix is left out, it is called ``<image>_masks.png``.
    data : (Y, X) array_like of int
        0 is background.
    meta : mapping
        Keyword arguments of the layer.

    Returns
    -------
    list of str
        The path of the file.

    Raises
    ------
    LabelsError
        If these are no labels, or a stack.
    OutputError
        If the file cannot be written or a label exceeds 65,535.
    """
    path = _complete(path, ".png", is_image=True)
    _refuse_image(path, meta)
    labels, axes = labels_array(data, meta)
    record = make_record(meta, axes, labels.shape)
    write_labels_png(path, _plane(data, meta, "A PNG"), record=record)
    return [path]


def write_rle(path: str, data: Any, meta: Mapping[str, Any]) -> list[str]:
    """Write a labels layer as Kaggle's csv of run lengths.

    Parameters
    ----------
    path : str
        The file; ``.csv`` is appended to any other suffix.
    data : (Y, X) array_like of int
        0 is background.
    meta : mapping
        Keyword arguments of the layer; the image's id in the csv is the
        ``sample_id`` of its metadata, else its name.

    Returns
    -------
    list of str
        The path of the file.

    Raises
    ------
    LabelsError
        If these are no labels, or a stack.
    OutputError
        If the file cannot be written.
    """
    path = _complete(path, ".csv")
    _refuse_image(path, meta)
    write_rle_csv(path, {_sample_id(meta): _plane(data, meta, "A csv of run lengths")})
    return [path]


def write_dsb2018(path: str, data: Any, meta: Mapping[str, Any]) -> list[str]:
    """Write a labels layer as a sample of a DSB2018 data set.

    The masks go to ``<path>/<id>/masks``.  Where the metadata says which file
    or sample the labels were made from, its image goes to ``<path>/<id>/images``.

    Parameters
    ----------
    path : str
        The folder of the data set; created if missing.
    data : (Y, X) array_like of int
        0 is background.
    meta : mapping
        Keyword arguments of the layer; the id is the ``sample_id`` of its
        metadata, else its name.

    Returns
    -------
    list of str
        The folder of the sample.

    Raises
    ------
    LabelsError
        If these are no labels, or a stack.
    OutputError
        If the files cannot be written, or the sample has masks that this session
        of napari did not write, or another image.
    """
    labels = _plane(data, meta, "A DSB2018 sample")
    sample_id = re.sub(r'[/\\:*?"<>|]+', "_", _sample_id(meta)).strip(" .")
    sample = Path(path) / sample_id
    image = _read_source(meta.get("metadata") or {}, labels.shape)
    has_image = _check_sample(sample, image)
    if image is not None and not has_image:
        write_dsb2018_sample(path, sample_id, image, labels)
    else:
        write_dsb2018_masks(path, sample_id, labels)
        if not (sample / "images").is_dir():
            image_path = sample / "images" / f"{sample_id}.png"
            show_info(f"Saved masks only: a full sample needs {image_path} too.")
    _written_samples.add(os.path.realpath(sample))
    return [str(sample)]


def _check_sample(sample: Path, image: NDArray[Any] | None) -> bool:
    """Refuse a sample that is another's; tell whether its image is there already."""
    if os.path.realpath(sample) in _written_samples:
        return False
    if masks := _list(sample / "masks"):
        raise OutputError(
            "Expected a sample folder without masks from elsewhere. Received: "
            f"{sample / 'masks'} with {masks[0].name}. Choose another folder, or move "
            "these masks away."
        )
    images = _list(sample / "images")
    if image is not None and images and not _is_same_image(images, image):
        raise OutputError(
            "Expected a sample folder without another image. Received: "
            f"{images[0]}, which is not the image that the labels were made from. "
            "Choose another folder."
        )
    return bool(images)


def _is_same_image(files: list[Path], image: NDArray[Any]) -> bool:
    try:
        return len(files) == 1 and np.array_equal(read_image(files[0]), image)
    except UNetNucleiError:
        return False


def _list(folder: Path) -> list[Path]:
    """Return what is in a folder, without hidden files."""
    try:
        return sorted(
            path for path in folder.iterdir() if not path.name.startswith(".")
        )
    except OSError:  # writing will say why
        return []


def _refuse_image(path: str, meta: Mapping[str, Any]) -> None:
    """Refuse to put labels in the place of an image."""
    replaced = file_id(path)
    if replaced is not None and any(
        file_id(image) == replaced for image in _image_files(meta.get("metadata") or {})
    ):
        raise OutputError(
            f"Expected a new file for the labels. Received: {path}, which is an image "
            "that is open. Choose another name, so that the image is kept."
        )


def _image_files(metadata: Mapping[str, Any]) -> Iterator[str | Path]:
    """List the image that labels were made from, and those in the window."""
    if "image_path" in metadata:
        yield metadata["image_path"]
    if "data_set" in metadata:
        for path in input_files([Path(metadata["data_set"])]):
            if path.parent.name in _IMAGE_FOLDERS or path.suffix == ".zip":
                yield path
    viewer = napari.current_viewer()
    for layer in [] if viewer is None else viewer.layers:
        if isinstance(layer, Image) and layer.source.path is not None:
            yield layer.source.path


def masks_name(name: str) -> str:
    """Return the name by which napari finds labels to be ours.

    Parameters
    ----------
    name : str
        Name of a layer, or of a file without its suffix.

    Returns
    -------
    str
        Such as ``cells_masks`` for ``cells nuclei``, so that the file stands beside
        its image as those do that the command line writes.

    Examples
    --------
    >>> masks_name("cells nuclei"), masks_name("cells_masks")
    ('cells_masks', 'cells_masks')
    """
    return name.removesuffix(LABELS_ENDING).removesuffix(" nuclei") + LABELS_ENDING


def _complete(path: str, *suffixes: str, is_image: bool = False) -> str:
    """Append the suffix that a save dialog may leave out."""
    if Path(path).suffix.lower() in suffixes:
        return path
    completed = f"{masks_name(path) if is_image else path}{suffixes[0]}"
    if Path(completed).exists():  # the dialog has asked about another name
        raise OutputError(
            f"Expected a file name that ends in {suffixes[0]}. Received: {path}, and "
            f"{completed} exists. Choose that one to replace it, or another name."
        )
    return completed


def _plane(data: Any, meta: Mapping[str, Any], what: str) -> NDArray[Any]:
    """Return labels of two axes; leading axes of length 1 do no harm."""
    labels, axes = labels_array(data, meta)
    order = [axes.index(axis) for axis in FILE_ORDER if axis in axes]
    labels = labels.transpose(order)
    if any(length != 1 for length in labels.shape[:-2]):
        raise LabelsError(
            f"{what} holds labels of shape (Y, X). Received: shape {labels.shape}. "
            "Save the stack as TIFF, or one plane at a time."
        )
    return np.reshape(labels, labels.shape[-2:])


def _sample_id(meta: Mapping[str, Any]) -> str:
    metadata = meta.get("metadata") or {}
    return str(metadata.get("sample_id") or meta.get("name") or "nuclei")


def _read_source(
    metadata: Mapping[str, Any], shape: tuple[int, ...]
) -> NDArray[Any] | None:
    """Return the image that labels were made from, if it is still to be had."""
    try:
        if "data_set" in metadata:
            data_set = open_dsb2018(metadata["data_set"])
            image = data_set.read_image(metadata.get("sample_id", ""))
        elif "image_path" in metadata:
            image = read_image(metadata["image_path"])
        else:
            return None
    except UNetNucleiError:
        return None
    is_colour = image.ndim == 3 and image.shape[-1] in (1, 3, 4)
    is_plane = image.ndim == 2 or is_colour
    return image if is_plane and image.shape[:2] == shape else None
