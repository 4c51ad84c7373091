"""Settings in messages, as they are typed on the command line."""

from __future__ import annotations

import os

from napari_unet_nuclei.core.errors import UNetNucleiError, spell_setting
from napari_unet_nuclei.core.settings.old_names import OLD_NAMES

_OPTIONS = {"start": "--from"}
_CURRENT_OPTIONS = {
    old.replace("_", "-"): new.replace("_", "-") for old, new in OLD_NAMES.items()
}
_WORDS = {"tile_area": "tiles of {} px² at most"}
"""What is no option, because the program itself sets it."""


def describe_error(error: BaseException) -> str:
    """Return the message of an error in the language of the command line.

    Parameters
    ----------
    error : Exception
        Any; ours know which settings they are about.

    Returns
    -------
    str
        The message, with ``--min-area -1`` where Python would say ``min_area=-1``.
    """
    if isinstance(error, UNetNucleiError):
        return error.describe(spell_option)
    return str(error)


def describe_system_error(error: OSError) -> str:
    """Say in a sentence what the operating system refused.

    Parameters
    ----------
    error : OSError
        What it said.

    Returns
    -------
    str
        What is missing where the reason is known, else its own words.
    """
    try:
        os.getcwd()
    except OSError:
        return (
            "Expected a current folder, in which paths begin. Received: one that was "
            "deleted. Change to another folder, or give whole paths."
        )
    what = "" if error.filename is None else f" for {error.filename}"
    return (
        f"The operating system refused something: {error.strerror or error}{what}. "
        "Try again, with --debug to see where."
    )


def current_option(name: str) -> str:
    """Return the name that an option has now, without its dashes.

    Parameters
    ----------
    name : str
        As it was typed; old names go on to work.

    Returns
    -------
    str
        The same, where it is no old one.
    """
    return _CURRENT_OPTIONS.get(name, name)


def spell_option(name: str, value: object) -> str:
    """Return a setting as an option with its value.

    Parameters
    ----------
    name : str
        Name of the setting in Python.
    value : object
        What it was set to; ``None`` where it was not.

    Returns
    -------
    str
        Such as ``"--crop-size 33"``, or ``"no --epochs"``.
    """
    if name in _WORDS:
        return _WORDS[name].format(value)
    option = _OPTIONS.get(name, f"--{name.replace('_', '-')}")
    return spell_setting(option, value)
