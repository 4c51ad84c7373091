"""What a model of the user says about how it was made, in a few words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari_unet_nuclei.core.errors import UNetNucleiError
from napari_unet_nuclei.core.evaluation.intervals import write_score
from napari_unet_nuclei.core.models.bundle import read_config

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_NAMES = {"dsb2018": "DSB2018 score", "ap50": "AP50", "dice": "Dice"}


class ModelOrigins:
    """Describes models, each read once for as long as its file stays the same."""

    def __init__(self) -> None:
        self._known: dict[Path, tuple[int, str]] = {}

    def describe(self, path: Path) -> str:
        """Describe the model of a file.

        Parameters
        ----------
        path : Path
            A ``.unetnuclei`` file.

        Returns
        -------
        str
            As from `describe_origin`; empty for a file that cannot be read.
        """
        try:
            changed = path.stat().st_mtime_ns
            if self._known.get(path, (None, ""))[0] != changed:
                text = describe_origin(read_config(path).provenance)
                self._known[path] = changed, text
        except (UNetNucleiError, OSError):
            return ""
        return self._known[path][1]


def describe_origin(provenance: Mapping[str, Any]) -> str:
    """Describe what a model was trained from, on how much, and what that brought.

    Parameters
    ----------
    provenance : mapping
        What the model says about itself; anything may be missing.

    Returns
    -------
    str
        Such as ``"From resnet, 5 min on 4 images: DSB2018 score .61 → .70."``; empty
        where nothing is known.
    """
    try:
        return _describe(provenance)
    except (KeyError, TypeError, ValueError, AttributeError):
        return ""  # made by other hands


def _describe(provenance: Mapping[str, Any]) -> str:
    monitor, values = _monitor_of(provenance), _write_scores(provenance)
    parts = [f"From {provenance['start']}"] if provenance.get("start") else ["Trained"]
    minutes = round(provenance["seconds"] / 60)
    parts[0] += f", {minutes} min" if minutes else ", less than a minute"
    if n_images := len(provenance.get("train") or ()):
        parts[0] += f" on {n_images} {'image' if n_images == 1 else 'images'}"
    return f"{parts[0]}: {_NAMES.get(monitor, monitor)} {values} on what was held out."


def describe_score(provenance: Mapping[str, Any]) -> str:
    """Describe how good a model is on what was held out.

    Parameters
    ----------
    provenance : mapping
        What the model says about itself; anything may be missing.

    Returns
    -------
    str
        Such as ``".61 → .70"``, before and after; empty where nothing is known.
    """
    try:
        return _write_scores(provenance)
    except (KeyError, TypeError, ValueError, AttributeError):
        return ""


def _monitor_of(provenance: Mapping[str, Any]) -> str:
    return str(provenance.get("settings", {}).get("monitor", "dsb2018"))


def _write_scores(provenance: Mapping[str, Any]) -> str:
    monitor = _monitor_of(provenance)
    values = write_score(provenance["scores"][monitor])
    start_scores = provenance.get("start_scores")
    if start_scores is not None:
        values = f"{write_score(start_scores[monitor])} → {values}"
    return values
