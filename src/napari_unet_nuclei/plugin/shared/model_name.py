"""The name of a new model: what it may be, and whether it is free.

A model is a file that may be copied to any disk of any system, so the rules of the
strictest one apply.
"""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING

from napari_unet_nuclei.core.errors import TrainingError
from napari_unet_nuclei.core.models import store as model_store
from napari_unet_nuclei.core.models.bundle import SUFFIX
from napari_unet_nuclei.core.models.managing import FILES_BESIDE

if TYPE_CHECKING:
    from pathlib import Path

FILE_SUFFIXES = (SUFFIX, *FILES_BESIDE)
"""Of a model, and of what belongs to it."""

_DEFAULT_NAME = "my-nuclei"
_MOST_CHARACTERS = 100
_MOST_BYTES = 200  # of 255 that a file name may have; suffixes come on top
_ALLOWED = "letters, digits, spaces, dots, - and _"
# Names of devices on Windows, also where something follows after a dot.
_DEVICE = re.compile(r"(con|prn|aux|nul|(com|lpt)[0-9¹²³])\s*(\..*)?", re.IGNORECASE)


def check_model_name(name: str) -> str:
    """Return a name without the spaces around it, if a new model may have it.

    Parameters
    ----------
    name : str
        What a user has typed.

    Returns
    -------
    str
        The name.

    Raises
    ------
    TrainingError
        If it is not allowed, or belongs to another model.
    """
    name = unicodedata.normalize("NFC", name.strip())
    _check_letters(name)
    # Neither people nor all file systems distinguish upper and lower case.
    folded = name.casefold()
    if folded in map(str.casefold, model_store.shipped_models()):
        raise TrainingError(
            f"The name {name!r} belongs to a model of this package; choose another "
            "name."
        )
    if any(folded == _model_of(path) for path in _files()):
        raise TrainingError(
            f"A model {name!r} already exists, or a file from its training; choose "
            "another name."
        )
    return name


def model_path(name: str) -> Path:
    """Return where a new model is kept.

    Parameters
    ----------
    name : str
        What a user has typed.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    TrainingError
        As `check_model_name` does.
    """
    return model_store.user_model_folder() / f"{check_model_name(name)}{SUFFIX}"


def free_model_name() -> str:
    """Find a name that no model has, and no log or state of one."""
    taken = {_model_of(path) for path in _files()}
    name, number = _DEFAULT_NAME, 1
    while name in taken:
        number += 1
        name = f"{_DEFAULT_NAME}-{number}"
    return name


def _check_letters(name: str) -> None:
    if not name:
        raise TrainingError("The new model needs a name; type one.")
    for character in name:
        if not re.fullmatch(r"[\w .-]", character):
            raise TrainingError(
                f"The name may contain {_ALLOWED}. Received: {character!r}; remove it."
            )
    if not re.match(r"\w", name):
        raise TrainingError(
            f"The name must begin with a letter or digit. Received: {name[0]!r}; "
            "begin with another character."
        )
    if name.endswith("."):
        raise TrainingError(
            "The name must not end with a dot, which Windows drops; remove it."
        )
    if _DEVICE.fullmatch(name):
        raise TrainingError(
            f"The name {name!r} belongs to a device on Windows; choose another name."
        )
    widest = max(len(character.encode()) for character in name)
    most = min(_MOST_CHARACTERS, _MOST_BYTES // widest)
    if len(name) > most:
        raise TrainingError(
            f"The name may have up to {most} characters. Received: {len(name)}; choose "
            "a shorter name."
        )


def _files() -> list[Path]:
    """List the files of the user's models, and of trainings."""
    return list(model_store.user_model_folder().glob("[!.]*"))


def _model_of(path: Path) -> str:
    """Return the folded name of the model that a file belongs to."""
    name = path.name.casefold()
    for suffix in FILE_SUFFIXES:
        if name.endswith(suffix):
            return name.removesuffix(suffix)
    return name
