"""Which files make a DSB2018 data set, by their names alone.

::

    stage1_train/<id>/images/<id>.png
    stage1_train/<id>/masks/<mask>.png

What is in the files is read in :mod:`~napari_unet_nuclei.core.datasets.dsb2018`.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from napari_unet_nuclei.core.datasets.folder_files import UNLISTED, FolderFiles
from napari_unet_nuclei.core.datasets.mask_names import MASK_ENDINGS
from napari_unet_nuclei.core.datasets.zip_files import ZipFiles, is_hidden
from napari_unet_nuclei.core.errors import DatasetError, ImageError
from napari_unet_nuclei.core.files.images import IMAGE_SUFFIXES, find_images

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_MEMBER = re.compile(
    r"(?:(?P<parent>.+)/)?(?P<sample>[^/]+)/(?P<kind>images|masks)/(?P<file>[^/]*)"
)


@dataclass
class SampleFiles:
    """File names of one sample.

    Parameters
    ----------
    images : list of str
        Files of its ``images`` folder.
    masks : list of str, optional
        Image files of its ``masks`` folder; ``None`` where it has no such folder.
    other_masks : list of str
        What else lies there.
    """

    images: list[str] = field(default_factory=list)
    masks: list[str] | None = None
    other_masks: list[str] = field(default_factory=list)


def group_by_sample(names: Iterable[str]) -> dict[str, dict[str, SampleFiles]]:
    """Group file names by the folder above the samples, then by sample.

    Parameters
    ----------
    names : iterable of str
        Names of all files, with forward slashes.

    Returns
    -------
    dict of str to dict of str to SampleFiles
        One entry for each data set; hidden files are left out.
    """
    data_sets: dict[str, dict[str, SampleFiles]] = {}
    for name in sorted(names):
        match = _MEMBER.fullmatch(name)
        if match is None or is_hidden(name):
            continue
        samples = data_sets.setdefault(match["parent"] or "", {})
        files = samples.setdefault(match["sample"], SampleFiles())
        is_image = PurePosixPath(name).suffix.lower() in IMAGE_SUFFIXES
        if match["kind"] == "masks":
            files.masks = files.masks or []
            if match["file"]:
                (files.masks if is_image else files.other_masks).append(name)
        elif is_image:
            files.images.append(name)
    return data_sets


def is_dsb2018(path: str | os.PathLike[str]) -> bool:
    """Say whether a folder or zip holds at least one DSB2018 sample.

    Parameters
    ----------
    path : path
        Anything; what cannot be read is no data set.

    Returns
    -------
    bool
        True if some sub-folder has the one image a sample has.
    """
    path = Path(os.path.abspath(path))
    try:
        if os.path.isdir(path):
            names = FolderFiles(path).names()
        elif path.suffix.lower() == ".zip":
            names = ZipFiles(path).names()
        else:
            return False
        data_sets = group_by_sample(names)
    except DatasetError:
        return False
    return any(
        len(files.images) == 1 and not files.images[0].endswith(UNLISTED)
        for data_set in data_sets.values()
        for files in data_set.values()
    )


def is_made_from_images_beside(path: str | os.PathLike[str]) -> bool:
    """Say whether the samples in a folder are results of images in the same folder.

    Parameters
    ----------
    path : path
        Anything; what cannot be read is none.

    Returns
    -------
    bool
        True if each sample, one or two levels down, is called like an image file in
        the folder itself.
    """
    path = Path(os.path.abspath(path))
    try:
        stems = {file.stem for file in find_images(path)}
        data_sets = group_by_sample(FolderFiles(path).names()) if stems else {}
    except (DatasetError, ImageError):
        return False
    samples = {sample for data_set in data_sets.values() for sample in data_set}
    return bool(samples) and samples <= stems


def is_sample_folder(path: str | os.PathLike[str]) -> bool:
    """Say whether a folder is one DSB2018 sample.

    Parameters
    ----------
    path : path
        Anything; what cannot be read is no sample.

    Returns
    -------
    bool
        True if ``images`` holds a single image, and there is a ``masks`` folder or
        the image is named after the sample.  A single mask that is named after an
        image which is not named after the folder makes one image with its labels.
    """
    path = Path(os.path.abspath(path))
    try:
        images = find_images(path / "images")
    except ImageError:
        return False
    try:
        masks = [file.stem for file in find_images(path / "masks")]
    except ImageError:
        masks = []
    if len(images) != 1 or is_pair(images[0].stem, masks, path.name):
        return False
    return os.path.isdir(path / "masks") or images[0].stem == path.name


def is_pair(image: str, masks: Sequence[str], folder: str) -> bool:
    """Say whether one image has one file of labels, and is no DSB2018 sample.

    Parameters
    ----------
    image : str
        Name of the only image without suffix.
    masks : sequence of str
        Names of the files of masks without suffix.
    folder : str
        Name of the folder that would be the sample.

    Returns
    -------
    bool
        True if the only mask is named after the image, the image not after the
        folder.
    """
    names = (image, *(image + ending for ending in MASK_ENDINGS))
    return image != folder and len(masks) == 1 and masks[0] in names
