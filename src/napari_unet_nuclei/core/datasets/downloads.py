"""Data sets that can be downloaded, and how to get them completely.

Nothing is downloaded unless a user asks for it by name, and what arrives is used
only if its checksum is right.  Which there are is in ``online_sets``, how they arrive
in ``transfer``, how a part of one is unpacked in ``unpacking``, and what is in a data
set in ``opening``.
"""

from __future__ import annotations

import hashlib
import os
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from platformdirs import user_cache_path

from napari_unet_nuclei.core.datasets.online_sets import DATA_SETS
from napari_unet_nuclei.core.datasets.transfer import (
    DownloadError,
    OnlineDataSet,
    Received,
)
from napari_unet_nuclei.core.datasets.unpacking import is_unpacked, unpack
from napari_unet_nuclei.core.errors import OutputError
from napari_unet_nuclei.core.files.regular_files import check_regular
from napari_unet_nuclei.core.writing.atomic_files import replacing
from napari_unet_nuclei.core.writing.leftovers import clear_leftovers
from napari_unet_nuclei.core.writing.outputs import refuse_existing

if TYPE_CHECKING:
    from collections.abc import Callable

    Progress = Callable[[int, int | None], object]

__all__ = ["DATA_SETS", "cache_folder", "fetch"]


def cache_folder() -> Path:
    """Return the folder downloads are kept in, which may not exist yet."""
    return user_cache_path("napari-unet-nuclei", appauthor=False) / "downloads"


def fetch(
    name: str,
    folder: str | os.PathLike[str] | None = None,
    *,
    progress: Progress | None = None,
    timeout: float = 30.0,
    overwrite: bool = False,
) -> Path:
    """Return where a data set is on this computer, downloading it if need be.

    A download that ends early leaves nothing that looks like the data set.  Several
    processes may fetch the same one at once.

    Parameters
    ----------
    name : str
        One of ``DATA_SETS``.
    folder : path, optional
        Where to keep it; the default is `cache_folder`.
    progress : callable, optional
        Called with the bytes received and the size, ``None`` where that is unknown:
        before the first byte, and five times a second while nothing arrives.  It
        raises a `DownloadCancelledError` to end the download.
    timeout : float
        The download fails after so many seconds without a byte, or twice as many
        with less than 1 kB/s; connecting takes 10 s at most.
    overwrite : bool
        Whether another file called like the zip is replaced; in the cache it always is.

    Returns
    -------
    Path
        A zip or folder for `napari_unet_nuclei.core.datasets.opening.open_samples`.

    Raises
    ------
    DownloadError
        If there is no such data set, or it cannot be downloaded completely.
    DownloadCancelledError
        If ``progress`` raises it.
    OutputError
        If it cannot be written, or something else is in its place.
    """
    data_set = _find(name)
    target = (cache_folder() if folder is None else Path(folder)).absolute() / name
    archive = target.with_name(f"{name}.zip")
    if _is_in_place(target, data_set):
        return target
    if folder is not None and not overwrite:
        _refuse_other_file(archive, data_set)
    clear_leftovers(target.parent)
    received = Received(data_set, timeout)
    try:
        _download(archive, data_set, received, progress or _ignore)
        if not data_set.is_unpacked:
            return archive
        unpack(archive, data_set, target)
    except OSError as error:
        raise _unwritable(target, error) from error
    return target


def _unwritable(target: Path, error: OSError) -> OutputError:
    return OutputError(
        f"Expected a place to write to. Received: {target} ({error.strerror or error})."
        " Choose a folder you may write to, on a disk that has room."
    )


def _find(name: str) -> OnlineDataSet:
    if name not in DATA_SETS:
        raise DownloadError(
            f"Expected a data set that can be downloaded: {', '.join(DATA_SETS)}. "
            f"Received: {name}. Choose one of these."
        )
    return DATA_SETS[name]


def _is_in_place(target: Path, data_set: OnlineDataSet) -> bool:
    """Whether a data set is unpacked already; refuse a folder that holds another."""
    # Asked before what it holds: another process may be about to put it there.
    is_there = data_set.is_unpacked and target.exists()
    if is_unpacked(target, data_set):
        return True
    if is_there:
        raise OutputError(
            f"Expected a place for {target.name}. Received: {target}, which holds "
            "something else. Remove it, or choose another folder."
        )
    return False


def _refuse_other_file(archive: Path, data_set: OnlineDataSet) -> None:
    """Refuse to replace a file of the user's by a zip."""
    try:
        is_other = os.path.lexists(archive) and not _is_right(archive, data_set)
    except OSError:
        is_other = True
    if is_other:
        refuse_existing(
            [archive],
            "It is not what would be downloaded: use --overwrite to replace {what}, or "
            "choose another folder.",
        )


def _download(
    path: Path, data_set: OnlineDataSet, received: Received, progress: Progress
) -> None:
    """Put the zip at a path, unless it is there already."""
    if _is_right(path, data_set):
        return
    with replacing(path) as temporary, temporary.open("xb") as file:
        for piece in received.pieces():
            file.write(piece)
            progress(received.n_bytes, received.size)
        if received.digest.hexdigest() != data_set.digest:
            raise received.not_the_right_one()


def _is_right(path: Path, data_set: OnlineDataSet) -> bool:
    try:
        check_regular(path)
        with path.open("rb") as file:
            new = partial(hashlib.new, data_set.algorithm, usedforsecurity=False)
            return hashlib.file_digest(file, new).hexdigest() == data_set.digest
    except OSError:
        return False


def _ignore(n_bytes: int, size: int | None) -> None:
    """Tell nobody."""
