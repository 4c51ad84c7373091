"""Which files the inputs of a command consist of, so that no output replaces one.

They are read in ``batch.inputs``, ``opening`` and ``label_collections``.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from napari_unet_nuclei.core.datasets.folder_files import FolderFiles
from napari_unet_nuclei.core.datasets.opening import PathContents
from napari_unet_nuclei.core.errors import DatasetError, ImageError, OutputError
from napari_unet_nuclei.core.files.images import find_images
from napari_unet_nuclei.core.writing.outputs import check_folder, file_id

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


def input_files(paths: Iterable[Path]) -> Iterator[Path]:
    """List the files that inputs consist of.

    Parameters
    ----------
    paths : iterable of Path
        Files, folders and data sets; what does not exist has no files.

    Yields
    ------
    Path
        Images, labels and masks.  Of an image in a data set, these are all of
        that data set or sample.
    """
    for path in paths:
        folders = _folders_of(path) or _surrounding_folders(path)
        for folder in folders:
            yield from _files_in(folder)
        if not os.path.isdir(path):
            yield path
        elif not folders:
            with suppress(ImageError):  # reading it will say why
                yield from find_images(path)


def is_plain_folder(path: Path) -> bool:
    """Say whether a folder is neither a data set nor a part of one."""
    return os.path.isdir(path) and not (_folders_of(path) or _surrounding_folders(path))


def check_output_folder(folder: Path, inputs: Iterable[Path]) -> None:
    """Refuse to write into the folders that make a data set.

    One file more among its images or masks, and the data set is another one.

    Parameters
    ----------
    folder : Path
        Folder to write to.
    inputs : iterable of Path
        What the command was given to read.

    Raises
    ------
    OutputError
        If the folder can be none, or is that of the images, labels or masks of a
        data set among the inputs, or that of the images of which an input is one.
    """
    check_folder(folder)
    target = file_id(folder)
    if target is None:
        return
    for path in inputs:
        parts = _folders_of(path)
        if not parts and _surrounding_folders(path):
            parts = [path if os.path.isdir(path) else path.parent]
        if any(file_id(part) == target for part in parts):
            raise OutputError(
                "Expected a folder for results that is no part of a data set. "
                f"Received: {folder}, which belongs to the input {path}. Choose "
                "another folder."
            )


def _folders_of(path: Path) -> list[Path]:
    """Return the folders of images, labels and masks of a data set; else nothing."""
    contents = PathContents(os.path.abspath(path))  # the name counts, "." hides it
    if not contents.is_folder:
        return []
    if contents.folders:
        return [path / folder for folder in contents.folders]
    path = contents.path
    if contents.is_sample:
        return [path / "images", path / "masks"]
    if not contents.holds_samples:
        return []
    try:
        names = list(FolderFiles(path).names())
    except DatasetError:
        return []
    return [path / name for name in names if name.endswith("/")]


def _surrounding_folders(path: Path) -> list[Path]:
    """Return those of the data set or sample that a file or folder is part of."""
    folder = Path(os.path.abspath(path if os.path.isdir(path) else path.parent))
    root = folder.parent
    own = file_id(folder)
    if own is None:
        return []
    contents = PathContents(root)
    names = contents.folders if contents.is_folder else ()
    folders = [root / name for name in names]
    if not folders and contents.is_sample:
        folders = [root / "images", root / "masks"]
    return folders if any(file_id(each) == own for each in folders) else []


def _files_in(folder: Path) -> Iterator[Path]:
    try:
        with os.scandir(folder) as entries:
            yield from (Path(entry.path) for entry in entries)
    except OSError:  # reading it will say why
        return
