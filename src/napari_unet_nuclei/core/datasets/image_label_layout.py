"""Which files are images and which their labels, by their names alone.

::

    images/a.png   labels/a.tif
    a.tif          a_masks.tif

All names that are understood stand in ``mask_names``; what is in the files is read in
``image_label_folder``.  DSB2018 data sets have a ``dsb2018_layout`` of their own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_unet_nuclei.core.datasets.dsb2018_layout import is_pair, is_sample_folder
from napari_unet_nuclei.core.datasets.folder_files import FolderFiles
from napari_unet_nuclei.core.datasets.mask_names import (
    IMAGE_ENDINGS,
    folder_pair,
    image_stems,
    images_of_masks,
    outlined_stem,
    stem_of,
    without_masks,
)
from napari_unet_nuclei.core.datasets.stored_files import (
    StoredFiles,
    images_or_none,
    open_files,
)
from napari_unet_nuclei.core.errors import DatasetError

if TYPE_CHECKING:
    import os

    from napari_unet_nuclei.core.datasets.zip_files import ZipFiles

FilesByName = dict[str, list[str]]


def is_image_label_folder(path: str | os.PathLike[str]) -> bool:
    """Say whether a folder or zip has images with label files of the same names.

    Parameters
    ----------
    path : path
        Anything; what cannot be read is none.

    Returns
    -------
    bool
        True for a pair of sub-folders, or masks beside their images.
    """
    return layout_of(path) is not None


def layout_of(path: str | os.PathLike[str]) -> tuple[str, str] | None:
    """Return the names of the sub-folders of images and of labels.

    Parameters
    ----------
    path : path
        Anything; what cannot be read has none.

    Returns
    -------
    (str, str) or None
        As from `find_layout`, for a folder or zip.
    """
    try:
        files = open_files(path)
    except DatasetError:
        return None
    return None if files is None else find_layout(files)


def find_layout(files: FolderFiles | ZipFiles) -> tuple[str, str] | None:
    """Find the sub-folders of images and of labels.

    Parameters
    ----------
    files : FolderFiles or ZipFiles
        The files.

    Returns
    -------
    (str, str) or None
        Both empty where masks lie beside their images; None where there are none.

    Raises
    ------
    ImageError
        If one of the folders cannot be listed.
    """
    pair = folder_pair(files.folders())
    if pair is not None:
        is_sample = pair[1].lower() == "masks" and _is_one_sample(files, pair)
        return None if is_sample else pair
    stems = {stem_of(name) for name in images_or_none(files)}
    return ("", "") if images_of_masks(stems) else None


def _is_one_sample(files: FolderFiles | ZipFiles, layout: tuple[str, str]) -> bool:
    if isinstance(files, FolderFiles):
        return is_sample_folder(files.path)
    images, masks = ([stem_of(name) for name in files.images(f)] for f in layout)
    is_sample = files.has_folder_on_top  # <id>/images/… and <id>/masks/…
    return len(images) == 1 and (is_sample or not is_pair(images[0], masks, ""))


def match_files(
    files: StoredFiles, images: str, labels: str
) -> tuple[FilesByName, FilesByName]:
    """Group images and label files by the name of the image without suffix.

    Parameters
    ----------
    files : StoredFiles
        The files.
    images, labels : str
        The sub-folders of both, as from `find_layout`.

    Returns
    -------
    images, labels : dict of str to list of str
        Files by name; of a good sample there is one in each.  Outlines in a sub-folder
        of labels count where there is no label image.

    Raises
    ------
    ImageError
        If one of the folders cannot be listed.
    """
    names = files.images(images)
    image_files = _by_stem(without_masks(names))
    masks = files.images(labels)
    if not labels:
        masks = [name for name in masks if stem_of(name) not in image_files]
    label_files: FilesByName = {}
    for name in masks:
        stem = stem_of(name)
        likely = (stem, *(stem + ending for ending in IMAGE_ENDINGS))
        candidates = (*likely, *image_stems(stem))
        image = next((each for each in candidates if each in image_files), stem)
        label_files.setdefault(image, []).append(name)
    for name in files.outlines(labels) if labels else ():
        both = stem_of(name), outlined_stem(name)
        image = next((each for each in both if each in image_files), both[1])
        label_files.setdefault(image, [name])  # one form of the same is enough
    return image_files, label_files


def _by_stem(names: list[str]) -> FilesByName:
    files: FilesByName = {}
    for name in names:
        files.setdefault(stem_of(name), []).append(name)
    return files
