"""One rule for all output: what exists is replaced only on request.

What a run reads is not replaced at all.  Which files a command writes and reads is
for its own module to say; how a file is written, ``atomic_files`` knows.
"""

from __future__ import annotations

import os
import unicodedata
from collections import defaultdict
from typing import TYPE_CHECKING

from napari_unet_nuclei.core.errors import OutputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

FileId = tuple[int, int]

_REMEDY = "Use --overwrite to replace {what}, or choose another name."


def check_outputs(
    outputs: Iterable[Path],
    inputs: Iterable[Path] = (),
    *,
    overwrite: bool = False,
    remedy: str = _REMEDY,
) -> None:
    """Refuse to replace files.

    Parameters
    ----------
    outputs : iterable of Path
        All files that are going to be written.
    inputs : iterable of Path
        Files that are read; looked through only where an output exists.
    overwrite : bool
        Whether other files may be replaced.
    remedy : str
        What to do about files that exist; ``{what}`` stands for "it" or "them".

    Raises
    ------
    OutputError
        If an output is one of the inputs, through links of any kind too, if one
        exists that may not be replaced, or where no file can be.
    """
    outputs = list(outputs)
    for path in outputs:
        if os.path.isdir(path):
            raise OutputError(
                f"Expected the name of a file to write. Received: {path}, which is a "
                "folder. Choose another name."
            )
        check_folder(path.parent)
    existing = find_existing(outputs)
    if not existing:
        return
    refuse_inputs(existing, inputs)
    if not overwrite:
        refuse_existing(existing, remedy)


def check_folder(folder: Path) -> None:
    """Refuse a path to write to that neither is a folder nor can become one.

    Parameters
    ----------
    folder : Path
        It need not exist.

    Raises
    ------
    OutputError
        If it, or one above it, is something else.
    """
    there = folder
    while not os.path.lexists(there) and there != there.parent:
        there = there.parent
    if not os.path.isdir(there):
        what = "which" if there == folder else f"but {there}"
        raise OutputError(
            f"Expected a place to write to. Received: {folder}, {what} is no folder. "
            "Choose another one."
        )


def refuse_existing(existing: list[Path], remedy: str = _REMEDY) -> None:
    """Say that files exist, and what to do about it.

    Parameters
    ----------
    existing : list of Path
        What `find_existing` returns; nothing is wrong with an empty list.
    remedy : str
        As in `check_outputs`.

    Raises
    ------
    OutputError
        If there are any.
    """
    if not existing:
        return
    many = len(existing) > 1
    received = (
        f"{len(existing):,} that exist, the first is {existing[0]}"
        if many
        else f"{existing[0]}, which exists"
    )
    raise OutputError(
        f"Expected to write new files only. Received: {received}. "
        f"{remedy.format(what='them' if many else 'it')}"
    )


def refuse_inputs(existing: Iterable[Path], inputs: Iterable[Path]) -> None:
    """Say that an output is one of the files that are read.

    Parameters
    ----------
    existing : iterable of Path
        Outputs that exist.
    inputs : iterable of Path
        Files that are read.

    Raises
    ------
    OutputError
        If one of the outputs is one of these, whatever the two are called.
    """
    protected = {file_id(path) for path in inputs}
    for path in existing:
        found = file_id(path)
        if found is not None and found in protected:
            raise OutputError(
                "Expected to write to other files than are read. Received: "
                f"{path}, which is part of the input. Choose another name or folder "
                "for the result."
            )


def find_existing(paths: Iterable[Path]) -> list[Path]:
    """Return which of many paths exist, listing each folder only once.

    Parameters
    ----------
    paths : iterable of Path
        Files or folders.

    Returns
    -------
    list of Path
        In their order; links that lead nowhere count too.
    """
    paths = list(paths)
    in_folder = defaultdict(list)
    for path in paths:
        in_folder[path.parent].append(path)
    listed = {
        folder: _list_names(folder) if len(found) > 1 else None
        for folder, found in in_folder.items()
    }

    def exists(path: Path) -> bool:
        names = listed[path.parent]
        # Where cases are all one, only the file system knows which name is meant.
        return (names is None or fold(path.name) in names) and os.path.lexists(path)

    return [path for path in paths if exists(path)]


def check_distinct(outputs: Iterable[tuple[Path, str]]) -> None:
    """Refuse two results of one run that would have one path.

    Parameters
    ----------
    outputs : iterable of (Path, str)
        Each path, and the name of the image whose result it is.

    Raises
    ------
    OutputError
        If two images have one, also where the disk does not tell upper from lower
        case.
    """
    images: dict[tuple[Path, str], list[tuple[Path, str]]] = defaultdict(list)
    for path, name in outputs:
        images[path.parent, fold(path.name)].append((path, name))
    for (folder, _), found in images.items():
        names = {path.name for path, _ in found}
        if len(found) > len(names) or (len(found) > 1 and ignores_case(folder)):
            (path, one), (_, other) = _first_pair(found)
            raise OutputError(
                "Expected images whose results have different names. Received: "
                f"{one!r} and {other!r}, which would both be written to {path}. "
                "Rename one, write fewer formats at once, or write to two folders."
            )


def _first_pair(found: list[tuple[Path, str]]) -> list[tuple[Path, str]]:
    """Return two with the same path, or else the first two."""
    by_path: Mapping[str, list[tuple[Path, str]]] = defaultdict(list)
    for each in found:
        by_path[each[0].name].append(each)
    return next((same[:2] for same in by_path.values() if len(same) > 1), found[:2])


def fold(name: str) -> str:
    """Return the same text for file names that some disks take for one."""
    return unicodedata.normalize("NFC", name).casefold()


def file_id(path: str | os.PathLike[str]) -> FileId | None:
    """Return what identifies a real file, however many names it has.

    Parameters
    ----------
    path : path
        Links are followed.

    Returns
    -------
    (int, int) or None
        None where there is nothing.
    """
    try:
        found = os.stat(path)
    except (OSError, ValueError):
        return None
    return found.st_dev, found.st_ino


def _list_names(folder: Path) -> set[str] | None:
    """Return the folded names in a folder; None where they cannot be listed."""
    try:
        with os.scandir(folder) as entries:
            return {fold(entry.name) for entry in entries}
    except (FileNotFoundError, NotADirectoryError):
        return set()
    except OSError:
        return None


def ignores_case(folder: Path) -> bool:
    """Tell from the name of a folder whether its disk ignores case.

    Parameters
    ----------
    folder : Path
        A folder, which may not exist yet.

    Returns
    -------
    bool
        False also where no folder above it has a name with letters.
    """
    folder = folder.absolute()
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    swapped = folder.with_name(folder.name.swapcase()) if folder.name else folder
    return swapped != folder and file_id(swapped) == file_id(folder)
