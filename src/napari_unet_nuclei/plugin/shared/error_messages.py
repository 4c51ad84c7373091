"""Errors as the widgets show them: settings have the names of their controls."""

from __future__ import annotations

from napari_unet_nuclei.core.errors import UNetNucleiError, spell_setting
from napari_unet_nuclei.core.segmentation.memory import say_lack

_CONTROLS = {
    "diameter": "nucleus diameter",
    "max_area": "largest nucleus",
    "min_area": "smallest nucleus",
    "minutes": "time (min)",
    "start": "start from",
}


def describe_error(error: BaseException) -> str:
    """Return the message of an error, with the names of controls for settings.

    Parameters
    ----------
    error : Exception
        Any; ours know which settings they are about.

    Returns
    -------
    str
        The message, never empty, with "smallest nucleus -1" where Python would say
        ``min_area=-1``.
    """
    if isinstance(error, UNetNucleiError):
        return error.describe(spell_control)
    if isinstance(error, MemoryError):
        return f"There is {say_lack(error)}, or close other programs."
    return str(error) or type(error).__name__


def spell_control(name: str, value: object) -> str:
    """Return a setting as the control of a widget with its value.

    Parameters
    ----------
    name : str
        Name of the setting in Python.
    value : object
        What it was set to; ``None`` where it was not.

    Returns
    -------
    str
        Such as ``"nucleus diameter 1"``, or ``"no time (min)"``.
    """
    control = _CONTROLS.get(name, name.replace("_", " "))
    return spell_setting(control, value)
