"""What the form of the segment widget looked like when it was last used."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from napari_unet_nuclei.core.errors import SettingsError
from napari_unet_nuclei.core.settings.segmentation import SegmentationSettings
from napari_unet_nuclei.plugin.shared.remembered import recall, remember
from napari_unet_nuclei.plugin.shared.timers import make_quiet_timer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from qtpy.QtWidgets import QWidget

    from napari_unet_nuclei.plugin.segment.settings_controls import SettingsControls
    from napari_unet_nuclei.plugin.shared.sections import Section

_NAME = "segment"
_QUIET_MS = 300


class FormMemory:
    """Restores controls and open sections, and keeps them once they have changed.

    Parameters
    ----------
    controls : SettingsControls
        How nuclei are found.
    sections : mapping of str to Section
        What can be folded, by title.
    owner : QWidget
        Nothing is kept once this is gone.
    """

    def __init__(
        self,
        controls: SettingsControls,
        sections: Mapping[str, Section],
        owner: QWidget,
    ) -> None:
        self._controls = controls
        self._sections = sections
        self._restore(recall(_NAME))
        self._timer = make_quiet_timer(owner, _QUIET_MS, self.keep)

    def note_change(self) -> None:
        """Keep what has changed, once nothing changes any more."""
        self._timer.start()

    def keep(self) -> None:
        """Keep everything now."""
        try:
            settings = asdict(self._controls.settings)
        except SettingsError:  # which is said when it is used
            return
        is_open = {title: each.is_open for title, each in self._sections.items()}
        remember(_NAME, {"settings": settings, "open": is_open})

    def _restore(self, known: Mapping[str, Any]) -> None:
        is_open = known.get("open")
        for title, section in self._sections.items():
            if isinstance(is_open, dict) and is_open.get(title) is True:
                section.open()
        settings = _read_settings(known.get("settings"))
        if settings is not None:
            self._controls.show(settings)


def _read_settings(known: Any) -> SegmentationSettings | None:
    """Make settings of what was kept; ``None`` where that cannot be used."""
    if not isinstance(known, dict):
        return None
    try:
        return SegmentationSettings.from_stored(known, ignores_others=True)
    except (SettingsError, ValueError, TypeError):
        return None
