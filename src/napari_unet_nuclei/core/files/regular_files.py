"""Files that a user names: a regular one, or a reason why it is not read.

A pipe keeps a reader waiting for ever, a device may never end.  Which sentence
holds the reason is up to each reader.
"""

from __future__ import annotations

import errno
import os
import stat

_KINDS = {
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


def check_regular(path: str | os.PathLike[str], largest: int | None = None) -> None:
    """Refuse what cannot be read like a file, before it is opened.

    Parameters
    ----------
    path : path
        What is about to be opened; links are followed.
    largest : int, optional
        Most bytes that are read into memory.

    Raises
    ------
    OSError
        If there is nothing at the path, or it is a pipe, a socket, a device or a
        folder, or larger than that.

    Examples
    --------
    >>> check_regular(os.devnull)
    Traceback (most recent call last):
        ...
    OSError: it is a device, not a file
    """
    status = os.stat(path)
    if stat.S_ISDIR(status.st_mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    if not stat.S_ISREG(status.st_mode):
        kind = _KINDS.get(stat.S_IFMT(status.st_mode), "something else")
        raise OSError(f"it is {kind}, not a file")
    if largest is not None and status.st_size > largest:
        raise OSError(
            f"it has {status.st_size:,} bytes, more than the {largest:,} that are read"
        )
