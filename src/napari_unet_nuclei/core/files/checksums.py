"""Which bytes a file has, told by a number."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def file_sha256(path: Path) -> str:
    """Return the sha256 of a file, read piece by piece.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    str
        In hexadecimal digits.

    Raises
    ------
    OSError
        If it cannot be read.
    """
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
