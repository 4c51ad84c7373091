"""One process at a time: a lock that ends with the process, however it ends.

The system holds it, so what a killed process leaves behind is an empty hidden file
that refuses nobody.
"""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager, suppress
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from napari_unet_nuclei.core.errors import OutputError

if TYPE_CHECKING:
    from collections.abc import Iterator

_LONGEST_STEM = 200  # bytes; a file name may have 255
_NO_LINKS = getattr(os, "O_NOFOLLOW", 0)


@contextmanager
def hold_lock(path: str | os.PathLike[str], doing: str) -> Iterator[None]:
    """Keep other processes from doing the same with a file.

    Parameters
    ----------
    path : path
        The file; the lock is a hidden file beside it, whose folder is created if
        missing.
    doing : str
        What only one may do, for the error, such as "train".

    Raises
    ------
    OutputError
        If another process, or another thread, holds the lock, or there is no
        place for it.
    """
    target = Path(path)
    lock = target.with_name(_lock_name(target.stem))
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        file = _open_locked(lock)
    except OSError as error:
        raise OutputError(
            f"Expected a place to write to. Received: {target} "
            f"({error.strerror or error}). Choose a folder you may write to, on a disk "
            "that has room."
        ) from error
    if file is None:
        raise OutputError(
            f"Expected to be the only one to {doing} {target}. Received: another "
            "process that does so now. Wait until it has ended, or choose another "
            "name."
        )
    try:
        yield
    finally:
        is_ours = os.fstat(file).st_size == 0  # nothing is ever written to it
        # First the name, then the lock: who comes between makes a new file.
        if is_ours and sys.platform != "win32":
            lock.unlink(missing_ok=True)
        os.close(file)
        if is_ours and sys.platform == "win32":
            with suppress(OSError):
                lock.unlink()


def _lock_name(stem: str) -> str:
    """Return a hidden name, unlike the temporary ones of `leftovers`."""
    if len(os.fsencode(stem)) > _LONGEST_STEM:
        stem = sha256(os.fsencode(stem)).hexdigest()
    return f".napari-unet-nuclei-lock-{stem}"


def _open_locked(lock: Path) -> int | None:
    """Open and lock a file; None where another process has."""
    while True:
        file = os.open(lock, os.O_RDWR | os.O_CREAT | _NO_LINKS, 0o666)
        if not _try_to_lock(file):
            os.close(file)
            return None
        # The process before may have removed the name of what is locked here.
        if _is_at(lock, file):
            return file
        os.close(file)


def _is_at(lock: Path, file: int) -> bool:
    try:
        return os.path.samestat(os.stat(lock), os.fstat(file))
    except FileNotFoundError:
        return False


if sys.platform == "win32":
    import msvcrt

    def _try_to_lock(file: int) -> bool:
        try:
            msvcrt.locking(file, msvcrt.LK_NBLCK, 1)
        except PermissionError:
            return False
        return True

else:
    import fcntl

    def _try_to_lock(file: int) -> bool:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError:  # no locks on this disk, and no harm in going on
            return True
        return True
