"""The files of a DSB2018 folder or zip by name, read without unpacking.

What the names mean is the business of ``dsb2018``.
"""

from __future__ import annotations

import os
import threading
import zipfile
import zlib
from typing import TYPE_CHECKING, Protocol

from napari_unet_nuclei.core.errors import DatasetError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_LARGEST_MEMBER = 2**30  # bytes; a zip can announce far more than it weighs
_ZIP_ERRORS = (zipfile.BadZipFile, zlib.error, OSError, EOFError, RuntimeError)


class Members(Protocol):
    """Files with names such as ``stage1_train/<id>/masks/<mask>.png``."""

    @property
    def path(self) -> Path:
        """The folder or zip the names are relative to."""

    def names(self) -> Iterator[str]:
        """Yield the names of files, and of folders with a slash at the end."""

    def read(self, name: str) -> bytes:
        """Return the content of a file."""


class FolderMembers:
    """The files in the ``images`` and ``masks`` folders one or two levels down.

    Parameters
    ----------
    path : Path
        The folder the names are relative to.
    sample_id : str, optional
        The one sub-folder to look at; ``None`` looks at all.
    """

    def __init__(self, path: Path, sample_id: str | None = None) -> None:
        self.path = path
        self._sample_id = sample_id

    def names(self) -> Iterator[str]:
        """Yield the names of files, and of folders with a slash at the end."""
        if self._sample_id is not None:
            yield from self._names_in_sample(self._sample_id)
            return
        for parent in self._folders_in(""):
            yield from self._names_in_sample(parent)
            for sample in self._folders_in(parent):
                yield from self._names_in_sample(f"{parent}/{sample}")

    def read(self, name: str) -> bytes:
        """Return the content of a file."""
        try:
            return (self.path / name).read_bytes()
        except OSError as error:
            raise _unreadable(self.path, name, error) from error

    def _folders_in(self, name: str) -> list[str]:
        return self._list(name, folders=True)

    def _names_in_sample(self, sample: str) -> Iterator[str]:
        for folder in (f"{sample}/images", f"{sample}/masks"):
            if (self.path / folder).is_dir():
                yield f"{folder}/"
                for file in self._list(folder, folders=False):
                    yield f"{folder}/{file}"

    def _list(self, name: str, *, folders: bool) -> list[str]:
        try:
            with os.scandir(self.path / name) as entries:
                return [entry.name for entry in entries if entry.is_dir() == folders]
        except OSError as error:
            raise _unreadable(self.path, name, error) from error


class ZipMembers:
    """The files in a zip, which stays open; safe to read from several threads.

    Names that point outside the zip (absolute, or with ``..``) are left out.

    Parameters
    ----------
    path : Path
        The zip file.

    Raises
    ------
    DatasetError
        If the file is no zip.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        try:
            self._zip = zipfile.ZipFile(path)
        except _ZIP_ERRORS as error:
            raise DatasetError(
                f"Expected a DSB2018 folder or zip. Received: {path} ({error}). "
                "Check that the file is a complete zip."
            ) from error

    def names(self) -> Iterator[str]:
        """Yield the names of files, and of folders with a slash at the end."""
        for name in self._zip.namelist():
            if not name.startswith("/") and ".." not in name.split("/"):
                yield name

    def read(self, name: str) -> bytes:
        """Return the content of a file."""
        info = self._zip.getinfo(name)
        if info.flag_bits & 0x1:
            raise DatasetError(
                f"Expected a zip without a password. Received: {self.path}, where "
                f"{name} is encrypted. Unpack it with the password and open the folder."
            )
        if info.file_size > _LARGEST_MEMBER:
            raise DatasetError(
                f"Expected files of at most {_LARGEST_MEMBER:,} bytes. Received: "
                f"{self.path}, where {name} has {info.file_size:,}. Check that the "
                "zip is a DSB2018 data set."
            )
        try:
            with self._lock:
                return self._zip.read(info)
        except _ZIP_ERRORS as error:
            raise _unreadable(self.path, name, error) from error


def _unreadable(path: Path, name: str, error: Exception) -> DatasetError:
    return DatasetError(
        f"Expected readable files in {path}. Received: "
        f"{name or 'a folder'} ({type(error).__name__}: {error}). Check that the "
        "data set is complete."
    )
