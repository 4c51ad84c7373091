"""The files of a data set in a zip, by name, read without unpacking.

The directory of the zip is read once: with ``zipfile.Path``, which searches all of it
for each folder, a zip of 30,000 files takes minutes instead of a second.  The names
that make a data set are told in the modules called ``…_layout``.
"""

from __future__ import annotations

import copy
import os
import posixpath
import re
import threading
import zipfile
from functools import cached_property
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from napari_unet_nuclei.core.datasets.folder_files import unreadable
from napari_unet_nuclei.core.errors import DatasetError
from napari_unet_nuclei.core.files.images import IMAGE_SUFFIXES
from napari_unet_nuclei.core.files.outline_reading import OUTLINE_SUFFIXES
from napari_unet_nuclei.core.files.regular_files import check_regular
from napari_unet_nuclei.core.files.untrusted import DECODING_ERRORS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LARGEST_IN_ZIP = 2**28
"""Bytes of a file that is unpacked; a zip can hold a thousand times its size."""

_DRIVE = re.compile(r"^[A-Za-z]:")
_OUTSIDE = re.compile(r"^[/\\]|^[A-Za-z]:|(^|[/\\])\.\.($|[/\\])")


class ZipFiles:
    """The files of a data set in a zip, which stays open; threads may share it.

    Nothing is ever unpacked to disk.  Names that point out of the zip (absolute, or
    with ``..``) lose what points there, so that what they stand for can be told.
    Of two files of one name the later counts, as for every program that unpacks.

    Parameters
    ----------
    path : Path
        The zip file.
    largest : int
        Largest file that is unpacked, in bytes.

    Raises
    ------
    DatasetError
        If the file is no zip, or cut off.
    """

    def __init__(self, path: Path, *, largest: int = LARGEST_IN_ZIP) -> None:
        self.path = path
        self._largest = largest
        self._root = ""  # what all names begin with; those handed out do not
        self._lock = threading.Lock()
        try:
            check_regular(path)
            self._zip = zipfile.ZipFile(path)
        except DECODING_ERRORS as error:
            raise DatasetError(
                f"Expected a DSB2018 folder or zip. Received: {path} ({error}). "
                "Check that the file is a complete zip."
            ) from error
        self._infos = {_clean(info.filename): info for info in self._zip.infolist()}

    def names(self) -> Iterator[str]:
        """Yield the names of files, and of folders with a slash at the end."""
        start = len(self._root)
        return (name[start:] for name in self._infos if name.startswith(self._root))

    def check_names(self) -> None:
        """Refuse a zip that was made to write elsewhere when unpacked.

        Raises
        ------
        DatasetError
            If a name points out of the zip.
        """
        for info in self._zip.infolist():
            if _OUTSIDE.search(info.filename):
                raise DatasetError(
                    "Expected a zip whose names stay inside of it. Received: "
                    f"{self.path} with {info.filename}. Pack the folder of the samples "
                    "again."
                )

    def without_outer_folders(self) -> ZipFiles:
        """Return the same files, by names without the folders around all of them."""
        inner = copy.copy(self)
        folders = {name.rpartition("/")[0] for name in self._visible}
        root = posixpath.commonpath(list(folders) or [""])
        inner._root = self._root + (f"{root}/" if root else "")
        inner._visible = [name[len(root) + bool(root) :] for name in self._visible]
        return inner

    @property
    def has_folder_on_top(self) -> bool:
        """Whether `without_outer_folders` left out one, which may be a sample."""
        return bool(self._root)

    def files(self) -> list[str]:
        """Return all files that are not hidden, in whatever folder, sorted."""
        return self._visible

    def folders(self) -> list[str]:
        """Return the names of the sub-folders."""
        return sorted({name.partition("/")[0] for name in self._visible if "/" in name})

    def images(self, folder: str = "") -> list[str]:
        """Return the image files of a sub-folder, or of the folder itself, sorted."""
        return self._files_in(folder, IMAGE_SUFFIXES)

    def outlines(self, folder: str = "") -> list[str]:
        """Return the files of a sub-folder that may hold outlines, sorted."""
        return self._files_in(folder, OUTLINE_SUFFIXES)

    def _files_in(self, folder: str, suffixes: frozenset[str]) -> list[str]:
        return [
            name
            for name in self._visible
            if name.rpartition("/")[0] == folder
            and PurePosixPath(name).suffix.lower() in suffixes
        ]

    def open(self, name: str) -> tuple[bytes, str]:
        """Return the content of a file, and its name after that of the zip.

        Raises
        ------
        DatasetError
            If the file is damaged, encrypted or very large.
        """
        return self.read(name), f"{self.path}/{self._root}{name}"

    @cached_property
    def _visible(self) -> list[str]:
        """Names of files that are not hidden, sorted."""
        names = (name for name in self._infos if not name.endswith("/"))
        return sorted(name for name in names if not is_hidden(name))

    def read_beginning(self, name: str, n_bytes: int) -> bytes:
        """Return the first bytes of a file; one zero where it cannot be read."""
        try:
            with self._lock, self._zip.open(self._infos[self._root + name]) as file:
                return file.read(n_bytes)
        except DECODING_ERRORS:  # reading all of it says why
            return b"\0"

    def read(self, name: str) -> bytes:
        """Return the content of a file."""
        name = self._root + name
        try:
            info = self._infos[name]
        except KeyError as error:
            raise unreadable(self.path, name, error) from error
        if info.flag_bits & 0x1:
            raise DatasetError(
                f"Expected a zip without a password. Received: {self.path}, where "
                f"{name} is encrypted. Unpack it with the password and open the folder."
            )
        if info.file_size > self._largest:
            raise DatasetError(
                f"Expected files of at most {self._largest:,} bytes in a zip. "
                f"Received: {self.path}, where {name} has {info.file_size:,}. If you "
                "trust it, unpack it and open the folder."
            )
        try:
            with self._lock, self._zip.open(info) as file:
                # No more than it claims: a stream can unpack to far more.
                content = file.read(info.file_size)
        except DECODING_ERRORS as error:
            raise unreadable(self.path, name, error) from error
        if len(content) != info.file_size:
            raise unreadable(self.path, name, EOFError("it is cut off"))
        return content


def open_zip(path: Path) -> ZipFiles:
    """Open a zip of images, by names without the folders around all of them.

    Parameters
    ----------
    path : Path
        The zip.

    Returns
    -------
    ZipFiles
        Its files.

    Raises
    ------
    DatasetError
        If the file is no zip, or has names that point out of it.
    """
    files = ZipFiles(path)
    files.check_names()
    return files.without_outer_folders()


def is_broken_zip(path: str | os.PathLike[str]) -> bool:
    """Say whether a file called ``.zip`` begins like one and does not end like one.

    Parameters
    ----------
    path : path
        Anything; what cannot be read is no zip.

    Returns
    -------
    bool
        True for what a download that broke off leaves behind.
    """
    if not os.fspath(path).lower().endswith(".zip"):
        return False
    try:
        check_regular(path)
        with open(path, "rb") as file:
            return file.read(4) == b"PK\3\4" and not zipfile.is_zipfile(file)
    except OSError:
        return False


def is_hidden(name: str) -> bool:
    """Say whether a file is hidden, or the shadow that macOS packs beside each file.

    Parameters
    ----------
    name : str
        Name with forward slashes.

    Returns
    -------
    bool
        True if so.
    """
    return any(part.startswith((".", "__MACOSX")) for part in name.split("/"))


def _clean(name: str) -> str:
    """Make a name relative to the zip; a slash at its end says it is a folder."""
    path = name.replace("\\", "/")
    parts = _DRIVE.sub("", path).split("/")
    inside = "/".join(part for part in parts if part not in ("", ".", ".."))
    return f"{inside}/" if path.endswith("/") else inside
