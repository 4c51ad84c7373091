"""Image files of a folder or a zip, by sub-folder, read where they lie.

Which of them belong together is found in ``labelled_folder``; DSB2018 data sets have
``members`` of their own.
"""

from __future__ import annotations

import os
import posixpath
from pathlib import Path, PurePosixPath
from typing import Protocol

from napari_unet_nuclei.core.datasets.stored_files import ZipMembers, is_hidden
from napari_unet_nuclei.core.errors import ImageError
from napari_unet_nuclei.core.files.images import IMAGE_SUFFIXES, find_images


class Listing(Protocol):
    """Files with names such as ``labels/a.tif``, relative to a folder."""

    path: Path

    def folders(self) -> list[str]:
        """Return the names of the sub-folders."""
        ...

    def images(self, folder: str = "") -> list[str]:
        """Return the image files of a sub-folder, or of the folder itself, sorted."""
        ...

    def open(self, name: str) -> tuple[Path | bytes, str]:
        """Return a file, or its content, and what messages call it."""
        ...


class FolderListing:
    """The image files of a folder and of its sub-folders.

    Parameters
    ----------
    path : Path
        The folder.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def folders(self) -> list[str]:
        """Return the names of the sub-folders; none where nobody may list them."""
        try:
            return sorted(
                each.name
                for each in self.path.iterdir()
                if os.path.isdir(each) and not each.name.startswith(".")
            )
        except OSError:
            return []

    def images(self, folder: str = "") -> list[str]:
        """Return the image files of a sub-folder, or of the folder itself.

        Parameters
        ----------
        folder : str
            Name of a sub-folder.

        Returns
        -------
        list of str
            Sorted names, with the sub-folder.

        Raises
        ------
        ImageError
            If the folder cannot be listed.
        """
        files = find_images(self.path / folder)
        return [str(PurePosixPath(folder) / file.name) for file in files]

    def open(self, name: str) -> tuple[Path | bytes, str]:
        """Return the path of a file, twice."""
        return self.path / name, str(self.path / name)


class ZipListing:
    """The image files of a zip, without the folders around all of them.

    Parameters
    ----------
    path : Path
        The zip.

    Raises
    ------
    DatasetError
        If the file is no zip, or has names that point out of it.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._members = ZipMembers(path)
        self._members.check_names()
        self._names = sorted(
            name
            for name in self._members.names()
            if not is_hidden(name) and not name.endswith("/")
        )
        folders = [posixpath.dirname(name) for name in self._names]
        self._root = PurePosixPath(posixpath.commonpath(folders or [""])).parts

    @property
    def has_folder_on_top(self) -> bool:
        """Whether one folder holds all files, and may be a sample."""
        return bool(self._root)

    def folders(self) -> list[str]:
        """Return the names of the sub-folders."""
        parts = [self._parts(name) for name in self._names]
        return sorted({each[0] for each in parts if len(each) > 1})

    def images(self, folder: str = "") -> list[str]:
        """Return the image files of a sub-folder, or of the folder itself.

        Parameters
        ----------
        folder : str
            Name of a sub-folder.

        Returns
        -------
        list of str
            Sorted names, with the sub-folder.
        """
        return [name for name in self._below(folder) if _is_image(name)]

    def files(self) -> list[str]:
        """Return all files, in whatever folder, sorted."""
        return ["/".join(self._parts(name)) for name in self._names]

    def read_beginning(self, name: str, n_bytes: int) -> bytes:
        """Return the first bytes of a file; one zero where it cannot be read.

        Parameters
        ----------
        name : str
            One of the names that `files` returns.
        n_bytes : int
            How many at most.

        Returns
        -------
        bytes
            The beginning of what is packed.
        """
        return self._members.read_beginning("/".join((*self._root, name)), n_bytes)

    def open(self, name: str) -> tuple[Path | bytes, str]:
        """Return the content of a file, and its name after that of the zip.

        Parameters
        ----------
        name : str
            One of the names that `images` returns.

        Returns
        -------
        content : bytes
            What is packed.
        display_name : str
            What messages call it.

        Raises
        ------
        DatasetError
            If the file is damaged, encrypted or very large.
        """
        member = "/".join((*self._root, name))
        return self._members.read(member), f"{self.path}/{member}"

    def _parts(self, name: str) -> tuple[str, ...]:
        return PurePosixPath(name).parts[len(self._root) :]

    def _below(self, folder: str) -> list[str]:
        inside = PurePosixPath(folder).parts
        parts = (self._parts(name) for name in self._names)
        return ["/".join(each) for each in parts if each[:-1] == inside]


def open_listing(path: str | os.PathLike[str]) -> FolderListing | ZipListing | None:
    """List the image files of a folder or zip.

    Parameters
    ----------
    path : path
        Anything.

    Returns
    -------
    FolderListing, ZipListing or None
        None for what is neither a folder nor a file called ``.zip``.

    Raises
    ------
    DatasetError
        If the zip is damaged, or has names that point out of it.
    """
    path = Path(os.path.abspath(path))
    if os.path.isdir(path):
        return FolderListing(path)
    if path.suffix.lower() == ".zip" and os.path.isfile(path):
        return ZipListing(path)
    return None


def images_or_none(listing: Listing, folder: str = "") -> list[str]:
    """Return image files, none where a folder is missing or cannot be listed.

    Parameters
    ----------
    listing : Listing
        A folder or zip.
    folder : str
        Name of a sub-folder.

    Returns
    -------
    list of str
        As from `Listing.images`.
    """
    try:
        return listing.images(folder)
    except ImageError:
        return []


def _is_image(name: str) -> bool:
    return PurePosixPath(name).suffix.lower() in IMAGE_SUFFIXES
