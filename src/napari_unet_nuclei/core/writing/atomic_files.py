"""Files and folders that appear complete or not at all.

Every writer in this package goes through ``replacing`` or ``replacing_together``;
how the content looks is known to the writers.  A process may be killed at any
moment; that the power fails is left to the file system.
"""

from __future__ import annotations

import json
import os
import stat
import tempfile
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from napari_unet_nuclei.core.errors import OutputError
from napari_unet_nuclei.core.writing.leftovers import (
    BUILDING,
    NAMES,
    NEW,
    OLD,
    clear_leftovers,
    clear_leftovers_once,
    settle,
    temporary_name,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


@contextmanager
def replacing(
    path: str | os.PathLike[str], *, may_replace: bool = True
) -> Iterator[Path]:
    """Give a temporary path to write to, which becomes the file at the end.

    When the block raises, a file that was there before stays as it was.  Temporary
    files that killed processes left in the folder are removed.

    Parameters
    ----------
    path : path
        The file to write or replace; its folder is created if missing.
    may_replace : bool
        Whether a file that is there at the end is replaced.

    Yields
    ------
    Path
        A path in the same folder with the same suffix.

    Raises
    ------
    OutputError
        If the file cannot be written, is there at the end and may not be replaced,
        or is a pipe or a device, which a file must not take the place of.
    """
    target = Path(path)
    if _is_device(target):
        raise OutputError(
            f"Expected the name of a file to write. Received: {target}, which is a "
            "pipe or a device. Choose another name."
        )
    temporary = target.with_name(temporary_name(target.suffix))
    with _naming(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        clear_leftovers_once(target.parent)
        try:
            yield temporary
            if may_replace:
                os.replace(temporary, target)
            else:
                _move_without_replacing(temporary, target)
        finally:
            temporary.unlink(missing_ok=True)


def _move_without_replacing(temporary: Path, target: Path) -> None:
    """Give a file its name, unless something else has that name by now."""
    try:
        os.link(temporary, target)  # unlike a check first, this leaves no gap
    except FileExistsError:
        refuse_appeared(target)
    except OSError:  # there are no hard links on this disk
        if os.path.lexists(target):
            refuse_appeared(target)
        os.replace(temporary, target)


def refuse_appeared(target: Path) -> NoReturn:
    """Report that another process has written a result meanwhile.

    Parameters
    ----------
    target : Path
        What is there.

    Raises
    ------
    OutputError
        Always.
    """
    raise OutputError(
        f"Expected to write a new file. Received: {target}, which appeared during "
        "the run. Move it away and run again, or use --overwrite to replace it."
    ) from None


@contextmanager
def replacing_together(
    folder: str | os.PathLike[str], names: Sequence[str]
) -> Iterator[Path]:
    """Give a temporary folder to fill; its content takes its place at the end.

    When the block raises, all stays as it was.  When the process is killed in the
    middle of the exchange, the first of the names is missing, so that half of the
    new is never taken for the whole; the next process that writes to the folder
    finishes the exchange, or undoes it.

    Parameters
    ----------
    folder : path
        Where the files and folders belong; created if missing.
    names : sequence of str
        Names of files and folders, relative to ``folder``, that belong together.
        The first is removed first and put in its place last.

    Yields
    ------
    Path
        A folder in which the caller makes all of them, under the same names; the
        folders above them are there.

    Raises
    ------
    OutputError
        If something cannot be written.
    """
    # Beside the real files: nothing can be moved from one disk to another at once.
    place = Path(os.path.realpath(folder))
    holder = place / temporary_name()
    with _naming(Path(folder) / names[0]):
        place.mkdir(parents=True, exist_ok=True)
        clear_leftovers_once(place)
        try:
            for name in names:
                (holder / BUILDING / name).parent.mkdir(parents=True, exist_ok=True)
            yield holder / BUILDING
            for name in names:
                os.lstat(holder / BUILDING / name)  # all of them have been made
            (holder / NAMES).write_text(json.dumps([*names]), encoding="utf-8")
            os.rename(holder / BUILDING, holder / NEW)
            _exchange(holder, names)
        finally:
            with suppress(OSError):  # the next process tries again
                settle(holder)


def _exchange(holder: Path, names: Sequence[str]) -> None:
    """Move the old away, and the new to where it was."""
    for name in names:
        target, old = holder.parent / name, holder / OLD / name
        if os.path.lexists(target):
            old.parent.mkdir(parents=True, exist_ok=True)
            os.rename(target, old)
    for name in reversed(names):
        target = holder.parent / name
        target.parent.mkdir(parents=True, exist_ok=True)
        os.rename(holder / NEW / name, target)


def remove_file(path: Path) -> None:
    """Remove a file, where there is one.

    Parameters
    ----------
    path : Path
        The file.

    Raises
    ------
    OutputError
        If it cannot be removed.
    """
    with _naming(path):
        path.unlink(missing_ok=True)


@contextmanager
def scratch_folder() -> Iterator[Path]:
    """Give a folder for temporary files, which is gone at the end.

    Those of processes that were killed are removed as well.

    Yields
    ------
    Path
        An empty folder that only its owner may read.

    Raises
    ------
    OutputError
        If it cannot be made.
    """
    place = Path(tempfile.gettempdir())
    clear_leftovers(place)
    folder = place / temporary_name()
    with _naming(folder):
        folder.mkdir(mode=0o700)
    try:
        yield folder
    finally:
        with suppress(OSError):
            settle(folder)


@contextmanager
def _naming(target: Path) -> Iterator[None]:
    """Say in one sentence what could not be written."""
    try:
        yield
    except OutputError:
        raise
    except OSError as error:
        raise OutputError(
            f"Expected a place to write to. Received: {target} "
            f"({error.strerror or error}). Choose a folder you may write "
            "to, on a disk that has room."
        ) from error


def _is_device(path: Path) -> bool:
    """Whether this exists and is neither a file nor a folder."""
    try:
        return os.path.lexists(path) and (
            os.path.realpath(path.parent) == "/dev"
            or not (stat.S_ISREG(mode := path.stat().st_mode) or stat.S_ISDIR(mode))
        )
    except OSError:  # a link to nothing
        return False
