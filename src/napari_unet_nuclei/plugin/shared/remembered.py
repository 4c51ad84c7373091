"""What the widgets remember from one session to the next, in a small file.

Only what they write themselves; what users set in napari's Preferences is in
``preferences``.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari.utils.notifications import show_warning
from platformdirs import user_config_path

from napari_unet_nuclei.core.errors import OutputError
from napari_unet_nuclei.core.writing.atomic_files import replacing

if TYPE_CHECKING:
    from collections.abc import Mapping

_MOST_BYTES = 1_000_000  # larger files are not ours
_told: set[Path] = set()


def memory_path() -> Path | None:
    """Say where it is kept.

    Returns
    -------
    Path, optional
        Beside napari's settings, where ``NAPARI_CONFIG`` says where these are; ``None``
        where it is empty, so that nothing is kept.
    """
    config = os.environ.get("NAPARI_CONFIG")
    if config is None:
        folder = user_config_path("napari-unet-nuclei", appauthor=False)
        return folder / "widgets.json"
    return Path(config).with_name("napari-unet-nuclei-widgets.json") if config else None


def recall(name: str) -> dict[str, Any]:
    """Return what was remembered under a name.

    Parameters
    ----------
    name : str
        Such as ``"segment"``.

    Returns
    -------
    dict
        Empty where there is nothing, or nothing that can be read; that is said once.
    """
    known = _read().get(name)
    return known if isinstance(known, dict) else {}


def remember(name: str, values: Mapping[str, Any]) -> None:
    """Keep values under a name, beside what is kept under others.

    Parameters
    ----------
    name : str
        Such as ``"segment"``.
    values : mapping
        Anything that JSON can say.
    """
    path = memory_path()
    if path is None:
        return
    content = _read() | {name: dict(values)}
    try:
        with replacing(path) as part:
            part.write_text(json.dumps(content, indent=1), encoding="utf-8")
    except OutputError as error:
        _tell(path, f"The settings of the widgets are not kept: {error}")


def _read() -> dict[str, Any]:
    path = memory_path()
    if path is None or not path.is_file():
        return {}
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise ValueError("it is too large")
        content = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(content, dict):
            raise TypeError("it holds no settings")
    except (OSError, ValueError, TypeError, RecursionError) as error:
        _tell(path, f"{path} is ignored, because it cannot be read: {error}.")
        return {}
    return content


def _tell(path: Path, sentence: str) -> None:
    """Say something about a file, once."""
    if path not in _told:
        _told.add(path)
        show_warning(sentence)
