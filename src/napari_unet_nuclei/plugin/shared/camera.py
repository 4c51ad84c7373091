"""The camera of a viewer, whichever napari it belongs to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import napari.viewer


def camera_of(viewer: napari.viewer.Viewer) -> Any:
    """Return the camera; it is part of a scene since napari 0.9."""
    return getattr(viewer, "scene", viewer).camera
