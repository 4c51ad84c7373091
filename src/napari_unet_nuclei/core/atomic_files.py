"""Files that appear complete or not at all.

Every writer in this package goes through ``replacing``; what is written is the
business of the writers.
"""

from __future__ import annotations

import os
import stat
import uuid
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from napari_unet_nuclei.core.errors import OutputError

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def replacing(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Give a temporary path to write to, which becomes the file at the end.

    When the block raises, a file that was there before stays as it was.

    Parameters
    ----------
    path : path
        The file to write or replace; its folder is created if missing.

    Yields
    ------
    Path
        A path in the same folder with the same suffix.

    Raises
    ------
    OutputError
        If the file cannot be written, or is a pipe or a device, which a file must
        not take the place of.
    """
    target = Path(path)
    if _is_device(target):
        raise OutputError(
            f"Expected the name of a file to write. Received: {target}, which is a "
            "pipe or a device. Choose another name."
        )
    # Short, as the name of the file itself may use up what a file system allows.
    temporary = target.with_name(f".{uuid.uuid4().hex}{target.suffix}")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            yield temporary
            os.replace(temporary, target)
        finally:
            temporary.unlink(missing_ok=True)
    except OutputError:
        raise
    except OSError as error:
        raise OutputError(
            f"Expected a place to write to. Received: {target} "
            f"({error.strerror or error}). Choose a folder you may write "
            "to, on a disk that has room."
        ) from error


def _is_device(path: Path) -> bool:
    """Whether there is something here that is neither a file nor a folder."""
    try:
        return os.path.lexists(path) and (
            os.path.realpath(path.parent) == "/dev"
            or not (stat.S_ISREG(mode := path.stat().st_mode) or stat.S_ISDIR(mode))
        )
    except OSError:  # a link to nothing
        return False
