"""Temporary names that identify their process, and clearing what killed ones left.

A process that is killed cannot remove its temporary files.  Their names hold the
process, so that a later one knows whether they are still in use.  What is written
under these names is up to ``atomic_files``.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import re
import shutil
import time
import uuid
from contextlib import suppress
from functools import cache
from pathlib import Path

import psutil

BUILDING, NEW, OLD, GONE, NAMES = "building", "new", "old", "gone", "names.json"

_NAME = re.compile(
    r"\.napari-unet-nuclei-(?P<machine>[0-9a-f]{8})-(?P<pid>[0-9]{1,10})"
    r"-(?P<start>[0-9]{1,12})-[0-9a-f]{12}(\.[^.]*)?"
)
_LONGEST_SUFFIX = 20  # bytes; a file name may have 255
_CLOCK_ERROR = 2  # s by which the start of one process is told differently
_LONG_AGO = 86_400  # s without a change, after which other machines have given up

_cleared: set[tuple[int, str]] = set()


def temporary_name(suffix: str = "") -> str:
    """Make a name that no reader lists and that the next run knows.

    Parameters
    ----------
    suffix : str
        What it ends with, such as ``".png"``; a very long one is left out.

    Returns
    -------
    str
        A hidden file name with the machine, the process and its start.
    """
    pid = os.getpid()
    ending = suffix if len(os.fsencode(suffix)) <= _LONGEST_SUFFIX else ""
    return (
        f".napari-unet-nuclei-{_machine()}-{pid}-{_start_of(pid)}"
        f"-{uuid.uuid4().hex[:12]}{ending}"
    )


def is_abandoned(path: Path) -> bool:
    """Say whether a path is a temporary one of ours that nobody uses any more.

    Parameters
    ----------
    path : Path
        Anything in a folder.

    Returns
    -------
    bool
        True where its process has ended or, on another machine that shares the
        folder, where it has not changed for a day.
    """
    match = _NAME.fullmatch(path.name)
    if match is None:
        return False
    if match["machine"] != _machine():
        try:
            return time.time() - os.lstat(path).st_mtime > _LONG_AGO
        except OSError:
            return False
    start = _start_of(int(match["pid"]))
    return start is None or abs(start - int(match["start"])) > _CLOCK_ERROR


def clear_leftovers(folder: Path) -> None:
    """Remove what killed processes left in a folder, and finish what they began.

    Parameters
    ----------
    folder : Path
        Its temporary files of ours are removed; those in use, and all else, stay.
    """
    with suppress(OSError), os.scandir(folder) as entries:
        paths = [Path(entry.path) for entry in entries if _NAME.fullmatch(entry.name)]
        for path in filter(is_abandoned, paths):
            if path.is_symlink() or not path.is_dir():
                with suppress(OSError):
                    path.unlink()
            else:
                with suppress(OSError):
                    settle(path)


def clear_leftovers_once(folder: Path) -> None:
    """Clear a folder as :func:`clear_leftovers` does, the first time in a process.

    Parameters
    ----------
    folder : Path
        Folder that will be written to.
    """
    key = (os.getpid(), os.path.abspath(folder))
    if key not in _cleared:
        _cleared.add(key)
        clear_leftovers(folder)


def settle(holder: Path) -> None:
    """Finish or undo the exchange that a temporary folder was made for; remove it.

    Where something new has taken its place already, the rest follows; otherwise
    what is old comes back.  What has been put in the way since then stays.

    Parameters
    ----------
    holder : Path
        The temporary folder, laid out as in ``atomic_files.replacing_together``.

    Raises
    ------
    OSError
        If something cannot be moved: then the folder stays.
    """
    folder, new, old = holder.parent, holder / NEW, holder / OLD
    if new.exists():
        names = json.loads((holder / NAMES).read_text(encoding="utf-8"))
        has_begun = any(not os.path.lexists(new / name) for name in names)
        source = new if has_begun else old
        for name in reversed(names):
            target = folder / name
            if os.path.lexists(source / name) and not os.path.lexists(target):
                target.parent.mkdir(parents=True, exist_ok=True)
                os.rename(source / name, target)
    if old.exists():  # from now on nothing in it comes back, as it gets less and less
        os.rename(old, holder / GONE)
    shutil.rmtree(holder, ignore_errors=True)


@cache
def _machine() -> str:
    """Name the set of processes that process numbers belong to."""
    space = ""
    with suppress(OSError, AttributeError):
        space = os.readlink("/proc/self/ns/pid")  # containers count for themselves
    return hashlib.sha256(f"{platform.node()} {space}".encode()).hexdigest()[:8]


def _start_of(pid: int) -> int | None:
    """Return when a process began, in seconds; None where there is no such one."""
    try:
        process = psutil.Process(pid)
        if process.status() == psutil.STATUS_ZOMBIE:
            return None
        return int(process.create_time())
    except (psutil.Error, OSError, OverflowError, ValueError):
        return None
