"""Folders of images, and a user who walks through them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import tifffile
from napari.components import ViewerModel
from napari.layers import Image, Labels

from napari_unet_nuclei.plugin.browse import browser as browsing
from napari_unet_nuclei.plugin.browse.widget import BrowseWidget

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray
    from pytestqt.qtbot import QtBot

    from napari_unet_nuclei.core.browsing.results import ImageState

NAMES = ("a", "b", "c")


class Walk:
    """The widget on a viewer, and what a user does with it."""

    def __init__(self, widget: BrowseWidget, viewer: Any, qtbot: QtBot) -> None:
        self.widget, self.viewer, self._qtbot = widget, viewer, qtbot
        self.browser = widget.browser

    def wait(self) -> None:
        """Wait until all is read and saved."""
        browser = self.browser
        self._qtbot.waitUntil(
            lambda: not browser.is_busy and browser.way.target is None, timeout=30_000
        )

    def wait_for_saving(self) -> None:
        self._qtbot.waitUntil(
            lambda: not self.browser.is_busy and not self.browser.is_unsaved,
            timeout=30_000,
        )

    def open(self, folder: Path, results: Path | None = None) -> None:
        self.widget.open(folder, results)
        self.wait()

    def next(self) -> None:
        self.widget.next_button.click()
        self.wait()

    def previous(self) -> None:
        self.widget.previous_button.click()
        self.wait()

    def draw(self, number: int, place: int = 5) -> Labels:
        """Draw a nucleus into the labels of the image, which may be new."""
        if not self.labels:
            self.viewer.add_labels(np.zeros(self.image.data.shape[:2], np.int32))
        layer = self.labels[-1]
        self.viewer.layers.selection.active = layer
        layer.data_setitem(tuple(np.mgrid[place : place + 4, 5:9]), number)
        return layer

    @property
    def image(self) -> Image:
        (image,) = (each for each in self.viewer.layers if isinstance(each, Image))
        return image

    @property
    def labels(self) -> list[Labels]:
        return [each for each in self.viewer.layers if isinstance(each, Labels)]

    @property
    def name(self) -> str:
        row = self.browser.row
        assert row is not None
        return row.image.name

    @property
    def states(self) -> list[ImageState]:
        return [row.progress.state for row in self.browser.model.rows]

    @property
    def status(self) -> str:
        return str(self.widget.status.value)


@pytest.fixture(autouse=True)
def _later(monkeypatch: pytest.MonkeyPatch) -> None:
    """Save by itself only where a test wants that."""
    monkeypatch.setattr(browsing, "QUIET_MS", 3_600_000)


@pytest.fixture
def walk(qtbot: QtBot) -> Walk:
    """Return the widget on a viewer without a window."""
    viewer = ViewerModel()
    widget = BrowseWidget(viewer)
    qtbot.addWidget(widget)
    return Walk(widget, viewer, qtbot)


@pytest.fixture
def open_walk(
    make_napari_viewer: Callable[..., Any],
    open_widget: Callable[[Any, str], Any],
    qtbot: QtBot,
) -> Callable[[], Walk]:
    """Return what opens the widget the way napari's menu does."""

    def open_it() -> Walk:
        viewer = make_napari_viewer(show=True)
        widget = open_widget(viewer, "Browse images")
        assert isinstance(widget, BrowseWidget)
        return Walk(widget, viewer, qtbot)

    return open_it


@pytest.fixture
def make_images(tmp_path: Path) -> Callable[..., Path]:
    """Return what makes a folder of images."""

    def make(*names: str, shape: tuple[int, ...] = (40, 60)) -> Path:
        folder = tmp_path / "cells"
        folder.mkdir(exist_ok=True)
        for number, name in enumerate(names or NAMES):
            tifffile.imwrite(folder / f"{name}.tif", noise(number, shape))
        return folder

    return make


def noise(seed: int, shape: tuple[int, ...]) -> NDArray[np.uint16]:
    return np.random.default_rng(seed).integers(0, 4000, shape, np.uint16)
