"""napari's own table of a layer, where this napari has one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari.utils.notifications import show_info

if TYPE_CHECKING:
    import napari.viewer

_TABLE = "napari", "Features table widget"


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
    dock.show()
    dock.raise_()
    return True
