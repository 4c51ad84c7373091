"""One widget of this plugin opens another, which it does not import."""

from __future__ import annotations

import napari

_NAME = "napari-unet-nuclei"


def open_widget(title: str) -> None:
    """Open a widget of this plugin in the current window, the way the menu does.

    Parameters
    ----------
    title : str
        Its name in the menu; without a window nothing happens.
    """
    viewer = napari.current_viewer()
    if viewer is not None:
        viewer.window.add_plugin_dock_widget(_NAME, title)
