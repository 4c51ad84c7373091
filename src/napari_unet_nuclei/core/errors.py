"""The errors this package raises on purpose.

Each message is one sentence: what was expected, what was received, what to do
next.  None derives from ``RuntimeError``, which napari's generator worker
swallows.  A message names a setting as ``{setting}``; each front end spells it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


class UNetNucleiError(Exception):
    """Base class of every error a user of this package can cause or meet.

    Parameters
    ----------
    message : str
        One sentence, with ``{name}`` for each of the settings it is about.
    **settings : object
        Their values by name.
    """

    def __init__(self, message: str = "", **settings: object) -> None:
        super().__init__(message)
        self.settings = settings

    def __str__(self) -> str:
        return self.describe(_spell_argument)

    def describe(self, spell: Callable[[str, object], str]) -> str:
        """Return the message, with settings spelled the way of a front end.

        Parameters
        ----------
        spell : callable
            Makes words of the name of a setting and its value.

        Returns
        -------
        str
            One sentence.
        """
        message = str(self.args[0]) if self.args else ""
        for name, value in self.settings.items():
            message = message.replace(f"{{{name}}}", spell(name, value))
        return message


def spell_setting(words: str, value: object) -> str:
    """Return a setting, by the words of a front end, with its value.

    Parameters
    ----------
    words : str
        What the front end calls it, such as ``"--crop-size"``.
    value : object
        What it was set to; ``None`` where it was not, ``True`` where it is on.

    Returns
    -------
    str
        Such as ``"--crop-size 33"``, ``"no --epochs"`` or ``"--tta"``.
    """
    if value is None:
        return f"no {words}"
    return words if value is True else f"{words} {value}"


def _spell_argument(name: str, value: object) -> str:
    return f"{name}={value!r}"


class SettingsError(UNetNucleiError, ValueError):
    """A setting is out of range or contradicts another."""


class ImageError(UNetNucleiError, ValueError):
    """An image cannot be read, or has a shape or type nothing here can use."""


class LabelsError(UNetNucleiError, ValueError):
    """A label image is not a (Y, X) array of non-negative integers."""


class DatasetError(UNetNucleiError, ValueError):
    """A data set or one of its samples is incomplete or contradictory."""


class ModelError(UNetNucleiError, ValueError):
    """A model bundle is missing, damaged, or made for something else."""


class OutputError(UNetNucleiError, OSError):
    """A result cannot be written where or how it was asked for."""


class EngineError(UNetNucleiError):
    """An inference engine is not available or failed."""


class OutOfMemoryError(EngineError):
    """An inference engine found no memory for what it was given at once."""


class TrainingError(UNetNucleiError):
    """Training cannot start, or went wrong on the way."""
