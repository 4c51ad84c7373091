"""What happens when napari first runs a command of this plugin."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from npe2 import PluginContext


def activate(context: PluginContext) -> None:
    """Follow the preferences and watch for drops on the canvases, if there is a window.

    Parameters
    ----------
    context : npe2.PluginContext
        What npe2 passes to plugins; watching ends with it.
    """
    if "qtpy" not in sys.modules:  # a script, without a window to load Qt for
        return
    from qtpy.QtWidgets import QApplication

    if QApplication.instance() is not None:
        from napari_unet_nuclei.plugin.files.dropping import watch_drops
        from napari_unet_nuclei.plugin.shared.preferences import apply_preferences

        apply_preferences()
        context.register_disposable(watch_drops())
