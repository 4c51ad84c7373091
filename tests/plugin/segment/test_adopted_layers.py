"""Copies of results and labels from earlier sessions are followed too."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from napari.components import ViewerModel
from napari.layers import Labels

from napari_unet_nuclei.core.instances.measurements import measure_nuclei
from napari_unet_nuclei.plugin.shared.layers import set_features

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from napari.layers import Image
    from numpy.typing import NDArray

    from plugin.segment.conftest import Scene


def test_a_duplicate_follows_its_own_edits(scene: Scene, cells: Image) -> None:
    layer = scene.segment()
    layer.fill((30, 60), 0)
    data, state, kind = layer.as_layer_data_tuple()
    copy = Labels(data.copy(), **(state | {"name": "copy"}))
    assert kind == "labels"
    scene.viewer.add_layer(copy)
    assert copy.features.index.name == "label"
    copy.brush_size = 6
    copy.paint((5, 60), 9)
    scene.assert_follows(copy, cells.data)
    assert copy.metadata["corrected_by_hand"] == "1 removed; then 1 added"
    assert "command" not in copy.metadata
    scene.assert_follows(layer, cells.data)
    assert layer.metadata["corrected_by_hand"] == "1 removed"


def test_labels_from_an_earlier_session_are_followed(
    image: NDArray[np.uint8],
    make_model: Callable[..., Path],
    open_scene: Callable[..., Scene],
) -> None:
    make_model("tiny")
    viewer = ViewerModel()
    viewer.add_image(image, name="cells")
    labels = (image > 100).astype(np.int32)
    features = measure_nuclei(labels, image, image / 255)
    layer = viewer.add_labels(labels, metadata={"model": "tiny", "image": "cells"})
    set_features(layer, features)
    open_scene(viewer)
    layer.data[2:4, 20:24] = 2
    layer.refresh()
    assert layer.features["area"].tolist()[1:] == [(image > 100).sum(), 8]
    assert layer.features["mean_intensity"][2] == 0
    assert np.isnan(layer.features["probability"][2])


def test_a_slider_says_that_it_needs_a_run_where_labels_were_found_earlier(
    image: NDArray[np.uint8],
    make_model: Callable[..., Path],
    open_scene: Callable[..., Scene],
) -> None:
    make_model("tiny")
    viewer = ViewerModel()
    viewer.add_image(image, name="cells")
    scene = open_scene(viewer)
    scene.move_slider(0.4)
    assert scene.status == ""
    labels = (image > 100).astype(np.int32)
    layer = viewer.add_labels(labels, metadata={"model": "tiny", "image": "cells"})
    scene.move_slider(0.6)
    assert "press Segment first" not in scene.status  # its table is not ours
    set_features(layer, measure_nuclei(labels, image, image / 255))
    viewer.layers.remove(layer)
    viewer.add_layer(layer)
    scene.move_slider(0.3)
    assert scene.status == (
        "Sliders act on the maps of a run, which are gone: press Segment first."
    )
    assert np.array_equal(layer.data, labels)
