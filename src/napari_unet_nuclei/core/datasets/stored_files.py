"""The files of a data set by name, read where they are: in a folder, or in a zip.

What the names mean is in the modules called ``…_layout``.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from napari_unet_nuclei.core.datasets.folder_files import FolderFiles
from napari_unet_nuclei.core.datasets.zip_files import ZipFiles, open_zip
from napari_unet_nuclei.core.errors import ImageError

if TYPE_CHECKING:
    from collections.abc import Iterator


class StoredFiles(Protocol):
    """Files with names such as ``labels/a.tif``, relative to a folder or zip."""

    @property
    def path(self) -> Path:
        """The folder or zip."""

    def names(self) -> Iterator[str]:
        """Yield all names in which DSB2018 samples are found.

        Names of folders end with a slash.  An error of reading one says which.
        """

    def folders(self) -> list[str]:
        """Return the names of the sub-folders; none where nobody may list them."""

    def images(self, folder: str = "") -> list[str]:
        """Return the image files of a sub-folder, or of the folder itself, sorted.

        Raises
        ------
        ImageError
            If the folder cannot be listed.
        """

    def outlines(self, folder: str = "") -> list[str]:
        """Return the files of a sub-folder that may hold outlines, as `images`."""

    def read(self, name: str) -> bytes:
        """Return the content of a file.

        Raises
        ------
        DatasetError
            If it cannot be read.
        """

    def open(self, name: str) -> tuple[Path | bytes, str]:
        """Return a file, or its content, and what messages call it.

        Raises
        ------
        DatasetError
            If it is packed and cannot be read.
        """


def open_files(path: str | os.PathLike[str]) -> FolderFiles | ZipFiles | None:
    """List the files of a folder or zip.

    Parameters
    ----------
    path : path
        Anything.

    Returns
    -------
    FolderFiles, ZipFiles or None
        None for what is neither a folder nor a file called ``.zip``.

    Raises
    ------
    DatasetError
        If the zip is damaged, or has names that point out of it.
    """
    path = Path(os.path.abspath(path))
    if os.path.isdir(path):
        return FolderFiles(path)
    if path.suffix.lower() == ".zip" and os.path.isfile(path):
        return open_zip(path)
    return None


def images_or_none(files: StoredFiles, folder: str = "") -> list[str]:
    """Return image files, none where a folder is missing or cannot be listed.

    Parameters
    ----------
    files : StoredFiles
        A folder or zip.
    folder : str
        Name of a sub-folder.

    Returns
    -------
    list of str
        As from `StoredFiles.images`.
    """
    try:
        return files.images(folder)
    except ImageError:
        return []
