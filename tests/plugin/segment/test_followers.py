"""Several widgets at once, and one after another, about the same labels layers."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from napari.components import ViewerModel
from napari.layers import Labels
from qtpy.QtCore import QEvent
from qtpy.QtWidgets import QApplication

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    from plugin.segment.conftest import Scene


@pytest.fixture
def viewer(image: NDArray[np.uint8]) -> ViewerModel:
    """Return a viewer with an image."""
    viewer = ViewerModel()
    viewer.add_image(image, name="cells")
    return viewer


@pytest.fixture
def open_widget(
    viewer: ViewerModel,
    open_scene: Callable[..., Scene],
    make_model: Callable[..., Path],
) -> Callable[..., Scene]:
    """Return what opens one more widget on the viewer."""
    make_model("tiny", threshold=0.45)
    return partial(open_scene, viewer)


def n_rows(layer: Labels) -> int:
    return int(layer.features["area"].notna().sum())


@pytest.mark.parametrize("is_later", [False, True], ids=["before", "after"])
def test_a_slider_is_no_correction_to_another_widget(
    open_widget: Callable[..., Scene], is_later: bool
) -> None:
    first = open_widget()
    second = first if is_later else open_widget()
    layer = first.segment()
    second = open_widget() if is_later else second
    first.move_slider(0.9)
    assert n_rows(layer) == 1
    assert "corrected_by_hand" not in layer.metadata
    assert "command" in layer.metadata
    assert layer.features["probability"].notna().sum() == 1
    assert "corrected" not in second.status


def test_each_widget_tells_of_corrections(
    viewer: ViewerModel, open_widget: Callable[..., Scene]
) -> None:
    first, second = open_widget(), open_widget()
    layer = first.segment()
    layer.fill((30, 60), 0)
    assert first.status == "1 nucleus in cells nuclei · corrected: 1 removed"
    assert second.status == first.status
    copy = viewer.add_layer(Labels(**layer_arguments(layer)))
    copy.fill((30, 100), 0)
    assert first.status.startswith(f"0 nuclei in {copy.name}")
    assert second.status == first.status


def layer_arguments(layer: Labels) -> dict[str, Any]:
    return {
        "data": layer.data.copy(),
        "features": layer.features.copy(),
        "metadata": dict(layer.metadata),
        "name": f"{layer.name} copy",
    }


def test_another_widget_takes_over_from_one_that_is_gone(
    open_widget: Callable[..., Scene],
) -> None:
    first, second = open_widget(is_closed=False), open_widget()
    layer = first.segment()
    first.widget.native.deleteLater()
    QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    layer.fill((30, 60), 0)
    assert n_rows(layer) == 1
    assert second.status == "1 nucleus in cells nuclei · corrected: 1 removed"


def test_a_run_of_a_new_widget_leaves_corrections_of_a_closed_one(
    open_widget: Callable[..., Scene],
) -> None:
    first = open_widget()
    corrected = first.segment()
    corrected.fill((30, 60), 0)
    found = corrected.data.copy()
    second = open_widget()
    second.segment()
    second.move_slider(0.9)
    np.testing.assert_array_equal(corrected.data, found)
    assert corrected.metadata["corrected_by_hand"] == "1 removed"


def test_a_table_catches_up_with_edits_while_no_widget_was_open(
    open_widget: Callable[..., Scene],
) -> None:
    first = open_widget(is_closed=False)
    layer = first.segment()
    first.widget.native.deleteLater()
    QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    layer.fill((30, 60), 0)
    layer.data[50:53, 10:14] = 7
    probability = layer.features["probability"].iloc[2]
    second = open_widget()
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
    assert second.status.startswith("1 nucleus in cells nuclei")


def test_a_copy_is_measured_in_its_image_whatever_that_is_called(
    viewer: ViewerModel, open_widget: Callable[..., Scene], image: NDArray[np.uint8]
) -> None:
    layer = open_widget().segment()
    viewer.layers[0].name = "renamed"
    viewer.add_image(255 - image, name="cells")
    copied = layer_arguments(layer)
    viewer.layers.remove(layer)
    copy = viewer.add_layer(Labels(**copied))
    copy.paint((60, 5), 9)
    assert copy.features["mean_intensity"].iloc[9] == 0
