"""Napari with nuclei to correct, and a mouse."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from napari.utils.interactions import (
    mouse_move_callbacks,
    mouse_press_callbacks,
    mouse_release_callbacks,
)

from napari_unet_nuclei.plugin.shared.result_maps import unwrapped

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from napari.layers import Labels
    from numpy.typing import NDArray

    from napari_unet_nuclei.plugin.correct.tools import Tool
    from napari_unet_nuclei.plugin.correct.widget import CorrectWidget


def draw_discs(*discs: tuple[int, int, int]) -> NDArray[np.int32]:
    """Return labels of discs by row, column and radius."""
    y, x = np.ogrid[:64, :96]
    labels = np.zeros((64, 96), np.int32)
    for number, (row, column, radius) in enumerate(discs, 1):
        labels[(y - row) ** 2 + (x - column) ** 2 <= radius**2] = number
    return labels


class Table:
    """Napari, the widget, a layer of nuclei, and what a user does with the mouse."""

    def __init__(self, viewer: Any, widget: CorrectWidget, layer: Labels) -> None:
        self.viewer = viewer
        self.widget = widget
        self.layer = layer
        self.before = np.array(layer.data)

    def take(self, tool: Tool) -> None:
        """Press the button of a tool that is not in use."""
        self.widget.tools.buttons[tool].click()
        assert self.widget.mode.tool is tool

    def draw(
        self, *pixels: Sequence[float], plane: tuple[int, ...] = (), button: int = 1
    ) -> str:
        """Drag the mouse over pixels of a plane, and return what the widget says."""
        layer = unwrapped(self.layer)
        dims = self.viewer.dims
        places = [layer.data_to_world((*plane, *pixel)) for pixel in pixels]
        event = SimpleNamespace(
            type="mouse_press",
            button=button,
            buttons=[button],
            modifiers=(),
            is_dragging=False,
            view_direction=None,
            up_direction=None,
            dims_displayed=list(dims.displayed),
            dims_point=list(dims.point),
            position=places[0],
            pos=np.array(pixels[0])[::-1] * 8.0,
        )
        mouse_press_callbacks(layer, event)
        event.type = "mouse_move"
        for pixel, place in zip(pixels[1:], places[1:], strict=True):
            event.position, event.pos = place, np.array(pixel)[::-1] * 8.0
            mouse_move_callbacks(layer, event)
        event.type = "mouse_release"
        mouse_release_callbacks(layer, event)
        return self.status

    def assert_undone_and_redone(self) -> None:
        """Check that one Ctrl+Z takes all back, and one Ctrl+Shift+Z brings it back."""
        corrected = self.layer.data.copy()
        assert (corrected != self.before).any()
        self.layer.undo()
        np.testing.assert_array_equal(self.layer.data, self.before)
        self.layer.redo()
        np.testing.assert_array_equal(self.layer.data, corrected)
        self.layer.undo()

    @property
    def status(self) -> str:
        """What the widget says."""
        return str(self.widget.status.value)


@pytest.fixture
def discs() -> Callable[..., NDArray[np.int32]]:
    """Return what draws labels of discs."""
    return draw_discs


@pytest.fixture
def open_table(
    make_napari_viewer: Callable[[], Any], open_widget: Callable[[Any, str], Any]
) -> Callable[..., Table]:
    """Return what opens napari with labels, and the widget as its menu opens it."""

    def open_on(labels: Any, **kwargs: Any) -> Table:
        viewer = make_napari_viewer()
        layer = viewer.add_labels(labels, name="nuclei", **kwargs)
        return Table(viewer, open_widget(viewer, "Correct nuclei"), layer)

    return open_on


@pytest.fixture
def table_of() -> Callable[..., Table]:
    """Return what gives a viewer with the widget and a layer a mouse."""
    return Table


@pytest.fixture
def table(open_table: Callable[..., Table]) -> Table:
    """Return two nuclei that touch, one apart, and one that is two."""
    labels = draw_discs((20, 15, 8), (20, 30, 8), (45, 20, 9), (45, 60, 9), (45, 75, 9))
    labels[labels == 5] = 4
    return open_table(labels)
