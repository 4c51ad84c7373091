"""What files and folders of masks are called beside their images, in one place.

Only names count here; what lies in the files is read in ``label_reading``, and which
files of a folder or zip go together is found in ``image_label_layout``.
"""

from __future__ import annotations

import re
from pathlib import PurePath
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

MASK_ENDINGS = (
    *("_cp_masks", "_masks", "_mask", "_labels", "_label", "_seg", "_gt"),
    *("-masks", "-mask", "-labels", "-label"),
)
"""``a_masks.tif`` beside ``a.tif`` is the masks of it: Cellpose, ImageJ, QuPath."""

IMAGE_ENDINGS = ("_img", "_image")
"""``a_img.tif`` may go with ``a_masks.tif``, as Cellpose has it."""

OUTLINE_ENDINGS = ("_rois", "-rois", "_roiset", "-roiset", "_nuclei")
"""``a_rois.zip`` and ``a_nuclei.geojson`` are outlines in ``a.tif``."""

_NUMBERED = re.compile(r"_s\d+(\.ome)?$", re.IGNORECASE)

FOLDER_PAIRS = (
    ("images", "labels"),
    ("image", "label"),
    ("images", "masks"),
    ("image", "mask"),
    ("imgs", "masks"),
    ("imgs", "labels"),
    ("img", "mask"),
    ("img", "masks"),
    ("img", "label"),
    ("img", "labels"),
    ("images", "gt"),
    ("image", "gt"),
    ("img", "gt"),
    ("images", "groundtruth"),
    ("rawimages", "groundtruth"),
    ("tissue images", "label masks modify"),
    ("tissue images", "label masks"),
)
"""Sub-folders of images and of their labels; where several fit, the first counts."""


def stem_of(name: str) -> str:
    """Return a file name without folder and suffix.

    Parameters
    ----------
    name : str
        File name, with folders or without.

    Returns
    -------
    str
        What samples are called.
    """
    return PurePath(name).stem


def outlined_stem(outlines: str) -> str:
    """Return what the image of a file of outlines is called.

    Parameters
    ----------
    outlines : str
        Name of a file, with folders or without.

    Returns
    -------
    str
        Its name without suffix and without any of `OUTLINE_ENDINGS`.

    Examples
    --------
    >>> outlined_stem("a_rois.zip"), outlined_stem("b.roi")
    ('a', 'b')
    """
    stem = stem_of(outlines)
    for ending in OUTLINE_ENDINGS:
        if stem.lower().endswith(ending) and len(stem) > len(ending):
            return stem[: -len(ending)]
    return stem


def image_stems(mask: str) -> tuple[str, ...]:
    """Return what the image of a mask may be called.

    Parameters
    ----------
    mask : str
        Name of a file without suffix.

    Returns
    -------
    tuple of str
        Names without suffix, the likeliest first; empty for a name without any of
        `MASK_ENDINGS`.
    """
    lower = mask.lower()
    for ending in MASK_ENDINGS:
        stem = mask[: -len(ending)]
        if lower.endswith(ending) and stem:
            return (stem, *(stem + image for image in IMAGE_ENDINGS))
    return ()


def images_of_masks(stems: Collection[str]) -> dict[str, str]:
    """Find which files of one folder are the masks of others in it.

    Parameters
    ----------
    stems : collection of str
        Names of all image files of a folder without suffix.

    Returns
    -------
    dict of str to str
        The image of each mask, both without suffix.  ``a_masks`` is one only
        where ``a`` or ``a_img`` lies beside it.
    """
    known = set(stems)
    found = {}
    for stem in stems:
        likely = image_stems(stem)
        # Of several images in one file, a_s0 and so on are the results.
        whole = (_NUMBERED.sub(r"\1", each) for each in likely)
        image = next((each for each in (*likely, *whole) if each in known), None)
        if image is not None:
            found[stem] = image
    return found


def without_masks(files: Iterable[str]) -> list[str]:
    """Leave out of the files of one folder those that are masks of others in it.

    Parameters
    ----------
    files : iterable of str
        Names of image files, with their suffixes.

    Returns
    -------
    list of str
        The images among them, in the same order.

    Examples
    --------
    >>> without_masks(["a.tif", "a_masks.tif", "b_masks.tif"])
    ['a.tif', 'b_masks.tif']
    """
    files = list(files)
    masks = images_of_masks({stem_of(file) for file in files})
    return [file for file in files if stem_of(file) not in masks]


def is_label_folder(folder: str) -> bool:
    """Say whether a folder is called like one of labels or masks.

    Parameters
    ----------
    folder : str
        Name of the folder; capitals count as small letters.

    Returns
    -------
    bool
        True if so.
    """
    return folder.lower() in {labels for _, labels in FOLDER_PAIRS}


def folder_pair(folders: Iterable[str]) -> tuple[str, str] | None:
    """Find a folder of images and the one of their labels among sub-folders.

    Parameters
    ----------
    folders : iterable of str
        Names of sub-folders; capitals count as small letters.

    Returns
    -------
    (str, str) or None
        Their names as they are spelled; None where there is no such pair.
    """
    spelled = {folder.lower(): folder for folder in sorted(folders, reverse=True)}
    for images, labels in FOLDER_PAIRS:
        if images in spelled and labels in spelled:
            return spelled[images], spelled[labels]
    return None
