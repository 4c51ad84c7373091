"""Shows a place of a plane: moves and zooms the view, and draws a frame around it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from qtpy.QtCore import QRectF, Qt
from qtpy.QtGui import QColor, QPainter, QPen
from qtpy.QtWidgets import QWidget

from napari_unet_nuclei.plugin.correct.stroke_overlay import canvas_of
from napari_unet_nuclei.plugin.shared.camera import camera_of
from napari_unet_nuclei.plugin.shared.theme import follow_theme

if TYPE_CHECKING:
    import napari.viewer
    from numpy.typing import NDArray
    from qtpy.QtGui import QPaintEvent

    from napari_unet_nuclei.plugin.correct.shown_plane import ShownPlane
    from napari_unet_nuclei.plugin.shared.theme import Colours

_PART_OF_VIEW = 0.15  # of the shorter side, that a nucleus takes when zoomed to
_NEAR_ENOUGH = 2.5  # times larger or smaller, at which the zoom stays as it is
_MARGIN = 6.0  # px on the canvas, between a nucleus and its frame
_SMALLEST = 20.0  # px on the canvas
_WIDTH = 2.0
_SHADOW = QColor(0, 0, 0, 160)


class WorldBox(NamedTuple):
    """An upright box on the canvas, in the world.

    Parameters
    ----------
    centre : (2,) ndarray of float
        Along the two axes that are displayed.
    size : (2,) ndarray of float
        Height and width.
    """

    centre: NDArray[np.float64]
    size: NDArray[np.float64]


def box_in_world(
    plane: ShownPlane, box: tuple[slice, slice], displayed: tuple[int, ...]
) -> WorldBox:
    """Return where a box of pixels lies on the canvas.

    Parameters
    ----------
    plane : ShownPlane
        The plane.
    box : tuple of slices
        Rows and columns.
    displayed : tuple of int
        Axes of the world that the canvas shows.
    """
    corners = []
    for row in (box[0].start - 0.5, box[0].stop - 0.5):
        for column in (box[1].start - 0.5, box[1].stop - 0.5):
            point = list(map(float, plane.index))
            point[plane.axes[0]], point[plane.axes[1]] = row, column
            corners.append(plane.layer.data_to_world(point))
    n_missing = max(displayed) + 1 - plane.layer.ndim
    axes = [max(axis - max(n_missing, 0), 0) for axis in displayed[-2:]]
    points = np.asarray(corners, float)[:, axes]
    low, high = points.min(axis=0), points.max(axis=0)
    return WorldBox((low + high) / 2, high - low)


class DoubtView:
    """Moves the view to proposals, and frames the one that is shown.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
        The viewer.
    owner : QWidget
        Docked in its window.
    """

    def __init__(self, viewer: napari.viewer.Viewer, owner: QWidget) -> None:
        self._viewer = viewer
        self._owner = owner
        self.frame: DoubtFrame | None = None
        self._colour = QColor("white")
        follow_theme(viewer, owner, self._paint)

    def show(
        self, plane: ShownPlane, box: tuple[slice, slice], diameter: float
    ) -> None:
        """Move to a box of pixels of a plane, zoom for the typical size, and frame it.

        Parameters
        ----------
        plane : ShownPlane
            The plane.
        box : tuple of slices
            Rows and columns.
        diameter : float, in px
            A smaller box is zoomed to as if it were so large, because the nuclei
            around it say what is wrong with it.
        """
        place = box_in_world(plane, box, tuple(self._viewer.dims.displayed))
        canvas = canvas_of(self._owner)
        longest = max(side.stop - side.start for side in box)
        enlarged = max(diameter / longest, 1.0) * float(place.size.max())
        _move_to(self._viewer, place, enlarged, canvas)
        if canvas is None:
            return
        if self.frame is None:
            self.frame = DoubtFrame(canvas, self._viewer)
            self.frame.destroyed.connect(self._forget_frame)
        self.frame.colour = self._colour
        self.frame.show_box(place)

    def clear(self) -> None:
        """Frame nothing."""
        if self.frame is not None:
            self.frame.clear()

    def stop(self) -> None:
        """Take the frame off the canvas."""
        if self.frame is not None:
            self.frame.clear()
            self.frame.deleteLater()

    def _forget_frame(self) -> None:
        """Know that the canvas is gone, and the frame with it."""
        if self.frame is not None:
            self.frame.let_go()
        self.frame = None

    def _paint(self, colours: Colours) -> None:
        self._colour = colours.warning


def _move_to(
    viewer: napari.viewer.Viewer, box: WorldBox, size: float, canvas: QWidget | None
) -> None:
    """Move the view to a box, and zoom where its size is far too small or large."""
    camera = camera_of(viewer)
    camera.center = (*camera.center[:-2], *box.centre.tolist())
    if canvas is None:
        return
    side = min(canvas.width(), canvas.height())
    wanted = _PART_OF_VIEW * side / max(size, 1e-9)
    if not 1 / _NEAR_ENOUGH < camera.zoom / wanted < _NEAR_ENOUGH:
        camera.zoom = wanted


class DoubtFrame(QWidget):
    """Lies on the canvas, lets the mouse through, and frames one nucleus.

    Parameters
    ----------
    canvas : QWidget
        What it lies on.
    viewer : napari.viewer.Viewer
        Whose camera it follows.
    """

    def __init__(self, canvas: QWidget, viewer: napari.viewer.Viewer) -> None:
        super().__init__(canvas)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setAttribute(Qt.WidgetAttribute.WA_NoSystemBackground)
        self._camera = camera_of(viewer)
        self._box: WorldBox | None = None
        self.colour = QColor("white")
        self._camera.events.connect(self._follow)
        self.hide()

    def let_go(self) -> None:
        """Follow the camera no longer."""
        self._camera.events.disconnect(self._follow)

    def show_box(self, box: WorldBox) -> None:
        """Frame a place."""
        self._box = box
        canvas = self.parentWidget()
        if canvas is not None:
            self.setGeometry(canvas.rect())
        self.raise_()
        self.show()
        self.update()

    def clear(self) -> None:
        """Frame nothing."""
        self._box = None
        self.hide()

    def rectangle(self) -> QRectF | None:
        """Where the frame is drawn, in px of the canvas."""
        canvas = self.parentWidget()
        if self._box is None or canvas is None:
            return None
        camera = self._camera
        offset = (self._box.centre - np.asarray(camera.center[-2:])) * camera.zoom
        down, right = getattr(camera, "orientation2d", ("down", "right"))
        y = offset[0] * (-1 if str(down) == "up" else 1) + canvas.height() / 2
        x = offset[1] * (-1 if str(right) == "left" else 1) + canvas.width() / 2
        height, width = np.maximum(self._box.size * camera.zoom, _SMALLEST)
        frame = QRectF(x - width / 2, y - height / 2, width, height)
        return frame.adjusted(-_MARGIN, -_MARGIN, _MARGIN, _MARGIN)

    def paintEvent(self, event: QPaintEvent | None) -> None:
        """Draw the frame, with a shadow, so that it is seen on any image."""
        rectangle = self.rectangle()
        if rectangle is None:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for colour, width in ((_SHADOW, 2 * _WIDTH), (self.colour, _WIDTH)):
            painter.setPen(QPen(colour, width))
            painter.drawRoundedRect(rectangle, _MARGIN, _MARGIN)
        painter.end()

    def _follow(self, *_: object) -> None:
        canvas = self.parentWidget()
        if self._box is not None and canvas is not None:
            self.setGeometry(canvas.rect())
            self.update()
