"""Labels layers that have been saved, for those who keep what is not saved yet."""

from __future__ import annotations

from napari.utils.events import EventEmitter

saved = EventEmitter(type_name="saved")
"""Emitted with a labels layer after all of it has been written to a file."""
