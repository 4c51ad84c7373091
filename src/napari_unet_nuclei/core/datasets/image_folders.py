"""Which files of a folder are images, by their content.

They are read in ``files.images``; folders of samples with labels are told in
``opening``.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import partial
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from napari_unet_nuclei.core.errors import ImageError
from napari_unet_nuclei.core.files.images import (
    FOREIGN_SUFFIXES,
    IMAGE_SUFFIXES,
    find_images,
)
from napari_unet_nuclei.core.files.pictures import PICTURE_SIGNATURES
from napari_unet_nuclei.core.files.tiff import TIFF_SIGNATURES

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from napari_unet_nuclei.core.datasets.zip_files import ZipFiles

_BEGINNING = 1024  # bytes, enough to tell text from numbers
_CONTROL_CHARACTERS = bytes({*range(32), 127} - set(b"\t\n\r\f\x1b"))
_TEXT_MARKS = (b"\xff\xfe", b"\xfe\xff")  # of UTF-16
# Images whose headers are text.
_TEXT_HEADERS = (b"SIMPLE  =", b"NRRD", b"P4", b"P5", b"P6")
# What programs leave beside images, which is none; models of ours among them.
_OTHER_FILES = frozenset({"thumbs.db", "desktop.ini", "ehthumbs.db", "icon\r"})
_OTHER_SUFFIXES = frozenset({".unetnuclei", ".lnk"})
FOLDERS_OF_IMAGES = frozenset({".zarr", ".n5"})
"""How names of folders end that are images, which nothing here reads."""


@dataclass(frozen=True)
class FolderContents:
    """What of a folder can be segmented.

    Parameters
    ----------
    images : tuple of Path
        Files that begin like an image, or are called like one.
    others : tuple of Path
        Files, and folders called like images, that are neither images nor text.
    sub_folders : tuple of Path
        Folders in it that hold images, and are not entered.
    """

    images: tuple[Path, ...]
    others: tuple[Path, ...]
    sub_folders: tuple[Path, ...]


def list_folder(folder: Path) -> FolderContents:
    """Sort out the files of a folder, without its sub-folders.

    Hidden files, text, and what is neither a file nor a folder are left out.

    Parameters
    ----------
    folder : Path
        The folder.

    Returns
    -------
    FolderContents
        Each part sorted by name.

    Raises
    ------
    ImageError
        If the folder is missing or cannot be listed.
    """
    find_images(folder, frozenset())  # says why, where nobody may look into it
    images: list[Path] = []
    others: list[Path] = []
    sub_folders: list[Path] = []
    for path in sorted(folder.iterdir()):
        if path.name.startswith("."):
            continue
        if os.path.isdir(path):
            if path.suffix.lower() in FOLDERS_OF_IMAGES:
                others.append(path)
            elif _holds_images(path):
                sub_folders.append(path)
        elif os.path.isfile(path):
            match _sort_out(path.name, partial(_read_beginning, path)):
                case True:
                    images.append(path)
                case False:
                    others.append(path)
    return FolderContents(tuple(images), tuple(others), tuple(sub_folders))


def list_zip(zipped: ZipFiles) -> tuple[list[str], list[str]]:
    """Sort out the files of a zip, in whatever folders they lie.

    Parameters
    ----------
    zipped : ZipFiles
        The zip.

    Returns
    -------
    images, others : list of str
        Names of files that begin like an image, or are called like one, and of those
        that are neither images nor text.
    """
    images, others = [], []
    for name in zipped.files():
        match _sort_out(name, partial(zipped.read_beginning, name, _BEGINNING)):
            case True:
                images.append(name)
            case False:
                others.append(name)
    return images, others


def _sort_out(name: str, read_beginning: Callable[[], bytes]) -> bool | None:
    """Whether a file is an image, from no more than is needed; None if it is text."""
    path = PurePosixPath(name)
    suffix = path.suffix.lower()
    if path.name.lower() in _OTHER_FILES or suffix in _OTHER_SUFFIXES:
        return None
    if suffix in IMAGE_SUFFIXES:
        return True
    beginning = read_beginning()
    if _is_image(beginning):
        return True
    is_passed_over = suffix not in FOREIGN_SUFFIXES and _is_text(beginning)
    return None if is_passed_over else False


def _holds_images(folder: Path) -> bool:
    try:
        return bool(find_images(folder))
    except ImageError:
        return False


def _is_image(beginning: bytes) -> bool:
    if beginning.startswith(b"BM"):  # so may a text
        return beginning[6:10] == b"\0\0\0\0"
    return beginning.startswith(TIFF_SIGNATURES + PICTURE_SIGNATURES)


def _is_text(beginning: bytes) -> bool:
    """Say whether a file is text; one that is empty is too."""
    if beginning.startswith(_TEXT_HEADERS):
        return False
    is_marked = beginning.startswith(_TEXT_MARKS)
    return is_marked or not set(beginning) & set(_CONTROL_CHARACTERS)


def _read_beginning(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(_BEGINNING)
    except OSError:  # reading it says why
        return b"\0"
