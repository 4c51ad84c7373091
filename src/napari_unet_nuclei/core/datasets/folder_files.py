"""The files of a data set in a folder, by name.

The names that make a data set are in the modules called ``…_layout``.
"""

from __future__ import annotations

import os
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from napari_unet_nuclei.core.errors import DatasetError
from napari_unet_nuclei.core.files.images import IMAGE_SUFFIXES, find_images
from napari_unet_nuclei.core.files.outline_reading import OUTLINE_SUFFIXES
from napari_unet_nuclei.core.files.regular_files import check_regular

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_LARGEST_FILE = 2**31  # bytes, which are read at once
UNLISTED = "\0.png"  # stands for the files of a folder that cannot be listed


class FolderFiles:
    """The files of a data set in a folder.

    Parameters
    ----------
    path : Path
        The folder the names are relative to.
    sample_id : str, optional
        The one sub-folder that `names` enters; ``None`` enters all.
    """

    def __init__(self, path: Path, sample_id: str | None = None) -> None:
        self.path = path
        self._sample_id = sample_id
        self._unlisted: dict[str, OSError] = {}

    def names(self) -> Iterator[str]:
        """Yield what is in ``images`` and ``masks`` one or two levels down."""
        if self._sample_id is not None:
            yield from self._names_in_sample(self._sample_id)
            return
        for parent in self._folders_in(""):
            yield from self._names_in_sample(parent)
            for sample in self._folders_in(parent):
                if f"{parent}/{sample}/{UNLISTED}" not in self._unlisted:
                    yield from self._names_in_sample(f"{parent}/{sample}")

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
        """Return the image files of a sub-folder, or of the folder itself, sorted."""
        return self._files(folder, IMAGE_SUFFIXES)

    def outlines(self, folder: str = "") -> list[str]:
        """Return the files of a sub-folder that may hold outlines, sorted."""
        return self._files(folder, OUTLINE_SUFFIXES)

    def _files(self, folder: str, suffixes: frozenset[str]) -> list[str]:
        files = find_images(self.path / folder, suffixes)
        return [str(PurePosixPath(folder) / file.name) for file in files]

    def open(self, name: str) -> tuple[Path, str]:
        """Return the path of a file, twice."""
        return self.path / name, str(self.path / name)

    def read(self, name: str) -> bytes:
        """Return the content of a file."""
        try:
            if name in self._unlisted:
                raise self._unlisted[name]
            path = self.path / name
            check_regular(path, _LARGEST_FILE)
            return path.read_bytes()
        except OSError as error:
            raise unreadable(self.path, name.removesuffix(UNLISTED), error) from error

    def _folders_in(self, name: str) -> list[str]:
        try:
            with os.scandir(self.path / name) as entries:
                return [entry.name for entry in entries if _is_folder(entry)]
        except OSError as error:
            if name:  # spoils itself, not the data set
                return []
            raise unreadable(self.path, name, error) from error

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


def unreadable(path: Path, name: str, error: Exception) -> DatasetError:
    """Say that a file, or a folder, of a data set cannot be read.

    Parameters
    ----------
    path : Path
        Where the data set is.
    name : str
        Name of the file in it; empty for the folder itself.
    error : Exception
        The reason.

    Returns
    -------
    DatasetError
        To be raised.
    """
    return DatasetError(
        f"Expected readable files in {path}. Received: "
        f"{name or 'a folder'} ({type(error).__name__}: {error}). Check that the "
        "data set is complete."
    )
