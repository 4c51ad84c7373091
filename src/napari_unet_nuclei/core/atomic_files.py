"""Files that appear complete or not at all.

Every writer in this package goes through ``replacing``; what is written is the
business of the writers.
"""

from __future__ import annotations

import os
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
        If the file cannot be written.
    """
    target = Path(path)
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
