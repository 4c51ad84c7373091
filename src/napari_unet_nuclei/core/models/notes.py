"""What a user notes about a model: a text file beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_unet_nuclei.core.models.bundle import SUFFIX
from napari_unet_nuclei.core.writing.atomic_files import replacing

if TYPE_CHECKING:
    from pathlib import Path

NOTES_SUFFIX = ".notes.txt"
"""Of the text beside a model that holds what its user notes about it."""

_MOST_NOTES = 100_000  # characters


def read_notes(path: Path) -> str:
    """Return what the user has noted about a model; empty where that is nothing.

    Parameters
    ----------
    path : Path
        The file of the model.
    """
    try:
        with open(file_beside(path, NOTES_SUFFIX), encoding="utf-8") as file:
            return file.read(_MOST_NOTES)
    except (OSError, ValueError):
        return ""


def write_notes(path: Path, notes: str) -> None:
    """Keep what the user notes about a model, in a text file beside it.

    Parameters
    ----------
    path : Path
        The file of the model, which is left as it is.
    notes : str
        Any text.

    Raises
    ------
    OutputError
        If they cannot be written.
    """
    with replacing(file_beside(path, NOTES_SUFFIX)) as temporary:
        temporary.write_text(notes, encoding="utf-8")


def file_beside(path: Path, suffix: str) -> Path:
    """Return the file of a name with another suffix.

    Parameters
    ----------
    path : Path
        The file of a model, in whose name dots may occur.
    suffix : str
        Such as `NOTES_SUFFIX`.
    """
    return path.with_name(f"{path.name.removesuffix(SUFFIX)}{suffix}")
