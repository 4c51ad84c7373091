"""One folder of a downloaded zip, unpacked whole or not at all."""

from __future__ import annotations

import shutil
import zipfile
from contextlib import suppress
from typing import TYPE_CHECKING

from napari_unet_nuclei.core.files.regular_files import check_regular
from napari_unet_nuclei.core.writing.leftovers import temporary_name

if TYPE_CHECKING:
    from pathlib import Path

    from napari_unet_nuclei.core.datasets.transfer import OnlineDataSet

_ORIGIN = "ORIGIN.txt"  # says what a folder was unpacked from


def unpack(archive: Path, data_set: OnlineDataSet, target: Path) -> None:
    """Put one folder of a zip at a path, whole or not at all; remove the zip.

    Parameters
    ----------
    archive : Path
        The zip, whose sha256 is right.
    data_set : OnlineDataSet
        What it is, and which of its folders is wanted.
    target : Path
        The folder to make.

    Raises
    ------
    OSError
        If it cannot be written, and no other process has done so.
    """
    temporary = target.with_name(temporary_name())
    part = temporary / str(data_set.part)
    try:
        with zipfile.ZipFile(archive) as zipped:
            inside = f"{data_set.part}/"
            names = [name for name in zipped.namelist() if name.startswith(inside)]
            zipped.extractall(temporary, names)
        (part / _ORIGIN).write_text(_origin(data_set), encoding="utf-8")
        part.replace(target)
    except OSError:
        # Another process may have been faster, and have removed the zip.
        if not is_unpacked(target, data_set):
            raise
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    with suppress(OSError):
        archive.unlink()


def _origin(data_set: OnlineDataSet) -> str:
    return f"{data_set.part} of {data_set.url}\nsha256 {data_set.sha256}\n"


def is_unpacked(target: Path, data_set: OnlineDataSet) -> bool:
    """Say whether a folder holds what `unpack` puts there.

    Parameters
    ----------
    target : Path
        Any path.
    data_set : OnlineDataSet
        A zip, and which of its folders is wanted.

    Returns
    -------
    bool
        False also where no folder of the zip is.
    """
    if data_set.part is None:
        return False
    try:
        check_regular(target / _ORIGIN)
        return (target / _ORIGIN).read_text(encoding="utf-8") == _origin(data_set)
    except (OSError, UnicodeDecodeError):
        return False
