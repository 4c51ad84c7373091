"""What the widgets take in napari's window, where plugins get proxies of layers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray
    from pytestqt.qtbot import QtBot


def test_the_active_image_is_taken_and_its_channels_last_are_seen(
    make_napari_viewer: Callable[..., Any],
    open_widget: Callable[[Any, str], Any],
    qtbot: QtBot,
    image: NDArray[np.uint8],
    make_model: Callable[..., Path],
    engine: Any,
) -> None:
    make_model("tiny")
    viewer = make_napari_viewer()
    widget = open_widget(viewer, "Segment nuclei")
    viewer.add_image(image, name="first")
    viewer.add_image(image, name="second")
    assert widget.image.layer.name == "second"
    viewer.layers.selection.active = viewer.layers["first"]
    assert widget.image.layer.name == "first"

    viewer.layers.clear()
    viewer.add_image(np.stack([image] * 3, -1), rgb=False, name="yxc")
    understood = "YXC, 64 × 128 px; 3 channels as colours"
    assert widget.axes.words.value.startswith(f"{understood}. The canvas shows its ch")
    widget.panel.run_button.native.click()
    qtbot.waitUntil(lambda: not widget.panel.is_running)
    assert viewer.layers["yxc nuclei"].data.shape == (64, 128, 1)
    assert viewer.dims.displayed == (0, 1)
    assert engine.n_calls == 1
    assert widget.axes.words.value == understood

    qtbot.keyClicks(widget.axes.field.native, "q")
    assert widget.axes.words.value.endswith("write Z or T for a stack, C for channels.")
    qtbot.keyClicks(widget.axes.field.native, "\b")
    assert widget.axes.words.value.startswith("YXC")


def test_two_samples_are_not_mixed_up_for_training(
    make_napari_viewer: Callable[..., Any],
    open_widget: Callable[[Any, str], Any],
    make_model: Callable[..., Path],
) -> None:
    make_model("tiny")
    viewer = make_napari_viewer()
    viewer.open_sample("napari-unet-nuclei", "ihc")
    viewer.open_sample("napari-unet-nuclei", "synthetic_nuclei")
    viewer.layers.selection.active = viewer.layers["synthetic fluorescence"]
    widget = open_widget(viewer, "Fine-tune on labels")
    assert widget.image.layer.name == "synthetic fluorescence"
    assert widget.annotations.layer.name == "synthetic fluorescence, ground truth"
    viewer.layers.selection.active = viewer.layers["immunohistochemistry"]
    assert widget.image.layer.name == "immunohistochemistry"
    widget.panel.run_button.native.click()
    assert not widget.panel.is_running
    assert "Train on this pair?" in widget.panel.status.value
    viewer.layers.selection.active = viewer.layers[-1]
    assert widget.image.layer.name == "synthetic fluorescence"
    assert widget.pair.words.value == "These labels come from 'synthetic fluorescence'."
