"""The layout of a widget in its dock: a form that scrolls, and below it the run panel.

How docks share the window is in ``dock_column``, scrolling in ``form_area``.

Both widgets look alike, fit into any dock, and can be used with the keyboard.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from qtpy.QtCore import QEvent, QObject, Qt, QTimer
from qtpy.QtWidgets import (
    QBoxLayout,
    QLayout,
    QScrollArea,
    QSizePolicy,
    QWidget,
)

from napari_unet_nuclei.plugin.shared.dock_column import (
    join_column,
    keep_least_height,
    mark_dock,
    take_needed_height,
)
from napari_unet_nuclei.plugin.shared.form_area import MS_TO_LAY_OUT, FormArea
from napari_unet_nuclei.plugin.shared.result_maps import unwrapped
from napari_unet_nuclei.plugin.shared.theme import follow_theme, style_sheet

if TYPE_CHECKING:
    import napari.viewer
    from magicgui.widgets import Container
    from magicgui.widgets.bases import Widget

_LEAST_WIDTH = 240  # px
_N_ROUNDS = 15  # of laying out, after a widget is docked
_ROUNDS_TO_POLISH = 3  # until it is known how high it is


def lay_out(
    widget: Container[Widget],
    form: QWidget,
    viewer: napari.viewer.Viewer,
    *,
    n_below: int = 0,
    in_sight: QWidget | None = None,
) -> None:
    """Put a form on top of a widget, where it scrolls when there is little room.

    Parameters
    ----------
    widget : Container
        What napari docks; its own parts stay in reach at any height.
    form : QWidget
        Its controls.
    viewer : napari.viewer.Viewer
        Whose theme to follow.
    n_below : int
        How many of the widget's own parts go to the lower end of the dock.
    in_sight : QWidget, optional
        The row down to which the form is never covered, however many docks there are.
    """
    area = FormArea(form, in_sight)
    layout = widget.native.layout()
    if isinstance(layout, QBoxLayout):
        layout.insertWidget(0, area)
        layout.insertStretch(layout.count() - n_below, 1)
    widget.native.setMinimumWidth(_LEAST_WIDTH)
    # napari adds a stretch of its own to what does not grow.
    widget.native.setSizePolicy(
        QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Expanding
    )
    arrange_when_docked(widget.native, viewer, stays=in_sight is not None)
    follow_theme(
        viewer,
        widget.native,
        lambda colours: widget.native.setStyleSheet(style_sheet(colours)),
    )


def arrange_when_docked(
    widget: QWidget, viewer: napari.viewer.Viewer, *, stays: bool = False
) -> None:
    """Give a widget a place, its height and the order of its keys once it is docked.

    Parameters
    ----------
    widget : QWidget
        What napari docks soon.
    viewer : napari.viewer.Viewer
        In whose window.
    stays : bool
        Whether no other dock of this plugin may take its place.
    """
    mark_dock(widget, stays=stays)
    widget.installEventFilter(_ShownFilter(widget, _height_of(viewer)))


def _height_of(viewer: napari.viewer.Viewer) -> int:
    """Return how high the window of a viewer is, in px; 0 if none is on show."""
    window = getattr(unwrapped(viewer), "window", None)
    native = None if window is None else window._qt_window
    return native.height() if native is not None and native.isVisible() else 0


def show_row(form: QWidget, row: QWidget) -> None:
    """Give a new row of a form the height it needs, or scroll to it.

    Parameters
    ----------
    form : QWidget
        What `lay_out` has put into a widget.
    row : QWidget
        One of its rows.
    """
    viewport = form.parent()
    area = None if viewport is None else viewport.parent()
    if isinstance(area, FormArea):
        area.show_soon(row)


def set_tab_order(widget: QWidget) -> None:
    """Let the Tab key visit the controls in the order of their rows.

    Parameters
    ----------
    widget : QWidget
        Whose layouts hold the controls.
    """
    order = [each for each in _in_layout(widget) if _takes_focus(each)]
    for one, other in pairwise(order):
        QWidget.setTabOrder(one, other)


class _ShownFilter(QObject):
    """Does what must wait until napari has docked a widget and laid it out.

    Fonts and margins arrive one after the other and change the height needed, so the
    height is set several times; after that it is the user's choice.
    """

    def __init__(self, widget: QWidget, height_before: int) -> None:
        super().__init__(widget)
        self._widget, self._height_before = widget, height_before
        self._n_rounds = _N_ROUNDS
        self._timer = QTimer(self)
        self._timer.timeout.connect(self._finish)

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        if event is not None and event.type() == QEvent.Type.Show:
            self._timer.start(MS_TO_LAY_OUT)
        return False

    def _grown(self) -> int:
        """Return by how many px Qt has made the window higher for the new dock."""
        window, before = self._widget.window(), self._height_before
        return max(window.height() - before, 0) if window is not None and before else 0

    def _restore_size(self) -> None:
        window, grown = self._widget.window(), self._grown()
        if window is not None and grown:
            window.resize(window.width(), window.height() - grown)

    def _finish(self) -> None:
        # Qt starts with another order in each window.
        set_tab_order(self._widget)
        if self._n_rounds > 0:
            self._n_rounds -= 1
            for area in self._widget.findChildren(FormArea):
                area.keep_in_sight()
            keep_least_height(self._widget)
            if self._n_rounds == _N_ROUNDS - _ROUNDS_TO_POLISH:
                join_column(self._widget, self._grown())
            self._restore_size()
            take_needed_height(self._widget)
        else:
            self._timer.stop()


def _in_layout(widget: QWidget) -> list[QWidget]:
    """List the widgets inside another one, in the order of its layout."""
    if isinstance(widget, QScrollArea):
        inner = widget.widget()
        return [] if inner is None else _in_layout(inner)
    layout = widget.layout()
    return [widget] if layout is None else _in_items(layout)


def _in_items(layout: QLayout) -> list[QWidget]:
    found: list[QWidget] = []
    for index in range(layout.count()):
        item = layout.itemAt(index)
        if item is None:
            continue
        widget, inner = item.widget(), item.layout()
        if widget is not None:
            found += _in_layout(widget)
        elif inner is not None:
            found += _in_items(inner)
    return found


def _takes_focus(widget: QWidget) -> bool:
    return bool(widget.focusPolicy() & Qt.FocusPolicy.TabFocus)
