"""The wanted files of a downloaded zip, unpacked all or not at all."""

from __future__ import annotations

import fnmatch
import shutil
import zipfile
from contextlib import suppress
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from napari_unet_nuclei.core.datasets.sources import write_source
from napari_unet_nuclei.core.files.regular_files import check_regular
from napari_unet_nuclei.core.writing.leftovers import temporary_name

if TYPE_CHECKING:
    from pathlib import Path

    from napari_unet_nuclei.core.datasets.transfer import OnlineDataSet

_ORIGIN = "ORIGIN.txt"  # says what a folder was unpacked from


def unpack(archive: Path, data_set: OnlineDataSet, target: Path) -> None:
    """Put the wanted files of a zip at a path, all or none; remove the zip.

    Parameters
    ----------
    archive : Path
        The zip, whose checksum is right.
    data_set : OnlineDataSet
        What it is, and which of its files are wanted.
    target : Path
        The folder to make.

    Raises
    ------
    OSError
        If it cannot be written, and no other process has done so.
    """
    temporary = target.with_name(temporary_name())
    try:
        with zipfile.ZipFile(archive) as zipped:
            if data_set.part is None:
                folder = _extract_by_pattern(zipped, data_set, temporary)
            else:
                folder = _extract_part(zipped, data_set.part, temporary)
        if data_set.source:
            write_source(folder, {**data_set.source, "url": data_set.url})
        (folder / _ORIGIN).write_text(_origin(data_set), encoding="utf-8")
        folder.replace(target)
    except OSError:
        # Another process may have been faster, and have removed the zip.
        if not is_unpacked(target, data_set):
            raise
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    with suppress(OSError):
        archive.unlink()


def _extract_part(zipped: zipfile.ZipFile, part: str, folder: Path) -> Path:
    """Extract one folder of a zip; return where it is."""
    names = [name for name in zipped.namelist() if name.startswith(f"{part}/")]
    zipped.extractall(folder, names)
    return folder / part


def _extract_by_pattern(
    zipped: zipfile.ZipFile, data_set: OnlineDataSet, folder: Path
) -> Path:
    """Sort files of a zip into a folder of images and one of labels."""
    for kind, pattern in (("images", data_set.images), ("labels", data_set.labels)):
        (folder / kind).mkdir(parents=True)
        for name in fnmatch.filter(zipped.namelist(), str(pattern)):
            path = PurePosixPath(name)
            # What macOS adds to a zip has the names of the files it is about.
            if "__MACOSX" in path.parts or path.name.startswith("."):
                continue
            with (
                zipped.open(name) as source,
                (folder / kind / path.name).open("xb") as file,
            ):
                shutil.copyfileobj(source, file)
    return folder


def _origin(data_set: OnlineDataSet) -> str:
    part = data_set.part or f"{data_set.images} and {data_set.labels}"
    return f"{part} of {data_set.url}\n{data_set.algorithm} {data_set.digest}\n"


def is_unpacked(target: Path, data_set: OnlineDataSet) -> bool:
    """Say whether a folder holds what `unpack` puts there.

    Parameters
    ----------
    target : Path
        Any path.
    data_set : OnlineDataSet
        A zip, and which of its files are wanted.

    Returns
    -------
    bool
        False also where the zip stays as it is.
    """
    if not data_set.is_unpacked:
        return False
    try:
        check_regular(target / _ORIGIN)
        return (target / _ORIGIN).read_text(encoding="utf-8") == _origin(data_set)
    except (OSError, UnicodeDecodeError):
        return False
