"""The files of a DSB2018 folder or zip by name, read without unpacking.

What the names mean is the business of ``dsb2018``.
"""

from __future__ import annotations

import os
import re
import threading
import zipfile
from typing import TYPE_CHECKING, Protocol

from napari_unet_nuclei.core.errors import DatasetError
from napari_unet_nuclei.core.files.regular_files import check_regular
from napari_unet_nuclei.core.files.untrusted import DECODING_ERRORS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_LARGEST_MEMBER = 2**28  # bytes; a zip can unpack to a thousand times its size
_LARGEST_FILE = 2**31  # bytes, of a file in a folder, which is read at once
UNLISTED = "\0.png"  # stands for the files of a folder that cannot be listed
_DRIVE = re.compile(r"^[A-Za-z]:")
_OUTSIDE = re.compile(r"^[/\\]|^[A-Za-z]:|(^|[/\\])\.\.($|[/\\])")


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
        self._unlisted: dict[str, OSError] = {}

    def names(self) -> Iterator[str]:
        """Yield the names of files, and of folders with a slash at the end."""
        if self._sample_id is not None:
            yield from self._names_in_sample(self._sample_id)
            return
        for parent in self._folders_in(""):
            yield from self._names_in_sample(parent)
            for sample in self._folders_in(parent):
                if f"{parent}/{sample}/{UNLISTED}" not in self._unlisted:
                    yield from self._names_in_sample(f"{parent}/{sample}")

    def read(self, name: str) -> bytes:
        """Return the content of a file."""
        try:
            if name in self._unlisted:
                raise self._unlisted[name]
            path = self.path / name
            check_regular(path, _LARGEST_FILE)
            return path.read_bytes()
        except OSError as error:
            raise _unreadable(self.path, name.removesuffix(UNLISTED), error) from error

    def _folders_in(self, name: str) -> list[str]:
        try:
            with os.scandir(self.path / name) as entries:
                return [entry.name for entry in entries if _is_folder(entry)]
        except OSError as error:
            if name:  # spoils itself, not the data set
                return []
            raise _unreadable(self.path, name, error) from error

    def _names_in_sample(self, sample: str) -> Iterator[str]:
        for folder in (f"{sample}/images", f"{sample}/masks"):
            try:
                with os.scandir(self.path / folder) as entries:
                    files = [entry.name for entry in entries if _is_file(entry)]
            except (FileNotFoundError, NotADirectoryError):
                continue
            except OSError as error:  # spoils its sample, not the data set
                files = [UNLISTED]
                self._unlisted[f"{folder}/{UNLISTED}"] = error
            yield f"{folder}/"
            for file in files:
                yield f"{folder}/{file}"


class ZipMembers:
    """The files in a zip, which stays open; safe to read from several threads.

    Nothing is ever unpacked to disk.  Names that point out of the zip (absolute, or
    with ``..``) lose what points there, so that what they stand for can be told.
    Of two files of one name the later counts, as for every program that unpacks.

    Parameters
    ----------
    path : Path
        The zip file.

    Raises
    ------
    DatasetError
        If the file is no zip, or cut off.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
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
        yield from self._infos

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

    def read_beginning(self, name: str, n_bytes: int) -> bytes:
        """Return the first bytes of a file; one zero where it cannot be read."""
        try:
            with self._lock, self._zip.open(self._infos[name]) as file:
                return file.read(n_bytes)
        except DECODING_ERRORS:  # reading all of it says why
            return b"\0"

    def read(self, name: str) -> bytes:
        """Return the content of a file."""
        try:
            info = self._infos[name]
        except KeyError as error:
            raise _unreadable(self.path, name, error) from error
        if info.flag_bits & 0x1:
            raise DatasetError(
                f"Expected a zip without a password. Received: {self.path}, where "
                f"{name} is encrypted. Unpack it with the password and open the folder."
            )
        if info.file_size > _LARGEST_MEMBER:
            raise DatasetError(
                f"Expected files of at most {_LARGEST_MEMBER:,} bytes in a zip. "
                f"Received: {self.path}, where {name} has {info.file_size:,}. If you "
                "trust it, unpack it and open the folder."
            )
        try:
            with self._lock, self._zip.open(info) as file:
                # No more than it claims: a stream can unpack to far more.
                content = file.read(info.file_size)
        except DECODING_ERRORS as error:
            raise _unreadable(self.path, name, error) from error
        if len(content) != info.file_size:
            raise _unreadable(self.path, name, EOFError("it is cut off"))
        return content


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


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link that leads round in a circle
        return False


def _is_file(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_file()  # not a pipe, which would keep a reader waiting
    except OSError:
        return False


def _clean(name: str) -> str:
    """Make a name relative to the zip; a slash at its end says it is a folder."""
    path = name.replace("\\", "/")
    parts = _DRIVE.sub("", path).split("/")
    inside = "/".join(part for part in parts if part not in ("", ".", ".."))
    return f"{inside}/" if path.endswith("/") else inside


def _unreadable(path: Path, name: str, error: Exception) -> DatasetError:
    return DatasetError(
        f"Expected readable files in {path}. Received: "
        f"{name or 'a folder'} ({type(error).__name__}: {error}). Check that the "
        "data set is complete."
    )
