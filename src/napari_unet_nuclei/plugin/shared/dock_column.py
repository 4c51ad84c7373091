"""How the docks of this plugin share the height of napari's window.

Docks stand below each other as long as each has most of the height it needs; after
that a new one shares its place with another, as tabs.  The one with the sliders that
are moved all the time keeps its place.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QDockWidget, QMainWindow

if TYPE_CHECKING:
    from collections.abc import Sequence

    from qtpy.QtWidgets import QWidget

_OURS, _STAYS = "unet_nuclei_dock", "unet_nuclei_dock_stays"
_MOST_OF_IT = 0.6  # of the height that a dock needs; the rest is scrolled to
_SIDES = (Qt.DockWidgetArea.LeftDockWidgetArea, Qt.DockWidgetArea.RightDockWidgetArea)


def mark_dock(widget: QWidget, *, stays: bool) -> None:
    """Say that a widget may share its dock, or that it stays in sight.

    Parameters
    ----------
    widget : QWidget
        What napari docks.
    stays : bool
        Whether no other dock may take its place.
    """
    widget.setProperty(_OURS, True)
    widget.setProperty(_STAYS, stays)


def take_needed_height(widget: QWidget, *, may_shrink: bool = True) -> None:
    """Make the dock of a widget as high as its form, at the cost of other docks.

    Qt gives a new dock all the height, and leaves the others their minimum.

    Parameters
    ----------
    widget : QWidget
        What napari has docked, if it has.
    may_shrink : bool
        Whether the other docks get the height that this one does not need.
    """
    dock = widget.parent()
    window = widget.window()
    if isinstance(dock, QDockWidget) and isinstance(window, QMainWindow):
        needed = max(dock.sizeHint().height(), dock.minimumSizeHint().height())
        if may_shrink or dock.height() < needed:
            window.resizeDocks([dock], [needed], Qt.Orientation.Vertical)


def keep_least_height(widget: QWidget) -> None:
    """Keep the dock of a widget that stays as high as the widget has to be.

    Qt asks a dock for its least height before anything in it has its place, and never
    again.

    Parameters
    ----------
    widget : QWidget
        What napari has docked, after `mark_dock`.
    """
    dock = widget.parent()
    if isinstance(dock, QDockWidget) and widget.property(_STAYS) is True:
        title = max(dock.height() - widget.height(), 0)
        dock.setMinimumHeight(widget.minimumSizeHint().height() + title)


def join_column(widget: QWidget, grown: int = 0) -> None:
    """Find a place for a new dock: below the others, or else in front of one.

    Parameters
    ----------
    widget : QWidget
        What napari has just docked, after `mark_dock`.
    grown : int
        By how many px Qt has made the window higher for it.
    """
    dock = widget.parent()
    window = widget.window()
    if not (isinstance(dock, QDockWidget) and isinstance(window, QMainWindow)):
        return
    area = window.dockWidgetArea(dock)
    if dock.isFloating() or area not in _SIDES or window.tabifiedDockWidgets(dock):
        return
    column = [
        each
        for each in window.findChildren(QDockWidget)
        if window.dockWidgetArea(each) == area
        and not each.isFloating()
        and _is_open(each)
    ]
    room = window.centralWidget()
    if room is None or _needed(window, column) <= room.height() - grown:
        return
    movable = [each for each in column if _property(each, _OURS) is True]
    movable = [each for each in movable if not _property(each, _STAYS)]
    for below, above in pairwise(movable):
        if above not in window.tabifiedDockWidgets(below):
            window.tabifyDockWidget(below, above)
    if len(movable) > 1:
        movable[-1].raise_()  # the newest; on a busy machine, others come here later


def _is_open(dock: QDockWidget) -> bool:
    """Whether a dock is there, though another may be in front of it."""
    action = dock.toggleViewAction()
    return action is not None and action.isChecked()


def _property(dock: QDockWidget, name: str) -> object:
    inner = dock.widget()
    return None if inner is None else inner.property(name)


def _needed(window: QMainWindow, column: Sequence[QDockWidget]) -> int:
    """Return the height at which every dock shows most of itself, in px."""
    heights: dict[frozenset[QDockWidget], int] = {}
    for dock in column:
        group = frozenset([dock, *window.tabifiedDockWidgets(dock)])
        least = dock.minimumSizeHint().height()
        if _property(dock, _OURS):
            least = max(least, round(_MOST_OF_IT * dock.sizeHint().height()))
        heights[group] = max(heights.get(group, 0), least)
    return sum(heights.values())
