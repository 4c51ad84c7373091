"""Several widgets at once, and one after another, about the same labels layers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from napari.components import ViewerModel
from napari.layers import Labels
from qtpy.QtCore import QEvent
from qtpy.QtWidgets import QApplication

from napari_unet_nuclei.plugin.segment import live_table
from napari_unet_nuclei.plugin.segment.widget import SegmentWidget

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray
    from pytestqt.qtbot import QtBot

    from conftest import BrightnessEngine


class Window:
    """A viewer with an image, and widgets on it."""

    def __init__(self, qtbot: QtBot, image: NDArray[Any]) -> None:
        self.viewer = ViewerModel()
        self.viewer.add_image(image, name="cells")
        self._qtbot = qtbot

    def open_widget(self, *, is_closed: bool = True) -> SegmentWidget:
        widget = SegmentWidget(self.viewer)
        if is_closed:
            self._qtbot.addWidget(widget.native)
        return widget

    def segment(self, widget: SegmentWidget) -> Labels:
        widget.panel.run_button.native.click()
        self.wait(widget)
        return self.results[-1]

    def move_slider(self, widget: SegmentWidget, threshold: float) -> None:
        widget.threshold.value = threshold
        self.wait(widget)

    def wait(self, widget: SegmentWidget) -> None:
        self._qtbot.waitUntil(
            lambda: not widget.panel.is_running and widget._splitting.is_idle
        )

    @property
    def results(self) -> list[Labels]:
        return [layer for layer in self.viewer.layers if isinstance(layer, Labels)]


@pytest.fixture
def window(
    qtbot: QtBot,
    engine: BrightnessEngine,
    make_model: Callable[..., Path],
    image: NDArray[np.uint8],
    monkeypatch: pytest.MonkeyPatch,
) -> Window:
    monkeypatch.setattr(live_table, "_AT_ONCE_S", 60)
    make_model("tiny", threshold=0.45)
    return Window(qtbot, image)


def status(widget: SegmentWidget) -> str:
    return str(widget.panel.status.value)


def n_rows(layer: Labels) -> int:
    return int(layer.features["area"].notna().sum())


@pytest.mark.parametrize("is_later", [False, True], ids=["before", "after"])
def test_a_slider_is_no_correction_to_another_widget(
    window: Window, is_later: bool
) -> None:
    first = window.open_widget()
    second = first if is_later else window.open_widget()
    layer = window.segment(first)
    second = window.open_widget() if is_later else second
    window.move_slider(first, 0.9)
    assert n_rows(layer) == 1
    assert "corrected_by_hand" not in layer.metadata
    assert "command" in layer.metadata
    assert layer.features["probability"].notna().sum() == 1
    assert "corrected" not in status(second)


def test_each_widget_tells_of_corrections(window: Window) -> None:
    first, second = window.open_widget(), window.open_widget()
    layer = window.segment(first)
    layer.fill((30, 60), 0)
    assert status(first) == "1 nucleus in cells nuclei · corrected: 1 removed"
    assert status(second) == status(first)
    copy = window.viewer.add_layer(Labels(**layer_arguments(layer)))
    copy.fill((30, 100), 0)
    assert status(first).startswith(f"0 nuclei in {copy.name}")
    assert status(second) == status(first)


def layer_arguments(layer: Labels) -> dict[str, Any]:
    return {
        "data": layer.data.copy(),
        "features": layer.features.copy(),
        "metadata": dict(layer.metadata),
        "name": f"{layer.name} copy",
    }


def test_another_widget_takes_over_from_one_that_is_gone(window: Window) -> None:
    first, second = window.open_widget(is_closed=False), window.open_widget()
    layer = window.segment(first)
    first.native.deleteLater()
    QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    layer.fill((30, 60), 0)
    assert n_rows(layer) == 1
    assert status(second) == "1 nucleus in cells nuclei · corrected: 1 removed"


def test_a_run_of_a_new_widget_leaves_corrections_of_a_closed_one(
    window: Window,
) -> None:
    first = window.open_widget()
    corrected = window.segment(first)
    corrected.fill((30, 60), 0)
    found = corrected.data.copy()
    second = window.open_widget()
    window.segment(second)
    window.move_slider(second, 0.9)
    np.testing.assert_array_equal(corrected.data, found)
    assert corrected.metadata["corrected_by_hand"] == "1 removed"


def test_a_table_catches_up_with_edits_while_no_widget_was_open(
    window: Window,
) -> None:
    first = window.open_widget(is_closed=False)
    layer = window.segment(first)
    first.native.deleteLater()
    QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    layer.fill((30, 60), 0)
    layer.data[50:53, 10:14] = 7
    probability = layer.features["probability"].iloc[2]
    second = window.open_widget()
    table = layer.features
    assert n_rows(layer) == 2
    assert table["area"].iloc[7] == 12
    assert table["centroid_y"].iloc[7] == 51
    assert table["mean_intensity"].iloc[7] == 0
    assert np.isnan(table["probability"].iloc[7])
    assert table["probability"].iloc[2] == probability
    assert layer.metadata["corrected_by_hand"] == "1 added, 1 removed"
    assert "command" not in layer.metadata
    layer.fill((50, 10), 0)
    assert n_rows(layer) == 1
    assert status(second).startswith("1 nucleus in cells nuclei")


def test_a_copy_is_measured_in_its_image_whatever_that_is_called(
    window: Window, image: NDArray[np.uint8]
) -> None:
    widget = window.open_widget()
    layer = window.segment(widget)
    window.viewer.layers[0].name = "renamed"
    window.viewer.add_image(255 - image, name="cells")
    copied = layer_arguments(layer)
    window.viewer.layers.remove(layer)
    copy = window.viewer.add_layer(Labels(**copied))
    copy.paint((60, 5), 9)
    assert copy.features["mean_intensity"].iloc[9] == 0
