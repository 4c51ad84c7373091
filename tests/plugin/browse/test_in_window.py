"""Browsing in napari's own window, beside the Segment widget."""

from __future__ import annotations

import gc
import time
import weakref
from typing import TYPE_CHECKING, Any

import numpy as np
import tifffile
from napari.layers import Image, Labels
from napari.utils.shortcuts import default_shortcuts
from qtpy.QtCore import QTimer
from qtpy.QtGui import QCloseEvent
from scipy import ndimage

from napari_unet_nuclei.core.browsing.results import ImageState
from napari_unet_nuclei.plugin.browse.widget import BrowseWidget
from napari_unet_nuclei.plugin.shared.label_files import read_label_file

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import pytest
    from numpy.typing import NDArray
    from pytestqt.qtbot import QtBot

    from plugin.browse.conftest import Walk

N_IMAGES = 20


def write_discs(folder: Path, n_images: int) -> list[NDArray[np.uint8]]:
    """Write images of a disc that is elsewhere in each."""
    folder.mkdir()
    images = []
    y, x = np.ogrid[:64, :128]
    for number in range(n_images):
        pixels = np.zeros((64, 128), np.uint8)
        pixels[(y - 30) ** 2 + (x - 20 - 3 * number) ** 2 < 100] = 200
        tifffile.imwrite(folder / f"{number:02}.tif", pixels)
        images.append(pixels)
    return images


def count_layers() -> int:
    """Count the images and labels that are in memory, shown or not."""
    gc.collect()
    return sum(isinstance(each, Image | Labels) for each in gc.get_objects())


def test_twenty_images_and_back_with_corrections_in_between(
    open_walk: Callable[[], Walk],
    open_widget: Callable[[Any, str], Any],
    make_model: Callable[..., Path],
    engine: Any,
    qtbot: QtBot,
    tmp_path: Path,
) -> None:
    make_model("tiny")
    images = write_discs(tmp_path / "cells", N_IMAGES)
    n_before = count_layers()
    walk = open_walk()
    segment = open_widget(walk.viewer, "Segment nuclei")
    segment.min_area.value = 12
    walk.open(tmp_path / "cells")
    drawn, layers = [], []
    for number, pixels in enumerate(images):
        assert segment.image.layer.unique_id == walk.image.unique_id
        segment.panel.run_button.native.click()
        qtbot.waitUntil(lambda: not segment.panel.is_running, timeout=30_000)
        layer = walk.draw(50, place=40)
        drawn.append(layer.data.copy())
        layers.append(weakref.ref(layer))
        assert ndimage.label(pixels)[1] == 1
        assert sorted(np.unique(layer.data)) == [0, 1, 50]
        assert len(walk.viewer.layers) == 2
        if number + 1 < N_IMAGES:
            walk.next()
    assert segment.min_area.value == 12
    for number in reversed(range(N_IMAGES - 1)):
        walk.previous()
        assert len(walk.viewer.layers) == 2
        np.testing.assert_array_equal(walk.labels[0].data, drawn[number])
        np.testing.assert_array_equal(walk.image.data, images[number])
    walk.wait_for_saving()
    assert walk.states == [ImageState.CORRECTED] * N_IMAGES
    del layer
    # Of other tests, layers may be alive.
    assert count_layers() - n_before <= 6
    assert sum(each() is not None for each in layers) <= 2
    results = tmp_path / "cells_results"
    assert len(list(results.glob("*_masks.tif"))) == N_IMAGES
    data, kwargs, _ = read_label_file(str(results / "07_masks.tif"))
    np.testing.assert_array_equal(data, drawn[7])
    assert kwargs["metadata"]["model"] == "tiny"


def test_a_large_image_does_not_hold_up_the_window(
    open_walk: Callable[[], Walk], tmp_path: Path, qtbot: QtBot
) -> None:
    folder = tmp_path / "large"
    folder.mkdir()
    pixels = np.random.default_rng(0).integers(0, 4000, (3200, 3200), np.uint16)
    for name in "ab":
        tifffile.imwrite(folder / f"{name}.tif", pixels, compression="zlib")
    assert pixels.nbytes > 20e6
    walk = open_walk()
    walk.open(folder)
    other = pixels[::-1].copy()

    def add() -> None:
        walk.viewer.layers.remove(walk.viewer.add_image(other))

    own = longest_turn(qtbot, add, lambda: len(walk.viewer.layers) == 1)
    ours = longest_turn(
        qtbot, walk.widget.next_button.click, lambda: walk.browser.way.current == 1
    )
    # What is left is napari's own: a texture of 20 MB, drawn without a graphics card.
    assert ours < 1.5 * own + 0.1


def longest_turn(
    qtbot: QtBot, act: Callable[[], object], is_over: Callable[[], bool]
) -> float:
    """Measure how long the window does not react while something is done."""
    qtbot.wait(300)
    turns = [time.perf_counter()]
    timer = QTimer()
    timer.timeout.connect(lambda: turns.append(time.perf_counter()))
    timer.start(2)
    act()
    qtbot.waitUntil(is_over, timeout=60_000)
    qtbot.wait(300)
    timer.stop()
    return float(np.diff(turns).max())


def test_closing_the_window_saves(
    open_walk: Callable[[], Walk], make_images: Callable[..., Path]
) -> None:
    folder = make_images()
    walk = open_walk()
    walk.open(folder)
    drawn = walk.draw(3).data.copy()
    closing = walk.widget._closing
    assert closing is not None
    closing.eventFilter(None, QCloseEvent())  # what the window gets first
    data, _, _ = read_label_file(str(folder.with_name("cells_results") / "a_masks.tif"))
    np.testing.assert_array_equal(data, drawn)


def test_closing_the_dock_saves(
    open_walk: Callable[[], Walk], make_images: Callable[..., Path], qtbot: QtBot
) -> None:
    folder = make_images()
    walk = open_walk()
    walk.open(folder)
    drawn = walk.draw(3).data.copy()
    walk.viewer.window.remove_dock_widget(walk.widget)
    path = folder.with_name("cells_results") / "a_masks.tif"
    qtbot.waitUntil(path.exists)
    data, _, _ = read_label_file(str(path))
    np.testing.assert_array_equal(data, drawn)


def test_the_keys_are_none_of_naparis(
    open_walk: Callable[[], Walk], make_images: Callable[..., Path]
) -> None:
    walk = open_walk()
    walk.open(make_images())
    buttons = (walk.widget.previous_button, walk.widget.next_button)
    ours = [each.shortcut().toString() for each in (*buttons, walk.widget.done_box)]
    assert ours == ["Ctrl+PgUp", "Ctrl+PgDown", "Ctrl+Return"]
    taken = {str(key) for keys in default_shortcuts.values() for key in keys}
    assert "Ctrl+R" in taken
    assert taken.isdisjoint({"Ctrl+PageUp", "Ctrl+PageDown", "Ctrl+Enter"})


def test_the_next_image_costs_no_search_of_all_objects(
    open_walk: Callable[[], Walk], make_images: Callable[..., Path]
) -> None:
    """What napari collects with each removed layer is that of the images alone."""
    walk = open_walk()
    walk.open(make_images())
    assert gc.get_freeze_count() > 50_000
    shown = weakref.ref(walk.viewer.layers[0])
    walk.next()
    walk.next()
    assert len(gc.get_objects()) < 100_000
    assert shown() is None
    walk.viewer.layers.remove(walk.image)
    assert gc.get_freeze_count() == 0


def test_images_without_labels_are_segmented_when_opened(
    open_walk: Callable[[], Walk],
    make_model: Callable[..., Path],
    engine: Any,
    qtbot: QtBot,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """By a Segment widget that opens by itself; hasty steps segment only the last."""
    monkeypatch.setenv("NAPARI_CONFIG", str(tmp_path / "settings.yaml"))
    make_model("tiny")
    write_discs(tmp_path / "cells", 4)
    walk = open_walk()
    monkeypatch.setattr("napari.current_viewer", lambda: walk.viewer)
    assert not walk.widget.segment_box.isChecked()
    walk.widget.segment_box.click()
    walk.open(tmp_path / "cells")

    def is_segmented(name: str) -> bool:
        names = [layer.name for layer in walk.viewer.layers]
        return names == [name, f"{name} nuclei"]

    qtbot.waitUntil(lambda: is_segmented("00"), timeout=30_000)
    walk.next()
    qtbot.waitUntil(lambda: is_segmented("01"), timeout=30_000)
    walk.widget.next_button.click()
    walk.widget.next_button.click()
    qtbot.waitUntil(lambda: is_segmented("03"), timeout=30_000)
    results = tmp_path / "cells_results"
    assert sorted(path.name for path in results.glob("*.tif")) == [
        "00_masks.tif",
        "01_masks.tif",
    ]
    before = walk.viewer.layers[1].data.copy()
    walk.previous()
    walk.next()  # has labels by now, which stay
    np.testing.assert_array_equal(walk.labels[0].data, before)
    other = BrowseWidget(walk.viewer)
    qtbot.addWidget(other)
    assert other.segment_box.isChecked()  # remembered
    other.browser.save_now()
