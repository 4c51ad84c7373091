"""napari's own table of a layer, where this napari has one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari.utils.notifications import show_info
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QMainWindow

if TYPE_CHECKING:
    import napari.viewer

_TABLE = "napari", "Features table widget"
_PLACED = "nuclei_placed"
_HEIGHT = 240  # px, some rows of the table


def show_table(viewer: napari.viewer.Viewer) -> bool:
    """Open napari's table, or bring it to the front.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
        The window; the table is that of its active layer.

    Returns
    -------
    bool
        Whether this napari has a table.
    """
    window = getattr(viewer, "window", None)
    try:
        if window is None:
            raise LookupError("no window")
        dock, _ = window.add_plugin_dock_widget(*_TABLE)
    except (LookupError, ValueError, ImportError):
        show_info(
            "This version of napari has no table of features: save the table as a "
            "csv, or update napari."
        )
        return False
    if not dock.property(_PLACED):
        # Beside the canvas it would take the height of the plot.
        dock.setProperty(_PLACED, True)
        main_window = dock.parent()
        if isinstance(main_window, QMainWindow):
            main_window.addDockWidget(Qt.DockWidgetArea.BottomDockWidgetArea, dock)
            vertical = Qt.Orientation.Vertical
            main_window.resizeDocks([dock], [_HEIGHT], vertical)
    dock.show()
    dock.raise_()
    return True
