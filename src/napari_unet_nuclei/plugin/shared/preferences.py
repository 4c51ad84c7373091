"""What users set once: in napari's Preferences, or in a file for an older napari.

The manifest lists them under ``configurations``.  The core knows them as environment
variables, so that child processes see them too; what the user's own environment says
comes first.
"""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass
from typing import Any

from napari_unet_nuclei.core.engines.devices import DEVICE_VARIABLE
from napari_unet_nuclei.core.models.store import FOLDER_VARIABLE
from napari_unet_nuclei.core.segmentation.memory import TILE_MEMORY_VARIABLE
from napari_unet_nuclei.core.settings.choices import DEFAULT_MODEL
from napari_unet_nuclei.plugin.shared.remembered import recall

_PLUGIN, _PAGE = "napari-unet-nuclei", "segmentation"
_ours: dict[str, str] = {}
_followed: list[Any] = []


@dataclass(frozen=True, kw_only=True)
class Preferences:
    """What the page *U-Net nuclei* of napari's Preferences says.

    Parameters
    ----------
    default_model : str
        Name or path of the model that is chosen at first.
    model_folder : str
        Where the user's models are kept; empty for the usual place.
    tile_memory : float, in GB
        Memory that tiles may take; 0 for half of what is free.
    device : str
        What OpenVINO computes on.
    """

    default_model: str = DEFAULT_MODEL
    model_folder: str = ""
    tile_memory: float = 0.0
    device: str = "CPU"


def read_preferences() -> Preferences:
    """Return what the user has set.

    Returns
    -------
    Preferences
        The default for whatever is not set, or not of its kind.
    """
    page = _napari_page()
    stored = recall("preferences") if page is None else page.model_dump()
    defaults = asdict(Preferences())
    return Preferences(
        **{
            name: stored[name]
            for name, default in defaults.items()
            if _is_alike(stored.get(name), default)
        }
    )


def apply_preferences() -> Preferences:
    """Let everything in this process, and its children, follow the preferences.

    Returns
    -------
    Preferences
        What was applied; changes in napari's dialog are followed from now on.
    """
    found = read_preferences()
    is_usual = found.device == Preferences.device
    wanted = {
        FOLDER_VARIABLE: found.model_folder,
        TILE_MEMORY_VARIABLE: f"{found.tile_memory:g}" if found.tile_memory > 0 else "",
        DEVICE_VARIABLE: "" if is_usual else found.device,
    }
    for variable, value in wanted.items():
        if os.environ.get(variable, "") != _ours.get(variable, ""):
            continue  # the user's own
        if value:
            os.environ[variable] = _ours[variable] = value
        elif _ours.pop(variable, None) is not None:
            del os.environ[variable]
    page = _napari_page()
    if page is not None and not any(page is each for each in _followed):
        _followed.append(page)
        page.events.connect(lambda: apply_preferences())
    return found


def _napari_page() -> Any:
    """Return the page of napari's Preferences, if this napari has pages for plugins."""
    try:
        from napari.settings import get_plugin_settings

        return getattr(get_plugin_settings(_PLUGIN), _PAGE)
    except (ImportError, KeyError, AttributeError):
        return None


def _is_alike(value: object, default: object) -> bool:
    """Whether a value is a number where the default is one, and text where it is."""
    if isinstance(default, str):
        return isinstance(value, str)
    return isinstance(value, int | float) and not isinstance(value, bool)
